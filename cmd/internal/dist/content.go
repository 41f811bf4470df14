package main

import (
	"errors"
	"fmt"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// program is one of cmd/fal and cmd/fal-*, with the documents that go where it
// goes.
type program struct {
	name    string
	summary string // what it does, in a few words: "shows the runners of …"
	docs    []document
}

// document is a completion script or a manual page.
type document struct {
	kind string // bash, zsh, fish, or the section of the manual: man1
	name string // of the installed file
	from string // path on disk
}

// file is one file of an archive or a package. Its path is below the prefix.
type file struct {
	path string // with slashes
	from string // path on disk
	mode fs.FileMode
}

// installed is the place of the document below the prefix. zsh names the
// folder that this system's zsh reads.
func (d document) installed(zsh string) string {
	switch d.kind {
	case "bash":
		return path.Join("share/bash-completion/completions", d.name)
	case "zsh":
		return path.Join(zsh, d.name)
	case "fish":
		return path.Join("share/fish/vendor_completions.d", d.name)
	}
	return path.Join("share/man", d.kind, d.name)
}

func (d document) isManual() bool { return strings.HasPrefix(d.kind, "man") }

// programs finds the programs of the tree and what belongs to each.
func programs(tree, man string) ([]program, error) {
	entries, err := os.ReadDir(filepath.Join(tree, "cmd"))
	if err != nil {
		return nil, err
	}
	var found []program
	for _, e := range entries {
		if e.Name() == "fal" || strings.HasPrefix(e.Name(), "fal-") {
			summary, err := summaryOf(filepath.Join(tree, "cmd", e.Name(), "main.go"), e.Name())
			if err != nil {
				return nil, err
			}
			found = append(found, program{name: e.Name(), summary: summary})
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s holds no program", filepath.Join(tree, "cmd"))
	}
	docs, err := completions(filepath.Join(tree, "completions"))
	if err != nil {
		return nil, err
	}
	pages, err := manual(man)
	if err != nil {
		return nil, err
	}
	for _, d := range append(docs, pages...) {
		i := owner(found, d)
		if i < 0 {
			return nil, fmt.Errorf("%s belongs to no program", d.from)
		}
		found[i].docs = append(found[i].docs, d)
	}
	return found, nil
}

// owner is the index of the program with the longest name that the document's
// begins with: fal-runners-list.1 is of fal-runners, fal-help.1 of fal.
func owner(all []program, d document) int {
	best := -1
	for i, p := range all {
		mine := stem(d.name) == p.name || d.isManual() && strings.HasPrefix(stem(d.name), p.name+"-")
		if mine && (best < 0 || len(p.name) > len(all[best].name)) {
			best = i
		}
	}
	return best
}

// stem is the name of a document without what says which kind it is.
func stem(name string) string {
	return strings.TrimSuffix(strings.TrimPrefix(name, "_"), path.Ext(name))
}

// summaryOf reads what the comment of a program's package says of it.
func summaryOf(source, name string) (string, error) {
	f, err := parser.ParseFile(token.NewFileSet(), source, nil, parser.ParseComments|parser.PackageClauseOnly)
	if err != nil {
		return "", err
	}
	said, ok := strings.CutPrefix(new(doc.Package).Synopsis(f.Doc.Text()), "Command "+name+" ")
	if !ok {
		return "", fmt.Errorf("%s: its comment does not begin with %q", source, "Command "+name)
	}
	said, _, _ = strings.Cut(said, ":") // what follows explains
	return strings.TrimSuffix(said, "."), nil
}

// completions lists the scripts of a folder with a folder for each shell. They
// get the names by which the shells look them up.
func completions(dir string) ([]document, error) {
	var docs []document
	for _, shell := range []string{"bash", "zsh", "fish"} {
		entries, err := os.ReadDir(filepath.Join(dir, shell))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			name := strings.TrimPrefix(strings.TrimSuffix(e.Name(), "."+shell), "_")
			switch shell {
			case "zsh":
				name = "_" + name
			case "fish":
				name += ".fish"
			}
			docs = append(docs, document{kind: shell, name: name, from: filepath.Join(dir, shell, e.Name())})
		}
	}
	return docs, nil
}

// manual lists the pages below dir, which need not exist.
func manual(dir string) ([]document, error) {
	var docs []document
	section := regexp.MustCompile(`^\.[1-8]$`)
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		ext := path.Ext(d.Name())
		if !section.MatchString(ext) {
			return fmt.Errorf("%s is no manual page", p)
		}
		docs = append(docs, document{kind: "man" + ext[1:], name: d.Name(), from: p})
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) && len(docs) == 0 {
		return nil, nil
	}
	slices.SortFunc(docs, func(a, b document) int { return strings.Compare(a.name, b.name) })
	return docs, err
}
