package login

import (
	"errors"
	"io/fs"
	"strings"
	"unicode"
)

// A Kind says what went wrong, for programs. Each is an error itself, so that
// errors.Is(err, login.Network) works.
type Kind string

// The kinds of an [Error].
const (
	NotLoggedIn   Kind = "not_logged_in" // there are no tokens
	Refused       Kind = "refused"       // the issuer does not know the login any more; it was deleted
	Network       Kind = "network"       // the issuer could not be reached or did not answer as one; the login is kept
	Locked        Kind = "locked"        // another process kept the lock for 20 s; the login is kept
	Denied        Kind = "denied"        // the person denied the request
	Expired       Kind = "expired"       // nobody confirmed the code in time
	Rejected      Kind = "rejected"      // the issuer refused for another reason, in Error.Reason; the login is kept
	Untrusted     Kind = "untrusted"     // what the issuer sent could not be verified; nothing was stored
	OtherIssuer   Kind = "other_issuer"  // the login is another issuer's; nothing was sent
	Storage       Kind = "storage"       // the files cannot be read or written
	Misconfigured Kind = "misconfigured" // the options are not usable
)

// Error makes a kind a target for errors.Is.
func (k Kind) Error() string { return "login: " + strings.ReplaceAll(string(k), "_", " ") }

// Error is the one error type of this package, beside the error of a context
// that was canceled. Its text holds no token and nothing that drives a
// terminal.
type Error struct {
	Kind    Kind
	Message string
	Reason  string // the issuer's error code, such as "invalid_grant", if it gave one
	Status  int    // the HTTP status of the answer; 0 if there was none

	cause error
}

// NewError makes an error, for the implementation of Options.VerifyIDToken.
func NewError(kind Kind, message string, cause error) *Error {
	return &Error{Kind: kind, Message: plain(message), cause: cause}
}

func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is the error's kind.
func (e *Error) Is(target error) bool { return target == error(e.Kind) }

// ErrorCode returns the kind as a word.
func (e *Error) ErrorCode() string { return string(e.Kind) }

func storageError(what string, err error) *Error {
	var path *fs.PathError
	text := err.Error()
	if errors.As(err, &path) {
		text = path.Path + ": " + path.Err.Error()
	}
	return &Error{Kind: Storage, Message: "cannot " + what + ": " + plain(text), cause: err}
}

// plain returns foreign text as one line that is safe to print.
func plain(text string) string {
	const longest = 300
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > longest {
		text = string(runes[:longest]) + "…"
	}
	return text
}
