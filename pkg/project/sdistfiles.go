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

// sourceFiles are the files of a project, as sorted paths with slashes: those
// that git has or would take, in a work tree of git, else all but what
// .gitignore and the usual rules leave out.
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

// gitFiles are none where git is missing, or dir is not in its hands.
func gitFiles(ctx context.Context, dir string) ([]string, error) {
	git, err := exec.LookPath("git")
	if err != nil {
		return nil, nil //nolint:nilerr // the files are found without it
	}
	cmd := groupCommand(ctx, dir, []string{git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"})
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, nil //nolint:nilerr // as above
	}
	var files []string
	for name := range bytes.SplitSeq(out, []byte{0}) {
		relative := string(name)
		if relative == "" {
			continue
		}
		info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(relative)))
		switch {
		case errors.Is(err, fs.ErrNotExist): // deleted, but not for git yet
		case err != nil:
			return nil, err
		case info.IsDir():
			below, err := sourceFiles(ctx, filepath.Join(dir, filepath.FromSlash(relative)))
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

// usualIgnore is what no source distribution has in it.
func usualIgnore() []string {
	return []string{
		".git", ".hg", ".svn", ".DS_Store", ".env", ".idea/", ".vscode/",
		".venv/", "venv/", "node_modules/", "__pycache__/", "*.py[cod]", "*.egg-info/", "*.egg",
		".tox/", ".nox/", ".mypy_cache/", ".pytest_cache/", ".ruff_cache/", ".coverage",
		"/build/", "/dist/",
	}
}

// walkedFiles are those of a folder without git.
func walkedFiles(ctx context.Context, dir string) ([]string, error) {
	var patterns []gitignore.Pattern
	for _, usual := range usualIgnore() {
		patterns = append(patterns, gitignore.ParsePattern(usual, nil))
	}
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
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
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
