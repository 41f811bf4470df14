// Package dispatch finds the program that a command line of fal is for, and
// becomes it.
//
//	d := dispatch.New(dispatch.FromProcess(), builtins)
//	route, err := d.Resolve(ctx, os.Args[1:])
//	// Own: the arguments are for fal itself. Otherwise:
//	code, err := route.Program.Exec()
//
// `fal a b c` runs the first of fal-a-b-c, fal-a-b and fal-a that exists in a
// folder of PATH or, failing that, beside fal itself, with the remaining
// arguments. What is guaranteed:
//
//   - To run a command no folder is opened or read: names are looked up
//     directly. Only List, and the search for what a misspelt word meant, read
//     folders.
//   - Entries of PATH that depend on the current folder are never used, and no
//     word of the command line leads out of the folders of PATH.
//   - On Unix the program takes the place of the process: the process id, the
//     terminal, signals and the exit code are its own. Elsewhere it is a child
//     that lives no longer than fal does.
//   - A command that no plugin answers, but the official client has, is handed
//     to that client when it is on PATH, with the arguments as typed. This
//     never goes in circles.
//   - An alias of the user counts where no command of fal, of a plugin or of the
//     official client has its name. The file of aliases is read then only, and
//     aliases that lead back to themselves are an error.
//   - Nothing unknown is run to learn about it: only programs that announce it
//     are asked what they are and how their words are completed, and all that one
//     completion asks takes half a second at most.
//
// The package has no state but what a Dispatcher is given.
package dispatch

import (
	"context"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/fal-plugins/fal/plugins/dispatch/ask"
	"github.com/fal-plugins/fal/plugins/internal/installed"
	"github.com/fal-plugins/fal/plugins/internal/searchpath"
)

// Environment is all that a Dispatcher knows of the process.
type Environment struct {
	// Path is the value of PATH.
	Path string
	// PathExt is the value of PATHEXT, which counts on Windows only.
	PathExt string
	// Self is the dispatcher's own executable, an absolute path, which may
	// lead through links. When it is empty, no plugin is looked for beside it
	// and nothing is handed to another fal.
	Self string
	// Environ is given to the programs that are run, as NAME=value.
	Environ []string
	// PID is the id of this process.
	PID int
	// Home is the user's home folder; without it there are no aliases.
	Home string
}

// FromProcess returns the environment of this process.
func FromProcess() Environment {
	// Without its own path the dispatcher still finds plugins on PATH.
	self, _ := os.Executable()
	home, _ := os.UserHomeDir()
	return Environment{
		Path:    os.Getenv("PATH"),
		PathExt: os.Getenv("PATHEXT"),
		Self:    self,
		Environ: os.Environ(),
		PID:     os.Getpid(),
		Home:    home,
	}
}

// Dispatcher finds programs for command lines. It is immutable and may be
// used from several goroutines.
type Dispatcher struct {
	env    Environment
	finder installed.Finder
	// patience is how long plugins of others are waited for.
	patience time.Duration
	// ask runs one of them for what it prints, as ask.Run does.
	ask func(ctx context.Context, path string, args, environ []string) (string, error)
}

// New returns a dispatcher that answers the given commands itself, and words
// that begin with two underscores.
func New(env Environment, builtins []installed.Builtin) *Dispatcher {
	return &Dispatcher{
		env:      env,
		finder:   installed.Finder{Path: searchpath.Parse(env.Path, env.PathExt), Self: env.Self, Builtins: builtins},
		patience: answerFor,
		ask:      ask.Run,
	}
}

// Kind says who answers a command line.
type Kind int

const (
	// Own is the dispatcher itself.
	Own Kind = iota
	// Plugin is a program found by Lookup.
	Plugin
	// Official is another fal on PATH, which has the command.
	Official
	// Again is the dispatcher itself with other arguments: what an alias of the
	// user stands for.
	Again
)

// Route is where a command line leads.
type Route struct {
	Kind Kind
	// Match is the plugin that was found; for Plugin only.
	Match Match
	// Program is what to run; for all but Own.
	Program Program
	// Notice is a line for stderr that says to whom the command is handed; for
	// Official only, and only when --verbose or -v was given.
	Notice string
}

// Resolve says who answers the arguments that follow the program's name.
//
// The flags that every command has may stand before the first word; a plugin
// gets them behind its own name, before everything else. The official client
// gets the arguments as they are, but for a -v or --verbose before the first
// word.
//
// Words of the user's own stand for what they were set to; what was typed
// before and behind such a word is kept there.
//
// Errors are *UsageError (2), *UnknownCommandError and *StartError (127). When
// ctx ends, so does the search for what a misspelt word meant, which also
// takes no longer than a second.
func (d *Dispatcher) Resolve(ctx context.Context, args []string) (Route, error) {
	if len(args) > 1 && (args[0] == "--help" || args[0] == "-h") && !strings.HasPrefix(args[1], "-") && !d.finder.IsBuiltin(args[1]) {
		args = append(slices.Clone(args[1:]), "--help") // help anywhere is that of the command
	}
	return d.resolve(ctx, args, nil)
}

// resolve is Resolve behind the aliases that have led to args.
func (d *Dispatcher) resolve(ctx context.Context, args, aliases []string) (Route, error) {
	line, err := Split(args)
	if err != nil {
		return Route{}, err
	}
	if !line.Own && len(line.Words) == 0 && len(line.Globals) > 0 {
		return Route{}, &UsageError{Message: "flags, and no command", hints: []string{"`fal help` lists the commands"}}
	}
	if line.Own || len(line.Words) == 0 || d.finder.IsBuiltin(line.Words[0]) {
		if len(aliases) > 0 {
			return d.again(args)
		}
		return Route{Kind: Own}, nil
	}
	match, err := d.Lookup(line.Words)
	if err == nil {
		return Route{Kind: Plugin, Match: match, Program: d.Plugin(match, line.arguments(match))}, nil
	}
	unknown, isUnknown := err.(*UnknownCommandError)
	if !isUnknown {
		return Route{}, err
	}
	noun, known := installed.FindNoun(line.Words[0])
	if !known {
		expanded, is, err := d.expand(line, aliases)
		if err != nil {
			return Route{}, err
		}
		if is {
			return d.resolve(ctx, expanded, append(aliases, line.Words[0]))
		}
	}
	args = line.withoutVerbose()
	client := d.client(args)
	if noun.Official && client.found() && len(quietly(line.Globals)) > 0 {
		return Route{}, foreignFlags(quietly(line.Globals)[0], line.Words[0])
	}
	if noun.Official && client.found() {
		route := Route{Kind: Official, Program: d.handOver(client, args)}
		if line.Verbose {
			route.Notice = "no plugin for `fal " + noun.Name + "`: handing the command to " + installed.Shown(client.path)
		}
		return route, nil
	}
	unknown.hints = d.hints(ctx, line.Words, client)
	return Route{}, unknown
}

// arguments are what a plugin gets.
func (l Line) arguments(match Match) []string {
	return slices.Concat(l.Globals, l.Words[match.Words:], l.Rest)
}

// withoutVerbose is what the official client gets. It has no such flag before
// its commands, and the one that was given is answered by the notice.
func (l Line) withoutVerbose() []string {
	return slices.Concat(quietly(l.Globals), l.Words, l.Rest)
}

// RefusedEntries returns the entries of PATH that are not used.
func (d *Dispatcher) RefusedEntries() []searchpath.Refusal {
	return slices.Clone(d.finder.Path.Refused)
}

// Shadowed says whether `fal` runs another program than this dispatcher. It
// reads no folder.
func (d *Dispatcher) Shadowed() (searchpath.Shadow, bool) {
	return d.finder.Shadowed()
}

// List finds what is installed, as [installed.Finder.List] does.
func (d *Dispatcher) List(ctx context.Context) (installed.Listing, error) { return d.finder.List(ctx) }
