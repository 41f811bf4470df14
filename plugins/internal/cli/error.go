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
	Code    string   // for programs: "not_found"; empty takes the exit code's word
	Exit    int      // 0 means ExitFailure
	Message string   // one line
	Lines   []string // below the message, for what takes several
	Hint    []string // each a line; a command where there is one
	Err     error    // the cause
}

func (e *Error) Error() string { return strings.Join(e.ErrorLines(), "\n") }

// ErrorLines returns the message and the lines below it.
func (e *Error) ErrorLines() []string { return append([]string{e.Message}, e.Lines...) }

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

// ErrorLines returns what err says, a line each. An error has several only if
// it was made with them, which its method ErrorLines tells, or is several
// errors joined: a newline in a name is none, and is shown as \n. Control
// characters of any kind are made visible.
func ErrorLines(err error) []string {
	text := err.Error()
	lines := []string{text}
	var several interface{ ErrorLines() []string }
	if joined, ok := err.(interface{ Unwrap() []error }); ok && errors.Join(joined.Unwrap()...).Error() == text {
		lines = nil
		for _, one := range joined.Unwrap() {
			lines = append(lines, ErrorLines(one)...)
		}
		return lines
	}
	if errors.As(err, &several) && strings.Join(several.ErrorLines(), "\n") == text {
		lines = several.ErrorLines()
	}
	safe := make([]string, len(lines))
	for i, line := range lines {
		safe[i] = iostreams.SanitizeLine(line)
	}
	return safe
}

// wordOf is the word for programs that err has.
func wordOf(err error) string {
	var coded interface{ ErrorCode() string }
	if errors.As(err, &coded) && coded.ErrorCode() != "" {
		return coded.ErrorCode()
	}
	return codeWord(ExitCode(err))
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
	hints := hintsOf(err)
	lines := ErrorLines(err)
	if asJSON {
		var out jsonError
		out.Error.Code = wordOf(err)
		out.Error.Message = strings.Join(lines, "\n")
		out.Error.Hints = append([]string{}, hints...)
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(out) // stderr is the last place to complain to
		return
	}
	fmt.Fprintf(w, "%s: %s %s\n", typed, paint("error", "error:"), strings.Join(lines, "\n"))
	for _, h := range hints {
		fmt.Fprintf(w, "%s %s\n", paint("hint", "hint:"), iostreams.SanitizeLine(h))
	}
}
