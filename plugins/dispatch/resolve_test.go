//go:build unix

package dispatch_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/plugins/dispatch"
)

// The official client has no flags before its commands.
func TestFlagsBeforeAForeignCommand(t *testing.T) {
	root := realTempDir(t)
	write(t, filepath.Join(root, "b/fal"), "")
	d := dispatcher(t, root, "own", "b")
	for typed, message := range map[string]string{
		"--team t run x.py": "--team before `run`, which is a command of the official client",
		"-vojson run":       "-ojson before `run`, which is a command of the official client",
		"--json":            "flags, and no command",
		"--profile dev -v":  "flags, and no command",
	} {
		_, err := d.Resolve(t.Context(), strings.Fields(typed))
		var usage *dispatch.UsageError
		if !errors.As(err, &usage) || usage.Message != message || len(usage.Hints()) == 0 {
			t.Errorf("%s: %v, want %q", typed, err, message)
		}
	}
}

func TestResolve(t *testing.T) {
	tests := []struct {
		typed string
		kind  dispatch.Kind
		path  string
		args  string
	}{
		{"", dispatch.Own, "", ""},
		{"--help", dispatch.Own, "", ""},
		{"-h help", dispatch.Own, "", ""},
		{"--version", dispatch.Own, "", ""},
		{"help x", dispatch.Own, "", ""},
		{"--profile dev version", dispatch.Own, "", ""},
		{"plugins list --json", dispatch.Own, "", ""},
		{"__complete x", dispatch.Own, "", ""},

		{"x", dispatch.Plugin, "a/fal-x", ""},
		{"x list --json", dispatch.Plugin, "a/fal-x", "list --json"},
		{"x --help", dispatch.Plugin, "a/fal-x", "--help"},
		{"--help x list", dispatch.Plugin, "a/fal-x", "list --help"},
		{"x-y -- z", dispatch.Plugin, "a/fal-x-y", "-- z"},
		{"--profile dev x list a -- b", dispatch.Plugin, "a/fal-x", "--profile dev list a -- b"},
		{"--profile dev -ojson x y z", dispatch.Plugin, "a/fal-x-y", "--profile dev -ojson z"},
		{"--arg a b -v x -q .", dispatch.Plugin, "a/fal-x", "--arg a b -v -q ."},
		{"runner list", dispatch.Plugin, "own/fal-runners", "list"},
		// The official client has a command of that name too.
		{"app list", dispatch.Plugin, "a/fal-apps", "list"},

		{"run x.py::f --n 1", dispatch.Official, "b/fal", "run x.py::f --n 1"},
		{"-v keys list --team t -v", dispatch.Official, "b/fal", "keys list --team t -v"},
		{"--verbose -vv --verbose=true -v=false run", dispatch.Official, "b/fal", "run"},
		{"key list", dispatch.Official, "b/fal", "key list"},
		{"file ls", dispatch.Official, "b/fal", "file ls"},
	}
	for _, test := range tests {
		t.Run(test.typed, func(t *testing.T) {
			root := realTempDir(t)
			for _, file := range []string{"a/fal-x", "a/fal-x-y", "a/fal-apps", "a/fal-help", "own/fal-runners", "b/fal", "c/fal"} {
				write(t, filepath.Join(root, file), "")
			}
			route, err := dispatcher(t, root, "own", "a", "b", "c").Resolve(t.Context(), strings.Fields(test.typed))
			if err != nil {
				t.Fatal(err)
			}
			if route.Kind != test.kind {
				t.Fatalf("kind %d, want %d", route.Kind, test.kind)
			}
			if test.kind == dispatch.Own {
				return
			}
			if got := below(root, route.Program.Path); got != test.path {
				t.Errorf("program %s, want %s", got, test.path)
			}
			if got := strings.Join(route.Program.Args, " "); got != test.args {
				t.Errorf("arguments %q, want %q", got, test.args)
			}
			if !slices.Contains(route.Program.Env, "HOME=/nowhere") {
				t.Error("the environment is not handed on")
			}
			if invoked := slices.ContainsFunc(route.Program.Env, func(s string) bool { return strings.Contains(s, "fal other") }); invoked {
				t.Error("what was typed for another program is handed on")
			}
		})
	}
}

func TestResolveSaysWhatWasTyped(t *testing.T) {
	root := realTempDir(t)
	write(t, filepath.Join(root, "a", "fal-runners"), "")
	route, err := dispatcher(t, root, "a").Resolve(t.Context(), []string{"runner", "list"})
	if err != nil {
		t.Fatal(err)
	}
	if want := "FAL_INVOKED_AS=4242 fal-runners fal runner"; !slices.Contains(route.Program.Env, want) {
		t.Errorf("the environment %q lacks %q", route.Program.Env, want)
	}
}

func TestResolveSaysWhenItHandsOver(t *testing.T) {
	root := realTempDir(t)
	client := write(t, filepath.Join(root, "a", "fal"), "")
	d := dispatcher(t, root, "a")
	for typed, want := range map[string]bool{
		"-v run x": true, "run x --verbose": true, "run x": false, "run x -- -v": false,
	} {
		route, err := d.Resolve(t.Context(), strings.Fields(typed))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(route.Notice, client); got != want {
			t.Errorf("%q: notice %q", typed, route.Notice)
		}
	}
}

func TestResolveFindsNoClientInItself(t *testing.T) {
	root := realTempDir(t)
	self := write(t, filepath.Join(root, "own", "fal"), "")
	link(t, self, filepath.Join(root, "link", "fal"))
	link(t, filepath.Join(root, "own"), filepath.Join(root, "folder"))
	if err := os.MkdirAll(filepath.Join(root, "hard"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(self, filepath.Join(root, "hard", "fal")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(root, "plain", "fal"), "", 0o644)
	if err := os.MkdirAll(filepath.Join(root, "dir", "fal"), 0o755); err != nil {
		t.Fatal(err)
	}
	folders := []string{"own", "link", "folder", "hard", "plain", "dir"}

	_, err := dispatcher(t, root, folders...).Resolve(t.Context(), []string{"run", "x"})
	var unknown *dispatch.UnknownCommandError
	if !errors.As(err, &unknown) {
		t.Fatalf("got %v", err)
	}
	if want := "`fal run` is a command of the official client: `pip install fal` brings it"; !contains(unknown.Hints(), want) {
		t.Errorf("hints %q lack %q", unknown.Hints(), want)
	}

	write(t, filepath.Join(root, "venv", "fal"), "")
	route, err := dispatcher(t, root, append(folders, "venv")...).Resolve(t.Context(), []string{"run", "x"})
	if err != nil || below(root, route.Program.Path) != "venv/fal" {
		t.Errorf("handed to %s, %v", route.Program.Path, err)
	}
	// Also when that client comes first, and this fal was called by its path.
	route, err = dispatcher(t, root, append([]string{"venv"}, folders...)...).Resolve(t.Context(), []string{"run", "x"})
	if err != nil || below(root, route.Program.Path) != "venv/fal" {
		t.Errorf("handed to %s, %v", route.Program.Path, err)
	}
}

// TestResolveEndsCircles lets two dispatchers hand each other a command.
func TestResolveEndsCircles(t *testing.T) {
	root := realTempDir(t)
	write(t, filepath.Join(root, "own", "fal"), "")
	write(t, filepath.Join(root, "second", "fal"), "")
	official := write(t, filepath.Join(root, "venv", "fal"), "")
	env := environment(t, root, "own", "second", "venv")

	var visited []string
	args := []string{"-v", "run", "x"}
	for range 10 {
		route, err := dispatch.New(env, nil).Resolve(t.Context(), args)
		if err != nil {
			t.Fatal(err)
		}
		visited = append(visited, below(root, route.Program.Path))
		if route.Program.Path == official {
			break
		}
		env.Self = route.Program.Path
		env.Environ = route.Program.Env
		args = route.Program.Args
	}
	if want := []string{"second/fal", "venv/fal"}; !slices.Equal(visited, want) {
		t.Errorf("visited %q, want %q", visited, want)
	}

	// What the official client starts may need it again, for something else.
	env = environment(t, root, "own", "venv")
	for depth, typed := range []string{"run a", "deploy b", "run b"} {
		route, err := dispatch.New(env, nil).Resolve(t.Context(), strings.Fields(typed))
		if err != nil {
			t.Fatalf("%q at depth %d: %v", typed, depth, err)
		}
		env.Environ = route.Program.Env
	}
	_, err := dispatch.New(env, nil).Resolve(t.Context(), []string{"deploy", "b"})
	var unknown *dispatch.UnknownCommandError
	if !errors.As(err, &unknown) || !contains(unknown.Hints(), official+" handed the command back") {
		t.Errorf("the same command again: %v", err)
	}

	// A wrapper may add an argument in each round.
	env = environment(t, root, "own", "venv")
	args = []string{"run"}
	rounds := 0
	for ; rounds < 100; rounds++ {
		route, err := dispatch.New(env, nil).Resolve(t.Context(), args)
		if err != nil {
			break
		}
		env.Environ = route.Program.Env
		args = append(route.Program.Args, "again")
	}
	if rounds == 0 || rounds > 8 {
		t.Errorf("a circle with growing arguments ended after %d rounds", rounds)
	}
}

func TestResolveUnknown(t *testing.T) {
	tests := []struct {
		typed string
		files []string
		hints []string
	}{
		{"runnrs list", []string{"a/fal-runners"}, []string{"did you mean `fal runners`?", "`fal help` lists the commands"}},
		{"runnrs list", nil, []string{"did you mean `fal runners`? It comes with the package fal-runners, which is not installed", "`fal help` lists the commands"}},
		{"runnrs list", []string{"b/fal"}, []string{"did you mean `fal runners`?", "`fal help` lists the commands"}},
		{"keys list", nil, []string{"`fal keys` comes with the package fal-keys, which is not installed"}},
		{"teams list", nil, []string{"`fal account` comes with the package fal-account, which is not installed"}},
		{"local start", []string{"b/fal"}, []string{"`fal local` comes with the package fal-local, which is not installed"}},
		{"rnu", []string{"b/fal"}, []string{"did you mean `fal run`?", "`fal help` lists the commands"}},
		{"rnu", nil, []string{"`fal help` lists the commands"}},
		{"xyzzy", []string{"b/fal", "a/fal-x"}, []string{"`fal help` lists the commands"}},
		{"hlep", nil, []string{"did you mean `fal help`?", "`fal help` lists the commands"}},
	}
	for _, test := range tests {
		t.Run(test.typed, func(t *testing.T) {
			root := realTempDir(t)
			for _, file := range test.files {
				write(t, filepath.Join(root, file), "")
			}
			words := strings.Fields(test.typed)
			_, err := dispatcher(t, root, "a", "b").Resolve(t.Context(), words)
			var unknown *dispatch.UnknownCommandError
			if !errors.As(err, &unknown) {
				t.Fatalf("got %v", err)
			}
			if want := `unknown command "` + words[0] + `"`; unknown.Error() != want {
				t.Errorf("message %q, want %q", unknown.Error(), want)
			}
			if unknown.ExitCode() != 127 {
				t.Errorf("exit code %d", unknown.ExitCode())
			}
			if !slices.Equal(unknown.Hints(), test.hints) {
				t.Errorf("hints %q, want %q", unknown.Hints(), test.hints)
			}
		})
	}
}

func TestResolveErrors(t *testing.T) {
	root := realTempDir(t)
	write(t, filepath.Join(root, "a", "fal-apps"), "", 0o644)
	write(t, filepath.Join(root, "b", "fal"), "")
	d := dispatcher(t, root, "a", "b")
	var usage *dispatch.UsageError
	if _, err := d.Resolve(t.Context(), []string{"--nope", "x"}); !errors.As(err, &usage) {
		t.Errorf("an unknown flag: %v", err)
	}
	var start *dispatch.StartError
	if _, err := d.Resolve(t.Context(), []string{"apps", "list"}); !errors.As(err, &start) {
		t.Errorf("a plugin that may not be executed: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	var unknown *dispatch.UnknownCommandError
	if _, err := d.Resolve(ended, []string{"runnrs"}); !errors.As(err, &unknown) || !contains(unknown.Hints(), "fal runners") {
		t.Errorf("without time to read folders: %v", err)
	}
}
