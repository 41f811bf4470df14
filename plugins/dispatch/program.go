package dispatch

import (
	"errors"
	"io/fs"
	"os"
	"runtime"

	"github.com/fal-plugins/fal/plugins/internal/installed"
	"github.com/fal-plugins/fal/plugins/internal/invocation"
)

// Program is a program to become.
type Program struct {
	// Path is absolute. The program gets it as its argument zero.
	Path string
	// Args are the arguments after argument zero.
	Args []string
	// Env is the whole environment, as NAME=value.
	Env []string
}

// Plugin returns the program for a match with these arguments. Its
// environment is the dispatcher's, with what was typed added as package
// invocation describes it.
func (d *Dispatcher) Plugin(match Match, args []string) Program {
	environ := without(d.env.Environ, invocation.Variable)
	return Program{
		Path: match.Path,
		Args: args,
		Env:  append(environ, invocation.Setting(d.env.PID, match.Name, match.Typed)),
	}
}

// startError explains why a file could not be started. script says what is
// wrong with its first line, if anything is.
func (p Program) startError(cause error) *StartError {
	failure := &StartError{Path: p.Path, Cause: cause}
	problem := installed.ScriptProblem(p.Path)
	switch {
	case problem.Reason != "":
		failure.Reason = problem.Reason
		failure.hints = problem.Hints
	case errors.Is(cause, errNoFormat):
		failure.Reason = "it is neither a script that begins with #! nor a program for " + runtime.GOOS + "/" + runtime.GOARCH
		failure.hints = []string{"if it is a shell script, make #!/bin/sh its first line"}
	case errors.Is(cause, errTooLong):
		failure.Reason = "the arguments and the environment are larger than this system allows"
	case errors.Is(cause, fs.ErrPermission):
		failure.Reason = "permission denied"
		failure.hints = []string{"it needs the x bit, and a file system that is not mounted noexec"}
	case errors.Is(cause, fs.ErrNotExist) && isThere(p.Path):
		failure.Reason = "the loader or library that starts it is missing"
		failure.hints = []string{"it may have been built for another system or another C library"}
	default:
		failure.Reason = cause.Error()
	}
	return failure
}

func isThere(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
