package files

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Part is a part of an upload, as Complete is told of it.
type Part struct {
	Number int // from 1
	ETag   string
}

// upload is a file that is on its way.
type upload struct {
	Metadata // of a distribution: no hash, and a size below 0
	dir      string

	mu    sync.Mutex // held by what ends it, and for a moment by a part that has come
	parts map[int]part
	ended bool
	rest  time.Time // since when no part has come
}

type part struct {
	etag string
	size int64
}

// Initiate begins an upload and returns its id; ErrExists when the file is there.
func (s *Store) Initiate(m Metadata) (string, error) {
	switch {
	case !isHash(m.Hash):
		return "", invalid("%.80q is no hash of a file: it has %d lower-case hexadecimal digits", m.Hash, 2*sha256.Size)
	case m.Size < 0 || m.Size > MaxFileSize:
		return "", invalid("the file has %d bytes, %d is the most", m.Size, MaxFileSize)
	case !isMode(m.Mode):
		return "", invalid("mode %d is not that of a regular file, such as 33188", m.Mode)
	}
	if s.touch(m.Hash) {
		return "", ErrExists
	}
	return s.begin(m)
}

// isMode reports whether mode is the st_mode of a regular file and nothing more. All
// of these have five digits, so that no other bytes with another mode have the hash.
func isMode(mode uint32) bool { return mode&^0o7777 == 0o100000 }

func (s *Store) begin(m Metadata) (string, error) {
	id := uuid.NewString()
	u := &upload{Metadata: m, dir: s.path("uploads", id), parts: make(map[int]part), rest: s.now()}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.uploads) >= MaxUploads {
		return "", ErrTooMany
	}
	if err := os.Mkdir(u.dir, 0o700); err != nil {
		return "", err
	}
	s.uploads[id] = u
	return id, nil
}

func (s *Store) upload(id string) (*upload, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.uploads[id]
	if !ok {
		return nil, fmt.Errorf("upload %.80s: %w", id, ErrNotFound)
	}
	return u, nil
}

// Part takes a part of an upload and returns its ETag. One of a number that was
// there is replaced.
func (s *Store) Part(id string, number int, body io.Reader) (string, error) {
	if number < 1 || number > MaxParts {
		return "", invalid("part %d: parts are numbered from 1 to %d", number, MaxParts)
	}
	u, err := s.upload(id)
	if err != nil {
		return "", err
	}
	temporary, err := os.CreateTemp(u.dir, "coming-*")
	if err != nil {
		return "", err
	}
	defer os.Remove(temporary.Name()) // does nothing after the rename
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(temporary, sum), io.LimitReader(body, MaxPartSize+1))
	if err = errors.Join(err, temporary.Close()); err != nil {
		return "", err
	}
	if size > MaxPartSize {
		return "", invalid("part %d has more than %d bytes", number, MaxPartSize)
	}
	return u.take(number, part{etag: hex.EncodeToString(sum.Sum(nil)), size: size}, temporary.Name(), s.now())
}

// take makes a file a part of the upload.
func (u *upload) take(number int, p part, path string, now time.Time) (string, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ended {
		return "", fmt.Errorf("the upload: %w", ErrNotFound)
	}
	if total := u.total() - u.parts[number].size + p.size; total > u.Size && u.Size >= 0 || total > MaxFileSize {
		return "", invalid("the parts have more bytes than the file")
	}
	if err := os.Rename(path, u.partPath(number)); err != nil {
		return "", err
	}
	u.parts[number], u.rest = p, now
	return p.etag, nil
}

func (u *upload) partPath(number int) string {
	return filepath.Join(u.dir, "part-"+strconv.Itoa(number))
}

func (u *upload) total() int64 {
	var total int64
	for _, p := range u.parts {
		total += p.size
	}
	return total
}

// Complete makes a file of the parts, which are named in their order without a
// gap, and returns its ETag. That the file is there by then is as good, as it is to
// a client that was not told that it is complete.
func (s *Store) Complete(fileHash, id string, parts []Part) (string, error) {
	u, err := s.upload(id)
	if err != nil {
		if s.touch(fileHash) {
			return fileHash, nil
		}
		return "", err
	}
	if u.Hash != fileHash {
		return "", invalid("upload %s is of another file", id)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ended {
		if s.touch(fileHash) {
			return fileHash, nil
		}
		return "", fmt.Errorf("upload %s: %w", id, ErrNotFound)
	}
	sum := sha256.New()
	path, size, err := u.join(parts, sum)
	if err != nil {
		return "", err
	}
	if size != u.Size {
		return "", invalid("the parts have %d bytes, and the file was said to have %d", size, u.Size)
	}
	if got := seal(sum, u.Mode); got != u.Hash {
		return "", invalid("what was uploaded has the hash %s with mode %d, not %s", got, u.Mode, u.Hash)
	}
	if err := s.adopt(path, u.Hash, Blob{Size: size, Mode: u.Mode}); err != nil {
		return "", err
	}
	return u.Hash, s.forget(id, u)
}

// join returns a file of the upload with the parts one after another, on disk.
func (u *upload) join(parts []Part, sum hash.Hash) (path string, size int64, err error) {
	if len(parts) == 0 || len(parts) != len(u.parts) {
		return "", 0, invalid("%d parts are named, and %d were sent", len(parts), len(u.parts))
	}
	for i, named := range parts {
		if named.Number != i+1 {
			return "", 0, invalid("part %d is named where part %d belongs", named.Number, i+1)
		}
		if sent := u.parts[named.Number]; sent.etag != named.ETag {
			return "", 0, invalid("part %d was sent with another ETag", named.Number)
		}
	}
	if len(parts) == 1 {
		size, err := settle(u.partPath(1), sum)
		return u.partPath(1), size, err
	}
	joined, err := os.CreateTemp(u.dir, "joined-*")
	if err != nil {
		return "", 0, err
	}
	defer func() { err = errors.Join(err, joined.Close()) }()
	to := io.MultiWriter(joined, sum)
	for _, named := range parts {
		n, err := appendFile(to, u.partPath(named.Number))
		if err != nil {
			return "", 0, err
		}
		size += n
	}
	return joined.Name(), size, joined.Sync()
}

// settle reads a file, and waits until it is on disk.
func settle(path string, sum hash.Hash) (size int64, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if size, err = io.Copy(sum, f); err != nil {
		return 0, err
	}
	return size, f.Sync()
}

func appendFile(to io.Writer, path string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return io.Copy(to, f)
}

// seal ends the hash of a file with its mode.
func seal(sum hash.Hash, mode uint32) string {
	io.WriteString(sum, strconv.FormatUint(uint64(mode), 10)) // a hash takes everything
	return hex.EncodeToString(sum.Sum(nil))
}

// Cancel gives an upload up.
func (s *Store) Cancel(fileHash, id string) error {
	u, err := s.upload(id)
	if err != nil {
		return err
	}
	if u.Hash != fileHash {
		return invalid("upload %s is of another file", id)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return s.forget(id, u)
}

// forget removes an upload; it needs upload.mu.
func (s *Store) forget(id string, u *upload) error {
	u.ended = true
	s.mu.Lock()
	delete(s.uploads, id)
	s.mu.Unlock()
	return os.RemoveAll(u.dir)
}

// sweepUploads needs Store.mu.
func (s *Store) sweepUploads() error {
	var errs []error
	for id, u := range s.uploads {
		if !u.mu.TryLock() {
			continue // something is happening to it
		}
		if s.now().Sub(u.rest) > staleUpload {
			u.ended = true
			delete(s.uploads, id)
			errs = append(errs, os.RemoveAll(u.dir))
		}
		u.mu.Unlock()
	}
	return errors.Join(errs...)
}
