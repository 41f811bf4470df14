package local

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/gofrs/flock"
)

// pollInterval is the time between two looks at something that has no way of
// telling.
const pollInterval = 25 * time.Millisecond

// tryLock takes the folder's lock, which the system gives back when the
// process ends in whatever way. It returns nil when another process has it.
func (d dataDir) tryLock() (*flock.Flock, error) {
	lock := flock.New(d.file(lockName), flock.SetPermissions(0o600))
	got, err := lock.TryLock()
	if err != nil || !got {
		return nil, errors.Join(err, lock.Close())
	}
	// A reset may have deleted the file between our opening and locking it.
	held, err := lock.Stat()
	if err == nil {
		var named fs.FileInfo
		if named, err = os.Stat(d.file(lockName)); err == nil && os.SameFile(held, named) {
			return lock, nil
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return nil, errors.Join(err, lock.Close())
}

// locked reports whether a server has the lock.
func (d dataDir) locked() (bool, error) {
	lock := flock.New(d.file(lockName), flock.SetFlag(os.O_RDONLY))
	got, err := lock.TryRLock()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, errors.Join(d.failure("cannot look at", err), lock.Close())
	}
	return !got, lock.Close()
}

// awaitUnlocked returns when no server has the lock any more.
func (d dataDir) awaitUnlocked(ctx context.Context) error {
	return poll(ctx, func() (bool, error) {
		held, err := d.locked()
		return !held, err
	})
}

// poll calls done until it returns true or an error, or the context ends.
func poll(ctx context.Context, done func() (bool, error)) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
		}
		if ok, err := done(); ok || err != nil {
			return err
		}
		timer.Reset(pollInterval)
	}
}
