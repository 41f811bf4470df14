package tokenfile

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/fal-plugins/fal/pkg/internal/durable"
)

// ErrBusy: another process kept the lock for the whole wait.
var ErrBusy = errors.New("another process keeps the login locked")

const (
	// Others may open the lock, so that one left behind by root does not lock
	// the folder's owner out. It is empty.
	lockMode = 0o644

	pollLeast, pollMost = 5 * time.Millisecond, 25 * time.Millisecond

	// A file that a process died over is older than any exchange that can
	// still be under way.
	leftoverAge = time.Minute
)

// Held is the lock, while it is held.
type Held struct {
	folder *Folder
	lock   *flock.Flock
}

// Lock takes the lock, waiting for it at most as long as wait and ctx allow.
// It makes the folder if need be. Between attempts it asks peek, if there is
// one: when that answers true, the lock is not needed any more, and both
// results are nil. The error is [ErrBusy], that of ctx, or one of the file
// system.
//
// A process that dies frees the lock; the file that stays behind means nothing.
func (f *Folder) Lock(ctx context.Context, wait time.Duration, peek func() bool) (*Held, error) {
	if err := os.MkdirAll(f.path, folderMode); err != nil {
		return nil, err
	}
	limit := time.NewTimer(wait)
	defer limit.Stop()
	for {
		held, err := f.try()
		if held != nil || err != nil {
			return held, err
		}
		if peek != nil && peek() {
			return nil, nil
		}
		pause := time.NewTimer(pollLeast + rand.N(pollMost-pollLeast))
		select {
		case <-pause.C:
		case <-limit.C:
			pause.Stop()
			return nil, ErrBusy
		case <-ctx.Done():
			pause.Stop()
			return nil, ctx.Err()
		}
	}
}

// try makes one attempt; nil means that another process holds the lock.
func (f *Folder) try() (*Held, error) {
	// Opened anew each time: the official client removes the file when it
	// frees the lock, and an open file that has no name any more locks nothing.
	h := &Held{folder: f, lock: flock.New(f.file(lockName), flock.SetPermissions(lockMode))}
	switch locked, err := h.lock.TryLock(); {
	case err != nil && durable.IsHeld(err):
		return nil, nil
	case err != nil:
		return nil, err
	case !locked:
		return nil, nil
	}
	if !h.Valid() {
		h.Release()
		return nil, nil
	}
	giveToOwner(f.file(lockName), f.path)
	f.sweep(leftoverAge)
	return h, nil
}

// Valid reports whether the file that is locked still has its name. The
// official client removes the name right after it freed the lock, so that it
// may go shortly after we took it; what another process then locks is a new
// file.
func (h *Held) Valid() bool {
	ours, err := h.lock.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(h.lock.Path())
	return err == nil && os.SameFile(ours, named)
}

// Release frees the lock and leaves its file, since removing it would let two
// processes hold locks of the same name.
func (h *Held) Release() { _ = h.lock.Close() } // the end of the process frees it as well

// Remove deletes the tokens, and what unfinished writes may have left of them.
// It is no error when there are none.
func (h *Held) Remove() error {
	f := h.folder
	f.sweep(0)
	for _, path := range []string{follow(f.Path()), f.Path()} { // what a link leads to, and the link
		if err := durable.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return durable.SyncFolder(f.path)
}

// sweep removes files that killed processes left behind and that are older
// than age. Only the holder of the lock writes tokens.
func (f *Folder) sweep(age time.Duration) {
	target := follow(f.Path())
	left, err := filepath.Glob(filepath.Join(filepath.Dir(target), temporary(target)))
	if err != nil {
		return // the path itself has the characters of a pattern
	}
	for _, path := range left {
		if info, err := os.Lstat(path); err == nil && time.Since(info.ModTime()) >= age {
			_ = os.Remove(path) // the next holder tries again
		}
	}
}
