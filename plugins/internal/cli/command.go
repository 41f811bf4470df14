// Package cli is the shell around every command of the suite.
//
// A plugin declares its commands once, as an App of Commands with their flags
// and arguments, and calls Main:
//
//	func Main() int { return cli.Main(app()) }
//
// Parsing, help, errors and exit codes follow from the declaration. The
// package guarantees that flags are taken anywhere on the line, that nothing
// runs when --help was asked for, that every value is validated (and a jq
// expression compiled) before a command runs, that stdout carries data alone,
// and that an error is printed once, in the form in which the command was
// typed. It is the only package that imports urfave/cli.
//
// # Completion
//
// Every program answers a hidden first argument, before anything else runs:
//
//	fal-runners __complete [--shell bash|zsh|fish] -- WORD... CURRENT
//	fal-runners __complete --shell bash|fish --line LINE [--word TEXT]
//
// The words are those behind the program's name, without their quotes; the last
// is the one being completed and may be empty. A shell that cannot take quotes
// off without evaluating passes the line as it was typed, up to the cursor. What
// is printed are lines of a value, which replaces the whole word, a tab and a
// description, which may be empty; then one last line that says what the shell
// is to do besides:
//
//	:none                  nothing
//	:nospace               put no space behind the value
//	:files [PATTERN...]    offer files, those that match and folders
//	:dirs                  offer folders
//
// (as in ":nospace files"). For --line in bash a value is what readline is to
// insert for TEXT, quoted as the line is at that place, and has no description.
// The exit code is always 0, nothing is written to stderr, no answer takes
// longer than CompletionBound, and values that could not be inserted in a line
// of a terminal, since they hold control characters, are left out. Nothing that
// was typed and nothing that the service calls its own is ever evaluated.
package cli

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

// App is a whole program: a tree of commands under one noun.
type App struct {
	Name        string // of the binary: "fal-runners"
	Noun        string // behind `fal`: "runners"; empty for the dispatcher itself
	Summary     string // one line, without a full stop
	Description string
	Commands    []*Command
	// Account adds --profile, --team and --host to every command.
	Account bool
	// CompileJQ compiles the expression of --jq. Without it there is no --jq,
	// and the binary does not link the interpreter.
	CompileJQ output.Compiler
	// CompleteFlags completes the flags that the app adds to its commands, by
	// their long names: "profile", "team", "env". Optional.
	CompleteFlags map[string]Completer
	// Overview adds sections to the help of the app itself, before its own
	// commands. Optional.
	Overview func() []HelpSection
}

// OutputKind says what a command prints when nobody asked for a format.
type OutputKind int

const (
	// NoOutput commands have no output flags.
	NoOutput OutputKind = iota
	// Records are a table on a terminal and JSON in a pipe.
	Records
	// Text commands print text in a pipe too, and JSON when asked.
	Text
)

// Command is a verb, or a group of them.
type Command struct {
	Name        string
	Aliases     []string
	Summary     string // one sentence, without a full stop
	Description string // what else must be known before use
	Hidden      bool
	// Default is the command of a line that names none; its name is not shown.
	// At most one of an app's own commands has it.
	Default  bool
	Args     []Arg
	Flags    []*Flag
	Examples []Example
	Sub      []*Command
	Output   OutputKind
	// Single says that one record is printed, which has no name to print.
	Single bool
	// JSON is a zero value of the contract struct that the command prints as
	// JSON; help lists its keys.
	JSON any
	// Record is a zero value of what a line of -o jsonl has, where that is not
	// what the only list in JSON has. Optional.
	Record any
	// Stream says when records come one by one, each for itself. Optional.
	Stream Stream
	// Environment adds --env.
	Environment bool
	// Verbose is what --verbose does besides, as in "show the whole log". Optional.
	Verbose string
	// Waits says, once the flags are parsed, that the command may take longer
	// than DefaultTimeout. It counts for an app without Account: elsewhere each
	// request is bounded by itself, and the whole by --timeout alone.
	Waits func() bool
	// Lasts says, once the flags are parsed, that the command goes on after
	// its first answer for as long as that takes: then --timeout bounds what
	// RequestContext is used for, and nothing bounds the whole.
	Lasts func() bool
	Run   func(ctx context.Context, inv *Invocation) error
}

// Stream is what a command prints when it goes on.
type Stream struct {
	Flag string // the switch with which it does, by its long name
	// Record is a zero value of what it prints one by one then; without it, the
	// lines of -o jsonl.
	Record any
}

// Arg is a positional argument.
type Arg struct {
	Name     string // "ID"
	Usage    string
	Value    Value
	Optional bool
	Repeat   bool // takes all that follow
	// Verbatim is a Repeat that is a command line of another program. A flag
	// behind its first word is refused unless it stands behind `--`: it could
	// be ours or the program's.
	Verbatim bool
	Complete Completer // optional
}

// Flag is an option of a command.
type Flag struct {
	Name        string
	Aliases     []string // a single letter is a short flag
	Usage       string
	Placeholder string // of the value: "STATE"
	Group       string // heading in the help; empty for the command's own
	Values      []string
	// Greedy flags take several values: up to the next flag, or, when Values
	// is a closed set, up to the first word that is not one of them. Members
	// of a closed set may also be joined with commas.
	Greedy bool
	// Arity is the number of words that a value takes, 1 unless set; they
	// reach Value joined by ArgSeparator.
	Arity  int
	Hidden bool
	Value  Value
	// Complete completes the value; Values need none.
	Complete Completer
}

// ArgSeparator joins the words of a flag whose Arity is above 1. It can not
// occur in an argument.
const ArgSeparator = "\x00"

// Example is a line that can be pasted, and what it does.
type Example struct {
	Comment string
	Line    string // begins with "fal "
}

// HelpSection is a part of a help text: a heading and lines.
type HelpSection struct {
	Title string
	Rows  [][2]string
}

// Invocation is one run of a command: what its run function gets.
type Invocation struct {
	IO      *iostreams.Streams
	Getenv  func(string) string
	App     *App
	Command *Command
	// Printer prints records and values in the format that was asked for.
	Printer *output.Printer
	Format  output.Format

	Profile, Team, Host string // flags of the account; empty when not given
	Environment         string // --env; empty when not given
	Verbose, Debug      bool
	// Timeout is --timeout; 0 when not given.
	Timeout time.Duration
	// DashAt is the number of arguments before `--`, or -1 without one.
	DashAt int

	typed string // "fal runners" or "fal-runners"
	lasts bool
	line  line
	done  []string
}

// Again returns this command line with more words, to be pasted: every flag
// and argument as it was understood, quoted for a shell.
func (inv *Invocation) Again(more ...string) string {
	words := []string{inv.typed}
	words = append(words, names(inv.line.path)...)
	for _, g := range inv.line.flags {
		switch {
		case g.flag.Value.kind() == kindBool && g.value == "true":
			words = append(words, "--"+g.flag.Name)
		case g.flag.Arity > 1:
			words = append(words, "--"+g.flag.Name)
			for v := range strings.SplitSeq(g.value, ArgSeparator) {
				words = append(words, Quote(v))
			}
		default:
			words = append(words, "--"+g.flag.Name+"="+Quote(g.value))
		}
	}
	words = append(words, more...)
	if len(inv.line.args) > 0 {
		words = append(words, "--")
	}
	for _, a := range inv.line.args {
		words = append(words, Quote(a))
	}
	return strings.Join(words, " ")
}

// Typed returns the words that start a command line for this app, as the user
// typed them: "fal runners" through the dispatcher, else "fal-runners".
func (inv *Invocation) Typed() string { return inv.typed }

// DefaultTimeout bounds a single request when --timeout is not given. A
// question to the user is never bounded by it.
const DefaultTimeout = 60 * time.Second

// RequestContext bounds one request of a command whose whole run may take
// longer.
func (inv *Invocation) RequestContext(ctx context.Context) (context.Context, context.CancelFunc) {
	if inv.Timeout > 0 && !inv.lasts {
		return context.WithCancel(ctx) // the whole command is bounded already
	}
	return context.WithTimeout(ctx, cmp.Or(inv.Timeout, DefaultTimeout))
}
