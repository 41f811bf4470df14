package files

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

func readDistribution(t *testing.T, s *Store, d Distribution) string {
	t.Helper()
	f, err := s.OpenDistribution(d)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestDistributions(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	now := time.Now()
	s.now = func() time.Time { return now }
	const name = "peer proj-1.0.tar.gz"
	d, upload, err := s.Reserve(name, "application/gzip", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Distribution(d.ID, name); !errors.Is(err, ErrNotFound) {
		t.Errorf("before it was uploaded: %v", err)
	}
	if err := s.PutDistribution(upload, strings.NewReader("bytes")); err != nil {
		t.Fatal(err)
	}
	// The client was not told, and tries again; somebody else does not get in.
	if err := s.PutDistribution(upload, strings.NewReader("bytes")); err != nil {
		t.Errorf("again: %v", err)
	}
	if err := s.PutDistribution(upload, strings.NewReader("other")); !errors.Is(err, ErrExists) {
		t.Errorf("other bytes: %v", err)
	}
	for _, s := range []*Store{s, open(t, dir)} {
		got, err := s.Distribution(d.ID, name)
		if err != nil || got.Size != 5 || got.ContentType != "application/gzip" || readDistribution(t, s, got) != "bytes" {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := s.Distribution(d.ID, "another name"); !errors.Is(err, ErrNotFound) {
			t.Errorf("by another name: %v", err)
		}
	}
	if err := s.PutDistribution(d.ID, strings.NewReader("bytes")); !errors.Is(err, ErrNotFound) {
		t.Errorf("who may read may write: %v", err)
	}

	got, err := s.Distribution(d.ID, name)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Pin(got); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(time.Hour)
	if _, err := s.Distribution(d.ID, name); !errors.Is(err, ErrNotFound) {
		t.Errorf("after it has expired: %v", err)
	}
	for _, needed := range []bool{true, false} {
		if _, err := s.Sweep(func(hash string) bool { return needed && hash == got.Hash }, time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(s.SourcePath(got.Hash, name))
		if needed && (err != nil || string(text) != "bytes") || !needed && !errors.Is(err, os.ErrNotExist) {
			t.Errorf("needed %t: %q, %v", needed, text, err)
		}
	}
	if entries, err := os.ReadDir(s.path("cdn")); err != nil || len(entries) > 0 {
		t.Errorf("left: %v, %v", entries, err)
	}
}

func TestDistributionInParts(t *testing.T) {
	s := open(t, t.TempDir())
	d, upload, err := s.Reserve("a.tar.gz", "", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	var parts []Part
	for i, text := range []string{"first ", "second"} {
		etag, err := s.Part(upload, i+1, strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, Part{i + 1, etag})
	}
	for range 2 { // the second as by a client that was not told
		if err := s.CompleteDistribution(upload, parts); err != nil {
			t.Fatal(err)
		}
	}
	if d, err = s.Distribution(d.ID, "a.tar.gz"); err != nil || readDistribution(t, s, d) != "first second" {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestBoundsOfDistributions(t *testing.T) {
	s := open(t, t.TempDir())
	var invalid *InvalidError
	for _, name := range []string{"", ".", "..", ".hidden", "a/b", `a\b`, "a\nb", "C:x", "\xff", strings.Repeat("a", 256)} {
		if _, _, err := s.Reserve(name, "", time.Hour); !errors.As(err, &invalid) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, lifetime := range []time.Duration{0, -1, MaxLifetime + 1} {
		if _, _, err := s.Reserve("a", "", lifetime); !errors.As(err, &invalid) {
			t.Errorf("%s: %v", lifetime, err)
		}
	}
	if _, _, err := s.Reserve("a", "text/html\r\nX: y", time.Hour); !errors.As(err, &invalid) {
		t.Errorf("a content type with a line end: %v", err)
	}
	for i := range MaxDistributions {
		if _, _, err := s.Reserve("a", "", time.Minute); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
	if _, _, err := s.Reserve("a", "", time.Minute); !errors.Is(err, ErrTooMany) {
		t.Errorf("one too many: %v", err)
	}
	s.now = func() time.Time { return time.Now().Add(time.Hour) }
	if _, _, err := s.Reserve("a", "", time.Minute); err != nil {
		t.Errorf("when the others have expired: %v", err)
	}
}
