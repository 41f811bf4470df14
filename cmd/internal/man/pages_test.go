package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	version = "1.2.3"
	date    = "2026-01-02T00:30:00+02:00" // the day before, in UTC
)

func allPages(t *testing.T) map[string][]byte {
	t.Helper()
	all, err := pages(version, date)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Each program under cmd has a page, which lists its commands, and each page
// that another one names is there.
func TestEveryProgram(t *testing.T) {
	all := allPages(t)
	mains, err := filepath.Glob("../../fal*/main.go")
	if err != nil || len(mains) < 10 {
		t.Fatalf("found %q, %v", mains, err)
	}
	for _, path := range mains {
		name := filepath.Base(filepath.Dir(path))
		if all[name+".1"] == nil {
			t.Errorf("%s has no page", name)
		}
	}
	named := map[string]bool{"fal.1": true}
	for name, page := range all {
		for l := range bytes.Lines(page) {
			l, bold := bytes.CutPrefix(bytes.TrimRight(l, ",\n"), []byte(`\fB`))
			other, ends := bytes.CutSuffix(l, []byte(`\fR(1)`))
			if !bold || !ends || bytes.Contains(other, []byte(" ")) {
				continue
			}
			page := string(bytes.ReplaceAll(other, []byte(`\-`), []byte("-"))) + ".1"
			named[page] = true
			if all[page] == nil {
				t.Errorf("%s names %s, which is not there", name, page)
			}
		}
	}
	for name := range all {
		if !named[name] {
			t.Errorf("no page leads to %s", name)
		}
	}
}

func TestReproducible(t *testing.T) {
	first, second := allPages(t), allPages(t)
	for name, page := range first {
		if !bytes.Equal(page, second[name]) {
			t.Errorf("%s differs", name)
		}
		if head := string(page[:min(len(page), 400)]); !strings.Contains(head, `"2026-01-01" "fal 1.2.3"`) {
			t.Errorf("%s begins with %s", name, head)
		}
	}
	if len(first) != len(second) {
		t.Errorf("%d and %d pages", len(first), len(second))
	}
	if _, err := pages(version, "yesterday"); err == nil {
		t.Error("a date that is none is taken")
	}
	undated, err := pages("", "")
	if err != nil || !bytes.Contains(undated["fal.1"], []byte(`.TH "FAL" "1" "" "fal" "fal manual"`)) {
		t.Errorf("without version and date: %v, %s", err, undated["fal.1"])
	}
}

// What the machine has to read manual pages with finds nothing wrong.
func TestFormatters(t *testing.T) {
	folder := t.TempDir()
	if err := write(folder, allPages(t)); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, formatter := range [][]string{
		{"groff", "-man", "-Tutf8", "-ww", "-z"},
		{"mandoc", "-Tlint", "-Wwarning"},
	} {
		path, err := exec.LookPath(formatter[0])
		if err != nil {
			t.Logf("%s is not installed", formatter[0])
			continue
		}
		args := slices.Concat(formatter[1:], files)
		if out, err := exec.Command(path, args...).CombinedOutput(); err != nil || len(bytes.TrimSpace(out)) > 0 {
			t.Errorf("%s: %v\n%s", formatter[0], err, out)
		}
	}
}

func TestWrite(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "man1")
	page := []byte(mark + "-x\n")
	foreign := []byte(".TH FAL-HELLO 1\n")
	if err := write(folder, map[string][]byte{"fal-x.1": page, "fal-gone.1": page}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "fal-hello.1"), foreign, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := write(folder, map[string][]byte{"fal-x.1": page}); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != "fal-hello.1 fal-x.1" {
		t.Errorf("the folder holds %s", got)
	}
	for name, page := range allPages(t) {
		if !bytes.HasPrefix(page, []byte(mark)) {
			t.Errorf("%s lacks the mark by which it is known", name)
		}
	}
}
