// Package files keeps on disk what was uploaded: the files of apps by what is in
// them, and distributions that are fetched by URL for a while.
//
//	kept, err := files.Open(dir, logger)
//	missing := kept.Missing(hashes)
//	id, err := kept.Initiate(files.Metadata{Hash: hash, Size: size, Mode: mode})
//	etag, err := kept.Part(id, 1, body)
//	_, err = kept.Complete(hash, id, []files.Part{{Number: 1, ETag: etag}})
//	content, err := kept.Open(hash)
//
// The hash of a file is SHA-256 over its bytes and then the decimal text of its
// st_mode (33188 for -rw-r--r--), so that a file with other permissions is
// another file.
//
// Guarantees: what is kept under a hash has that hash; it is whole and on disk
// when Complete or Put return, and nothing of a file is to be seen before;
// an upload stays when its client is gone, until no part has come for a day, and
// whatever a program that was killed left of one is gone after Open. One
// Store at a time uses a folder; what is in it that is none of the store's is left
// alone.
package files

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fal-plugins/fal/pkg/internal/durable"
)

// The bounds of what is kept.
const (
	MaxFileSize = 1 << 30  // bytes of one file
	MaxPartSize = 64 << 20 // bytes of one part of an upload
	MaxParts    = 10_000   // of an upload
	MaxUploads  = 4096     // that have begun and not ended
)

// staleUpload is how long an upload may rest between two parts.
const staleUpload = 24 * time.Hour

// The errors that say what the caller did wrong. Others are of the disk.
var (
	ErrExists   = errors.New("it is there already")
	ErrNotFound = errors.New("not found")
	ErrTooMany  = errors.New("there are too many uploads under way")
)

// InvalidError says what is wrong with what was sent.
type InvalidError struct{ Message string }

func (e *InvalidError) Error() string { return e.Message }

func invalid(format string, args ...any) error {
	return &InvalidError{Message: fmt.Sprintf(format, args...)}
}

// Metadata describes a file that is to be uploaded.
type Metadata struct {
	Hash string // 64 lower-case hexadecimal digits
	Size int64  // in bytes
	Mode uint32 // st_mode, as of a regular file
}

// Blob is a file that is kept.
type Blob struct {
	Size int64
	Mode uint32 // st_mode
}

// Perm returns its permissions.
func (b Blob) Perm() fs.FileMode { return fs.FileMode(b.Mode) & fs.ModePerm }

// Store keeps files. Its methods may be called from any goroutine.
type Store struct {
	dir    string
	logger *slog.Logger
	now    func() time.Time

	mu      sync.Mutex
	blobs   map[string]*blob   // by hash
	uploads map[string]*upload // by id
	cdn     map[string]*distribution
}

type blob struct {
	Blob
	used time.Time // when it was last uploaded, asked for or opened
}

// Open returns the store of a folder, which is made when it is missing. The logger
// is told of what is passed over since it is none of the store's.
func Open(dir string, logger *slog.Logger) (*Store, error) {
	s := &Store{
		dir:     dir,
		logger:  logger,
		now:     time.Now,
		blobs:   make(map[string]*blob),
		uploads: make(map[string]*upload),
		cdn:     make(map[string]*distribution),
	}
	// What was under way when an earlier one ended cannot be gone on with.
	if err := os.RemoveAll(s.path("uploads")); err != nil {
		return nil, err
	}
	for _, name := range []string{"uploads", "blobs", "cdn", "sources"} {
		if err := os.MkdirAll(s.path(name), 0o700); err != nil {
			return nil, err
		}
	}
	if err := s.loadBlobs(); err != nil {
		return nil, err
	}
	return s, s.loadDistributions()
}

func (s *Store) path(elements ...string) string {
	return filepath.Join(append([]string{s.dir}, elements...)...)
}

// A blob is called by its hash and its st_mode, in a folder of the first two
// digits of the hash.
func (s *Store) blobPath(hash string, mode uint32) string {
	return s.path("blobs", hash[:2], hash+"-"+strconv.FormatUint(uint64(mode), 10))
}

func (s *Store) loadBlobs() error {
	return filepath.WalkDir(s.path("blobs"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		hash, text, _ := strings.Cut(entry.Name(), "-")
		mode, err := strconv.ParseUint(text, 10, 32)
		if err != nil || !isMode(uint32(mode)) || !isHash(hash) || path != s.blobPath(hash, uint32(mode)) {
			s.passOver(path)
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		s.blobs[hash] = &blob{Blob: Blob{Size: info.Size(), Mode: uint32(mode)}, used: info.ModTime()}
		return nil
	})
}

func (s *Store) passOver(path string) {
	s.logger.Warn("passed over what is no uploaded file", "path", path)
}

func isHash(text string) bool {
	if len(text) != 2*sha256.Size || strings.ToLower(text) != text {
		return false
	}
	_, err := hex.DecodeString(text)
	return err == nil
}

// Stat returns what is known of a file; false when it is not there.
func (s *Store) Stat(hash string) (Blob, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.blobs[hash]
	if !ok {
		return Blob{}, false
	}
	return b.Blob, true
}

// Open returns the bytes of a file, or fs.ErrNotExist.
func (s *Store) Open(hash string) (io.ReadCloser, error) {
	s.mu.Lock()
	b, ok := s.blobs[hash]
	s.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("file %.80s: %w", hash, fs.ErrNotExist)
	}
	return os.Open(s.blobPath(hash, b.Mode))
}

// Missing returns those of the hashes that are not kept, each once and in their
// order. The others are not swept for the time that Sweep is told.
func (s *Store) Missing(hashes []string) ([]string, error) {
	missing := []string{}
	asked := make(map[string]bool, len(hashes))
	for _, hash := range hashes {
		if !isHash(hash) {
			return nil, invalid("%.80q is no hash of a file: it has %d lower-case hexadecimal digits", hash, 2*sha256.Size)
		}
		if asked[hash] {
			continue
		}
		asked[hash] = true
		if !s.touch(hash) {
			missing = append(missing, hash)
		}
	}
	return missing, nil
}

// touch notes that a file is used; false when it is not there.
func (s *Store) touch(hash string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.blobs[hash]
	if !ok {
		return false
	}
	now := s.now()
	// Once a minute is enough of what is told in hours.
	if now.Sub(b.used) > time.Minute {
		if err := os.Chtimes(s.blobPath(hash, b.Mode), now, now); err != nil {
			return !errors.Is(err, fs.ErrNotExist)
		}
		b.used = now
	}
	return true
}

// functionMode is the st_mode of what Put keeps.
const functionMode = 0o100600

// Put keeps content as a file that only its owner reads, and returns its hash.
func (s *Store) Put(content []byte) (hash string, err error) {
	sum := sha256.New()
	sum.Write(content)
	hash = seal(sum, functionMode)
	if s.touch(hash) {
		return hash, nil
	}
	temporary, err := os.CreateTemp(s.path("uploads"), "put-*")
	if err != nil {
		return "", err
	}
	defer os.Remove(temporary.Name()) // does nothing after the rename
	_, err = temporary.Write(content)
	if err = errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return "", err
	}
	return hash, s.adopt(temporary.Name(), hash, Blob{Size: int64(len(content)), Mode: functionMode})
}

// adopt makes a finished file one of the store.
func (s *Store) adopt(path, hash string, b Blob) error {
	to := s.blobPath(hash, b.Mode)
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	if err := durable.Rename(path, to); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blobs[hash] = &blob{Blob: b, used: s.now()}
	return nil
}

// Sweep removes the files that needed does not name and that nobody has
// uploaded, asked for or put since before, uploads that rest for a day, and
// distributions that have expired. It returns how many files it removed.
func (s *Store) Sweep(needed func(hash string) bool, before time.Time) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	removed, errs := 0, []error(nil)
	for hash, b := range s.blobs {
		if b.used.After(before) || needed(hash) {
			continue
		}
		if err := durable.Remove(s.blobPath(hash, b.Mode)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
			continue
		}
		delete(s.blobs, hash)
		removed++
	}
	errs = append(errs, s.sweepUploads(), s.sweepDistributions(needed, before))
	return removed, errors.Join(errs...)
}
