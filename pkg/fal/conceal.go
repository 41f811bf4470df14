package fal

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/fal-plugins/fal/pkg/internal/transport"
)

const (
	// shortSecret is the length in bytes below which a secret takes the whole
	// text in which it occurs: what is left of the words around it would tell
	// it.
	shortSecret = 4
	// shownLine is the length in characters below which a line of a secret is
	// no secret by itself.
	shownLine = 8
)

// A concealment takes a secret out of what is said of the call that carries
// it: the service may repeat it, as it is, quoted, or a line of it.
type concealment struct {
	forms []string // the longest first: one may be a part of another
	whole bool     // texts go as a whole
}

func concealmentOf(secret string) concealment {
	if secret == "" {
		return concealment{}
	}
	forms := append(quotations(secret), secret)
	for _, line := range strings.FieldsFunc(secret, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if line = strings.TrimSpace(line); utf8.RuneCountInString(line) >= shownLine {
			forms = append(append(forms, line), quotations(line)...)
		}
	}
	slices.SortFunc(forms, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) })
	return concealment{forms: slices.Compact(forms), whole: len(secret) < shortSecret}
}

// quotations are a text as languages write it between quotes.
func quotations(text string) []string {
	quoted := inside(strconv.Quote(text))
	var plain bytes.Buffer
	encoder := json.NewEncoder(&plain)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // a string can be encoded
	page, _ := json.Marshal(text)
	return []string{
		quoted, inside(strconv.QuoteToASCII(text)),
		strings.ReplaceAll(quoted, `\"`, `"`), // between single quotes
		inside(strings.TrimSuffix(plain.String(), "\n")), inside(string(page)), inside(asciiJSON(plain.String())),
	}
}

// inside is what is between the quotes at both ends.
func inside(quoted string) string { return strings.TrimSuffix(strings.TrimPrefix(quoted, `"`), `"`) }

// asciiJSON is a line of JSON as encoders write it that escape whatever is not
// ASCII.
func asciiJSON(line string) string {
	var b strings.Builder
	for _, r := range strings.TrimSuffix(line, "\n") {
		switch high, low := utf16.EncodeRune(r); {
		case r < utf8.RuneSelf:
			b.WriteRune(r)
		case r > 0xFFFF:
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

func (c concealment) occursIn(text string) bool {
	return slices.ContainsFunc(c.forms, func(form string) bool { return strings.Contains(text, form) })
}

// occursInCause looks through all that an error wraps. The words of a context
// are nobody's answer.
func (c concealment) occursInCause(err error) bool {
	if err == nil || err == context.Canceled || err == context.DeadlineExceeded {
		return false
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok && slices.ContainsFunc(joined.Unwrap(), c.occursInCause) {
		return true
	}
	return c.occursIn(err.Error()) || c.occursInCause(errors.Unwrap(err))
}

// text is a text without the secret.
func (c concealment) text(s string) string {
	if c.whole && c.occursIn(s) {
		return transport.Redacted
	}
	for _, form := range c.forms {
		s = strings.ReplaceAll(s, form, transport.Redacted)
	}
	return s
}

// failure is the error of a call without the secret. One that does not have it
// stays the same.
func (c concealment) failure(err error) error {
	e, ok := err.(*Error)
	if !ok || c.ours(e) { // no *Error by itself: it is of the credentials
		return err
	}
	tells := c.occursIn(e.Message) || c.occursIn(e.RequestID)
	shown := *e
	shown.Message, shown.RequestID = c.text(e.Message), c.text(e.RequestID)
	if c.whole && shown.Message != e.Message {
		code := strings.ToLower(strings.ReplaceAll(e.Code.String(), "_", " "))
		shown.Message = code + ": what the service says is not shown, as the value occurs in it"
	}
	if c.occursInCause(e.cause) {
		shown.cause, tells = nil, true
	}
	if !tells {
		return err
	}
	return &shown
}

// ours reports whether an error has words of this side alone.
func (c concealment) ours(e *Error) bool {
	if e.RequestID != "" {
		return false
	}
	switch e.why {
	case CauseDNS, CauseRefused, CauseTLS, CauseTimeout:
		return c.whole
	}
	return e.Message == e.Code.words()
}

// concealments take several secrets out of what is said of a call.
type concealments []concealment

func concealmentsOf(secrets []string) concealments {
	// The longest first: one may be a part of another.
	secrets = slices.Clone(secrets)
	slices.SortFunc(secrets, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) })
	var all concealments
	for _, secret := range slices.Compact(secrets) {
		all = append(all, concealmentOf(secret))
	}
	return all
}

func (all concealments) text(s string) string {
	for _, c := range all {
		s = c.text(s)
	}
	return s
}

func (all concealments) failure(err error) error {
	for _, c := range all {
		err = c.failure(err)
	}
	return err
}
