package files

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/fal-plugins/fal/pkg/internal/durable"
)

// The bounds of distributions.
const (
	MaxDistributions = 1000                // that have not expired
	MaxLifetime      = 30 * 24 * time.Hour // of one
	maxFileName      = 255                 // bytes
)

// Distribution is a file that is fetched by its id, which nobody can guess,
// until it expires.
type Distribution struct {
	ID          string    `json:"-"`
	Name        string    `json:"name"`
	ContentType string    `json:"content_type"`
	Expires     time.Time `json:"expires"`
	Size        int64     `json:"size"`
	Hash        string    `json:"sha256"` // of its bytes; empty until it was uploaded
}

type distribution struct {
	Distribution
	upload string
}

// Reserve makes room for a distribution, and returns it with the id under which
// it is uploaded: whole by PutDistribution, or in parts. It is there for that
// long, which starts now.
func (s *Store) Reserve(name, contentType string, lifetime time.Duration) (d Distribution, upload string, err error) {
	if err := checkFileName(name); err != nil {
		return d, "", err
	}
	if lifetime <= 0 || lifetime > MaxLifetime {
		return d, "", invalid("a file is kept for 1 to %d seconds", int(MaxLifetime.Seconds()))
	}
	if len(contentType) > maxFileName || strings.ContainsFunc(contentType, unicode.IsControl) {
		return d, "", invalid("%.80q is no content type", contentType)
	}
	s.mu.Lock()
	full := len(s.cdn) >= MaxDistributions
	if full {
		err = s.expire()
		full = len(s.cdn) >= MaxDistributions
	}
	s.mu.Unlock()
	if err != nil {
		return d, "", err
	}
	if full {
		return d, "", ErrTooMany
	}
	if upload, err = s.begin(Metadata{Size: -1}); err != nil {
		return d, "", err
	}
	d = Distribution{ID: uuid.NewString(), Name: name, ContentType: contentType, Expires: s.now().Add(lifetime).UTC()}
	s.mu.Lock()
	s.cdn[d.ID] = &distribution{Distribution: d, upload: upload}
	s.mu.Unlock()
	return d, upload, nil
}

func checkFileName(name string) error {
	switch {
	case name == "" || len(name) > maxFileName || !utf8.ValidString(name):
		return invalid("a file name has 1 to %d bytes of UTF-8", maxFileName)
	case name[0] == '.' || strings.ContainsAny(name, `/\:*?"<>|`) || strings.ContainsFunc(name, unicode.IsControl):
		return invalid("%.80q is no name for a file", name)
	}
	return nil
}

// PutDistribution takes the bytes of a distribution.
func (s *Store) PutDistribution(upload string, body io.Reader) error {
	if d := s.reserved(upload); d != nil && d.Hash != "" {
		return repeats(d, body)
	}
	etag, err := s.putWhole(upload, body)
	if err != nil {
		return err
	}
	return s.CompleteDistribution(upload, []Part{{Number: 1, ETag: etag}})
}

// repeats reads what was uploaded before, from a client that was not told so.
func repeats(d *Distribution, body io.Reader) error {
	sum := sha256.New()
	if _, err := io.Copy(sum, io.LimitReader(body, MaxFileSize+1)); err != nil {
		return err
	}
	if hex.EncodeToString(sum.Sum(nil)) != d.Hash {
		return ErrExists
	}
	return nil
}

// putWhole takes the bytes as the only part.
func (s *Store) putWhole(id string, body io.Reader) (string, error) {
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
	size, err := io.Copy(io.MultiWriter(temporary, sum), io.LimitReader(body, MaxFileSize+1))
	if err = errors.Join(err, temporary.Close()); err != nil {
		return "", err
	}
	if size > MaxFileSize {
		return "", invalid("the file has more than %d bytes", MaxFileSize)
	}
	return u.take(1, part{etag: hex.EncodeToString(sum.Sum(nil)), size: size}, temporary.Name(), s.now())
}

// CompleteDistribution makes it of parts that were sent with Part.
func (s *Store) CompleteDistribution(upload string, parts []Part) error {
	d := s.reserved(upload)
	if d == nil {
		return fmt.Errorf("upload %.80s: %w", upload, ErrNotFound)
	}
	if d.Hash != "" {
		return nil // it was done, and the client not told so
	}
	u, err := s.upload(upload)
	if err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ended {
		return fmt.Errorf("upload %s: %w", upload, ErrNotFound)
	}
	sum := sha256.New()
	path, size, err := u.join(parts, sum)
	if err != nil {
		return err
	}
	d.Size, d.Hash = size, hex.EncodeToString(sum.Sum(nil))
	if err := s.publish(d, path); err != nil {
		return err
	}
	s.mu.Lock()
	if known := s.cdn[d.ID]; known != nil {
		known.Distribution = *d
	}
	s.mu.Unlock()
	return s.forget(upload, u)
}

// reserved returns what an upload is for; nil when that has expired.
func (s *Store) reserved(upload string) *Distribution {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.cdn {
		if d.upload == upload {
			return new(d.Distribution)
		}
	}
	return nil
}

// publish puts the bytes in their place, and then what says that they are there.
func (s *Store) publish(d *Distribution, path string) error {
	if err := durable.Rename(path, s.path("cdn", d.ID)); err != nil {
		return err
	}
	text, err := json.Marshal(d)
	if err != nil {
		return err
	}
	temporary := path + ".json"
	if err := writeSynced(temporary, text); err != nil {
		return err
	}
	return durable.Rename(temporary, s.path("cdn", d.ID+".json"))
}

func writeSynced(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

func (s *Store) loadDistributions() error {
	entries, err := os.ReadDir(s.path("cdn"))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		id, described := strings.CutSuffix(entry.Name(), ".json")
		switch {
		case uuid.Validate(id) != nil || !entry.Type().IsRegular():
			s.passOver(s.path("cdn", entry.Name()))
			continue
		case !described:
			continue
		}
		text, err := os.ReadFile(s.path("cdn", entry.Name()))
		if err != nil {
			return err
		}
		d := distribution{}
		if err := json.Unmarshal(text, &d.Distribution); err != nil {
			// It is of no use, and goes with what was never described.
			s.logger.Warn("a distribution is lost: what describes it is damaged", "path", s.path("cdn", entry.Name()), "error", err)
			continue
		}
		d.ID = id
		s.cdn[id] = &d
	}
	// What was put in its place and never described.
	for _, entry := range entries {
		id := strings.TrimSuffix(entry.Name(), ".json")
		if s.cdn[id] == nil && uuid.Validate(id) == nil && entry.Type().IsRegular() {
			if err := os.Remove(s.path("cdn", entry.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// Distribution returns what is known of a distribution that was uploaded and has
// not expired, or ErrNotFound.
func (s *Store) Distribution(id, name string) (Distribution, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, ok := s.cdn[id]
	if !ok || d.Hash == "" || d.Name != name || !s.now().Before(d.Expires) {
		return Distribution{}, fmt.Errorf("file %.80s: %w", name, ErrNotFound)
	}
	return d.Distribution, nil
}

// OpenDistribution returns its bytes.
func (s *Store) OpenDistribution(d Distribution) (*os.File, error) {
	return os.Open(s.path("cdn", d.ID))
}

// Pin keeps the bytes of a distribution beyond its end, as long as Sweep is told
// that their hash is needed.
func (s *Store) Pin(d Distribution) error {
	path := s.SourcePath(d.Hash, d.Name)
	now := s.now()
	if err := os.Chtimes(filepath.Dir(path), now, now); err == nil {
		if _, err := os.Stat(path); err == nil {
			return nil
		}
	}
	from, err := s.OpenDistribution(d)
	if err != nil {
		return err
	}
	defer from.Close()
	temporary, err := os.CreateTemp(s.path("uploads"), "pin-*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name()) // does nothing after the rename
	_, err = io.Copy(temporary, from)
	if err = errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := durable.Rename(temporary.Name(), path); err != nil {
		return err
	}
	return durable.SyncFolder(s.path("sources"))
}

// SourcePath returns where the bytes of a pinned distribution are.
func (s *Store) SourcePath(hash, name string) string { return s.path("sources", hash, name) }

// expire removes the distributions whose time has come; it needs Store.mu.
func (s *Store) expire() error {
	var errs []error
	now := s.now()
	for id, d := range s.cdn {
		if now.Before(d.Expires) {
			continue
		}
		for _, name := range []string{id + ".json", id} {
			if err := durable.Remove(s.path("cdn", name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, err)
			}
		}
		delete(s.cdn, id)
	}
	return errors.Join(errs...)
}

// sweepDistributions also removes what was pinned and is not needed; it needs
// Store.mu.
func (s *Store) sweepDistributions(needed func(hash string) bool, before time.Time) error {
	errs := []error{s.expire()}
	entries, err := os.ReadDir(s.path("sources"))
	errs = append(errs, err)
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || needed(entry.Name()) || info.ModTime().After(before) {
			errs = append(errs, err)
			continue
		}
		errs = append(errs, os.RemoveAll(s.path("sources", entry.Name())))
	}
	return errors.Join(errs...)
}
