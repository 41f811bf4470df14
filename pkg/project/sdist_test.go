package project

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const staticProject = `[build-system]
requires = ["setuptools"]

[project]
name = "My.Cool-Lib"
version = "1.0-beta.2"
description = """words
on two lines"""
requires-python = ">=3.9"
dependencies = ["a>=1", "b; python_version < '3.12'"]
keywords = ["x", "y"]
classifiers = ["Topic :: Software Development"]

[project.urls]
Home = "https://lib.test"

[project.optional-dependencies]
fast = ["c", "d[e]>=2; sys_platform == 'linux' or sys_platform == 'darwin'"]
`

// unpacked reads a distribution: contents by name, in their order.
func unpacked(t *testing.T, source func() (io.ReadCloser, error)) (names []string, contents map[string]string, modes map[string]int64) {
	t.Helper()
	file, err := source()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	packed, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	contents, modes = map[string]string{}, map[string]int64{}
	archive := tar.NewReader(packed)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return names, contents, modes
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		if header.Uid != 0 || header.Uname != "" || header.ModTime.Year() != 1980 {
			t.Errorf("%s is of %d %q %v", header.Name, header.Uid, header.Uname, header.ModTime)
		}
		names = append(names, header.Name)
		contents[header.Name], modes[header.Name] = string(text), header.Mode
	}
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestBuildSource(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "pyproject.toml"), staticProject)
	plant(t, dir, "src/lib/__init__.py", "src/lib/data.bin", "src/lib/__pycache__/x.pyc", "build/x", "src/build/y",
		"node_modules/z", ".venv/bin/python", "dist/old.tar.gz", "logs/a.log", "logs/keep.log", "src/local/tmp")
	writeFile(t, filepath.Join(dir, ".gitignore"), "# logs\n*.log\n!keep.log\n")
	writeFile(t, filepath.Join(dir, "src", ".gitignore"), "local/\n")
	if err := os.Chmod(filepath.Join(dir, "src/lib/data.bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	build := func() (names []string, contents map[string]string, modes map[string]int64, bytes []byte) {
		source, cleanup, err := buildSource(t.Context(), Options{}, dir)
		if err != nil {
			t.Fatal(err)
		}
		if source.Package != "My.Cool-Lib" || source.FileName != "my_cool_lib-1.0b2.tar.gz" {
			t.Errorf("%s in %s", source.Package, source.FileName)
		}
		names, contents, modes = unpacked(t, source.Open)
		file, err := source.Open()
		if err != nil {
			t.Fatal(err)
		}
		bytes, err = io.ReadAll(file)
		if err := errors.Join(err, file.Close()); err != nil || int64(len(bytes)) != source.Size {
			t.Errorf("%d bytes of %d, %v", len(bytes), source.Size, err)
		}
		if err := cleanup(); err != nil {
			t.Error(err)
		}
		if _, err := source.Open(); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("after the cleanup: %v", err)
		}
		return names, contents, modes, bytes
	}
	names, contents, modes, first := build()
	const stem = "my_cool_lib-1.0b2/"
	want := []string{"PKG-INFO", ".gitignore", "logs/keep.log", "pyproject.toml", "src/.gitignore", "src/build/y", "src/lib/__init__.py", "src/lib/data.bin"}
	for i := range want {
		want[i] = stem + want[i]
	}
	if !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
	if contents[stem+"src/lib/__init__.py"] != "src/lib/__init__.py" {
		t.Error("a file's bytes are not its own")
	}
	if modes[stem+"pyproject.toml"] != 0o644 {
		t.Errorf("mode %o", modes[stem+"pyproject.toml"])
	}
	const info = `Metadata-Version: 2.1
Name: My.Cool-Lib
Version: 1.0b2
Summary: words on two lines
Keywords: x,y
Classifier: Topic :: Software Development
Project-URL: Home, https://lib.test
Requires-Python: >=3.9
Requires-Dist: a>=1
Requires-Dist: b; python_version < '3.12'
Provides-Extra: fast
Requires-Dist: c; extra == "fast"
Requires-Dist: d[e]>=2; (sys_platform == 'linux' or sys_platform == 'darwin') and extra == "fast"
`
	if got := contents[stem+"PKG-INFO"]; got != info {
		t.Errorf("PKG-INFO is\n%s", got)
	}
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "pyproject.toml"), later, later); err != nil {
		t.Fatal(err)
	}
	if _, _, _, second := build(); !bytes.Equal(first, second) {
		t.Error("the same files give other bytes")
	}
}

func TestSourceFilesOfGit(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git is not on PATH")
	}
	dir := t.TempDir()
	plant(t, dir, "lib/tracked.py", "lib/new.py", "lib/gone.py", "lib/build/kept", "lib/ignored.log", "other/x", "lib/nested/inner.py")
	writeFile(t, filepath.Join(dir, ".gitignore"), "*.log\n")
	writeFile(t, filepath.Join(dir, "lib", "café.py"), "")
	run := func(where string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), git, append([]string{"-c", "user.name=x", "-c", "user.email=x@x.test"}, args...)...)
		cmd.Dir = where
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %q: %v: %s", args, err, out)
		}
	}
	// What git only would take is left out if it is usually no part of a package.
	plant(t, dir, "lib/.env", "lib/.venv/bin/python", "lib/sub/node_modules/m/.env", "lib/sub/.env", "lib/a.pyc", "lib/dist/x", "lib/sub/dist/kept", "lib/venv/inner.py", "lib/tracked/.env")
	run(dir, "init", "-q")
	run(dir, "add", "lib/tracked.py", "lib/gone.py", "lib/build", "lib/tracked/.env")
	for _, own := range []string{"nested", "venv"} {
		own = filepath.Join(dir, "lib", own)
		run(own, "init", "-q")
		run(own, "add", "inner.py")
		run(own, "commit", "-q", "-m", "x")
	}
	if err := os.Remove(filepath.Join(dir, "lib", "gone.py")); err != nil {
		t.Fatal(err)
	}
	got, err := sourceFiles(t.Context(), filepath.Join(dir, "lib"))
	want := []string{"build/kept", "café.py", "nested/inner.py", "new.py", "sub/dist/kept", "tracked.py", "tracked/.env"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}

// A file that has become a link out of its folder, or something else, is not
// put in.
func TestAddFileRefusesOthers(t *testing.T) {
	dir := t.TempDir()
	plant(t, dir, "outside", "lib/a/x", "lib/out -> ../outside")
	if err := os.Mkdir(filepath.Join(dir, "lib", "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(filepath.Join(dir, "lib"))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for _, name := range []string{"out", "folder", "../outside"} {
		var b bytes.Buffer
		if err := addFile(tar.NewWriter(&b), root, "x", name); err == nil || b.Len() > 0 {
			t.Errorf("%s: %v, %d bytes", name, err, b.Len())
		}
	}
}

// A link to a folder is left out, with git as without, also one that leads to
// itself.
func TestSourceFilesOfLinks(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git is not on PATH")
	}
	dir := t.TempDir()
	plant(t, dir, "a/x", "here -> .", "there -> here", "a/up -> ..", "file -> a/x", "loop -> loop", "nowhere -> no")
	for _, with := range []string{"no git", "git"} {
		if with == "git" {
			if out, err := exec.CommandContext(t.Context(), git, "init", "-q", dir).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
		got, err := sourceFiles(t.Context(), dir)
		if err != nil || !slices.Equal(got, []string{"a/x", "file"}) {
			t.Errorf("with %s: %q, %v", with, got, err)
		}
	}
}

func TestSourceRefusesLinksOut(t *testing.T) {
	above := t.TempDir()
	dir := filepath.Join(above, "lib")
	writeFile(t, filepath.Join(above, "secret"), "")
	writeFile(t, filepath.Join(dir, "pyproject.toml"), staticProject)
	plant(t, dir, "inner", "alias -> inner")
	source, cleanup, err := buildSource(t.Context(), Options{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, contents, _ := unpacked(t, source.Open); contents["my_cool_lib-1.0b2/alias"] != "inner" {
		t.Errorf("a link inside has %q", contents)
	}
	plant(t, dir, "out -> ../secret")
	_, second, err := buildSource(t.Context(), Options{}, dir)
	if err == nil || !strings.Contains(err.Error(), "out leads out of") {
		t.Errorf("%v", err)
	}
	if err := errors.Join(cleanup(), second()); err != nil {
		t.Error(err)
	}
}

func TestPackagesThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "there is no such file",
		"[tool.x]":                           "project.name",
		"[project]\nname = ''":               "project.name",
		"[project]\nname = 'a b'":            "not the name of a package",
		"[project]\nname = '../x'":           "not the name of a package",
		"[project]\nname='a'\nversion='one'": "not a version",
		"[project\n":                         "pyproject.toml:1",
		"[project]\nname = 3":                "pyproject.toml:2",
		"# " + strings.Repeat("x", 4<<20):    "larger than 4 MiB",
	} {
		dir := t.TempDir()
		if text != "" {
			writeFile(t, filepath.Join(dir, "pyproject.toml"), text)
		}
		_, _, err := buildSource(t.Context(), Options{}, dir)
		var problems Problems
		if !errors.As(err, &problems) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want one that says %q", text, err, want)
		}
	}
}

func TestNeedsTool(t *testing.T) {
	const static = "[project]\nname = 'a'\nversion = '1'\n"
	for text, want := range map[string]bool{
		static:                                                           false,
		static + "[tool.setuptools]\nx = 1\n":                            false,
		static + "dynamic = ['dependencies']\n":                          true,
		"[project]\nname = 'a'\n":                                        true,
		static + "[tool.setuptools_scm]\n":                               true,
		static + "[tool.hatch.build.hooks.x]\n":                          true,
		static + "[tool.hatch.version]\n":                                false,
		static + "[build-system]\nbackend-path = ['.']\nrequires = []\n": true,
	} {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "pyproject.toml"), text)
		m, err := readPackage(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.needsTool(dir); (got != "") != want {
			t.Errorf("%q: %q", text, got)
		}
		plant(t, dir, "setup.py")
		if m.needsTool(dir) == "" {
			t.Error("a setup.py is not seen")
		}
	}
}

func TestNormalVersion(t *testing.T) {
	for version, want := range map[string]string{
		"1.2.3": "1.2.3", "v1.0": "1.0", " 1.0 ": "1.0", "01.002": "1.2", "1.0-beta.2": "1.0b2", "1.0ALPHA": "1.0a0",
		"1.0.c3": "1.0rc3", "1.0-preview_4": "1.0rc4", "1.0-5": "1.0.post5", "1.0-r6": "1.0.post6", "1.0.post": "1.0.post0",
		"1.0dev": "1.0.dev0", "2!1.0a1.post2.dev3+Ubuntu-01.x": "2!1.0a1.post2.dev3+ubuntu.1.x", "0!1": "1", "1+abc": "1+abc",
		"": "", "one": "", "1.": "", "1..2": "", "1.0+": "", "1.0 beta": "", "1.0-": "", "1.0a1b2": "",
	} {
		if got := normalVersion(version); got != want {
			t.Errorf("%q is %q, want %q", version, got, want)
		}
	}
}

func TestBuildWithTool(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("sh is not on PATH")
	}
	dir, bin := t.TempDir(), t.TempDir()
	writeFile(t, filepath.Join(dir, "pyproject.toml"), "[project]\nname = 'a'\ndynamic = ['version']\n")
	uv := filepath.Join(bin, "uv")
	script := func(text string) {
		t.Helper()
		if err := os.WriteFile(uv, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
	var said bytes.Buffer
	build := func() (string, error) {
		source, cleanup, err := buildSource(t.Context(), Options{Stderr: &said}, dir)
		if cleanup != nil {
			defer func() {
				if err := cleanup(); err != nil {
					t.Error(err)
				}
			}()
		}
		return source.Package + " " + source.FileName, err
	}
	script(`[ "$1 $2 $3 $5" = "build --sdist --out-dir ` + dir + `" ] && echo building && echo x > "$4/a-7.tar.gz"`)
	if got, err := build(); err != nil || got != "a a-7.tar.gz" || said.String() != "building\n" {
		t.Errorf("%q, %v, and it said %q", got, err, &said)
	}
	for text, want := range map[string]string{
		"exit 3": "exit status 3",
		":":      "gave 0 source distributions",
		`: > "$4/a-1.tar.gz"; : > "$4/b-1.tar.gz"`: "gave 2 source distributions",
	} {
		script(text)
		var failure *LoadError
		if _, err := build(); !errors.As(err, &failure) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want one that says %q", text, err, want)
		}
	}
	script("sleep 600 & wait")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 200*time.Millisecond, errors.New("given up"))
	defer cancel()
	_, cleanup, err := buildSource(ctx, Options{}, dir)
	if err == nil || err.Error() != "given up" {
		t.Errorf("%v", err)
	}
	if err := cleanup(); err != nil {
		t.Error(err)
	}
}
