package interop

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPinnedVersion(t *testing.T) {
	for lock, want := range map[string]string{
		"fal==1.80.0\n":                        "1.80.0",
		"# fal==9\nother-fal==2\n  fal==1.2\n": "1.2",
		"isolate==1\n":                         "",
		"":                                     "",
	} {
		if got := pinnedVersion(lock, "fal"); got != want {
			t.Errorf("pinnedVersion(%q) = %q, want %q", lock, got, want)
		}
	}
}

func TestLockPinsEverything(t *testing.T) {
	if Version() == "" {
		t.Error("requirements.lock pins no official client")
	}
	for line := range strings.Lines(lockfile) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			continue
		}
		if name, version, ok := strings.Cut(line, "=="); !ok || name == "" || version == "" {
			t.Errorf("not pinned: %q", line)
		}
	}
}

func TestAtLeast(t *testing.T) {
	for version, want := range map[string]bool{
		"3.10": false, "3.11": true, "3.12": true, "4.0": true, "2.99": false, "": false, "three": false,
	} {
		if got := atLeast(version, "3.11"); got != want {
			t.Errorf("atLeast(%q, 3.11) = %v", version, got)
		}
	}
}

func TestCacheFolder(t *testing.T) {
	given := t.TempDir()
	if got, err := (Source{Cache: given}).cacheFolder(); err != nil || got != given {
		t.Errorf("given folder: %q, %v", got, err)
	}
	xdg := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", xdg)
	if got, err := (Source{}).cacheFolder(); err != nil || got != filepath.Join(xdg, "fal-interop") {
		t.Errorf("XDG_CACHE_HOME: %q, %v", got, err)
	}
}

func TestKeyChangesWithEveryPin(t *testing.T) {
	a := Source{lock: "fal==1.0\nother==1\n"}.key()
	b := Source{lock: "fal==1.0\nother==2\n"}.key()
	if !strings.HasPrefix(a, "1.0-") || a == b {
		t.Errorf("keys %q and %q", a, b)
	}
}

func TestWithoutClientSettings(t *testing.T) {
	got := withoutClientSettings([]string{"PATH=/bin", "FAL_HOST=h", "ISOLATE_TEST_MODE=1", "PYTHONPATH=p", "HOME=/h"})
	want := "PATH=/bin HOME=/h FAL_CONFIG_PATH=" + os.DevNull
	if strings.Join(got, " ") != want {
		t.Errorf("kept %q", got)
	}
}
