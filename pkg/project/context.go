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

// source is what a COPY or app_files names, and where: a problem with it has
// File, Line, Column and Key of place.
type source struct {
	path  string
	place Problem
}

// blame makes problems with the source of err.
func (s source) blame(err error) Problems {
	var found Problems
	if !errors.As(err, &found) {
		found = Problems{{Message: fmt.Sprintf("%s: cannot be read: %v", s.path, fault(err))}}
	}
	for i := range found {
		if p := &found[i]; p.File == "" {
			p.File, p.Line, p.Column, p.Key = s.place.File, s.place.Line, s.place.Column, s.place.Key
		}
	}
	return found
}

// contextFiles are the files below dir that sources name, those that are
// ignored left out. A source is a file, a folder with all that is in it, or, if
// there is no such file, a pattern as [path.Match] has them. All are relative to
// dir, and none may lead out of it. Errors are [Problems] of all sources.
//
// Links are treated as the official client treats them: one to a file is the
// file that it leads to, under that file's own path, and one to a folder is
// followed only if it is a source.
func contextFiles(dir string, sources []source, out ignore) (*chosen, error) {
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, err
	}
	c := &collector{root: root, ignore: out, files: map[string]string{}, links: map[string]string{}, out: map[string]string{}}
	var problems Problems
	for _, source := range sources {
		if err := c.source(source.path); err != nil {
			problems = append(problems, source.blame(err)...)
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	tree, err := newContext(root, c.files)
	if err != nil {
		return nil, err
	}
	tree.links, tree.out = c.links, c.out
	return tree, nil
}

// checkSources are the problems that contextFiles has with the sources
// themselves. It does not look into folders.
func checkSources(dir string, sources []source, out ignore) Problems {
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return problem("", "%s: cannot be read: %v", dir, fault(err))
	}
	c := &collector{root: root, ignore: out}
	var problems Problems
	for _, source := range sources {
		if _, err := c.named(source.path); err != nil {
			problems = append(problems, source.blame(err)...)
		}
	}
	return problems
}

type collector struct {
	root string
	ignore
	files map[string]string // absolute names by path
	links map[string]string // paths that files do not go under, and theirs
	out   map[string]string // what is kept out, folders with a slash, and the pattern that does so
}

func (c *collector) source(source string) error {
	names, err := c.named(source)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := c.add(source, name); err != nil {
			return err
		}
	}
	return nil
}

// named are the absolute names of what a source means.
func (c *collector) named(source string) ([]string, error) {
	lexical := filepath.FromSlash(source)
	if !filepath.IsAbs(lexical) {
		lexical = filepath.Join(c.root, lexical)
	}
	relative := c.relative(lexical)
	real, err := filepath.EvalSymlinks(lexical)
	switch {
	case err == nil && !c.inside(real) && !c.file(relative) && !c.file(relative+"/"):
		return nil, c.outside(source)
	case err == nil:
		return []string{lexical}, nil
	case errors.Is(err, fs.ErrPermission):
		for above := path.Dir(relative); above != "." && above != "/"; above = path.Dir(above) {
			if c.folder(above) {
				return nil, nil
			}
		}
		return nil, err
	}
	matches, err := fs.Glob(os.DirFS(c.root), path.Clean(strings.TrimPrefix(filepath.ToSlash(source), "./")))
	if err != nil {
		return nil, problem("", "%q is not a valid pattern of files", source)
	}
	if len(matches) == 0 {
		if _, err := os.Lstat(lexical); err == nil {
			return nil, problem("", "%s is a link that leads nowhere", lexical)
		}
		return nil, problem("", "%s: there is no such file in %s", source, c.root)
	}
	for i, match := range matches {
		matches[i] = filepath.Join(c.root, filepath.FromSlash(match))
	}
	return matches, nil
}

// relative is the path, with slashes, of a name below the root.
func (c *collector) relative(name string) string {
	relative, err := filepath.Rel(c.root, name)
	if err != nil {
		return name
	}
	return filepath.ToSlash(relative)
}

// keepsOut says whether nothing in a folder goes with the app.
func (c *collector) keepsOut(folder string) bool {
	return folder != "." && c.folder(folder)
}

// leave notes what is kept out, where it is known why.
func (c *collector) leave(path, name string) {
	if c.pattern != nil {
		c.out[name] = c.pattern(path)
	}
}

// add takes in a file, or the files of a folder, that is there.
func (c *collector) add(source, lexical string) error {
	relative := c.relative(lexical)
	info, err := os.Stat(lexical)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return c.take(lexical, relative, relative)
	}
	start, err := filepath.EvalSymlinks(lexical)
	if err != nil {
		return err
	}
	if start != lexical && (c.file(relative) || c.file(relative+"/")) {
		return nil
	}
	if !c.inside(start) {
		return c.outside(source)
	}
	own := relative
	if start != lexical {
		own = c.relative(start)
		c.links[relative] = own
	}
	return filepath.WalkDir(start, func(name string, entry fs.DirEntry, err error) error {
		below, relErr := filepath.Rel(start, name)
		if relErr != nil {
			return relErr
		}
		below = filepath.ToSlash(below)
		taken, expected := path.Join(relative, below), path.Join(own, below)
		switch {
		case err == nil && entry.IsDir() && c.keepsOut(taken):
			c.leave(taken, taken+"/")
			return fs.SkipDir
		case err == nil && entry.IsDir() && c.keepsOut(expected):
			c.leave(expected, expected+"/")
			return fs.SkipDir
		case err != nil:
			return problem("keep it out with app_files_ignore or .dockerignore", "%s: cannot be read: %v", taken, fault(err))
		case entry.IsDir():
			return nil
		case c.file(taken):
			c.leave(taken, taken)
			return nil
		}
		if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // a link that leads nowhere
			}
			return err
		}
		return c.take(name, taken, expected)
	})
}

// take takes in one file, by the path that it has in the sources. Under expected
// it would go if it were no link.
func (c *collector) take(name, relative, expected string) error {
	if c.file(relative) {
		c.leave(relative, relative)
		return nil
	}
	real, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	if !c.inside(real) {
		return c.outside(relative)
	}
	if own := c.relative(real); !c.file(own) {
		c.files[own] = real
		if own != expected {
			c.links[relative] = own
		}
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
// they are, until it is closed. What has become a link out of its folder
// meanwhile is not read.
type chosen struct {
	files map[string]place
	dirs  map[string][]string
	links map[string]string // that were chosen, and the paths that go in their place
	out   map[string]string // what patterns keep out, folders with a slash, and which
	roots map[string]*os.Root
}

// place is where a file is on this machine.
type place struct {
	root *os.Root
	name string // below root
}

func (p place) String() string { return filepath.Join(p.root.Name(), p.name) }

// Close ends the reading of files.
func (c *chosen) Close() error {
	var errs []error
	for _, root := range c.roots {
		errs = append(errs, root.Close())
	}
	return errors.Join(errs...)
}

// mostLinks is how many links are named one by one.
const mostLinks = 5

// notices say which links do not go as such: what looks for them where the app
// runs does not find them.
func (c *chosen) notices() []string {
	var said []string
	for _, name := range slices.Sorted(maps.Keys(c.links)) {
		if len(said) == mostLinks {
			return append(said, fmt.Sprintf("%d more links go as what they lead to", len(c.links)-mostLinks))
		}
		said = append(said, fmt.Sprintf("%s is a link: it goes as %s", name, c.links[name]))
	}
	return said
}

// newContext is a tree of the files of which it is given the absolute names by
// their paths. They are all below dir; if that is "", below the folder that
// their paths are relative to. It refuses files that are not there, or too large
// to be deployed.
func newContext(dir string, files map[string]string) (c *chosen, err error) {
	c = &chosen{files: map[string]place{}, dirs: map[string][]string{".": nil}, roots: map[string]*os.Root{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
			c = nil
		}
	}()
	var problems Problems
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !fs.ValidPath(name) || name == "." {
			return c, problem("", "%q cannot be the path of a file that goes with the app", name)
		}
		at, err := c.place(dir, name, files[name])
		if err != nil {
			return c, err
		}
		info, err := at.root.Stat(at.name)
		switch {
		case err != nil:
			return c, err
		case !info.Mode().IsRegular():
			return c, problem("", "%s is not a regular file", at)
		case info.Size() > largestFile:
			problems = append(problems, problem("keep it out with app_files_ignore or .dockerignore, or put it on /data",
				"%s has %d bytes: a file that goes with the app may have %d (1 GiB)", at, info.Size(), int64(largestFile))...)
		}
		c.files[name] = at
		c.enter(name)
	}
	if len(problems) > 0 {
		return c, problems
	}
	for dir, names := range c.dirs {
		if at, also := c.files[dir]; also {
			return c, problem("", "%s is both a file and a folder of the app", at)
		}
		slices.Sort(names)
	}
	return c, nil
}

// place finds the root of a file and keeps it open.
func (c *chosen) place(dir, path, name string) (place, error) {
	if dir == "" {
		var below bool
		if dir, below = strings.CutSuffix(filepath.ToSlash(name), "/"+path); !below || dir == "" {
			dir = filepath.Dir(name)
		}
		dir = filepath.Clean(filepath.FromSlash(dir))
	}
	below, err := filepath.Rel(dir, name)
	if err != nil {
		return place{}, err
	}
	root := c.roots[dir]
	if root == nil {
		if root, err = os.OpenRoot(dir); err != nil {
			return place{}, err
		}
		c.roots[dir] = root
	}
	return place{root, below}, nil
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
	if at, ok := c.files[name]; ok {
		file, err := openBelow(at.root, at.name)
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
	if at, ok := c.files[name]; ok {
		info, err := at.root.Stat(at.name)
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
