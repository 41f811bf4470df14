//go:build unix

package durable

import (
	"errors"
	"os"
	"syscall"
)

func insist(change func() error) error { return change() }

func isHeld(error) bool { return false }

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }() // nothing was written through it
	// Some file systems have no sync for folders and say so.
	if err := folder.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return err
	}
	return nil
}
