package alias

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

const (
	fileMode   = 0o600
	folderMode = 0o700

	maxFile = 1 << 20 // bytes

	lockWait = 5 * time.Second
	lockPoll = 5 * time.Millisecond
)

// Path is the file's below a home folder: .fal/aliases.toml. It is a file of
// its own since each table of config.toml beside it is a profile.
func Path(home string) string { return filepath.Join(home, ".fal", "aliases.toml") }

// Read reads a file; one that does not exist holds no aliases. The error is a
// *SyntaxError, or that of the system.
func Read(path string) (*File, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &File{}, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // nothing was written
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, maxFile)
	}
	return Parse(string(text))
}

// Update reads a file, lets edit change it and replaces it, under a lock. When
// edit gives an error or changes nothing, the file is not touched. A link is
// written through. A missing folder is made with mode 0700.
func Update(path string, edit func(*File) error) error {
	if err := os.MkdirAll(filepath.Dir(path), folderMode); err != nil {
		return err
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	lock := flock.New(path+".lock", flock.SetPermissions(fileMode))
	ctx, cancel := context.WithTimeout(context.Background(), lockWait)
	defer cancel()
	if _, err := lock.TryLockContext(ctx, lockPoll); err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return errors.New("another process keeps " + path + " locked")
		}
		return err
	}
	defer func() { _ = lock.Close() }() // it ends with the process at the latest
	f, err := Read(path)
	if err != nil {
		return err
	}
	before := f.text
	if err := edit(f); err != nil || f.text == before {
		return err
	}
	return replace(path, f.text)
}

// replace puts text in the place of what the file held.
func replace(path, text string) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	err = file.Chmod(fileMode)
	if err == nil {
		_, err = io.WriteString(file, text)
	}
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name()) // the first error is the one to tell
	}
	return err
}
