package cli

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// A program with a default command is run without naming it.
func TestDefaultCommand(t *testing.T) {
	newApp := func() *App {
		var file, level string
		return &App{Name: "fal-one", Noun: "one", Summary: "Do one thing", Commands: []*Command{{
			Name: "do", Default: true, Summary: "Do it", Output: Records,
			Args:  []Arg{{Name: "FILE", Usage: "what to do it with", Optional: true, Value: String(&file)}},
			Flags: []*Flag{{Name: "level", Placeholder: "L", Usage: "how much", Value: NonEmpty(&level)}},
			Run: func(_ context.Context, inv *Invocation) error {
				_, err := fmt.Fprintf(inv.IO.Out, "did %q %q %s: %s", file, level, inv.Format, inv.Again("--yes"))
				return err
			},
		}}}
	}
	TryEverything(t, newApp)
	for _, tt := range []struct {
		line        string
		code        int
		out, errout string
	}{
		{"", 0, `did "" "" json: fal one --yes`, ""},
		{"-o pretty", 0, `did "" "" pretty: fal one --output=pretty --yes`, ""},
		{"--level 3 a.py --json", 0, `did "a.py" "3" json`, ""},
		{"a.py --level=3", 0, `did "a.py" "3" json`, ""},
		{"-- --a", 0, `did "--a" ""`, ""},
		{"do a.py", 0, `did "a.py" ""`, ""},
		{"--help", 0, "Usage:\n  fal one [FILE] [flags]\n", ""},
		{"--version", 0, "fal-one ", ""},
		{"version", 0, "fal-one ", ""},
		{"--nonsense", 2, "", "unknown flag --nonsense"},
		{"a b", 2, "", `unexpected argument "b"`},
	} {
		streams, _, out, errout := iostreams.Test()
		code := Run(t.Context(), newApp(), Process{Args: strings.Fields(tt.line), Streams: streams, Getenv: func(string) string { return "" }, Typed: "fal one"})
		if code != tt.code || !strings.Contains(out.String(), tt.out) || !strings.Contains(errout.String(), tt.errout) {
			t.Errorf("%q: exit %d\n%s%s", tt.line, code, out, errout)
		}
	}
}
