package cli

import (
	"context"
	"os"
	"path/filepath"
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

// filesBehind are the files and folders that path may become. Those whose names
// begin with a dot are offered when one was typed.
func (c *Completion) filesBehind(before, path string) []Candidate {
	dir, base := filepath.Split(path)
	in := dir
	if in == "" {
		in = "."
	}
	entries, err := os.ReadDir(in)
	if err != nil {
		return nil
	}
	var found []Candidate
	for _, e := range entries {
		if !hasPrefixFold(e.Name(), base) || base == "" && strings.HasPrefix(e.Name(), ".") {
			continue
		}
		value := before + dir + e.Name()
		if info, err := os.Stat(filepath.Join(in, e.Name())); err == nil && info.IsDir() {
			value += "/"
			c.NoSpace()
		}
		if found = append(found, Candidate{Value: value}); len(found) == mostFiles {
			break
		}
	}
	return found
}
