package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// Exit codes, the same in every binary.
const (
	ExitOK             = 0
	ExitFailure        = 1   // failed, or a condition was not reached in time
	ExitUsage          = 2   // also an unknown profile, a malformed key, broken configuration
	ExitNotFound       = 3   // what was named does not exist
	ExitAuth           = 4   // not authenticated, or not allowed
	ExitJQ             = 5   // the jq program failed
	ExitUnavailable    = 6   // the service was not reached or did not answer in time
	ExitUnknownCommand = 127 // the dispatcher found no such command
	ExitInterrupted    = 130 // Ctrl-C
)

// Error is a failure with what the user needs to act on it.
type Error struct {
	Code    string // for programs: "not_found"; empty takes the exit code's word
	Exit    int    // 0 means ExitFailure
	Message string
	Hint    []string // each a line; a command where there is one
	Err     error    // the cause
}

func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ExitCode returns the exit code of the process.
func (e *Error) ExitCode() int {
	if e.Exit == 0 {
		return ExitFailure
	}
	return e.Exit
}

// Hints returns what to do, a line each.
func (e *Error) Hints() []string { return e.Hint }

// ErrorCode returns the word for programs.
func (e *Error) ErrorCode() string { return e.Code }

// Usagef is a mistake on the command line.
func Usagef(format string, args ...any) *Error {
	return &Error{Exit: ExitUsage, Message: fmt.Sprintf(format, args...)}
}

// Failuref is a command that did not do what was asked.
func Failuref(format string, args ...any) *Error {
	return &Error{Exit: ExitFailure, Message: fmt.Sprintf(format, args...)}
}

// WithHint returns e with lines of advice added.
func (e *Error) WithHint(lines ...string) *Error {
	e.Hint = append(e.Hint, lines...)
	return e
}

// Silent ends the process with code and prints nothing: all was said.
func Silent(code int) error { return silent(code) }

type silent int

func (s silent) Error() string { return fmt.Sprintf("exit %d", int(s)) }
func (s silent) ExitCode() int { return int(s) }
func (s silent) Silent() bool  { return true }

// ExitCode returns the exit code that err asks for; 0 for nil.
func ExitCode(err error) int {
	var coded interface{ ExitCode() int }
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &coded):
		return coded.ExitCode()
	case errors.Is(err, context.DeadlineExceeded):
		return ExitUnavailable
	}
	return ExitFailure
}

// codeWord is the word for programs of an exit code that has no finer one.
func codeWord(exit int) string {
	switch exit {
	case ExitUsage:
		return "usage"
	case ExitNotFound:
		return "not_found"
	case ExitAuth:
		return "permission_denied"
	case ExitJQ:
		return "jq"
	case ExitUnavailable:
		return "unavailable"
	case ExitUnknownCommand:
		return "unknown_command"
	}
	return "failed"
}

type jsonError struct {
	Error struct {
		Code    string   `json:"code"`
		Message string   `json:"message"`
		Hints   []string `json:"hints"`
	} `json:"error"`
}

// report prints err on w once: lines for people, or one JSON object.
func report(w io.Writer, typed string, err error, asJSON bool, paint func(label, text string) string) {
	var quiet interface{ Silent() bool }
	if errors.As(err, &quiet) && quiet.Silent() {
		return
	}
	var hints []string
	var hinted interface{ Hints() []string }
	if errors.As(err, &hinted) {
		hints = hinted.Hints()
	}
	message := err.Error()
	if asJSON {
		var out jsonError
		out.Error.Code = codeWord(ExitCode(err))
		var coded interface{ ErrorCode() string }
		if errors.As(err, &coded) && coded.ErrorCode() != "" {
			out.Error.Code = coded.ErrorCode()
		}
		out.Error.Message = message
		out.Error.Hints = append([]string{}, hints...)
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(out) // stderr is the last place to complain to
		return
	}
	// Messages may hold text from the service, and this may be a terminal.
	first, rest, more := strings.Cut(iostreams.Sanitize(message), "\n")
	fmt.Fprintf(w, "%s: %s %s\n", typed, paint("error", "error:"), first)
	if more {
		fmt.Fprintln(w, rest)
	}
	for _, h := range hints {
		fmt.Fprintf(w, "%s %s\n", paint("hint", "hint:"), iostreams.SanitizeLine(h))
	}
}
