package cache

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestLockIsOneForAll(t *testing.T) {
	dir := t.TempDir()
	a, b := Open(in(dir), "h", "a"), Open(in(dir), "i", "b")
	unlock, ok := a.Lock("apps")
	if !ok {
		t.Fatal("not locked")
	}
	if _, ok := b.Lock("apps"); ok {
		t.Error("locked twice")
	}
	other, ok := b.Lock("keys")
	if !ok {
		t.Error("the lock of another kind is not free")
	} else {
		other()
	}
	info, err := os.Stat(filepath.Join(dir, layout, "apps"+lockSuffix))
	if err != nil || info.Mode().Perm() != fileMode && runtime.GOOS != "windows" {
		t.Errorf("%v, %v", info, err)
	}
	put(t, a, "apps", "", "1") // sweeps
	if _, ok := b.Lock("apps"); ok {
		t.Error("the lock was swept away")
	}
	unlock()
	again, ok := b.Lock("apps")
	if !ok {
		t.Fatal("not free")
	}
	again()
}

func TestLockNeedsAPlace(t *testing.T) {
	nowhere := Open(func(string) string { return "" }, "h", "a")
	for _, c := range []struct {
		cache *Cache
		kind  string
	}{{nowhere, "apps"}, {Open(in(t.TempDir()), "h", "a"), "../apps"}} {
		if _, ok := c.cache.Lock(c.kind); ok {
			t.Errorf("%q is locked", c.kind)
		}
	}
}
