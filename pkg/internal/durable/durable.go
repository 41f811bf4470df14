// Package durable makes changes to files that outlast a crash.
//
//	file, err := os.CreateTemp(filepath.Dir(path), ".name.*")
//	… // written, synced and closed
//	err = durable.Rename(file.Name(), path)
//
// What it guarantees: whoever opens the path, at any moment and after any crash,
// meets the old file or the new one, and after a nil error the new one. On
// Windows a file that another process has open can be neither renamed, replaced
// nor removed: what meets one is tried again for up to two seconds.
package durable

import (
	"os"
	"path/filepath"
)

// Rename puts a file, which is on the disk, in the place of another one in a
// folder of the same file system.
func Rename(from, to string) error {
	if err := insist(func() error { return os.Rename(from, to) }); err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(to))
}

// Remove removes a file. Its name may come back after a crash, unless
// [SyncFolder] follows.
func Remove(path string) error { return insist(func() error { return os.Remove(path) }) }

// SyncFolder waits until the names in a folder, as they are, are on the disk.
// It is no error where a file system can not be asked for that.
func SyncFolder(path string) error { return syncFolder(path) }

// IsHeld reports whether an error is that of a file that another process has
// open, or that is being removed and goes when its last handle is closed. Only
// Windows has such errors.
func IsHeld(err error) bool { return isHeld(err) }
