//go:build unix

package controlplane

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPrivateFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := start(t, Options{DataDir: dir, TLS: true, Logins: &Logins{}})
	for path, want := range map[string]os.FileMode{
		dir:                                  0o700,
		filepath.Join(dir, "credentials"):    0o600,
		filepath.Join(dir, SecretKeyFile):    0o600,
		filepath.Join(dir, LoginKeyFile):     0o600,
		filepath.Join(dir, "tls/ca-key.pem"): 0o600,
		filepath.Join(dir, "tls"):            0o700,
		filepath.Join(dir, "lock"):           0o600,
	} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %o, want %o", path, info.Mode().Perm(), want)
		}
	}
	stop(t, s)
	for _, name := range []string{"state.db", "state.db-wal"} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if strings.Contains(string(content), s.Credentials().Secret) {
			t.Errorf("%s has the secret in it", name)
		}
	}
}
