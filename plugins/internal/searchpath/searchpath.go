// Package searchpath looks programs up on PATH by name.
//
//	path := searchpath.Parse(os.Getenv("PATH"), os.Getenv("PATHEXT"))
//	for _, folder := range path.Folders {
//		file, found := path.In(folder, "fal-runners")
//		…
//	}
//
// Looking a name up costs one stat for each folder; no folder is opened or
// read. Entries that depend on the current folder (empty, ".", relative) are
// never used: they are kept in Refused, to be shown. The package runs nothing
// and reads no environment variable.
package searchpath

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Path is a search path.
type Path struct {
	// Folders are absolute and clean, in order, each once.
	Folders []string
	// Refused are the entries that are not used.
	Refused []Refusal

	extensions []string
}

// Refusal is an entry of PATH that is not used.
type Refusal struct {
	// Entry is as written, possibly empty.
	Entry string
	// Reason is a phrase such as "relative to the current folder".
	Reason string
}

// File is what has a name that was looked for.
type File struct {
	Path string
	// Executable says whether this user may run it.
	Executable bool
	Info       fs.FileInfo
}

// Parse reads the value of PATH. pathExt is the value of PATHEXT, which
// decides on Windows in what order extensions are tried; only those of files
// that Windows starts by itself count (.com, .exe, .bat, .cmd), and all of
// them when it is empty. Elsewhere it is ignored.
func Parse(path, pathExt string) Path {
	parsed := Path{extensions: extensions(pathExt)}
	for _, entry := range entries(path) {
		switch {
		case entry == "":
			parsed.refuse(entry, "empty, which means the current folder")
		case filepath.Clean(entry) == ".":
			parsed.refuse(entry, "the current folder")
		case !filepath.IsAbs(entry):
			parsed.refuse(entry, "relative to the current folder")
		default:
			parsed = parsed.With(entry)
		}
	}
	return parsed
}

// entries differs from filepath.SplitList in nothing but a PATH that is
// empty, which has no entries here as there.
func entries(path string) []string {
	if path == "" {
		return nil
	}
	return filepath.SplitList(path)
}

func (p *Path) refuse(entry, reason string) {
	refusal := Refusal{Entry: entry, Reason: reason}
	if !slices.Contains(p.Refused, refusal) {
		p.Refused = append(p.Refused, refusal)
	}
}

// With returns the path with an absolute folder behind all others, or the
// path itself when it has the folder already.
func (p Path) With(folder string) Path {
	folder = filepath.Clean(folder)
	if slices.Contains(p.Folders, folder) {
		return p
	}
	p.Folders = append(slices.Clip(p.Folders), folder)
	return p
}

// In looks for a program called name in one folder. It reports a regular file
// that may not be executed too; on Windows one that may be is preferred.
// Links are followed. The name must not contain a path separator.
func (p Path) In(folder, name string) (File, bool) {
	if len(p.extensions) == 0 {
		return examine(filepath.Join(folder, name))
	}
	if file, found := p.Exact(folder, name); found {
		return file, true
	}
	for _, extension := range p.extensions {
		if file, found := examine(filepath.Join(folder, name+extension)); found {
			return file, true
		}
	}
	return File{}, false
}

// Exact looks for one file, by its name with extension.
func (p Path) Exact(folder, file string) (File, bool) {
	if _, runs := p.Program(file); !runs {
		return File{}, false
	}
	return examine(filepath.Join(folder, file))
}

// Find returns the first executable program called name.
func (p Path) Find(name string) (File, bool) {
	for _, folder := range p.Folders {
		if file, found := p.In(folder, name); found && file.Executable {
			return file, true
		}
	}
	return File{}, false
}

// Program returns the name by which a file is called as a program: on Windows
// without its extension, and false for files with another extension;
// elsewhere as it is.
func (p Path) Program(file string) (string, bool) {
	if len(p.extensions) == 0 {
		return file, true
	}
	extension := lower(filepath.Ext(file))
	if !slices.Contains(p.extensions, extension) {
		return "", false
	}
	return file[:len(file)-len(extension)], true
}

func examine(path string) (File, bool) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return File{}, false
	}
	return File{Path: path, Executable: executable(path, info), Info: info}, true
}

// runnable keeps those of the extensions in pathExt that the system starts
// without a shell's help.
func runnable(pathExt string) []string {
	startable := []string{".com", ".exe", ".bat", ".cmd"}
	var kept []string
	for start, end := 0, 0; end <= len(pathExt); end++ {
		if end < len(pathExt) && pathExt[end] != ';' {
			continue
		}
		extension := lower(pathExt[start:end])
		if slices.Contains(startable, extension) && !slices.Contains(kept, extension) {
			kept = append(kept, extension)
		}
		start = end + 1
	}
	if len(kept) == 0 {
		return startable
	}
	return kept
}

// lower is for file extensions, whose letters are ASCII.
func lower(text string) string {
	lowered := []byte(text)
	for i, c := range lowered {
		if 'A' <= c && c <= 'Z' {
			lowered[i] = c + 'a' - 'A'
		}
	}
	return string(lowered)
}
