package cli

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mostFiles is how many files of a folder are offered.
const mostFiles = 1000

// AssignedFiles returns a Completer of NAME=PATH: the names, each with the = and
// no space behind it, and then the files. Shells can not complete a file behind
// a name, so that the folder is read here.
func AssignedFiles(names Completer) Completer {
	return func(ctx context.Context, c *Completion) []Candidate {
		name, path, assigned := strings.Cut(c.Word, "=")
		if assigned {
			return c.filesBehind(name+"=", path)
		}
		c.NoSpace()
		found := names(ctx, c)
		for i := range found {
			found[i].Value += "="
		}
		return found
	}
}

// filesBehind are the files and folders that path may become.
func (c *Completion) filesBehind(before, path string) []Candidate {
	found := filesFor(path)
	for i := range found {
		if strings.HasSuffix(found[i].Value, "/") {
			c.NoSpace()
		}
		found[i].Value = before + found[i].Value
	}
	return found
}

// filesFor are the files of the patterns, if there are any, and the folders, with
// a slash behind them, that path may become. Those whose names begin with a dot
// are offered when one was typed.
func filesFor(path string, patterns ...string) []Candidate {
	dir, base := filepath.Split(path)
	return filesIn(dir, dir, base, func(name string, folder bool) bool {
		return folder || len(patterns) == 0 || matchesAny(patterns, name)
	})
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { ok, _ := filepath.Match(p, name); return ok })
}

// filesIn are the wanted files of a folder that begin with base; what is offered
// has typed in front of the name.
func filesIn(folder, typed, base string, wants func(name string, folder bool) bool) []Candidate {
	if folder == "" {
		folder = "."
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil
	}
	var found []Candidate
	for _, e := range entries {
		name := e.Name()
		if !hasPrefixFold(name, base) || base == "" && strings.HasPrefix(name, ".") {
			continue
		}
		info, err := os.Stat(filepath.Join(folder, name))
		isFolder := err == nil && info.IsDir()
		if !wants(name, isFolder) {
			continue
		}
		value := typed + name
		if isFolder {
			value += "/"
		}
		if found = append(found, Candidate{Value: value}); len(found) == mostFiles {
			break
		}
	}
	return found
}
