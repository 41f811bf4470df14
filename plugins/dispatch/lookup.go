package dispatch

import (
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/cli"
)

// Match is a plugin that answers a command.
type Match struct {
	// Name is the name of the program without extension: fal-runners.
	Name string
	// Path is the program, absolute.
	Path string
	// Words is how many of the words name it; the rest are its arguments.
	Words int
	// Typed is what was typed for it: `fal runner`.
	Typed string
}

// Lookup finds the plugin for the leading words of a command, of which none
// may be a flag, as [installed.Finder.Find] does.
//
// The error is a *StartError when all that was found may not be executed, and
// an *UnknownCommandError without hints when nothing was found.
func (d *Dispatcher) Lookup(words []string) (Match, error) {
	if len(words) == 0 {
		return Match{}, &UnknownCommandError{}
	}
	program, found := d.finder.Find(words)
	switch {
	case found:
		return Match{
			Name:  program.Name,
			Path:  program.Path,
			Words: program.Words,
			Typed: "fal " + strings.Join(words[:program.Words], " "),
		}, nil
	case program.Path != "":
		return Match{}, notExecutable(program.Path)
	}
	return Match{}, &UnknownCommandError{Command: words[0]}
}

func notExecutable(path string) *StartError {
	return &StartError{
		Path:   path,
		Reason: "it may not be executed",
		hints:  []string{"chmod +x " + cli.Quote(path)},
	}
}
