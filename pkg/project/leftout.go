package project

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// LeftOut is what a COPY or ADD would take and a default ignore rule keeps out.
type LeftOut struct {
	// Path is that of [fal.App].Files; that of a folder with all that is in it
	// ends in a slash.
	Path string
	// Pattern is the rule, as in "*.md".
	Pattern string
}

// expected are the default rules that keep out what nobody looks for in an
// image: what describes the image, and what tools make by themselves.
func expected() []string {
	return []string{
		".git", ".gitignore", dockerignoreName, "Dockerfile", "Dockerfile.*",
		"__pycache__", "*.pyc", ".DS_Store", ".venv", "venv",
	}
}

// leftOut are the files that a project may miss without having said so: those
// that default rules keep out, but for the expected ones.
func (s *settings) leftOut(tree *chosen) []LeftOut {
	if tree == nil || s.image == nil || s.image.dockerfile == nil || !s.image.dockerfile.defaults {
		return nil
	}
	var out []LeftOut
	for _, name := range slices.Sorted(maps.Keys(tree.out)) {
		if pattern := tree.out[name]; !slices.Contains(expected(), pattern) {
			out = append(out, LeftOut{Path: name, Pattern: pattern})
		}
	}
	return out
}

// mostLeftOut is how many files that are left out are named one by one.
const mostLeftOut = 3

// leftOutNotice says what is left out; empty for nothing.
func leftOutNotice(out []LeftOut) string {
	if len(out) == 0 {
		return ""
	}
	var patterns, names []string
	folders := 0
	for _, o := range out {
		if !slices.Contains(patterns, o.Pattern) {
			patterns = append(patterns, o.Pattern)
		}
		if strings.HasSuffix(o.Path, "/") {
			folders++
		}
		if len(names) < mostLeftOut {
			names = append(names, o.Path)
		}
	}
	what := counted(len(out)-folders, "file")
	switch {
	case folders == len(out):
		what = counted(folders, "folder")
	case folders > 0:
		what += " and " + counted(folders, "folder")
	}
	list := strings.Join(names, ", ")
	if more := len(out) - len(names); more > 0 {
		list += fmt.Sprintf(" and %d more, which --dry-run lists", more)
	}
	return fmt.Sprintf("%s left out by the default ignore rules (%s): %s; a %s replaces these rules", what, strings.Join(patterns, ", "), list, dockerignoreName)
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// sourcesLeftOut are the problems of a COPY or ADD of which nothing is left: the
// build would not find what it names. Patterns of files may find others.
func (d *dockerfile) sourcesLeftOut() Problems {
	root, err := filepath.EvalSymlinks(d.contextDir)
	if err != nil {
		return nil // which has been told
	}
	out := ignoring(d.patterns)
	c := &collector{root: root, ignore: out}
	var problems Problems
	for _, source := range d.sources {
		name := filepath.FromSlash(source.path)
		if !filepath.IsAbs(name) {
			name = filepath.Join(root, name)
		}
		info, err := os.Stat(name)
		if err != nil {
			continue
		}
		relative := c.relative(name)
		if info.IsDir() && !c.keepsOut(relative) || !info.IsDir() && !c.file(relative) {
			continue
		}
		p := source.place
		pattern := out.pattern(relative)
		if d.defaults {
			p.Message = fmt.Sprintf("%s is left out by %s, a default ignore rule, and the build would not find it", source.path, pattern)
			p.Hint = "write a " + dockerignoreName + ": it replaces the default rules, and may be empty"
		} else {
			p.Message = fmt.Sprintf("%s is left out by %s of %s, and the build would not find it", source.path, pattern, dockerignoreName)
			p.Hint = "take the rule away, or what needs the file"
		}
		problems = append(problems, p)
	}
	return problems
}
