package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func put(t *testing.T, dir, name, content string) {
	t.Helper()
	to := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func smallTree(t *testing.T, names ...string) string {
	t.Helper()
	tree := t.TempDir()
	for _, name := range names {
		put(t, tree, "cmd/"+name+"/main.go", "// Command "+name+" does things. And more.\npackage main\n\nfunc main() {}\n")
	}
	put(t, tree, "cmd/internal/x.go", "package internal\n")
	return tree
}

func TestDocumentsGoWithTheirProgram(t *testing.T) {
	tree := smallTree(t, "fal", "fal-run", "fal-runners")
	for _, name := range []string{"bash/fal", "bash/fal-run.bash", "zsh/_fal-runners", "zsh/_fal", "fish/fal-runners.fish"} {
		put(t, tree, "completions/"+name, "")
	}
	for _, name := range []string{"fal.1", "fal-exit-codes.7", "fal-runners.1", "fal-runners-list.1", "fal-run.1", "sub/fal-run-now.1"} {
		put(t, tree, "man/"+name, "")
	}
	found, err := programs(tree, filepath.Join(tree, "man"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, p := range found {
		if p.summary != "does things" {
			t.Errorf("summary of %s: %q", p.name, p.summary)
		}
		for _, d := range p.docs {
			got[p.name] = append(got[p.name], d.installed("share/zsh/vendor-completions"))
		}
		slices.Sort(got[p.name])
	}
	want := map[string][]string{
		"fal": {
			"share/bash-completion/completions/fal",
			"share/man/man1/fal.1", "share/man/man7/fal-exit-codes.7",
			"share/zsh/vendor-completions/_fal",
		},
		"fal-run": {
			"share/bash-completion/completions/fal-run",
			"share/man/man1/fal-run-now.1", "share/man/man1/fal-run.1",
		},
		"fal-runners": {
			"share/fish/vendor_completions.d/fal-runners.fish",
			"share/man/man1/fal-runners-list.1", "share/man/man1/fal-runners.1",
			"share/zsh/vendor-completions/_fal-runners",
		},
	}
	for name := range want {
		if !slices.Equal(got[name], want[name]) {
			t.Errorf("%s has %q, want %q", name, got[name], want[name])
		}
	}
}

func TestNothingIsLeftOutSilently(t *testing.T) {
	for file, message := range map[string]string{
		"completions/bash/fal-gone":   "belongs to no program",
		"completions/zsh/other":       "belongs to no program",
		"man/other.1":                 "belongs to no program",
		"man/fal.txt":                 "no manual page",
		"cmd/fal-undescribed/main.go": "does not begin with",
	} {
		tree := smallTree(t, "fal")
		put(t, tree, file, "// Command x y.\npackage main\n")
		if _, err := programs(tree, filepath.Join(tree, "man")); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%s: %v, want %q", file, err, message)
		}
	}
	if _, err := programs(t.TempDir(), "man"); err == nil {
		t.Error("a folder without cmd is no error")
	}
}

// Every program of this tree can be described, and completes in every shell
// as soon as one does.
func TestThisTree(t *testing.T) {
	tree := filepath.Join("..", "..", "..")
	found, err := programs(tree, filepath.Join(tree, "dist", "man"))
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 11 {
		t.Errorf("found %d programs", len(found))
	}
	for _, p := range found {
		if p.summary == "" || strings.Contains(p.summary, "\n") || len(p.summary) > 80 {
			t.Errorf("%s: summary %q", p.name, p.summary)
		}
		if _, err := os.Stat(filepath.Join(tree, "completions")); err != nil {
			continue
		}
		for _, shell := range []string{"bash", "zsh", "fish"} {
			if !slices.ContainsFunc(p.docs, func(d document) bool { return d.kind == shell }) {
				t.Errorf("%s has no completion for %s", p.name, shell)
			}
		}
	}
}
