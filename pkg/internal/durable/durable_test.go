package durable_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/internal/durable"
)

func write(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRename(t *testing.T) {
	dir := t.TempDir()
	to := filepath.Join(dir, "to")
	for _, content := range []string{"first", "second"} { // with nothing there, and with something
		if err := durable.Rename(write(t, filepath.Join(dir, "from"), content), to); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(to); err != nil || string(got) != content {
			t.Errorf("%q, %v", got, err)
		}
	}
	if err := durable.Rename(filepath.Join(dir, "missing"), to); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
}

// What another process has open for a moment is no reason to give up.
func TestRenameOverAnOpenFile(t *testing.T) {
	dir := t.TempDir()
	to := write(t, filepath.Join(dir, "to"), "old")
	open, err := os.Open(to)
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan error, 1)
	time.AfterFunc(50*time.Millisecond, func() { closed <- open.Close() })
	if err := durable.Rename(write(t, filepath.Join(dir, "from"), "new"), to); err != nil {
		t.Error(err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

func TestRemove(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "file"), "")
	if err := durable.Remove(path); err != nil {
		t.Error(err)
	}
	if err := durable.Remove(path); !errors.Is(err, fs.ErrNotExist) || durable.IsHeld(err) {
		t.Errorf("%v", err)
	}
}

func TestSyncFolder(t *testing.T) {
	if err := durable.SyncFolder(t.TempDir()); err != nil {
		t.Error(err)
	}
	err := durable.SyncFolder(filepath.Join(t.TempDir(), "missing"))
	if !errors.Is(err, fs.ErrNotExist) && runtime.GOOS != "windows" {
		t.Errorf("%v", err)
	}
}
