// Package cache keeps on disk, for a while, what the service said.
//
//	c := cache.Open(getenv, host, account)
//	if value, found := c.Get("accounts", "", time.Hour); found {
//		…
//	}
//	err := c.Put("accounts", "", value) // to be ignored: a cache is a convenience
//
// It lies in FAL_CACHE_DIR, else in fal below XDG_CACHE_HOME or the system's
// folder for caches. What it guarantees:
//
//   - What was kept for one host and account is never found for another.
//   - Files have mode 0600 and their folder 0700, whatever the umask. A folder
//     of someone else's is not used, and root makes none in a user's.
//   - A value is found as it was put, or not at all: files are replaced as a
//     whole, by any number of processes at once, and one that is broken, or
//     that the clock says is of the future, counts as missing.
//   - It stays small: 256 values, 8 MiB and 30 days, of which the oldest go
//     first.
//
// Where the folder cannot be used, nothing is found and nothing kept. A process
// that is to be the only one to renew a kind of value takes its lock:
//
//	unlock, ok := c.Lock("apps")
package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Variable overrides where the cache lies.
const Variable = "FAL_CACHE_DIR"

const (
	fileMode   = 0o600
	folderMode = 0o700

	// layout is the name of the folder; a program with another way to keep
	// values takes another.
	layout = "v1"

	// skew is how far the clocks of those who share a folder may differ.
	skew = time.Minute
)

// Cache is what is kept for one account at one host. It may be used by several
// goroutines.
type Cache struct {
	root          string // "" when there is no place
	host, account string
	now           func() time.Time
}

// Open returns the cache of an account at a host. It reads nothing and makes
// no folder.
func Open(getenv func(string) string, host, account string) *Cache {
	return &Cache{root: root(getenv), host: host, account: account, now: time.Now}
}

// root is the folder that the cache's own is made in.
func root(getenv func(string) string) string {
	if dir := getenv(Variable); dir != "" {
		return dir
	}
	if dir := getenv("XDG_CACHE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "fal")
	}
	// As os.UserCacheDir, which reads the variables of the process alone.
	variable, below := "HOME", ".cache"
	switch runtime.GOOS {
	case "windows":
		variable, below = "LocalAppData", ""
	case "darwin", "ios":
		below = filepath.Join("Library", "Caches")
	}
	if dir := getenv(variable); dir != "" {
		return filepath.Join(dir, below, "fal")
	}
	return ""
}

// entry is what a file holds. It says what it is for, so that no file is taken
// for another's.
type entry struct {
	Host    string    `json:"host"`
	Account string    `json:"account"`
	Kind    string    `json:"kind"`
	Key     string    `json:"key"`
	Written time.Time `json:"written"`
	Value   []byte    `json:"value"`
}

// Get returns what was put for kind and key not longer ago than maxAge.
func (c *Cache) Get(kind, key string, maxAge time.Duration) (value []byte, found bool) {
	if c.root == "" || !usable(c.folder()) {
		return nil, false
	}
	e, err := c.read(kind, key)
	if err != nil || e.Host != c.host || e.Account != c.account || e.Kind != kind || e.Key != key {
		return nil, false
	}
	if age := c.now().Sub(e.Written); age > maxAge || age < -skew {
		return nil, false
	}
	return e.Value, true
}

func (c *Cache) read(kind, key string) (e entry, err error) {
	file, err := os.Open(filepath.Join(c.folder(), c.name(kind, key)))
	if err != nil {
		return e, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return e, err
	}
	if len(content) > maxFile {
		return e, errTooLarge
	}
	return e, json.Unmarshal(content, &e)
}

var errTooLarge = errors.New("the value is too large to be kept")

// Put keeps a value in place of what was kept for kind and key. kind is a word
// of small letters. An error means that nothing was kept, which no command
// fails for.
func (c *Cache) Put(kind, key string, value []byte) error {
	if !isKind(kind) {
		return fmt.Errorf("%q is no kind of value: it is a word of small letters", kind)
	}
	content, err := json.Marshal(entry{Host: c.host, Account: c.account, Kind: kind, Key: key, Written: c.now(), Value: value})
	if err != nil {
		return err
	}
	if len(content) > maxFile {
		return errTooLarge
	}
	if c.root == "" {
		return errors.New("no folder for caches is known")
	}
	if err := prepare(c.root, c.folder()); err != nil {
		return err
	}
	if err := replace(c.folder(), c.name(kind, key), content); err != nil {
		return err
	}
	c.sweep()
	return nil
}

func isKind(kind string) bool {
	return kind != "" && strings.Trim(kind, "abcdefghijklmnopqrstuvwxyz") == ""
}

// Drop forgets what was kept for kind and key. That nothing was is no error.
func (c *Cache) Drop(kind, key string) error {
	if c.root == "" || !usable(c.folder()) {
		return nil
	}
	return gone(os.Remove(filepath.Join(c.folder(), c.name(kind, key))))
}

// Clear forgets everything that was kept for the account at the host.
func (c *Cache) Clear() error {
	if c.root == "" || !usable(c.folder()) {
		return nil
	}
	files, err := os.ReadDir(c.folder())
	if err != nil {
		return gone(err)
	}
	var failed []error
	for _, f := range files {
		if own, err := filepath.Match(c.scope()+"-*", f.Name()); err == nil && own {
			failed = append(failed, gone(os.Remove(filepath.Join(c.folder(), f.Name()))))
		}
	}
	return errors.Join(failed...)
}

// gone is err, unless that says that the file was not there.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (c *Cache) folder() string { return filepath.Join(c.root, layout) }

// name is the file's for kind and key.
func (c *Cache) name(kind, key string) string {
	return c.scope() + "-" + kind + "-" + digest(key) + suffix
}

func (c *Cache) scope() string { return digest(c.host + "\x00" + c.account) }

// digest stands for a text in the name of a file.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:12])
}
