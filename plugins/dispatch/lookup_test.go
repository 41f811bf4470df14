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
)

func TestLookup(t *testing.T) {
	tests := []struct {
		name  string
		files []string
		typed []string
		want  string // the file found, "" for none
		words int
	}{
		{"one word", []string{"a/fal-x"}, []string{"x"}, "a/fal-x", 1},
		{"arguments are left", []string{"a/fal-x"}, []string{"x", "y", "z"}, "a/fal-x", 1},
		{"longest first", []string{"a/fal-x", "a/fal-x-y", "a/fal-x-y-z"}, []string{"x", "y", "z", "w"}, "a/fal-x-y-z", 3},
		{"longest beats the order of folders", []string{"a/fal-x", "b/fal-x-y"}, []string{"x", "y"}, "b/fal-x-y", 2},
		{"order of folders", []string{"a/fal-x", "b/fal-x"}, []string{"x"}, "a/fal-x", 1},
		{"second folder", []string{"b/fal-x"}, []string{"x"}, "b/fal-x", 1},
		{"own folder", []string{"own/fal-x"}, []string{"x"}, "own/fal-x", 1},
		{"PATH before own folder", []string{"own/fal-runners", "b/fal-runners"}, []string{"runners"}, "b/fal-runners", 1},
		{"longest in own folder", []string{"own/fal-x-y", "b/fal-x"}, []string{"x", "y"}, "own/fal-x-y", 2},
		{"none", []string{"a/fal-y", "a/x"}, []string{"x"}, "", 0},

		{"hyphen to hyphen", []string{"a/fal-my-tool"}, []string{"my-tool"}, "a/fal-my-tool", 1},
		{"hyphen to underscore", []string{"a/fal-my_tool"}, []string{"my-tool"}, "a/fal-my_tool", 1},
		{"underscore to hyphen", []string{"a/fal-my-tool"}, []string{"my_tool"}, "a/fal-my-tool", 1},
		{"underscore to underscore", []string{"a/fal-my_tool"}, []string{"my_tool"}, "a/fal-my_tool", 1},
		{"as typed first, hyphen", []string{"a/fal-my_tool", "b/fal-my-tool"}, []string{"my-tool"}, "b/fal-my-tool", 1},
		{"as typed first, underscore", []string{"a/fal-my-tool", "b/fal-my_tool"}, []string{"my_tool"}, "b/fal-my_tool", 1},
		{"two words to hyphen", []string{"a/fal-my-tool"}, []string{"my", "tool"}, "a/fal-my-tool", 2},
		{"two words are no underscore", []string{"a/fal-my_tool"}, []string{"my", "tool"}, "", 0},
		{"hyphens in later words", []string{"a/fal-x-my_tool"}, []string{"x", "my-tool", "z"}, "a/fal-x-my_tool", 2},
		{"dots", []string{"a/fal-x.sh"}, []string{"x.sh"}, "a/fal-x.sh", 1},
		{"letters of any alphabet", []string{"a/fal-größe"}, []string{"größe"}, "a/fal-größe", 1},

		{"alias", []string{"a/fal-runners"}, []string{"machine", "list"}, "a/fal-runners", 1},
		{"alias of account", []string{"a/fal-account"}, []string{"teams"}, "a/fal-account", 1},
		{"alias before a plugin of its name", []string{"a/fal-env", "b/fal-environments"}, []string{"env"}, "b/fal-environments", 1},
		{"plugin with the name of an alias", []string{"a/fal-env"}, []string{"env"}, "a/fal-env", 1},
		{"alias in a longer name", []string{"a/fal-runners", "a/fal-runners-top"}, []string{"runner", "top"}, "a/fal-runners-top", 2},
		{"longer name with the alias as typed", []string{"a/fal-runners", "a/fal-runner-top"}, []string{"runner", "top"}, "a/fal-runner-top", 2},
		{"only the first word is an alias", []string{"a/fal-x-runners"}, []string{"x", "runner"}, "", 0},

		{"no words", nil, nil, "", 0},
		{"a word that is no name ends it", []string{"a/fal-x", "a/fal-x-y"}, []string{"x", "", "y"}, "a/fal-x", 1},
		{"eight words at most", []string{"a/fal-1-2-3-4-5-6-7-8-9", "a/fal-1-2-3-4-5-6-7-8"}, strings.Split("123456789", ""), "a/fal-1-2-3-4-5-6-7-8", 8},
		{"long arguments", []string{"a/fal-x"}, []string{"x", strings.Repeat("y", 5000)}, "a/fal-x", 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			root := realTempDir(t)
			for _, file := range test.files {
				write(t, filepath.Join(root, file), "")
			}
			match, err := dispatcher(t, root, "a", "missing", "b").Lookup(test.typed)
			if test.want == "" {
				var unknown *dispatch.UnknownCommandError
				if !errors.As(err, &unknown) || unknown.ExitCode() != 127 {
					t.Fatalf("got %+v, %v, want an unknown command", match, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := below(root, match.Path); got != test.want || match.Words != test.words {
				t.Errorf("found %s with %d words, want %s with %d", got, match.Words, test.want, test.words)
			}
			if typed := "fal " + strings.Join(test.typed[:test.words], " "); match.Typed != typed {
				t.Errorf("typed %q, want %q", match.Typed, typed)
			}
			if match.Name != filepath.Base(match.Path) {
				t.Errorf("name %q of %s", match.Name, match.Path)
			}
		})
	}
}

func TestLookupStaysInsideItsFolders(t *testing.T) {
	root := realTempDir(t)
	write(t, filepath.Join(root, "evil"), "")
	write(t, filepath.Join(root, "a", "fal-x", "y"), "")
	write(t, filepath.Join(root, "a", "fal-x", "fal-y"), "")
	write(t, filepath.Join(root, "a", "fal-"), "")
	write(t, filepath.Join(root, "a", "fal- "), "")
	write(t, filepath.Join(root, "a", "fal-a\nb"), "")
	write(t, filepath.Join(root, "a", "fal-a:b"), "")
	d := dispatcher(t, root, "a")
	for _, word := range []string{
		"", ".", "..", "x/y", "x/../../evil", "../evil", "/../evil", "/", `..\evil`, `x\y`, "a:b",
		"a\nb", "a\x00b", "\x1b[31m", " ", "a b", "x.", "a..b", "\xff", "*", "\u202e", "-x",
	} {
		match, err := d.Lookup([]string{word})
		var unknown *dispatch.UnknownCommandError
		if !errors.As(err, &unknown) {
			t.Errorf("%q leads to %+v, %v", word, match, err)
			continue
		}
		if strings.ContainsAny(unknown.Error(), "\n\x00\x1b\u202e") {
			t.Errorf("the message for %q has control characters in it", word)
		}
	}
	if _, err := d.Lookup([]string{"x"}); err == nil {
		t.Error("a folder was found as a plugin")
	}
}

func TestLookupIgnoresEntriesThatDependOnTheCurrentFolder(t *testing.T) {
	root := realTempDir(t)
	write(t, filepath.Join(root, "here", "fal-x"), "")
	write(t, filepath.Join(root, "here", "bin", "fal-x"), "")
	t.Chdir(filepath.Join(root, "here"))
	env := environment(t, root)
	for _, path := range []string{"", ":", ".", "./", "bin", "./bin", ":.:bin::", "bin/../bin"} {
		env.Path = path
		if match, err := dispatch.New(env, nil).Lookup([]string{"x"}); err == nil {
			t.Errorf("PATH=%q leads to %s", path, match.Path)
		}
	}
	env.Path = ".::" + filepath.Join(root, "here", "bin")
	match, err := dispatch.New(env, nil).Lookup([]string{"x"})
	if err != nil || below(root, match.Path) != "here/bin/fal-x" {
		t.Errorf("found %s, %v", match.Path, err)
	}
}

func TestLookupNotExecutable(t *testing.T) {
	root := realTempDir(t)
	path := write(t, filepath.Join(root, "a", "fal-x"), "", 0o644)
	write(t, filepath.Join(root, "it's here", "fal-y"), "", 0o644)
	d := dispatcher(t, root, "a", "b", "it's here")

	_, err := d.Lookup([]string{"x", "list"})
	var start *dispatch.StartError
	if !errors.As(err, &start) || start.Path != path || start.ExitCode() != 127 {
		t.Fatalf("got %v", err)
	}
	if want := []string{"chmod +x " + path}; !slices.Equal(start.Hints(), want) {
		t.Errorf("hints %q, want %q", start.Hints(), want)
	}
	_, err = d.Lookup([]string{"y"})
	if !errors.As(err, &start) || !contains(start.Hints(), `/it'\''s here/fal-y'`) {
		t.Errorf("got %v with hints %q", err, start.Hints())
	}

	write(t, filepath.Join(root, "b", "fal-x"), "")
	match, err := d.Lookup([]string{"x", "list"})
	if err != nil || below(root, match.Path) != "b/fal-x" {
		t.Errorf("found %s, %v", match.Path, err)
	}
	write(t, filepath.Join(root, "a", "fal-x-list"), "", 0o644)
	match, err = d.Lookup([]string{"x", "list"})
	if err != nil || below(root, match.Path) != "b/fal-x" {
		t.Errorf("with a longer name that may not be executed: found %s, %v", match.Path, err)
	}
}

func TestLookupFollowsLinks(t *testing.T) {
	root := realTempDir(t)
	target := write(t, filepath.Join(root, "store", "tool"), "")
	link(t, target, filepath.Join(root, "a", "fal-x"))
	link(t, filepath.Join(root, "gone"), filepath.Join(root, "a", "fal-y"))
	write(t, filepath.Join(root, "b", "fal-y"), "")
	d := dispatcher(t, root, "a", "b")
	if match, err := d.Lookup([]string{"x"}); err != nil || below(root, match.Path) != "a/fal-x" {
		t.Errorf("found %s, %v", match.Path, err)
	}
	if match, err := d.Lookup([]string{"y"}); err != nil || below(root, match.Path) != "b/fal-y" {
		t.Errorf("behind a broken link: found %s, %v", match.Path, err)
	}
}

func TestLookupBesideTheRealExecutable(t *testing.T) {
	root := realTempDir(t)
	write(t, filepath.Join(root, "cellar", "fal"), "")
	write(t, filepath.Join(root, "cellar", "fal-x"), "")
	env := environment(t, root)
	env.Self = link(t, filepath.Join(root, "cellar", "fal"), filepath.Join(root, "bin", "fal"))
	match, err := dispatch.New(env, nil).Lookup([]string{"x"})
	if err != nil || below(root, match.Path) != "cellar/fal-x" {
		t.Errorf("found %s, %v", match.Path, err)
	}
	for _, self := range []string{"", "fal", filepath.Join(root, "gone", "fal")} {
		env.Self = self
		if match, err := dispatch.New(env, nil).Lookup([]string{"x"}); err == nil {
			t.Errorf("with itself at %q: found %s", self, match.Path)
		}
	}
}

func FuzzLookup(f *testing.F) {
	root, err := filepath.EvalSymlinks(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(root, "bin"), 0o755); err != nil {
		f.Fatal(err)
	}
	for _, name := range []string{"evil", "bin/fal-x", "bin/x"} {
		if err := os.WriteFile(filepath.Join(root, name), nil, 0o755); err != nil {
			f.Fatal(err)
		}
	}
	d := dispatch.New(dispatch.Environment{Path: filepath.Join(root, "bin")}, nil)
	for _, seed := range []string{"x", "x\x00y", "../evil", "x/../../evil", "\x00", "x\x00..\x00evil", "a-b_c\x00d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, joined string) {
		words := strings.Split(joined, "\x00")
		match, err := d.Lookup(words)
		if err != nil {
			return
		}
		if match.Path != filepath.Join(root, "bin", "fal-x") || match.Words != 1 || words[0] != "x" {
			t.Fatalf("%q leads to %+v", words, match)
		}
	})
}
