package project

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// root is a project's folder.
type root struct {
	dir       string
	pyproject *pyproject // nil if it has none
}

// findRoot looks upward from the folder at, which is absolute, for a .git or a
// pyproject.toml with [tool.fal]. Without either the root is at itself. dir is
// for problems.
func findRoot(at, dir string) (root, error) {
	for folder := range upward(at) {
		path := filepath.Join(folder, pyprojectName)
		var p *pyproject
		if isFile(path) {
			var err error
			if p, err = readPyproject(path, show(dir, path)); err != nil {
				return root{dir: folder}, err
			}
		}
		if exists(filepath.Join(folder, ".git")) || p != nil && p.hasFal() {
			return root{folder, p}, nil
		}
	}
	return root{dir: at}, nil
}

// upward yields at and the folders that it lies in.
func upward(at string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for {
			parent := filepath.Dir(at)
			if !yield(at) || parent == at {
				return
			}
			at = parent
		}
	}
}

// Names are the apps of the nearest pyproject.toml from the folder dir, in its
// order, for completion: a file that does not parse gives those before the
// fault.
func Names(dir string) []string {
	at, err := resolve(dir)
	if err != nil {
		return nil
	}
	for folder := range upward(at) {
		path := filepath.Join(folder, pyprojectName)
		var text []byte
		if isFile(path) {
			text, _ = readText(path, "") // what cannot be read names nothing
		}
		places, apps := index(text)
		if p, err := parsePyproject(text, path, ""); err == nil {
			apps = p.apps
		}
		if exists(filepath.Join(folder, ".git")) || hasFal(places) {
			return apps
		}
	}
	return nil
}

// resolve makes dir absolute, without symbolic links.
func resolve(dir string) (string, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return "", problem("", "the working folder is not known: %v", err)
	}
	real, err := filepath.EvalSymlinks(absolute)
	if errors.Is(err, fs.ErrNotExist) {
		return "", problem("", "no such folder: %s", dir)
	}
	if err != nil {
		return "", problem("", "the folder %s cannot be read: %v", dir, fault(err))
	}
	return real, nil
}

func fault(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// expand makes path absolute: relative ones are under base, and ~ is the home
// folder.
func expand(base, path string) string {
	if rest, ok := strings.CutPrefix(filepath.ToSlash(path), "~"); ok && (rest == "" || rest[0] == '/') {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(base, path)
}

// show writes path as people in dir would.
func show(dir, path string) string {
	relative, err := filepath.Rel(dir, path)
	if err != nil || len(relative) > len(path) {
		return path
	}
	return relative
}

// expandPlain makes path absolute without regard to ~.
func expandPlain(base, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(base, path)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
