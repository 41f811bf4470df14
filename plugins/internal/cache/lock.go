package cache

import (
	"path/filepath"

	"github.com/gofrs/flock"
)

const lockSuffix = ".lock"

// Lock takes the lock of a kind, which is one for all accounts and hosts, and
// does not wait: ok is false when another process has it, or when there is no
// place for one. The system gives it back when the process ends in whatever
// way. unlock is to be called once ok was true.
func (c *Cache) Lock(kind string) (unlock func(), ok bool) {
	if !isKind(kind) || c.root == "" || prepare(c.root, c.folder()) != nil {
		return nil, false
	}
	lock := flock.New(filepath.Join(c.folder(), kind+lockSuffix), flock.SetPermissions(fileMode))
	if got, err := lock.TryLock(); err != nil || !got {
		_ = lock.Close() // nothing was locked
		return nil, false
	}
	return func() { _ = lock.Close() }, true // the end of the process would do, too
}
