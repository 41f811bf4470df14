package controlplane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// ErrInUse is returned by Start when another control plane uses the data
// folder.
var ErrInUse = errors.New("another control plane is using this data folder")

// prepareDir makes sure of a folder that only its owner can look into.
func prepareDir(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return "", err
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(dir, 0o700); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// lockPatience is how long a folder may stay locked: a control plane that was
// killed while it started a process leaves the lock to that for a moment.
const lockPatience = 500 * time.Millisecond

func lockDir(ctx context.Context, dir string) (*flock.Flock, error) {
	path := filepath.Join(dir, "lock")
	lock := flock.New(path, flock.SetPermissions(0o600))
	patient, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	switch _, err := lock.TryLockContext(patient, 10*time.Millisecond); {
	case err == nil:
		return lock, nil
	case ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("%w: %s", ErrInUse, dir)
	default:
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
}

// writePrivate replaces a file whole, readable by its owner only.
func writePrivate(path string, content []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // has mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name()) // does nothing after the rename
	if _, err := temporary.Write(content); err != nil {
		return errors.Join(err, temporary.Close())
	}
	if err := temporary.Sync(); err != nil {
		return errors.Join(err, temporary.Close())
	}
	if err := temporary.Close(); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}
