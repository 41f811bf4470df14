package dispatch

import (
	"slices"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/installed"
	"github.com/fal-plugins/fal/plugins/internal/suggest"
)

// Line is a command line, taken apart. Globals, Words and Rest put together
// are the arguments as they were.
type Line struct {
	// Globals are the flags before the first word, with their values.
	Globals []string
	// Words are the words up to the first argument that begins with "-".
	Words []string
	// Rest is everything after them.
	Rest []string
	// Own says that the line asks for the dispatcher itself: --help, -h or
	// --version stand before any word.
	Own bool
	// Verbose says that --verbose or -v is given somewhere before "--".
	Verbose bool
}

// globalFlag is a flag that every command has.
type globalFlag struct {
	name   string
	short  byte
	values int
}

const verboseFlag = "verbose"

func globalFlags() []globalFlag {
	shared := cli.SharedFlags()
	flags := make([]globalFlag, len(shared))
	for i, f := range shared {
		flags[i] = globalFlag{name: f.Name, values: f.Words()}
		for _, alias := range f.Aliases {
			flags[i].short = alias[0]
		}
	}
	return flags
}

// Split takes the arguments after the program's name apart. The flags that
// every command has may stand before the first word, written as they may be
// after it: --flag value, --flag=value, -o value, -ovalue, -vo value. A value
// begins with "-" only when it is joined to its flag, and for --arg and
// --argjson. Another flag, a flag without its value and "--" before the first
// word are a *UsageError.
func Split(args []string) (Line, error) {
	known := globalFlags()
	line := Line{Verbose: verbose(args)}
	at := 0
	for at < len(args) && strings.HasPrefix(args[at], "-") {
		if slices.Contains([]string{"--help", "-h", "--version"}, args[at]) {
			line.Own = true
			break
		}
		global, err := readGlobal(known, args[at:])
		if err != nil {
			return Line{}, err
		}
		line.Verbose = line.Verbose || global.verbose
		at += global.taken
	}
	words := at
	for words < len(args) && !strings.HasPrefix(args[words], "-") {
		words++
	}
	line.Globals = args[:at:at]
	line.Words = args[at:words:words]
	line.Rest = args[words:]
	return line, nil
}

// global is what one argument at the front of a line is, with the arguments
// that are its values.
type global struct {
	// taken is how many arguments it is made of.
	taken int
	// quiet are these arguments without --verbose.
	quiet []string
	// verbose says that the letter v is among others.
	verbose bool
}

func readGlobal(known []globalFlag, args []string) (global, error) {
	if strings.HasPrefix(args[0], "--") {
		name, _, joined := strings.Cut(args[0][2:], "=")
		flag, found := findFlag(known, func(f globalFlag) bool { return f.name == name })
		if !found {
			return global{}, unknownFlag(known, args[0])
		}
		taken, err := withValues(flag, args, joined)
		if err != nil || flag.name == verboseFlag {
			return global{taken: taken}, err
		}
		return global{taken: taken, quiet: args[:taken]}, nil
	}
	letters := args[0][1:]
	quiet := "-"
	verbose := false
	for letters != "" {
		letter := letters[0]
		flag, found := findFlag(known, func(f globalFlag) bool { return f.short == letter })
		if !found {
			break
		}
		letters = letters[1:]
		switch {
		case flag.values > 0:
			taken, err := withValues(flag, args, letters != "")
			if err != nil {
				return global{}, err
			}
			first := quiet + string(letter) + letters
			return global{taken: taken, quiet: slices.Concat([]string{first}, args[1:taken]), verbose: verbose}, nil
		case strings.HasPrefix(letters, "="):
			// -v=false, which ends the letters as a value does.
			return global{taken: 1}, nil
		default:
			// Of the letters only that of --verbose takes no value.
			verbose = true
		}
	}
	if letters != "" || !verbose {
		return global{}, unknownFlag(known, args[0])
	}
	return global{taken: 1, verbose: true}, nil
}

func findFlag(known []globalFlag, is func(globalFlag) bool) (globalFlag, bool) {
	if at := slices.IndexFunc(known, is); at >= 0 {
		return known[at], true
	}
	return globalFlag{}, false
}

// withValues returns how many arguments a flag at the front is, with its
// values; joined says that the first one is part of the flag's argument.
func withValues(flag globalFlag, args []string, joined bool) (int, error) {
	taken := 1 + flag.values
	if joined && flag.values > 0 {
		taken--
	}
	if taken > len(args) || flag.values == 1 && !joined && strings.HasPrefix(args[1], "-") && args[1] != "-" {
		return 0, missingValue(flag)
	}
	return taken, nil
}

// quietly returns flags that Split has accepted without --verbose.
func quietly(globals []string) []string {
	known := globalFlags()
	var quiet []string
	for len(globals) > 0 {
		read, err := readGlobal(known, globals)
		if err != nil {
			return append(quiet, globals...)
		}
		quiet = append(quiet, read.quiet...)
		globals = globals[read.taken:]
	}
	return quiet
}

func verbose(args []string) bool {
	for _, arg := range args {
		switch arg {
		case "--":
			return false
		case "-v", "--verbose", "--verbose=true":
			return true
		}
	}
	return false
}

func unknownFlag(flags []globalFlag, typed string) error {
	if typed == "--" {
		return &UsageError{Message: "-- before the name of a command"}
	}
	name, _, _ := strings.Cut(typed, "=")
	failure := &UsageError{Message: "unknown flag " + installed.Shown(name) + " before the name of a command"}
	names := make([]string, len(flags))
	for i, flag := range flags {
		names[i] = flag.name
	}
	if near := suggest.Nearest(strings.TrimLeft(name, "-"), names); near != "" {
		failure.hints = append(failure.hints, "did you mean --"+near+"?")
	}
	failure.hints = append(failure.hints, "flags of a command go after its name: fal <command> "+installed.Shown(name))
	return failure
}

// foreignFlags is the error of flags before a command that the official client
// answers: it has none there, and not all of ours at all.
func foreignFlags(flag, command string) error {
	return &UsageError{
		Message: installed.Shown(flag) + " before `" + command + "`, which is a command of the official client",
		hints:   []string{"put the official client's own flags behind the command", "FAL_PROFILE=NAME chooses a profile for both"},
	}
}

func missingValue(flag globalFlag) error {
	if flag.values == 2 {
		return &UsageError{Message: "--" + flag.name + " needs a name and a value"}
	}
	return &UsageError{
		Message: "--" + flag.name + " needs a value",
		hints:   []string{"a value that begins with - is written --" + flag.name + "=VALUE"},
	}
}
