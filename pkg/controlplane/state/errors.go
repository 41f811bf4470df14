package state

import (
	"fmt"
	"unicode/utf8"
)

// Kind says what went wrong in terms that every API has a word for.
type Kind int

// The kinds of Error.
const (
	Invalid Kind = iota + 1
	Unauthenticated
	Denied
	NotFound
	Conflict  // the thing is not in a state that permits it
	Exists    // there is one of that name already
	Exhausted // there are as many as there may be
)

// Error is a failure that the caller can do something about.
type Error struct {
	Kind    Kind
	Message string
}

func (e *Error) Error() string { return e.Message }

func fail(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// maxID bounds what a caller may send as a name or id, in bytes: it comes back
// in error messages, which travel in headers.
const maxID = 256

func checkID(field, id string) error {
	switch {
	case id == "":
		return fail(Invalid, "%s is empty", field)
	case len(id) > maxID:
		return fail(Invalid, "%s has %d bytes, more than any", field, len(id))
	case !utf8.ValidString(id):
		return fail(Invalid, "%s is not UTF-8", field)
	}
	return nil
}
