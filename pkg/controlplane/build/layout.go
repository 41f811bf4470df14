package build

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// entry is a regular file that can be copied into a tree.
type entry struct {
	path string // with slashes, relative
	mode fs.FileMode
	open func() (io.ReadCloser, error)
}

// uploaded are the files of a definition as entries, sorted by path.
func (b *Builder) uploaded(files []File) []entry {
	entries := make([]entry, len(files))
	for i, f := range files {
		entries[i] = entry{path: f.Path, mode: f.Mode.Perm(), open: func() (io.ReadCloser, error) {
			content, err := b.files.Open(f.Hash)
			if errors.Is(err, fs.ErrNotExist) {
				return nil, failf("file %s was not uploaded", f.Path)
			}
			return content, err
		}}
	}
	sortEntries(entries)
	return entries
}

func sortEntries(entries []entry) {
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.path, b.path) })
}

// entriesOf are the regular files of a folder. What links lead to is left out.
func entriesOf(folder string) ([]entry, error) {
	var entries []entry
	err := filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(folder, name)
		if err != nil {
			return err
		}
		entries = append(entries, entry{
			path: filepath.ToSlash(relative),
			mode: info.Mode().Perm(),
			open: func() (io.ReadCloser, error) { return os.Open(name) },
		})
		return nil
	})
	sortEntries(entries)
	return entries, err
}

// layOut puts the files of a definition at their paths in the environment's tree.
func (e *Environment) layOut(ctx context.Context, files []File) error {
	root, err := openTree(e.tree())
	if err != nil {
		return err
	}
	defer root.Close()
	for _, f := range e.builder.uploaded(files) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := put(root, f.path, f); err != nil {
			return err
		}
	}
	return nil
}

func openTree(folder string) (*os.Root, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	return os.OpenRoot(folder)
}

// put writes an entry into a tree, at a relative path with slashes, in place of
// what was there.
func put(root *os.Root, name string, f entry) error {
	content, err := f.open()
	if err != nil {
		return err
	}
	defer content.Close()
	return write(root, name, f.mode, content)
}

func write(root *os.Root, name string, mode fs.FileMode, content io.Reader) error {
	if err := makeDir(root, path.Dir(name)); err != nil {
		return err
	}
	local := filepath.FromSlash(name)
	if err := root.Remove(local); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return failf("%s is a folder and a file", name)
	}
	file, err := root.OpenFile(local, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	// A file that cannot be read by its owner can be neither copied nor run.
	return errors.Join(err, file.Chmod(mode.Perm()|0o600), file.Close())
}

// makeDir makes a folder of a tree.
func makeDir(root *os.Root, name string) error {
	if name == "." || name == "" {
		return nil
	}
	err := root.MkdirAll(filepath.FromSlash(name), 0o700)
	if err != nil {
		if info, stat := root.Stat(filepath.FromSlash(name)); stat != nil || !info.IsDir() {
			return failf("%s is a file and a folder", name)
		}
		return nil
	}
	return nil
}

// copyTree copies the files and folders of a tree into an existing folder.
func copyTree(to, from string) error {
	root, err := os.OpenRoot(to)
	if err != nil {
		return err
	}
	defer root.Close()
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		switch {
		case d.IsDir():
			return makeDir(root, filepath.ToSlash(relative))
		case !d.Type().IsRegular():
			return nil // a tree has none
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return put(root, filepath.ToSlash(relative), entry{
			mode: info.Mode(),
			open: func() (io.ReadCloser, error) { return os.Open(name) },
		})
	})
}
