package project

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// plant writes files, each "path" or "path -> link", with their path in them.
func plant(t *testing.T, dir string, files ...string) {
	t.Helper()
	for _, file := range files {
		name, target, link := strings.Cut(file, " -> ")
		full := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if link {
			if runtime.GOOS == "windows" {
				t.Skip("links need a privilege here")
			}
			if err := os.Symlink(filepath.FromSlash(target), full); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(full, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// named are sources that are named nowhere.
func named(paths ...string) []source {
	var sources []source
	for _, path := range paths {
		sources = append(sources, source{path: path})
	}
	return sources
}

func shut(t *testing.T, tree *chosen) {
	t.Helper()
	if err := tree.Close(); err != nil {
		t.Error(err)
	}
}

func paths(t *testing.T, tree fs.FS) []string {
	t.Helper()
	var found []string
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			found = append(found, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestContextFiles(t *testing.T) {
	for _, test := range []struct {
		name    string
		files   []string
		sources []string
		ignored []string
		want    []string
		fails   string
	}{
		{name: "files and folders", files: []string{"a/b/c", "a/d", "e", "f"}, sources: []string{"a", "./e"}, want: []string{"a/b/c", "a/d", "e"}},
		{name: "everything", files: []string{"a/b", "c"}, sources: []string{"."}, want: []string{"a/b", "c"}},
		{name: "twice", files: []string{"a/b"}, sources: []string{"a", "a/b", "a/"}, want: []string{"a/b"}},
		{name: "a pattern", files: []string{"x.py", "y.py", "z.txt", "d/w.py"}, sources: []string{"*.py", "d/*"}, want: []string{"d/w.py", "x.py", "y.py"}},
		{name: "a name that is a pattern", files: []string{"[x].py", "x.py"}, sources: []string{"[x].py"}, want: []string{"[x].py"}},
		{name: "ignored", files: []string{"a/b.pyc", "a/c", ".git/config"}, sources: []string{"."}, ignored: []string{"*.pyc", ".git"}, want: []string{"a/c"}},
		{name: "an ignored file that is named", files: []string{"a.md", "b"}, sources: []string{"a.md", "b"}, ignored: defaultIgnore(), want: []string{"b"}},
		{name: "missing", files: []string{"a"}, sources: []string{"a", "nowhere/x"}, fails: "nowhere/x: there is no such file"},
		{name: "a pattern without files", files: []string{"a"}, sources: []string{"*.py"}, fails: "*.py: there is no such file"},
		{name: "above", files: []string{"in/a", "b"}, sources: []string{"../b"}, fails: "leads out of"},
		{name: "a link to a file", files: []string{"real/x", "links/l -> ../real/x"}, sources: []string{"links"}, want: []string{"real/x"}},
		{name: "a link to a folder", files: []string{"real/x", "links/l -> ../real", "links/y"}, sources: []string{"links"}, want: []string{"links/y"}},
		{name: "a named link to a folder", files: []string{"real/x", "l -> real"}, sources: []string{"l"}, want: []string{"real/x"}},
		{name: "an ignored link to a folder", files: []string{"real/x", "l -> real"}, sources: []string{"l"}, ignored: []string{"/l/"}, want: nil},
		{name: "a link that leads nowhere", files: []string{"d/x", "d/l -> nowhere"}, sources: []string{"d"}, want: []string{"d/x"}},
		{name: "a named link that leads nowhere", files: []string{"l -> nowhere"}, sources: []string{"l"}, fails: "leads nowhere"},
		{name: "a link out", files: []string{"d/l -> ../../outside"}, sources: []string{"d"}, fails: "d/l leads out of"},
		{name: "an ignored link out", files: []string{"d/x", "d/l -> ../../outside"}, sources: []string{"d"}, ignored: []string{"l"}, want: []string{"d/x"}},
		{name: "a folder that leads out", files: []string{"l -> ../elsewhere"}, sources: []string{"l"}, fails: "leads out of"},
		{name: "a folder that leads out to nothing", files: []string{"l -> ../void"}, sources: []string{"l"}, fails: "l leads out of"},
		{name: "a folder that leads out and back", files: []string{"x", "l -> ../back"}, sources: []string{"l"}, fails: "l leads out of"},
		{name: "a pattern that leads out and back", files: []string{"x", "l -> ../back"}, sources: []string{"*"}, fails: "* leads out of"},
		{name: "a file with the name of an ignored folder", files: []string{"a", "d/a"}, sources: []string{"a", "d"}, ignored: []string{"a/"}, want: []string{"a", "d/a"}},
		{name: "all that is not there", files: []string{"a"}, sources: []string{"b", "a", "c"}, fails: "c: there is no such file"},
		{name: "a link to what is ignored", files: []string{"secret", "l -> secret"}, sources: []string{"l"}, ignored: []string{"secret"}, want: nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			above := t.TempDir()
			plant(t, above, "outside", "elsewhere/x", "b")
			if err := os.Mkdir(filepath.Join(above, "void"), 0o755); err != nil {
				t.Fatal(err)
			}
			if runtime.GOOS != "windows" {
				plant(t, above, "back/in -> ../project/x")
			}
			dir := filepath.Join(above, "project")
			plant(t, dir, test.files...)
			tree, err := contextFiles(dir, named(test.sources...), ignoring(test.ignored))
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) {
					t.Errorf("%v, want one that says %q", err, test.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer shut(t, tree)
			if got := paths(t, tree); !slices.Equal(got, test.want) {
				t.Errorf("%q, want %q", got, test.want)
			}
			if err := fstest.TestFS(tree, test.want...); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestContextTellsTheFilesOfThisMachine(t *testing.T) {
	dir := t.TempDir()
	plant(t, dir, "d/run.sh")
	name := filepath.Join(dir, "d", "run.sh")
	if err := os.Chmod(name, 0o755); err != nil {
		t.Fatal(err)
	}
	tree, err := contextFiles(dir, named("d"), ignoring(nil))
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, tree)
	own, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	info, err := fs.Stat(tree, "d/run.sh")
	if err != nil || info.Mode() != own.Mode() || info.Size() != own.Size() {
		t.Errorf("%v, %v", info, err)
	}
	if runtime.GOOS != "windows" && info.Sys() == nil {
		t.Error("what the system says of the file is lost")
	}
	if text, err := fs.ReadFile(tree, "d/run.sh"); err != nil || string(text) != "d/run.sh" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := fs.Stat(tree, "nowhere"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is not there: %v", err)
	}
}

func TestContextRefusesLargeFiles(t *testing.T) {
	dir := t.TempDir()
	for name, size := range map[string]int64{"full": largestFile, "large": largestFile + 1} {
		file, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(file.Truncate(size), file.Close()); err != nil {
			t.Fatal(err)
		}
	}
	tree, err := contextFiles(dir, named("full"), ignoring(nil))
	if err != nil {
		t.Fatalf("a file of 1 GiB: %v", err)
	}
	shut(t, tree)
	if _, err := contextFiles(dir, named("."), ignoring(nil)); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "large")) {
		t.Errorf("a larger one: %v", err)
	}
}

func TestContextRefusesOddPaths(t *testing.T) {
	dir := t.TempDir()
	plant(t, dir, "x")
	real := filepath.Join(dir, "x")
	for _, files := range []map[string]string{
		{"../x": real}, {"/x": real}, {"a/../x": real}, {"": real}, {".": real}, {"a": real, "a/b": real}, {"d": dir},
	} {
		if _, err := newContext("", files); err == nil {
			t.Errorf("%v is accepted", files)
		}
	}
}

// What is opened is looked for again: a link that has come meanwhile does not
// lead to files of other folders.
func TestContextStaysInItsFolder(t *testing.T) {
	above := t.TempDir()
	plant(t, above, "outside/a", "project/d/a", "project/e/a", "project/f")
	dir := filepath.Join(above, "project")
	tree, err := contextFiles(dir, named("."), ignoring(nil))
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, tree)
	byName, err := newContext("", map[string]string{"e/a": filepath.Join(dir, "e", "a"), "other": filepath.Join(dir, "f")})
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, byName)
	for _, name := range []string{"e/a", "other"} {
		if _, err := fs.ReadFile(byName, name); err != nil {
			t.Error(err)
		}
	}
	for _, path := range []string{"d/a", "e", "f"} {
		if err := os.RemoveAll(filepath.Join(dir, filepath.FromSlash(path))); err != nil {
			t.Fatal(err)
		}
	}
	plant(t, dir, "d/a -> ../../outside/a", "e -> ../outside", "f -> "+filepath.Join(above, "outside", "a"))
	for _, name := range []string{"d/a", "e/a", "f"} {
		if text, err := fs.ReadFile(tree, name); err == nil {
			t.Errorf("%s: %q was read", name, text)
		}
		if _, err := fs.Stat(tree, name); err == nil {
			t.Errorf("%s is there", name)
		}
	}
	for _, name := range []string{"e/a", "other"} {
		if text, err := fs.ReadFile(byName, name); err == nil {
			t.Errorf("%s: %q was read", name, text)
		}
	}
}
