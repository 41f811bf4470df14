package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func threeFiles(t *testing.T) []file {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"c", "a", "b"} {
		put(t, dir, name, "content of "+name)
	}
	return []file{
		{"share/c", filepath.Join(dir, "c"), 0o644},
		{"LICENSE", filepath.Join(dir, "a"), 0o644},
		{"bin/fal", filepath.Join(dir, "b"), 0o755},
	}
}

var when = time.Date(2026, 11, 22, 0, 35, 4, 0, time.UTC)

func TestTarGz(t *testing.T) {
	to := filepath.Join(t.TempDir(), "x.tar.gz")
	if err := writeTarGz(to, "top", threeFiles(t), when); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(to)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	plain, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if !plain.ModTime.IsZero() || plain.Name != "" {
		t.Errorf("gzip header %+v", plain.Header)
	}
	var names []string
	for archive := tar.NewReader(plain); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
		if h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.Gname != "" || !h.ModTime.Equal(when) || h.FileInfo().Mode().Perm()&0o100 != 0 != strings.Contains(h.Name, "/bin/") {
			t.Errorf("%+v", h)
		}
		if content, err := io.ReadAll(archive); err != nil || !strings.HasPrefix(string(content), "content of ") {
			t.Errorf("%s holds %q, %v", h.Name, content, err)
		}
	}
	if want := []string{"top/LICENSE", "top/bin/fal", "top/share/c"}; !slices.Equal(names, want) {
		t.Errorf("names %q, want %q", names, want)
	}
}

func TestZip(t *testing.T) {
	to := filepath.Join(t.TempDir(), "x.zip")
	if err := writeZip(to, "top", threeFiles(t), when); err != nil {
		t.Fatal(err)
	}
	archive, err := zip.OpenReader(to)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	var names []string
	for _, f := range archive.File {
		names = append(names, f.Name)
		if !f.Modified.Equal(when) {
			t.Errorf("%s: %v", f.Name, f.Modified)
		}
	}
	if want := []string{"top/LICENSE", "top/bin/fal", "top/share/c"}; !slices.Equal(names, want) {
		t.Errorf("names %q, want %q", names, want)
	}
}

func TestReplaceRemovesTheReleaseBefore(t *testing.T) {
	out := t.TempDir()
	for _, name := range []string{"old.tar.gz", "mine", "man/fal.1"} {
		put(t, out, name, "x")
	}
	outside := filepath.Join(t.TempDir(), "kept")
	put(t, filepath.Dir(outside), "kept", "x")
	put(t, out, checksums, "00  old.tar.gz\n00  gone\n00  man/fal.1\n00  "+outside+"\n")
	fresh := t.TempDir()
	put(t, fresh, "new.tar.gz", "x")
	if err := writeChecksums(fresh); err != nil {
		t.Fatal(err)
	}
	if err := replace(out, fresh); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{checksums, "man", "mine", "new.tar.gz"}; !slices.Equal(names, want) {
		t.Errorf("left %q, want %q", names, want)
	}
	sums, err := os.ReadFile(filepath.Join(out, checksums))
	if want := "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881  new.tar.gz\n"; string(sums) != want || err != nil {
		t.Errorf("%s is %q, %v", checksums, sums, err)
	}
	for _, kept := range []string{outside, filepath.Join(out, "man", "fal.1")} {
		if _, err := os.Stat(kept); err != nil {
			t.Error(err)
		}
	}
}
