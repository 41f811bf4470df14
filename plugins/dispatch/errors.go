package dispatch

import (
	"strconv"

	"github.com/fal-plugins/fal/plugins/internal/installed"
)

// Exit codes of the dispatcher itself; every other code is that of the
// program it became.
const (
	exitUsage = 2
	// exitNotStarted is what shells give for a command they cannot start.
	exitNotStarted = 127
)

// UsageError is a command line that cannot be understood. Its exit code is 2.
type UsageError struct {
	Message string
	hints   []string
}

func (e *UsageError) Error() string { return e.Message }

// ExitCode returns 2.
func (e *UsageError) ExitCode() int { return exitUsage }

// Hints returns what to do, a sentence each.
func (e *UsageError) Hints() []string { return e.hints }

// UnknownCommandError is a command for which nothing can be run. Its exit
// code is 127.
type UnknownCommandError struct {
	// Command is the first word as typed.
	Command string
	hints   []string
}

func (e *UnknownCommandError) Error() string {
	return "unknown command " + strconv.Quote(e.Command)
}

// ExitCode returns 127.
func (e *UnknownCommandError) ExitCode() int { return exitNotStarted }

// Hints returns what was probably meant and what would have to be installed,
// a sentence each.
func (e *UnknownCommandError) Hints() []string { return e.hints }

// StartError is a program that was found and cannot be started. Its exit code
// is 127, so that it is never taken for the program's own failure.
type StartError struct {
	// Path is the program.
	Path string
	// Reason is a phrase such as "it may not be executed".
	Reason string
	// Cause is the system's error, or nil when starting was not tried.
	Cause error
	hints []string
}

func (e *StartError) Error() string { return "cannot run " + installed.Shown(e.Path) + ": " + e.Reason }

// Unwrap returns the system's error.
func (e *StartError) Unwrap() error { return e.Cause }

// ExitCode returns 127.
func (e *StartError) ExitCode() int { return exitNotStarted }

// Hints returns what to do, a sentence each.
func (e *StartError) Hints() []string { return e.hints }
