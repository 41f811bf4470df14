package alias_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pelletier/go-toml/v2"

	"github.com/fal-plugins/fal/plugins/dispatch/alias"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "",
		"# nothing\n\n":                  "",
		`a = ["b"]`:                      "a:b",
		"a=['b','c',]\r\n":               "a:b|c",
		"a = [ # one\n 'b', # two\n]#\n": "a:b",
		"\"a\\tb\" = [\"\\u00e9 \\\"\\\\ \\n\"]\nz-1_ = ['$x \\n']": "a\tb:é \"\\ \n;z-1_:$x \\n",
	} {
		f, err := alias.Parse(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := shown(f); got != want {
			t.Errorf("%q holds %q, want %q", text, got, want)
		}
	}
	for text, line := range map[string]int{
		"a":                         1,
		"\n= [\"b\"]":               2,
		"a = \"b\"":                 1,
		"a = []":                    1,
		"a = [b]":                   1,
		"a = ['b' 'c']":             1,
		"a = ['b'] c":               1,
		"a = ['b\n']":               1,
		"a = [\"\\x41\"]":           1,
		"a = [\"\\u12\"]":           1,
		"a = [\"\\u0000\"]":         1,
		"a = [\"\\uD800\"]":         1,
		"a = ['b":                   1,
		"a = ['b'\n":                2,
		"# x\na = ['b']\na = ['c']": 4,
		"[a]\nb = ['c']":            1,
		"a.b = ['c']":               1,
		"a = ['\xff']":              1,
	} {
		_, err := alias.Parse(text)
		var syntax *alias.SyntaxError
		if !errors.As(err, &syntax) || syntax.Line != line && text[0] != '#' {
			t.Errorf("%q: %v, want line %d", text, err, line)
		}
	}
}

func shown(f *alias.File) string {
	var all []string
	for _, a := range f.All() {
		all = append(all, a.Name+":"+strings.Join(a.Words, "|"))
	}
	return strings.Join(all, ";")
}

func TestEdit(t *testing.T) {
	f, err := alias.Parse("# mine\nb = ['x'] # why\n\n# the other\na = [\n  'y',\n]")
	if err != nil {
		t.Fatal(err)
	}
	edit := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	edit(f.Set("b", []string{"two words", `"$x"`}))
	edit(f.Set("c.d", []string{"\n", "`", ""}))
	if was, err := f.Delete("a"); !was || err != nil {
		t.Errorf("a was there: %t, %v", was, err)
	}
	if was, err := f.Delete("nope"); was || err != nil {
		t.Errorf("nope was there: %t, %v", was, err)
	}
	want := "# mine\nb = [\"two words\", \"\\\"$x\\\"\"]\n\n# the other\n\"c.d\" = [\"\\u000A\", \"`\", \"\"]\n"
	if f.Text() != want {
		t.Errorf("got\n%s\nwant\n%s", f.Text(), want)
	}
	for _, word := range []string{"\xff", "a\x00b"} {
		if err := f.Set("x", []string{word}); err == nil || f.Text() != want {
			t.Errorf("%q was kept", word)
		}
	}
}

func TestUpdate(t *testing.T) {
	path := alias.Path(t.TempDir())
	var wait sync.WaitGroup
	names := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	for _, name := range names {
		wait.Go(func() {
			if err := alias.Update(path, func(f *alias.File) error { return f.Set(name, []string{"x"}) }); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	f, err := alias.Read(path)
	if err != nil || len(f.All()) != len(names) {
		t.Fatalf("kept %q, %v", shown(f), err)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 2 { // with the lock
		t.Errorf("left %v, %v", left, err)
	}
	refused := errors.New("no")
	err = alias.Update(path, func(f *alias.File) error { _ = f.Set("z", []string{"x"}); return refused })
	if f, _ := alias.Read(path); !errors.Is(err, refused) || len(f.All()) != len(names) {
		t.Errorf("%v, kept %q", err, shown(f))
	}
}

func TestUpdateWritesThroughLinks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Log("links need a privilege there")
		return
	}
	dir := t.TempDir()
	target, path := filepath.Join(dir, "dotfiles.toml"), filepath.Join(dir, "aliases.toml")
	if err := errors.Join(os.WriteFile(target, nil, 0o644), os.Symlink(target, path)); err != nil {
		t.Fatal(err)
	}
	if err := alias.Update(path, func(f *alias.File) error { return f.Set("a", []string{"b"}) }); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(target); err != nil || string(text) != "a = [\"b\"]\n" {
		t.Errorf("%q, %v", text, err)
	}
}

// FuzzParse holds the parser against a complete one: what it takes means the
// same there.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"a = ['b']", "\"é\" = [\"\\u0041\", '\\', # x\n]\n", "a=[\"\\U0001F600\"]\r\n#"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file, err := alias.Parse(text)
		if err != nil {
			return
		}
		for _, a := range file.All() {
			if err := file.Set(a.Name, a.Words); err != nil {
				t.Fatal(err)
			}
			if words, found := file.Find(a.Name); !found || !slices.Equal(words, a.Words) {
				t.Errorf("%q became %q", a.Words, words)
			}
		}
		var whole map[string][]string
		if err := toml.Unmarshal([]byte(file.Text()), &whole); err != nil {
			return // for comments that the other one refuses
		}
		for _, a := range file.All() {
			if !slices.Equal(whole[a.Name], a.Words) {
				t.Errorf("%q is %q, and %q elsewhere", a.Name, a.Words, whole[a.Name])
			}
		}
	})
}
