package config

import (
	"fmt"
	"strings"
	"unicode"
)

// Code says what is wrong, for programs.
type Code string

// The codes of an Error.
const (
	UnknownProfile Code = "unknown_profile" // a profile named explicitly is not in the file
	BadProfileName Code = "bad_profile_name"
	ProfileExists  Code = "profile_exists"
	MalformedKey   Code = "malformed_key"
	BadHost        Code = "bad_host"
	BadValue       Code = "bad_value"   // a value of the wrong type, or text that TOML cannot hold
	Syntax         Code = "syntax"      // the file is not TOML
	Unreadable     Code = "unreadable"  // a file is there and cannot be read
	UnsafeEdit     Code = "unsafe_edit" // the edit cannot be made without touching something else
	Unwritable     Code = "unwritable"  // the file cannot be written
	Busy           Code = "busy"        // another process kept the file locked
	Conflict       Code = "conflict"    // the file changed between Open and Save
)

// Error is the one error type of this package. Its text never contains a
// secret.
type Error struct {
	Code    Code
	Message string // may have more than one line, for Syntax
	Path    string // the file it is about, if any, with ~ for the home folder
	Line    int    // for Syntax: from 1
	Column  int    // for Syntax: from 1, in characters

	hints []string
	cause error
}

func (e *Error) Error() string { return e.Message }

// ErrorLines returns the lines of the message: several for [Syntax], which shows
// the place.
func (e *Error) ErrorLines() []string {
	if e.Code != Syntax {
		return []string{e.Message}
	}
	return strings.Split(e.Message, "\n")
}

// Unwrap returns the cause, such as an [io/fs.PathError], or nil.
func (e *Error) Unwrap() error { return e.cause }

// ErrorCode returns the code as a word.
func (e *Error) ErrorCode() string { return string(e.Code) }

// Hints returns what to do about it, a line each.
func (e *Error) Hints() []string { return append([]string(nil), e.hints...) }

// ExitCode returns 2 for what the user has to put right in flags, variables or
// files, and 1 when writing failed.
func (e *Error) ExitCode() int {
	switch e.Code {
	case Unwritable, Busy, Conflict:
		return 1
	}
	return 2
}

func errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

func (e *Error) hint(format string, args ...any) *Error {
	e.hints = append(e.hints, fmt.Sprintf(format, args...))
	return e
}

func (e *Error) about(path string, cause error) *Error {
	e.Path, e.cause = path, cause
	return e
}

// printable returns s with what could drive a terminal replaced.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}
