package main

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// copyTree copies the sources into a new folder, without what git keeps, what
// was built, tests, and the programs that are not named.
func copyTree(t *testing.T, programs ...string) string {
	t.Helper()
	from, to := filepath.Join("..", "..", ".."), t.TempDir()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		slashed := filepath.ToSlash(rel)
		name := d.Name()
		if d.IsDir() {
			program, isProgram := strings.CutPrefix(slashed, "cmd/fal")
			if name == "testdata" || strings.HasPrefix(name, ".") && rel != "." || slashed == "bin" || slashed == "dist" ||
				isProgram && !slices.Contains(programs, "fal"+program) {
				return fs.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		if strings.HasPrefix(slashed, "completions/") && !slices.Contains(programs, stem(name)) ||
			strings.HasSuffix(name, "_test.go") || !d.Type().IsRegular() {
			return nil
		}
		return copyFile(filepath.Join(to, rel), path)
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

func copyFile(to, from string) error {
	return create(to, func(w io.Writer) error { return copyFrom(w, from) })
}

// A release of one program for one system, twice, in different folders.
func TestTwoBuildsAreTheSame(t *testing.T) {
	one, other := copyTree(t, "fal"), t.TempDir()
	put(t, one, "dist/man/man1/fal.1", ".TH fal 1\n")
	if err := os.CopyFS(other, os.DirFS(one)); err != nil {
		t.Fatal(err)
	}
	var outs []string
	for _, tree := range []string{one, other} {
		out := filepath.Join(t.TempDir(), "out")
		r := release{
			tree: tree, man: filepath.Join(tree, "dist", "man"), out: out, version: "1.2.3-rc.1", when: when,
			tags: "urfave_cli_no_docs", ldflags: "-s -w", systems: []system{{"linux", runtime.GOARCH}},
		}
		if err := r.write(t.Context(), io.Discard); err != nil {
			t.Fatal(err)
		}
		outs = append(outs, out)
	}
	first, err := os.ReadDir(outs[0])
	if err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadDir(outs[1])
	if err != nil {
		t.Fatal(err)
	}
	if len(first) != len(second) || len(first) != 6 { // an archive, two packages, those of the suite, the sums
		t.Fatalf("the builds wrote %v and %v", first, second)
	}
	for i, e := range first {
		a, err := os.ReadFile(filepath.Join(outs[0], e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(outs[1], second[i].Name()))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("%s: %d and %d bytes, not the same", e.Name(), len(a), len(b))
		}
	}
}
