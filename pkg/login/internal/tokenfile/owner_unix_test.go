//go:build unix

package tokenfile

import (
	"os"
	"syscall"
	"testing"
)

// Root does not take a user's files away.
func TestOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("only root can give files away")
		return
	}
	const user = 12345
	f := folder(t)
	if err := os.Chown(f.path, user, user); err != nil {
		t.Fatal(err)
	}
	h := lock(t, f)
	for range 2 { // without a token file, and with one
		s, err := h.Reserve()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(Tokens{Refresh: "r"}); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{f.Path(), f.file(lockName)} {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if owner := info.Sys().(*syscall.Stat_t).Uid; owner != user {
				t.Errorf("%s is of user %d", path, owner)
			}
		}
	}
}
