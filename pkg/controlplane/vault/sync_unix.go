//go:build unix

package vault

import (
	"errors"
	"os"
)

// syncDir makes the entries of a folder outlast a power failure.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
