//go:build unix

package cache

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestModes(t *testing.T) {
	for _, umask := range []int{0, 0o022, 0o077, 0o277} {
		dir := filepath.Join(t.TempDir(), "cache", "deeper")
		before := syscall.Umask(umask)
		c := Open(in(dir), "h", "a")
		err := c.Put("accounts", "", []byte("x"))
		syscall.Umask(before)
		if umask == 0o277 { // nothing can be written into a folder made so
			if err == nil && os.Geteuid() != 0 {
				t.Error("written into a folder that is read-only")
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		err = filepath.WalkDir(filepath.Dir(dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			want := fs.FileMode(fileMode)
			if d.IsDir() {
				want = folderMode
			}
			if info.Mode().Perm() != want {
				t.Errorf("umask %03o: %s has mode %04o", umask, path, info.Mode().Perm())
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// A folder that others can write into proves nothing until it is private.
func TestWideFolder(t *testing.T) {
	c := Open(in(t.TempDir()), "h", "a")
	put(t, c, "accounts", "", "x")
	if err := os.Chmod(c.folder(), 0o777); err != nil {
		t.Fatal(err)
	}
	want(t, c, "accounts", "", "")
	put(t, c, "accounts", "", "y")
	want(t, c, "accounts", "", "y")
	if info, err := os.Stat(c.folder()); err != nil || info.Mode().Perm() != folderMode {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestLinkIsNoFolder(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	c := Open(in(dir), "h", "a")
	if err := os.Symlink(elsewhere, c.folder()); err != nil {
		t.Fatal(err)
	}
	if err := c.Put("accounts", "", nil); err == nil {
		t.Error("written through a link")
	}
	if found, err := os.ReadDir(elsewhere); err != nil || len(found) > 0 {
		t.Errorf("%v, %v", found, err)
	}
}

// Root with a user's home makes nothing there, and uses nothing of theirs.
func TestRootInAUsersHome(t *testing.T) {
	if os.Geteuid() != 0 {
		if !mayMakeIn(filepath.Join(t.TempDir(), "x")) {
			t.Error("a user's own folder")
		}
		return
	}
	home := t.TempDir()
	c := Open(in(filepath.Join(home, ".cache", "fal")), "h", "a")
	if err := os.Chown(home, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	if err := c.Put("accounts", "", nil); err == nil {
		t.Error("made a folder in a user's home")
	}
	if found, err := os.ReadDir(home); err != nil || len(found) > 0 {
		t.Errorf("%v, %v", found, err)
	}
	if err := os.MkdirAll(c.folder(), folderMode); err != nil {
		t.Fatal(err)
	}
	put(t, c, "accounts", "", "x")
	if err := os.Chown(c.folder(), 65534, 65534); err != nil {
		t.Fatal(err)
	}
	want(t, c, "accounts", "", "")
	if err := c.Put("accounts", "", nil); err == nil {
		t.Error("wrote into a user's folder")
	}
}
