//go:build unix

package searchpath

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFind(t *testing.T) {
	root := t.TempDir()
	write(t, 0o644, root, "a", "x")
	if err := os.MkdirAll(filepath.Join(root, "b", "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	want := write(t, 0o755, root, "c", "x")
	write(t, 0o755, root, "d", "x")
	path := Parse(join(filepath.Join(root, "a"), filepath.Join(root, "b"), filepath.Join(root, "c"), filepath.Join(root, "d")), ".EXE")
	if file, found := path.Find("x"); !found || file.Path != want {
		t.Errorf("found %q, %t", file.Path, found)
	}
	if file, found := path.In(filepath.Join(root, "a"), "x"); !found || file.Executable {
		t.Errorf("a file that may not be executed: %+v, %t", file, found)
	}
	if _, found := path.In(filepath.Join(root, "b"), "x"); found {
		t.Error("a folder was found as a program")
	}
	if _, found := path.Find("y"); found {
		t.Error("a file that is not there was found")
	}
}
