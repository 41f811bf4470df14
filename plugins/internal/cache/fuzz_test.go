package cache

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Whatever a file holds: what is found was put for this account.
func FuzzFile(f *testing.F) {
	dir := f.TempDir()
	c := Open(in(dir), "h", "a")
	if err := c.Put("accounts", "k", []byte("value")); err != nil {
		f.Fatal(err)
	}
	path := filepath.Join(c.folder(), c.name("accounts", "k"))
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte(`{"host":"h","account":"b","kind":"accounts","key":"k","written":"2999-01-01T00:00:00Z","value":"eA=="}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		value, found := c.Get("accounts", "k", time.Hour)
		var e entry
		err := json.Unmarshal(content, &e)
		if found && (err != nil || e.Host != "h" || e.Account != "a" || e.Key != "k" || string(e.Value) != string(value)) {
			t.Errorf("found %q in %q", value, content)
		}
	})
}
