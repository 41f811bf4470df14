package project

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// largestFile is what the service takes of one file, in bytes.
const largestFile = 1 << 30

// contextFiles are the files below dir that sources name, those that are
// ignored left out; ignored is given paths with slashes, relative to dir. A
// source is a file, a folder with all that is in it, or, if there is no such
// file, a pattern as [path.Match] has them. All are relative to dir, and none
// may lead out of it.
//
// Links are treated as the official client treats them: one to a file is the
// file that it leads to, under that file's own path, and one to a folder is
// followed only if it is a source.
func contextFiles(dir string, sources []string, ignored func(path string) bool) (fs.FS, error) {
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, err
	}
	c := &collector{root: root, ignored: ignored, files: map[string]string{}}
	for _, source := range sources {
		if err := c.source(source); err != nil {
			return nil, err
		}
	}
	return newContext(c.files)
}

type collector struct {
	root    string
	ignored func(path string) bool
	files   map[string]string // absolute names by path
}

func (c *collector) source(source string) error {
	lexical := filepath.FromSlash(source)
	if !filepath.IsAbs(lexical) {
		lexical = filepath.Join(c.root, lexical)
	}
	if _, err := os.Stat(lexical); err == nil {
		return c.add(source, lexical)
	}
	matches, err := fs.Glob(os.DirFS(c.root), path.Clean(strings.TrimPrefix(filepath.ToSlash(source), "./")))
	if err != nil {
		return problem("", "%q is not a valid pattern of files", source)
	}
	if len(matches) == 0 {
		if _, err := os.Lstat(lexical); err == nil {
			return problem("", "%s is a link that leads nowhere", lexical)
		}
		return problem("", "%s: there is no such file in %s", source, c.root)
	}
	for _, match := range matches {
		if err := c.add(match, filepath.Join(c.root, filepath.FromSlash(match))); err != nil {
			return err
		}
	}
	return nil
}

// add takes in a file, or the files of a folder, that is there.
func (c *collector) add(source, lexical string) error {
	relative, err := filepath.Rel(c.root, lexical)
	if err != nil {
		return c.outside(source)
	}
	relative = filepath.ToSlash(relative)
	info, err := os.Stat(lexical)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return c.file(lexical, relative)
	}
	start, err := filepath.EvalSymlinks(lexical)
	if err != nil {
		return err
	}
	if start != lexical && (c.ignored(relative) || c.ignored(relative+"/")) {
		return nil
	}
	if !c.inside(start) {
		return c.outside(source)
	}
	return filepath.WalkDir(start, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		below, err := filepath.Rel(start, name)
		if err != nil {
			return err
		}
		if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // a link that leads nowhere
			}
			return err
		}
		return c.file(name, path.Join(relative, filepath.ToSlash(below)))
	})
}

// file takes in one file, by the path that it has in the sources.
func (c *collector) file(name, relative string) error {
	if c.ignored(relative) {
		return nil
	}
	real, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	if !c.inside(real) {
		return c.outside(relative)
	}
	own, err := filepath.Rel(c.root, real)
	if err != nil {
		return c.outside(relative)
	}
	if own = filepath.ToSlash(own); !c.ignored(own) {
		c.files[own] = real
	}
	return nil
}

func (c *collector) inside(name string) bool {
	relative, err := filepath.Rel(c.root, name)
	return err == nil && filepath.IsLocal(relative)
}

func (c *collector) outside(source string) error {
	return problem("move it below that folder, or keep it out with app_files_ignore or .dockerignore",
		"%s leads out of %s, and only files in there can go with the app", source, c.root)
}

// chosen is a tree of exactly the files that were chosen, which are read where
// they are.
type chosen struct {
	files map[string]string // names of this machine by path
	dirs  map[string][]string
}

// newContext refuses files that are not there, or too large to be deployed.
func newContext(files map[string]string) (*chosen, error) {
	c := &chosen{files: files, dirs: map[string][]string{".": nil}}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !fs.ValidPath(name) || name == "." {
			return nil, problem("", "%q cannot be the path of a file that goes with the app", name)
		}
		info, err := os.Stat(files[name])
		switch {
		case err != nil:
			return nil, err
		case !info.Mode().IsRegular():
			return nil, problem("", "%s is not a regular file", files[name])
		case info.Size() > largestFile:
			return nil, problem("keep it out with app_files_ignore or .dockerignore, or put it on /data",
				"%s has %d bytes: a file that goes with the app may have %d (1 GiB)", files[name], info.Size(), int64(largestFile))
		}
		c.enter(name)
	}
	for dir, names := range c.dirs {
		if _, also := files[dir]; also {
			return nil, problem("", "%s is both a file and a folder of the app", dir)
		}
		slices.Sort(names)
	}
	return c, nil
}

func (c *chosen) enter(name string) {
	for name != "." {
		dir := path.Dir(name)
		_, known := c.dirs[dir]
		c.dirs[dir] = append(c.dirs[dir], path.Base(name))
		if known {
			return
		}
		name = dir
	}
}

// Open opens a file or a folder.
func (c *chosen) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	if real, ok := c.files[name]; ok {
		file, err := os.Open(real)
		if err != nil {
			return nil, err
		}
		return file, nil
	}
	entries, err := c.ReadDir(name)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &folder{info: folderInfo(path.Base(name)), rest: entries}, nil
}

// Stat tells what the file is that goes with the app, whose Sys is that of this
// machine.
func (c *chosen) Stat(name string) (fs.FileInfo, error) {
	if real, ok := c.files[name]; ok {
		info, err := os.Stat(real)
		if err != nil {
			return nil, err
		}
		return renamed{info, path.Base(name)}, nil
	}
	if _, ok := c.dirs[name]; ok {
		return folderInfo(path.Base(name)), nil
	}
	return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
}

// ReadDir lists a folder, sorted by name.
func (c *chosen) ReadDir(name string) ([]fs.DirEntry, error) {
	names, ok := c.dirs[name]
	if !ok {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	entries := make([]fs.DirEntry, len(names))
	for i, below := range names {
		entries[i] = entry{c, path.Join(name, below)}
	}
	return entries, nil
}

// entry asks the file when it is asked.
type entry struct {
	tree *chosen
	path string
}

func (e entry) Name() string { return path.Base(e.path) }

func (e entry) IsDir() bool {
	_, is := e.tree.dirs[e.path]
	return is
}

func (e entry) Type() fs.FileMode {
	if e.IsDir() {
		return fs.ModeDir
	}
	return 0
}

func (e entry) Info() (fs.FileInfo, error) { return e.tree.Stat(e.path) }

// renamed is a file under the name that it has in the app.
type renamed struct {
	fs.FileInfo
	name string
}

func (r renamed) Name() string { return r.name }

type folderInfo string

func (f folderInfo) Name() string       { return string(f) }
func (f folderInfo) Size() int64        { return 0 }
func (f folderInfo) Mode() fs.FileMode  { return fs.ModeDir | 0o555 }
func (f folderInfo) ModTime() time.Time { return time.Time{} }
func (f folderInfo) IsDir() bool        { return true }
func (f folderInfo) Sys() any           { return nil }

type folder struct {
	info folderInfo
	rest []fs.DirEntry
}

func (f *folder) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *folder) Close() error               { return nil }

func (f *folder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: string(f.info), Err: fmt.Errorf("is a directory")}
}

func (f *folder) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(f.rest)
	} else if len(f.rest) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(f.rest))
	entries := f.rest[:n]
	f.rest = f.rest[n:]
	return entries, nil
}
