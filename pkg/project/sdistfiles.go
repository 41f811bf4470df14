package project

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/gitignore"
)

// sourceFiles are the files of a project, as sorted paths with slashes. In a work
// tree of git they are those that it has, and those that it would take; else all
// that .gitignore does not leave out. The usual rules leave out what git does not
// have.
func sourceFiles(ctx context.Context, dir string) ([]string, error) {
	files, err := gitFiles(ctx, dir)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		if files, err = walkedFiles(ctx, dir); err != nil {
			return nil, err
		}
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

// gitFiles are none where git is missing, or dir is not in its hands. What git
// only would take is left out where it is usually no part of a package.
func gitFiles(ctx context.Context, dir string) ([]string, error) {
	git, err := exec.LookPath("git")
	if err != nil {
		return nil, nil //nolint:nilerr // the files are found without it
	}
	// Git would wait for a pipe of that name.
	if _, err := ignoreFile(filepath.Join(dir, ".gitignore"), nil); err != nil {
		return nil, err
	}
	tracked, err := listed(ctx, git, dir, "--cached")
	if err != nil {
		return nil, err
	}
	others, err := listed(ctx, git, dir, "--others", "--exclude-standard")
	if err != nil {
		return nil, err
	}
	usual := gitignore.NewMatcher(usualPatterns())
	others = slices.DeleteFunc(others, func(name string) bool { return leftOut(usual, name) })
	var files []string
	for _, relative := range slices.Concat(tracked, others) {
		name := filepath.Join(dir, filepath.FromSlash(relative))
		info, err := os.Lstat(name)
		if err == nil && info.Mode().Type() == fs.ModeSymlink {
			// As without git, a link is taken if it leads to a file.
			if info, err = os.Stat(name); err != nil || !info.Mode().IsRegular() {
				continue
			}
		}
		switch {
		case errors.Is(err, fs.ErrNotExist): // deleted, but not for git yet
		case err != nil:
			return nil, err
		case info.IsDir():
			below, err := sourceFiles(ctx, name)
			if err != nil {
				return nil, err
			}
			for _, file := range below {
				files = append(files, path.Join(relative, file))
			}
		case info.Mode().IsRegular():
			files = append(files, relative)
		}
	}
	return files, nil
}

// listed asks git for paths, those of other work trees with a slash at the end.
// What it refuses has none.
func listed(ctx context.Context, git, dir string, which ...string) ([]string, error) {
	out, err := groupCommand(ctx, dir, append([]string{git, "ls-files", "-z"}, which...)).Output()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, nil //nolint:nilerr // the files are found without it
	}
	var names []string
	for name := range bytes.SplitSeq(out, []byte{0}) {
		if len(name) > 0 {
			names = append(names, string(name))
		}
	}
	return names, nil
}

// leftOut says whether a path, or a folder that it is in, is matched.
func leftOut(matcher gitignore.Matcher, name string) bool {
	parts := strings.Split(strings.TrimSuffix(name, "/"), "/")
	for i := range parts {
		if matcher.Match(parts[:i+1], i < len(parts)-1 || strings.HasSuffix(name, "/")) {
			return true
		}
	}
	return false
}

// usualIgnore is what no source distribution has in it.
func usualIgnore() []string {
	return []string{
		".git", ".hg", ".svn", ".DS_Store", ".env", ".env.local", ".idea/", ".vscode/",
		".venv/", "venv/", "node_modules/", "__pycache__/", "*.py[cod]", "*.egg-info/", "*.egg",
		".tox/", ".nox/", ".mypy_cache/", ".pytest_cache/", ".ruff_cache/", ".coverage",
		"/build/", "/dist/",
	}
}

func usualPatterns() []gitignore.Pattern {
	var patterns []gitignore.Pattern
	for _, usual := range usualIgnore() {
		patterns = append(patterns, gitignore.ParsePattern(usual, nil))
	}
	return patterns
}

// walkedFiles are those of a folder without git.
func walkedFiles(ctx context.Context, dir string) ([]string, error) {
	patterns := usualPatterns()
	var files []string
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		relative, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		var parts []string
		if relative != "." {
			parts = strings.Split(filepath.ToSlash(relative), "/")
			if gitignore.NewMatcher(patterns).Match(parts, entry.IsDir()) {
				if entry.IsDir() {
					return fs.SkipDir
				}
				return nil
			}
		}
		if entry.IsDir() {
			own, err := ignoreFile(filepath.Join(name, ".gitignore"), parts)
			patterns = append(patterns, own...)
			return err
		}
		// A link to a folder is left out, like one that leads nowhere.
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
			files = append(files, path.Join(parts...))
		}
		return nil
	})
	return files, err
}

// ignoreFile reads the patterns of a .gitignore, which count below domain.
func ignoreFile(name string, domain []string) ([]gitignore.Pattern, error) {
	if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	text, err := readText(name, name)
	if err != nil {
		return nil, err
	}
	var patterns []gitignore.Pattern
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "#") {
			patterns = append(patterns, gitignore.ParsePattern(line, domain))
		}
	}
	return patterns, nil
}
