//go:build unix

package dispatch_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/plugins/dispatch"
	"github.com/fal-plugins/fal/plugins/internal/installed"
)

// aliased is a dispatcher with the plugins x, y and apps in root/a, and aliases.
func aliased(t *testing.T, aliases string) (root string, d *dispatch.Dispatcher) {
	t.Helper()
	root = realTempDir(t)
	for _, file := range []string{"a/fal-x", "a/fal-y-z", "own/fal-apps", "b/fal"} {
		write(t, filepath.Join(root, file), "")
	}
	env := environment(t, root, "own", "a", "b")
	env.Home = filepath.Join(root, "home")
	write(t, filepath.Join(env.Home, ".fal", "aliases.toml"), aliases)
	return root, dispatch.New(env, installed.Builtins())
}

func TestResolveAliases(t *testing.T) {
	root, d := aliased(t, `
short = ["x", "list", "two words", "--json", "$HOME"]
prod = ["--profile", "prod"]
chain = ["short", "more"]
deep = ["y"]
ver = ["version", "--json"]
x = ["apps"]
plugin = ["apps"]
run = ["apps"]
`)
	for _, test := range []struct {
		typed string
		kind  dispatch.Kind
		path  string
		args  []string
	}{
		{"short", dispatch.Plugin, "a/fal-x", []string{"list", "two words", "--json", "$HOME"}},
		{"short a -- b", dispatch.Plugin, "a/fal-x", []string{"list", "two words", "--json", "$HOME", "a", "--", "b"}},
		{"-v short a", dispatch.Plugin, "a/fal-x", []string{"-v", "list", "two words", "--json", "$HOME", "a"}},
		{"prod apps list", dispatch.Plugin, "own/fal-apps", []string{"--profile", "prod", "list"}},
		{"prod short", dispatch.Plugin, "a/fal-x", []string{"--profile", "prod", "list", "two words", "--json", "$HOME"}},
		{"chain end", dispatch.Plugin, "a/fal-x", []string{"list", "two words", "--json", "$HOME", "more", "end"}},
		{"deep z", dispatch.Plugin, "a/fal-y-z", nil},
		{"--help short", dispatch.Plugin, "a/fal-x", []string{"list", "two words", "--json", "$HOME", "--help"}},
		{"ver -v", dispatch.Again, "own/fal", []string{"version", "--json", "-v"}},
		{"x", dispatch.Plugin, "a/fal-x", nil},
		{"plugin", dispatch.Own, "", nil},
		{"run file.py", dispatch.Official, "b/fal", []string{"run", "file.py"}},
	} {
		route, err := d.Resolve(t.Context(), strings.Fields(test.typed))
		if err != nil || route.Kind != test.kind {
			t.Errorf("%s: %+v, %v", test.typed, route, err)
			continue
		}
		if test.kind == dispatch.Own {
			continue
		}
		if got := below(root, route.Program.Path); got != test.path || !slices.Equal(route.Program.Args, test.args) {
			t.Errorf("%s: %s %q, want %s %q", test.typed, got, route.Program.Args, test.path, test.args)
		}
	}
}

func TestResolveEndsAliases(t *testing.T) {
	_, d := aliased(t, "a = ['b']\nb = ['-v', 'c']\nc = ['a']\nd = ['nope']\ne = ['--nonsense']\n")
	for typed, want := range map[string]string{
		"a": "the alias `a` leads back to itself",
		"d": `unknown command "nope"`,
		"e": "unknown flag --nonsense before the name of a command",
	} {
		if _, err := d.Resolve(t.Context(), []string{typed}); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", typed, err, want)
		}
	}
}

// A broken file is an error where an alias may be meant, and nowhere else.
func TestResolveReadsAliasesLast(t *testing.T) {
	_, d := aliased(t, "a = b\n")
	for _, typed := range []string{"x", "plugin list", "run y", "apps"} {
		if _, err := d.Resolve(t.Context(), strings.Fields(typed)); err != nil {
			t.Errorf("%s: %v", typed, err)
		}
	}
	_, err := d.Resolve(t.Context(), []string{"a"})
	var usage *dispatch.UsageError
	if !errors.As(err, &usage) || !strings.Contains(usage.Message, "aliases.toml: line 1: ") || len(usage.Hints()) == 0 {
		t.Errorf("a: %v", err)
	}
	root, d := aliased(t, "")
	if err := os.RemoveAll(filepath.Join(root, "home")); err != nil {
		t.Fatal(err)
	}
	var unknown *dispatch.UnknownCommandError
	if _, err := d.Resolve(t.Context(), []string{"a"}); !errors.As(err, &unknown) {
		t.Errorf("without a file: %v", err)
	}
}
