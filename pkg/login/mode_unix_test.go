//go:build unix

package login_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/login"
)

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func TestWiderModeIsTightened(t *testing.T) {
	for _, wide := range []fs.FileMode{0o644, 0o666, 0o640, 0o604, 0o700 | 0o011} {
		s, dir := newIssuer(t), t.TempDir()
		s.login(t, dir, time.Hour)
		if err := os.Chmod(tokenPath(dir), wide); err != nil {
			t.Fatal(err)
		}
		c, said := newClient(t, s.base, dir, nil)
		for range 2 {
			if _, err := c.Token(testContext(t)); err != nil {
				t.Fatal(err)
			}
		}
		if got := mode(t, tokenPath(dir)); got != wide&^0o077 {
			t.Errorf("%o became %o", wide, got)
		}
		if n := strings.Count(said.all(), "only you can read it"); n != 1 || strings.Contains(said.all(), "\n") {
			t.Errorf("%o: notices: %q", wide, said.all())
		}
	}
}

// Whatever the umask, what holds tokens is the user's alone.
func TestModes(t *testing.T) {
	for _, umask := range []int{0o000, 0o022, 0o077} {
		device(t, func(t *testing.T, s *issuer, _ *login.Client, base string, _ *notices) {
			dir := filepath.Join(base, "new")
			c, said := newClient(t, s.base, dir, func(o *login.Options) {
				o.HTTPClient.Transport = inMemory{s}
			})
			old := syscall.Umask(umask)
			defer syscall.Umask(old)
			s.set(func() { s.life = -time.Hour })
			d := begin(t, c, &login.BeginParams{Connection: "github"})
			if err := c.Wait(context.Background(), d); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Token(context.Background()); err != nil { // refreshes
				t.Fatal(err)
			}
			entries, err := os.ReadDir(dir)
			if err != nil || len(entries) != 3 {
				t.Fatalf("%v, %v", entries, err)
			}
			for _, e := range entries {
				allowed := fs.FileMode(0o600)
				if e.Name() == ".portalock" {
					allowed = 0o644 // it is empty
				}
				if got := mode(t, filepath.Join(dir, e.Name())); got&^allowed != 0 {
					t.Errorf("umask %o: %s has mode %o", umask, e.Name(), got)
				}
			}
			if got := mode(t, dir); got != 0o700 {
				t.Errorf("umask %o: the folder has mode %o", umask, got)
			}
			if said.all() != "" {
				t.Errorf("notices: %s", said.all())
			}
		})
	}
}
