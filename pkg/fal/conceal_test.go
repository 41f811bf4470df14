package fal_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

// setAnswered sets a secret at a service that answers so, and returns all that
// was traced, and the error.
func setAnswered(t *testing.T, value string, answer faltest.Answer) (told string, err error) {
	t.Helper()
	server := faltest.New(t)
	server.Handle("SetSecret", func(faltest.Call) faltest.Answer { return answer })
	o := server.Options()
	trace := tracing(&o)
	ctx, client := newClient(t, o)
	err = client.Secrets.Set(ctx, "NAME", value, nil)
	return trace(), err
}

// A service that repeats a value may quote it, or a line of it.
func TestAQuotedValueIsNotShown(t *testing.T) {
	const odd = "c4n4ry\t\"5678\"\\\n'<ß>&\a"
	for name, c := range map[string]struct{ value, message, want string }{
		"as it is":           {odd, "no " + odd + " here", "no [redacted] here"},
		"Go":                 {odd, `no "c4n4ry\t\"5678\"\\\n'<ß>&\a" here`, `no "[redacted]" here`},
		"Go, ASCII":          {odd, `no "c4n4ry\t\"5678\"\\\n'<\u00df>&\a" here`, `no "[redacted]" here`},
		"JSON":               {odd, `{"no":"c4n4ry\t\"5678\"\\\n'<ß>&\u0007"}`, `{"no":"[redacted]"}`},
		"JSON for pages":     {odd, `{"no":"c4n4ry\t\"5678\"\\\n'\u003cß\u003e\u0026\u0007"}`, `{"no":"[redacted]"}`},
		"JSON, ASCII":        {"c4n4ry-ß-\U0001f600", `"c4n4ry-\u00df-\ud83d\ude00"`, `"[redacted]"`},
		"in single quotes":   {"c4n4ry\t\"5678\"", `no 'c4n4ry\t"5678"'`, "no '[redacted]'"},
		"one of its lines":   {"-----BEGIN-----\r\nc4n4ry/line\r\n-----END-----\n", "bad: c4n4ry/line", "bad: [redacted]"},
		"a quoted line":      {"first line\nc4n4ry\"line\n", `bad: "c4n4ry\"line"`, `bad: "[redacted]"`},
		"without its blanks": {"  c4n4ry-5678 \n", "bad: c4n4ry-5678", "bad: [redacted]"},
		"short lines":        {"c4n4ry\nof\n", "of a bad kind", "of a bad kind"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refusal := faltest.Fail(fal.CodeInvalidArgument, c.message)
			if !strings.ContainsFunc(c.message, func(r rune) bool { return r < ' ' || r > '~' }) {
				refusal = refusal.WithTrailer("x-echo", c.message)
			}
			told, err := setAnswered(t, c.value, refusal)
			if got := asError(t, err); got.Message != c.want || got.Code != fal.CodeInvalidArgument {
				t.Errorf("got %q, want %q", got.Message, c.want)
			}
			if shown := everythingIn(err) + told; strings.Contains(shown, "c4n4ry") && name != "short lines" {
				t.Errorf("shown: %s", shown)
			}
		})
	}
}

// Of a text with a very short value the rest would tell what is missing.
func TestAShortValueTakesTheWholeText(t *testing.T) {
	const message = "x9z is no value for NAME"
	told, err := setAnswered(t, "x9z", faltest.Fail(fal.CodeInvalidArgument, message).
		WithTrailer("x-echo", "it was x9z").WithTrailer("x-other", "kept").WithTrailer("x-request-id", "req-x9z"))
	got := asError(t, err)
	if got.Message != "invalid argument: what the service says is not shown, as the value occurs in it" || got.RequestID != "[redacted]" {
		t.Errorf("got %+v", got)
	}
	for _, part := range []string{"x9z", "is no value", "it was", "req-"} {
		if shown := everythingIn(err) + told; strings.Contains(shown, part) {
			t.Errorf("%q is shown: %s", part, shown)
		}
	}
	if !strings.Contains(told, "kept") {
		t.Errorf("told %s", told)
	}
	_, err = setAnswered(t, "x9z", faltest.Fail(fal.CodeInvalidArgument, "NAME is no name"))
	if got := asError(t, err).Message; got != "NAME is no name" {
		t.Errorf("got %q", got)
	}
}

// What this side says by itself holds no value, whatever letters it has.
func TestAShortValueKeepsOurOwnWords(t *testing.T) {
	server := faltest.New(t)
	o := server.Options()
	server.Close()
	ctx, client := newClient(t, o)
	err := client.Secrets.Set(ctx, "NAME", "r", nil)
	if got := asError(t, err); got.Cause() != fal.CauseRefused || !strings.HasPrefix(got.Message, "connection refused by "+o.Host) {
		t.Errorf("got %v", err)
	}

	server = faltest.New(t)
	ctx, client = newClient(t, server.Options())
	ctx, cancel := context.WithCancel(ctx)
	server.Handle("SetSecret", func(faltest.Call) faltest.Answer { cancel(); return faltest.Hang() })
	err = client.Secrets.Set(ctx, "NAME", "c", nil)
	if !errors.Is(err, context.Canceled) || asError(t, err).Message != "the call was canceled" {
		t.Errorf("got %v", err)
	}
}

// What is concealed in one call is shown of another one at the same time.
func TestConcealingIsOfOneCall(t *testing.T) {
	const value = "c4n4ry-5678"
	server := faltest.New(t)
	o := server.Options()
	told := tracing(&o)
	ctx, client := newClient(t, o)
	server.Script("ListUserKeys", faltest.Fail(fal.CodeInternal, "of another call: "+value))
	server.Handle("SetSecret", func(faltest.Call) faltest.Answer {
		for range client.Keys.List(ctx, nil) {
		}
		return faltest.Fail(fal.CodeInvalidArgument, "of this call: "+value)
	})
	if err := client.Secrets.Set(ctx, "NAME", value, nil); asError(t, err).Message != "of this call: [redacted]" {
		t.Errorf("got %v", err)
	}
	for _, want := range []string{"of another call: " + value, "of this call: [redacted]"} {
		if !strings.Contains(told(), want) {
			t.Errorf("%q is not in %s", want, told())
		}
	}
}
