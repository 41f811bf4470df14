package tokenfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/fal-plugins/fal/pkg/internal/durable"
)

// reserved is more than two tokens usually take.
const reserved = 16 << 10

// Slot is a file that is ready to take the place of the token file.
type Slot struct {
	file   *os.File
	target string
}

// Reserve makes sure that tokens can be written, before they are asked for: a
// refresh token that was used and whose successor is lost ends the login. It
// creates a file of ample size beside the token file and waits until it is on
// the disk. The slot must be committed or discarded.
func (h *Held) Reserve() (*Slot, error) { return reserve(h.folder.Path()) }

func reserve(path string) (*Slot, error) {
	target := follow(path)
	info, err := os.Stat(target)
	if err == nil && !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "write", Path: target, Err: errors.New("it is not a regular file")}
	}
	file, err := os.CreateTemp(filepath.Dir(target), temporary(target))
	if err != nil {
		return nil, err
	}
	s := &Slot{file: file, target: target}
	if err := s.prepare(); err != nil {
		s.Discard()
		return nil, err
	}
	return s, nil
}

func (s *Slot) prepare() error {
	if err := s.file.Chmod(fileMode); err != nil {
		return err
	}
	like := s.target
	if _, err := os.Stat(like); errors.Is(err, fs.ErrNotExist) {
		like = filepath.Dir(like)
	}
	giveToOwner(s.file.Name(), like)
	if _, err := s.file.Write(make([]byte, reserved)); err != nil {
		return err
	}
	return s.file.Sync()
}

// Commit puts the tokens in the place of what the file held. When it returns
// nil they outlast a crash.
func (s *Slot) Commit(t Tokens) error { return s.commit(t.encode()) }

func (s *Slot) commit(content []byte) error {
	err := func() error {
		if _, err := s.file.WriteAt(content, 0); err != nil {
			return err
		}
		if err := s.file.Truncate(int64(len(content))); err != nil {
			return err
		}
		return s.file.Sync()
	}()
	if err = errors.Join(err, s.file.Close()); err == nil {
		err = durable.Rename(s.file.Name(), s.target)
	}
	if err != nil {
		_ = os.Remove(s.file.Name()) // the first error is the one to tell
	}
	return err
}

// Discard gives the slot up.
func (s *Slot) Discard() {
	_ = s.file.Close()
	_ = os.Remove(s.file.Name()) // if it stays, the next holder of the lock sweeps it
}

// temporary is the pattern of the names of files on their way to path.
func temporary(path string) string { return "." + filepath.Base(path) + ".*" }

// follow returns what path leads to: a link to a file elsewhere is written
// through, not replaced.
func follow(path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target
	}
	return path
}
