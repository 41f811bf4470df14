package cache

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func in(dir string) func(string) string {
	return func(name string) string { return map[string]string{Variable: dir}[name] }
}

func put(t *testing.T, c *Cache, kind, key, value string) {
	t.Helper()
	if err := c.Put(kind, key, []byte(value)); err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, c *Cache, kind, key, value string) {
	t.Helper()
	got, found := c.Get(kind, key, time.Hour)
	if string(got) != value || found != (value != "") {
		t.Errorf("%s %q of %s at %s: %q, %v, want %q", kind, key, c.account, c.host, got, found, value)
	}
}

func TestKeysAreKeptApart(t *testing.T) {
	dir := t.TempDir()
	open := func(host, account string) *Cache { return Open(in(dir), host, account) }
	put(t, open("h", "a"), "accounts", "", "1")
	put(t, open("h", "a"), "accounts", "k", "2")
	put(t, open("h", "a"), "apps", "", "3")
	put(t, open("h", "b"), "accounts", "", "4")
	put(t, open("i", "a"), "accounts", "", "5")
	put(t, open("h\x00a", ""), "accounts", "", "6") // the same bytes as host and account, cut elsewhere
	put(t, open("h", "a"), "accounts", "../../x\x00", "7")
	for _, w := range []struct{ host, account, kind, key, value string }{
		{"h", "a", "accounts", "", "1"}, {"h", "a", "accounts", "k", "2"}, {"h", "a", "apps", "", "3"},
		{"h", "b", "accounts", "", "4"}, {"i", "a", "accounts", "", "5"}, {"h\x00a", "", "accounts", "", "6"},
		{"h", "a", "accounts", "../../x\x00", "7"}, {"h", "c", "accounts", "", ""}, {"h", "a", "keys", "", ""},
	} {
		want(t, open(w.host, w.account), w.kind, w.key, w.value)
	}
	c := open("h", "a")
	put(t, c, "accounts", "k", "new")
	want(t, c, "accounts", "k", "new")
	if err := c.Drop("accounts", "k"); err != nil {
		t.Error(err)
	}
	if err := c.Drop("accounts", "k"); err != nil {
		t.Errorf("what is not there: %v", err)
	}
	want(t, c, "accounts", "k", "")
	if err := c.Clear(); err != nil {
		t.Error(err)
	}
	want(t, c, "accounts", "", "")
	want(t, c, "apps", "", "")
	want(t, open("h", "b"), "accounts", "", "4")
	for _, kind := range []string{"", "A", "a/b", "a-b", "."} {
		if c.Put(kind, "", nil) == nil {
			t.Errorf("kind %q was taken", kind)
		}
	}
}

func TestAge(t *testing.T) {
	c := Open(in(t.TempDir()), "h", "a")
	put(t, c, "accounts", "", "x")
	written := time.Now()
	for after, found := range map[time.Duration]bool{
		0: true, 50 * time.Minute: true, 61 * time.Minute: false, 8760 * time.Hour: false,
		-30 * time.Second: true, -time.Hour: false, // a clock that was set back
	} {
		c.now = func() time.Time { return written.Add(after) }
		if _, got := c.Get("accounts", "", time.Hour); got != found {
			t.Errorf("after %s: found %v", after, got)
		}
	}
}

// A file that is not what was put is none.
func TestBroken(t *testing.T) {
	dir := t.TempDir()
	c := Open(in(dir), "h", "a")
	path := filepath.Join(c.folder(), c.name("accounts", ""))
	put(t, c, "accounts", "", "value")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other := Open(in(dir), "h", "b")
	put(t, other, "accounts", "", "not theirs")
	foreign, err := os.ReadFile(filepath.Join(other.folder(), other.name("accounts", "")))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"empty":     nil,
		"cut":       whole[:len(whole)-3],
		"zeros":     make([]byte, len(whole)),
		"zeros end": append(bytes.Clone(whole[:len(whole)-10]), make([]byte, 10)...),
		"no JSON":   []byte("\x1b[31m"),
		"a list":    []byte("[]"),
		"an object": []byte("{}"),
		"another's": foreign,
		"too large": append(bytes.Clone(whole), bytes.Repeat([]byte(" "), maxFile)...),
	} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, found := c.Get("accounts", "", time.Hour); found {
			t.Errorf("%s: found %q", name, got)
		}
	}
	put(t, c, "accounts", "", "again")
	want(t, c, "accounts", "", "again")
	if err := c.Put("accounts", "", make([]byte, maxFile)); err == nil {
		t.Error("a value above the limit was kept")
	}
	want(t, c, "accounts", "", "again")
}

func TestNoFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(t.TempDir(), "missing")
	for name, c := range map[string]*Cache{
		"a file":      Open(in(file), "h", "a"),
		"below one":   Open(in(filepath.Join(file, "x")), "h", "a"),
		"none":        {now: time.Now},
		"not yet one": Open(in(missing), "h", "a"),
	} {
		want(t, c, "accounts", "", "")
		if err := c.Drop("accounts", ""); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := c.Clear(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := c.Put("accounts", "", nil); (err == nil) != (name == "not yet one") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRoot(t *testing.T) {
	abs := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", "")
	system, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []struct{ own, xdg, want string }{
		{abs, "/x", abs},
		{"", abs, filepath.Join(abs, "fal")},
		{"", "relative", filepath.Join(system, "fal")},
		{"", "", filepath.Join(system, "fal")},
	} {
		got := root(func(name string) string {
			switch name {
			case Variable:
				return w.own
			case "XDG_CACHE_HOME":
				return w.xdg
			}
			return os.Getenv(name)
		})
		if got != w.want {
			t.Errorf("%q, %q: %s, want %s", w.own, w.xdg, got, w.want)
		}
	}
	if got := root(func(string) string { return "" }); got != "" {
		t.Errorf("no home: %s", got)
	}
}

func TestStaysSmall(t *testing.T) {
	c := Open(in(t.TempDir()), "h", "a")
	begin := time.Now().Add(-time.Hour)
	old := func(name string, age time.Duration) {
		t.Helper()
		if err := os.Chtimes(filepath.Join(c.folder(), name), begin, begin.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	const more = 20
	for i := range maxFiles + more {
		put(t, c, "apps", fmt.Sprint(i), "x")
		old(c.name("apps", fmt.Sprint(i)), -time.Duration(i)*time.Second)
	}
	files := func() int {
		t.Helper()
		found, err := os.ReadDir(c.folder())
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	if n := files(); n > maxFiles {
		t.Errorf("%d files", n)
	}
	want(t, c, "apps", "0", "")
	want(t, c, "apps", fmt.Sprint(maxFiles+more-1), "x")

	large := strings.Repeat("y", maxFile/2)
	for i := range 2 * maxTotal / maxFile {
		put(t, c, "apps", "large"+fmt.Sprint(i), large)
	}
	var total int64
	found, err := os.ReadDir(c.folder())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	if total > maxTotal {
		t.Errorf("%d bytes", total)
	}

	// What is too old goes, and so does what a process that died left behind.
	dead := filepath.Join(c.folder(), unplaced+"dead")
	if err := os.WriteFile(dead, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	old(filepath.Base(dead), 0)
	put(t, c, "apps", "old", "x")
	old(c.name("apps", "old"), maxAge)
	put(t, c, "apps", "now", "x")
	want(t, c, "apps", "old", "")
	want(t, c, "apps", "now", "x")
	if _, err := os.Lstat(dead); err == nil {
		t.Error("a leftover stayed")
	}
}

// Many at once: who finds a value finds one that was put, as a whole.
func TestMany(t *testing.T) {
	dir := t.TempDir()
	var running sync.WaitGroup
	for writer := range 8 {
		running.Go(func() {
			c := Open(in(dir), "h", "a")
			value := strings.Repeat(fmt.Sprint(writer), 20_000)
			for range 20 {
				// On Windows a file that is being read can not be replaced.
				if err := c.Put("apps", "", []byte(value)); err != nil && runtime.GOOS != "windows" {
					t.Error(err)
				}
				got, found := c.Get("apps", "", time.Hour)
				if found && (len(got) != len(value) || strings.Trim(string(got), string(got[:1])) != "") {
					t.Errorf("a mixture: %.20q, %d bytes", got, len(got))
				}
				if writer == 0 {
					_ = c.Drop("apps", "")
				}
			}
		})
	}
	running.Wait()
	left, err := filepath.Glob(filepath.Join(dir, layout, unplaced+"*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}
