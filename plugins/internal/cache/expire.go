package cache

import (
	"os"
	"path/filepath"
	"time"
)

// Expire forgets what was put for a kind longer ago than that, whatever account
// and host it is of: what nobody asks for any more. What cannot be removed is
// left to the next one.
func (c *Cache) Expire(kind string, age time.Duration) {
	if !isKind(kind) || c.root == "" || !usable(c.folder()) {
		return
	}
	files, err := os.ReadDir(c.folder())
	if err != nil {
		return
	}
	for _, f := range files {
		if ours, err := filepath.Match("*-"+kind+"-*"+suffix, f.Name()); err != nil || !ours || !f.Type().IsRegular() {
			continue
		}
		if info, err := f.Info(); err == nil && c.now().Sub(info.ModTime()) > age {
			_ = os.Remove(filepath.Join(c.folder(), f.Name()))
		}
	}
}
