package fal

import (
	"math"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/structpb"
)

// arguments turns what a caller gave into what a request carries, and keeps the
// first error: what the wire cannot carry is refused before it is sent. Errors
// name an argument and, but for texts, show it: a text may be a secret.
type arguments struct {
	method string
	err    error
}

func (a *arguments) refuse(format string, args ...any) {
	if a.err == nil {
		a.err = invalid(a.method, format, args...)
	}
}

// text is a string of the wire, which is UTF-8.
func (a *arguments) text(what, s string) string {
	if !utf8.ValidString(s) {
		a.refuse("%s cannot be sent: it is not UTF-8", what)
	}
	return s
}

// required is a text that must not be empty.
func (a *arguments) required(what, s string) string {
	if s == "" {
		a.refuse("%s is empty", what)
	}
	return a.text(what, s)
}

func (a *arguments) optional(what string, s *string) *string {
	if s != nil {
		a.text(what, *s)
	}
	return s
}

// texts is a list; the wire does not tell an empty one from none.
func (a *arguments) texts(what string, list []string) []string {
	if list != nil && len(list) == 0 {
		a.refuse("an empty list of %s cannot be sent", what)
	}
	for _, s := range list {
		a.text("one of the "+what, s)
	}
	return list
}

func (a *arguments) number(what string, n *int) *int32 {
	if n == nil {
		return nil
	}
	if *n < math.MinInt32 || *n > math.MaxInt32 {
		a.refuse("%s cannot be sent: %d is beyond 32 bits", what, *n)
	}
	sent := int32(*n)
	return &sent
}

// seconds is a duration, of which the wire carries whole seconds.
func (a *arguments) seconds(what string, d *time.Duration) *int32 {
	if d == nil {
		return nil
	}
	n := *d / time.Second
	switch {
	case *d%time.Second != 0:
		a.refuse("%s cannot be sent: %s is not a whole number of seconds", what, *d)
	case n < math.MinInt32 || n > math.MaxInt32:
		a.refuse("%s cannot be sent: %s is beyond 32 bits of seconds", what, *d)
	}
	sent := int32(n)
	return &sent
}

// alias is an app's name in the environment of a client. One that has the
// suffix already is not given it again.
func (a *arguments) alias(app, environment string) string {
	a.required("the app's name", app)
	if trimEnvironment(app, environment) != app {
		return app
	}
	return JoinAlias(app, environment)
}

// environment is the name that a request carries: none for the account's
// default, which is not the same as "main".
func (a *arguments) environment(name string) *string {
	if name == "" {
		return nil
	}
	a.text("the environment's name", name)
	return &name
}

// several is a list that may be empty.
func (a *arguments) several(what string, list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return a.texts(what, list)
}

func (a *arguments) notNegative(what string, n *int32) *int32 {
	if n != nil && *n < 0 {
		a.refuse("%s cannot be sent: it is less than 0", what)
	}
	return n
}

func (a *arguments) port(what string, n *int) *int32 {
	if n != nil && (*n < 0 || *n > math.MaxUint16) {
		a.refuse("%s %d is not one of 0 to %d", what, *n, math.MaxUint16)
	}
	return a.number(what, n)
}

// object is a map of the values of JSON, or of lists and maps of texts. Nil is
// an empty one.
func (a *arguments) object(what string, m map[string]any) *structpb.Struct {
	out, err := structpb.NewStruct(plain(m).(map[string]any))
	if err != nil {
		a.refuse("%s cannot be sent: it holds something that is not of JSON", what)
		return nil
	}
	return out
}

// plain makes the lists and maps those that structpb knows.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			out[key] = plain(value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = plain(value)
		}
		return out
	case map[string]string:
		return texts(v)
	case []string:
		return values(v)
	}
	return v
}
