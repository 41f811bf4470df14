package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
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
		{"--help", 0, "Usage:\n  fal one [FILE] [flags]\n", ""},
		{"__help", 0, "Usage:\n  fal one [FILE] [flags]\n", ""},
		{"__help exit-codes", 0, "Every program of the suite", ""},
		{"__help exit-code", 2, "", "hint: did you mean `fal help one exit-codes`?\nhint: `fal one --help` describes the command\n"},
		{"--version", 0, "fal-one ", ""},
		// Any word is the argument.
		{"do", 0, `did "do" ""`, ""},
		{"version", 0, `did "version" ""`, ""},
		{"help --level 3", 0, `did "help" "3"`, ""},
		{"help --help", 0, "Usage:\n  fal one [FILE] [flags]\n", ""},
		{"do a.py", 2, "", `unexpected argument "a.py"`},
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

// Where every word is an argument, completion offers no command.
func TestCompleteDefault(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"app.py", "notes.txt", "src/x", ".venv/x"} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var file string
	app := &App{Name: "fal-one", Noun: "one", Commands: []*Command{{
		Name: "do", Default: true, Summary: "Do it",
		Args: []Arg{{Name: "FILE", Value: String(&file), Complete: func(ctx context.Context, c *Completion) []Candidate {
			return append([]Candidate{{Value: "first"}}, Files("*.py")(ctx, c)...)
		}}},
		Run: func(context.Context, *Invocation) error { panic("run") },
	}}}
	for word, want := range map[string]string{
		"":     "first app.py src/ :files *.py", // bash offers files by itself where nothing else is
		"a":    ":files *.py",
		"fi":   "first :files *.py",
		"src/": ":files *.py",
	} {
		streams, _, out, _ := iostreams.Test()
		Run(t.Context(), app, Process{Args: []string{CompleteWord, "--shell", "bash", "--line", "fal-one " + word, "--word", word}, Streams: streams, Getenv: func(string) string { return "" }})
		if got := strings.Join(strings.Split(strings.TrimSpace(out.String()), "\n"), " "); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
