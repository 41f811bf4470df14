//go:build unix

package project

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func pipe(t *testing.T, name string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A pipe in the place of a file is refused. Opened as a file it is waited for.
func TestPipes(t *testing.T) {
	const static = "[project]\nname = 'a'\nversion = '1'\n"
	sdist := func(dir string) error {
		_, cleanup, err := buildSource(t.Context(), Options{}, dir)
		if cleanup != nil {
			err = errors.Join(err, cleanup())
		}
		return err
	}
	for name, test := range map[string]struct {
		pipe string
		read func(dir string) error
	}{
		"package":           {"pyproject.toml", sdist},
		"ignored":           {".gitignore", sdist},
		"ignored below":     {"d/.gitignore", sdist},
		"ignored, with git": {".gitignore", func(dir string) error { _, err := gitFiles(t.Context(), dir); return err }},
		"context":           {".dockerignore", func(dir string) error { _, err := ignorePatterns(dir); return err }},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if test.pipe != "pyproject.toml" {
				writeFile(t, filepath.Join(dir, "pyproject.toml"), static)
			}
			pipe(t, filepath.Join(dir, test.pipe))
			said := make(chan error, 1)
			go func() { said <- test.read(dir) }()
			select {
			case err := <-said:
				if err == nil || !strings.Contains(err.Error(), "not a regular file") {
					t.Errorf("%v", err)
				}
			case <-time.After(time.Minute):
				t.Fatal("the pipe is waited for")
			}
		})
	}
	name := filepath.Join(t.TempDir(), "app.py")
	pipe(t, name)
	said := make(chan []string, 1)
	go func() { said <- Classes(name) }()
	select {
	case found := <-said:
		if found != nil {
			t.Errorf("%q", found)
		}
	case <-time.After(time.Minute):
		t.Fatal("the pipe is waited for")
	}
}

// TestPipeInThePlaceOfAFile: a file of the context that has become a pipe.
func TestPipeInThePlaceOfAFile(t *testing.T) {
	dir := t.TempDir()
	plant(t, dir, "a")
	tree, err := contextFiles(dir, named("a"), ignoring(nil))
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, tree)
	if err := os.Remove(filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	pipe(t, filepath.Join(dir, "a"))
	said := make(chan error, 1)
	go func() { _, err := tree.Open("a"); said <- err }()
	select {
	case err := <-said:
		if err == nil || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("%v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("the pipe is waited for")
	}
}

// A program that is started has no terminal that it could wait for.
func TestCommandsHaveNoTerminal(t *testing.T) {
	cat, err := exec.LookPath("cat")
	if err != nil {
		t.Skip("cat is not on PATH")
	}
	cmd := groupCommand(t.Context(), t.TempDir(), []string{cat})
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	session, err := unix.Getsid(cmd.Process.Pid)
	if err != nil || session != cmd.Process.Pid {
		t.Errorf("process %d is of session %d, %v", cmd.Process.Pid, session, err)
	}
	if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
		t.Error(err)
	}
}
