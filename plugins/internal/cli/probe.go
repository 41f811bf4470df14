package cli

import (
	"context"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// Tester is what TryEverything needs of *testing.T.
type Tester interface {
	Helper()
	Errorf(format string, args ...any)
}

// TryEverything gives every command of an app --help, and then garbage that it
// must refuse, for the tests of each plugin: nothing may run or panic, help
// goes to stdout with exit code 0, mistakes go to stderr with exit code 2. The
// manual must show all that is declared, and every example be a line that can
// be read.
func TryEverything(t Tester, newApp func() *App) {
	t.Helper()
	var visit func(path []string, commands []*Command)
	visit = func(path []string, commands []*Command) {
		for _, c := range commands {
			words := append(append([]string{}, path...), c.Name)
			tryCommand(t, newApp, words, c)
			visit(words, c.Sub)
		}
	}
	visit(nil, withBuiltins(newApp()).Commands)
	tryManual(t, newApp())
	tryExamples(t, newApp)
}

func tryCommand(t Tester, newApp func() *App, words []string, c *Command) {
	t.Helper()
	try := func(want int, extra ...string) {
		streams, _, out, errout := iostreams.Test()
		argv := append(append([]string{}, words...), extra...)
		app := newApp()
		code := Run(context.Background(), app, Process{Args: argv, Streams: streams, Getenv: func(string) string { return "" }})
		line := strings.Join(argv, " ")
		switch {
		case code != want:
			t.Errorf("%s %s: exit %d, want %d: %s", app.Name, line, code, want, errout)
		case want == ExitOK && (out.Len() == 0 || errout.Len() > 0):
			t.Errorf("%s %s: stdout %q, stderr %q", app.Name, line, out, errout)
		case want != ExitOK && (out.Len() > 0 || errout.Len() == 0):
			t.Errorf("%s %s: stdout %q, stderr %q", app.Name, line, out, errout)
		}
	}
	try(ExitOK, "--help")
	try(ExitOK, "-h", "x")
	try(ExitOK, "x", "--nonsense", "--help")
	try(ExitUsage, "--nonsense")
	try(ExitUsage, "-0")
	if len(c.Sub) > 0 {
		try(ExitUsage, "nonsense")
		return
	}
	try(ExitUsage, "--color=nonsense")
	for _, f := range c.Flags {
		if f.Value.kind() != kindBool {
			try(ExitUsage, "--"+f.Name)
			try(ExitUsage, "--"+f.Name, "--color=never")
		}
		if len(f.Values) > 0 {
			try(ExitUsage, "--"+f.Name, "nonsense")
		}
	}
}
