package dispatch

import (
	"errors"
	"slices"

	"github.com/fal-plugins/fal/plugins/dispatch/alias"
	"github.com/fal-plugins/fal/plugins/internal/installed"
)

// aliases reads the user's aliases. Without a home folder there are none.
func (d *Dispatcher) aliases() (*alias.File, error) {
	if d.env.Home == "" {
		return &alias.File{}, nil
	}
	path := alias.Path(d.env.Home)
	f, err := alias.Read(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	return f, nil
}

func unreadable(path string, err error) error {
	failure := &UsageError{Message: "cannot read the aliases in " + installed.Shown(path) + ": " + err.Error()}
	var syntax *alias.SyntaxError
	if errors.As(err, &syntax) {
		failure.hints = []string{`a line of it looks like: idle = ["runners", "list", "--state", "idle"]`}
	}
	return failure
}

// expand puts the words that the first word stands for in its place. before
// are the aliases that have led to this line.
func (d *Dispatcher) expand(line Line, before []string) (args []string, is bool, err error) {
	f, err := d.aliases()
	if err != nil {
		return nil, false, err
	}
	name := line.Words[0]
	words, is := f.Find(name)
	if !is {
		return nil, false, nil
	}
	if slices.Contains(before, name) {
		return nil, false, &UsageError{
			Message: "the alias `" + name + "` leads back to itself",
			hints:   []string{"fal alias delete " + name},
		}
	}
	return slices.Concat(line.Globals, words, line.Words[1:], line.Rest), true, nil
}

// again runs this dispatcher with what an alias stands for, since its own
// commands read the arguments of the process. It happens once: the line begins
// with a command of fal now.
func (d *Dispatcher) again(args []string) (Route, error) {
	if d.env.Self == "" {
		return Route{}, &UsageError{Message: "this program can not find itself, to run what an alias stands for"}
	}
	return Route{Kind: Again, Program: Program{Path: d.env.Self, Args: args, Env: d.env.Environ}}, nil
}
