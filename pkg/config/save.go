package config

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/fal-plugins/fal/pkg/internal/durable"
)

const (
	fileMode   = 0o600 // it holds keys
	folderMode = 0o700
	// The lock is empty. Others may open it, so that one left behind by root
	// does not lock its folder's owner out.
	lockMode = 0o644

	lockWait = 20 * time.Second // as long as the login waits for its own lock
	lockPoll = 5 * time.Millisecond

	maxLinks = 40
)

// Update reads the configuration file at path, lets edit change it and saves
// it, all under a lock, so that updates of several processes follow one
// another and none is lost. When edit returns an error or changes nothing, the
// file is not touched. A missing file is created with mode 0600, in a folder
// with mode 0700.
//
// edit must not wait for anything, since others wait for it for 20 s at most.
func Update(path string, edit func(*File) error) error { return update(path, lockWait, edit) }

func update(path string, wait time.Duration, edit func(*File) error) error {
	t, err := lockTarget(path, wait)
	if err != nil {
		return err
	}
	defer t.unlock()
	f, err := Open(path)
	if err != nil {
		return err
	}
	if err := edit(f); err != nil {
		return err
	}
	return f.write(t)
}

// Save writes the file, if anything was changed. When the file on disk is not
// what Open read, nothing is written and the error has the code Conflict; [Update]
// cannot meet this.
func (f *File) Save() error {
	if !f.changed() {
		return nil
	}
	t, err := lockTarget(f.path, lockWait)
	if err != nil {
		return err
	}
	defer t.unlock()
	now, err := readWhole(f.path, f.shown)
	if err != nil {
		return err
	}
	if !bytes.Equal(now, f.onDisk) {
		return errorf(Conflict, "%s was changed by another process", f.shown).about(f.shown, nil).hint("run the command again")
	}
	return f.write(t)
}

func (f *File) write(t target) error {
	if !f.changed() {
		return nil
	}
	content := f.content()
	if err := t.replace(content); err != nil {
		return err
	}
	f.onDisk = bytes.Clone(content)
	return nil
}

// target is the file that is written: what the path leads to, links followed.
type target struct {
	path  string
	shown string
	lock  *flock.Flock
}

func lockTarget(path string, wait time.Duration) (target, error) {
	home, _ := os.UserHomeDir() // for messages only
	t := target{shown: shorten(path, home)}
	if path == "" {
		return t, errorf(Unwritable, "no home folder is known, so there is no configuration file to write").
			hint("set HOME or %s", varConfigPath)
	}
	var err error
	if t.path, err = followLinks(path); err != nil {
		return t, t.unwritable(err)
	}
	if err := os.MkdirAll(filepath.Dir(t.path), folderMode); err != nil {
		return t, t.unwritable(err)
	}
	t.lock = flock.New(t.path+".lock", flock.SetPermissions(lockMode))
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	switch _, err := t.lock.TryLockContext(ctx, lockPoll); {
	case errors.Is(err, context.DeadlineExceeded):
		return t, errorf(Busy, "another process keeps %s locked", t.shown).about(t.shown, nil)
	case err != nil:
		return t, t.unwritable(err)
	}
	return t, nil
}

// unlock leaves the lock file, since removing it would let two processes hold
// locks of the same name.
func (t target) unlock() { _ = t.lock.Close() } // closing at exit frees it as well

func (t target) unwritable(err error) *Error {
	e := errorf(Unwritable, "cannot write %s: %s", t.shown, reason(err)).about(t.shown, err)
	if errors.Is(err, fs.ErrPermission) {
		e.hint("its folder must be writable, and the file your own")
	}
	return e
}

// replace puts content in the place of the file, atomically and durably.
func (t target) replace(content []byte) error {
	info, err := os.Stat(t.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		info = nil
	case err != nil:
		return t.unwritable(err)
	case !info.Mode().IsRegular():
		return t.unwritable(errors.New("it is not a regular file"))
	}
	tmp, err := os.CreateTemp(filepath.Dir(t.path), "."+filepath.Base(t.path)+".*")
	if err != nil {
		return t.unwritable(err)
	}
	err = errors.Join(fill(tmp, content, info), tmp.Close())
	if err == nil {
		err = durable.Rename(tmp.Name(), t.path)
	}
	if err != nil {
		_ = os.Remove(tmp.Name()) // the first error is the one to tell
		return t.unwritable(err)
	}
	return nil
}

func fill(tmp *os.File, content []byte, replaced fs.FileInfo) error {
	if err := tmp.Chmod(fileMode); err != nil {
		return err
	}
	if replaced != nil {
		if err := keepOwner(tmp, replaced); err != nil {
			return err
		}
	}
	if _, err := tmp.Write(content); err != nil {
		return err
	}
	return tmp.Sync()
}

// followLinks returns what path leads to, which need not exist: a link to a
// file in someone's dotfiles is written through, not replaced.
func followLinks(path string) (string, error) {
	for range maxLinks {
		to, err := os.Readlink(path)
		if err != nil {
			// Not a link, or nothing there: the folder may still be one.
			dir, err := filepath.EvalSymlinks(filepath.Dir(path))
			if errors.Is(err, fs.ErrNotExist) {
				return path, nil
			}
			return filepath.Join(dir, filepath.Base(path)), err
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return "", errors.New("too many levels of symbolic links")
}
