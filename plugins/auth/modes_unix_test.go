//go:build unix

package auth

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Whatever the umask: nobody else reads what a command writes.
func TestModes(t *testing.T) {
	for _, umask := range []int{0, 0o077} {
		d := newDesk(t)
		before := syscall.Umask(umask)
		codes := []int{d.run("login", "--connection", "github").code, d.run("whoami", "--team", "acme").code}
		d.loggedIn(-time.Hour)
		codes = append(codes, d.run("whoami").code)
		syscall.Umask(before)
		for i, code := range codes {
			if code != 0 {
				t.Errorf("umask %03o: command %d: exit %d", umask, i, code)
			}
		}
		var seen []string
		err := filepath.WalkDir(d.home, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			seen = append(seen, entry.Name())
			// The lock is empty, and the official client's too.
			if mode := info.Mode().Perm(); mode&0o077 != 0 && entry.Name() != ".portalock" {
				t.Errorf("umask %03o: %s has mode %04o", umask, path, mode)
			}
			return nil
		})
		if err != nil || len(seen) < 5 {
			t.Errorf("%q, %v", seen, err)
		}
	}
}
