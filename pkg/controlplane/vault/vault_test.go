package vault

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }

func create(t *testing.T) (*Vault, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secrets.key")
	v, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	return v, path
}

func TestSealedValuesComeBack(t *testing.T) {
	v, path := create(t)
	again, err := Open(path, silent())
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"", "x", "pa$$ \"word\"\nof two lines\n", strings.Repeat("ä", 40_000)} {
		sealed := v.Seal(value, "1", "main", "NAME")
		if len(sealed) != len(value)+Overhead {
			t.Errorf("%d bytes are sealed as %d", len(value), len(sealed))
		}
		if len(value) > 1 && bytes.Contains(sealed, []byte(value)) {
			t.Errorf("the sealed value shows the value %q", value)
		}
		if bytes.Equal(sealed, v.Seal(value, "1", "main", "NAME")) {
			t.Errorf("%q is sealed in the same way twice", value)
		}
		if got, err := again.Unseal(sealed, "1", "main", "NAME"); err != nil || got != value {
			t.Errorf("%d bytes came back as %d, %v", len(value), len(got), err)
		}
	}
}

func TestOnlyWhatWasSealedIsUnsealed(t *testing.T) {
	v, _ := create(t)
	other, _ := create(t)
	sealed := v.Seal("value", "1", "main", "NAME")
	for _, place := range [][]string{nil, {"1", "main"}, {"1", "main", "NAMES"}, {"2", "main", "NAME"}, {"1", "mainNAME"}, {"1", "mai", "nNAME"}, {"", "1", "main", "NAME"}} {
		if got, err := v.Unseal(sealed, place...); !errors.Is(err, ErrSealed) || got != "" {
			t.Errorf("for the place %q: %q, %v", place, got, err)
		}
	}
	if _, err := other.Unseal(sealed, "1", "main", "NAME"); !errors.Is(err, ErrSealed) {
		t.Errorf("under another key: %v", err)
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if _, err := v.Unseal(changed, "1", "main", "NAME"); !errors.Is(err, ErrSealed) {
			t.Errorf("with byte %d changed: %v", i, err)
		}
		if _, err := v.Unseal(sealed[:i], "1", "main", "NAME"); !errors.Is(err, ErrSealed) {
			t.Errorf("cut after %d bytes: %v", i, err)
		}
	}
	if _, err := v.Unseal(append(sealed, 0), "1", "main", "NAME"); !errors.Is(err, ErrSealed) {
		t.Errorf("with a byte more: %v", err)
	}
}

func TestKeyFile(t *testing.T) {
	_, path := create(t)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if key, err := hex.DecodeString(strings.TrimSuffix(string(content), "\n")); err != nil || len(key) != 32 {
		t.Errorf("the key has %d bytes, %v", len(key), err)
	}
	if _, err := Create(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second key: %v", err)
	}
	if kept, err := os.ReadFile(path); err != nil || !bytes.Equal(kept, content) {
		t.Errorf("the first key was replaced: %v", err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("beside the key there is something: %v, %v", entries, err)
	}
	if runtime.GOOS != "windows" {
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, silent()); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
	}
}

func TestKeyFilesThatHoldNone(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(filepath.Join(dir, "none"), silent()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := Create(filepath.Join(dir, "no", "folder")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	for name, content := range map[string]string{
		"empty": "", "short": strings.Repeat("a", 63), "long": strings.Repeat("a", 66), "no digits": strings.Repeat("x", 64), "raw": strings.Repeat("\x01", 32),
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(path, silent())
		if !errors.Is(err, ErrKeyFile) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
		if content != "" && strings.Contains(err.Error(), content) {
			t.Errorf("%s: the content is in the error", name)
		}
	}
}

func TestAKeyThatOthersCouldReadIsTold(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // whose modes say nothing of others
	}
	_, path := create(t)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	if _, err := Open(path, logger); err != nil || log.Len() > 0 {
		t.Errorf("a private one: %v, %s", err, &log)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := Open(path, logger); err != nil {
			t.Fatal(err)
		}
	}
	if got := log.String(); strings.Count(got, "level=WARN") != 1 || !strings.Contains(got, path) || strings.Contains(got, strings.TrimSpace(string(content))) {
		t.Errorf("logged: %s", got)
	}
}
