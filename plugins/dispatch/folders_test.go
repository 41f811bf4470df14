//go:build unix

package dispatch_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/plugins/dispatch"
	"github.com/fal-plugins/fal/plugins/internal/installed"
)

// write makes a file that may be executed, unless mode says otherwise, and
// the folders to it.
func write(t *testing.T, path, content string, mode ...os.FileMode) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, bits := range mode {
		if err := os.Chmod(path, bits); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// link makes a symbolic link and the folders to it.
func link(t *testing.T, target, path string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// realTempDir is a temporary folder without links in its path.
func realTempDir(t *testing.T) string {
	t.Helper()
	folder, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// dispatcher searches the given folders below root. The dispatcher itself is
// root/own/fal, which is not on the path unless the folder own is given.
func dispatcher(t *testing.T, root string, folders ...string) *dispatch.Dispatcher {
	t.Helper()
	return dispatch.New(environment(t, root, folders...), builtins())
}

func builtins() []installed.Builtin {
	return []installed.Builtin{{Name: "help"}, {Name: "version"}, {Name: "plugin", Aliases: []string{"plugins"}}}
}

func environment(t *testing.T, root string, folders ...string) dispatch.Environment {
	t.Helper()
	self := filepath.Join(root, "own", "fal")
	if _, err := os.Lstat(self); err != nil {
		write(t, self, "")
	}
	var path []string
	for _, folder := range folders {
		path = append(path, filepath.Join(root, folder))
	}
	return dispatch.Environment{
		Path:    strings.Join(path, string(filepath.ListSeparator)),
		Self:    self,
		Environ: []string{"HOME=/nowhere", "FAL_INVOKED_AS=1 fal-other fal other"},
		PID:     4242,
	}
}

// below returns a path without the folder root.
func below(root, path string) string {
	relative, err := filepath.Rel(root, path)
	if err != nil {
		return path
	}
	return filepath.ToSlash(relative)
}

func contains(texts []string, part string) bool {
	return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, part) })
}
