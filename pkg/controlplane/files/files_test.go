package files

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const readable = 0o100644

func open(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func hashOf(content string, mode uint32) string {
	sum := sha256.Sum256([]byte(content + strconv.FormatUint(uint64(mode), 10)))
	return hex.EncodeToString(sum[:])
}

// send uploads content in parts of so many bytes.
func send(s *Store, content string, mode uint32, size int) error {
	m := Metadata{Hash: hashOf(content, mode), Size: int64(len(content)), Mode: mode}
	id, err := s.Initiate(m)
	if err != nil {
		return err
	}
	var parts []Part
	for first := true; first || len(content) > 0; first = false {
		part := content[:min(size, len(content))]
		content = content[len(part):]
		etag, err := s.Part(id, len(parts)+1, strings.NewReader(part))
		if err != nil {
			return err
		}
		parts = append(parts, Part{Number: len(parts) + 1, ETag: etag})
	}
	_, err = s.Complete(m.Hash, id, parts)
	return err
}

func content(t testing.TB, s *Store, hash string) string {
	t.Helper()
	f, err := s.Open(hash)
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

func TestFilesOutlastTheStore(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for _, test := range []struct {
		content string
		mode    uint32
		part    int
	}{
		{"", readable, 1}, {"hello", readable, 10}, {"hello", 0o100755, 10}, {strings.Repeat("0123456789", 1000), 0o100600, 999},
	} {
		if err := send(s, test.content, test.mode, test.part); err != nil {
			t.Fatalf("%.20q: %v", test.content, err)
		}
		hash := hashOf(test.content, test.mode)
		for name, s := range map[string]*Store{"the same store": s, "another": open(t, dir)} {
			if got := content(t, s, hash); got != test.content {
				t.Errorf("%s: %.20q, want %.20q", name, got, test.content)
			}
			want := Blob{Size: int64(len(test.content)), Mode: test.mode}
			if got, ok := s.Stat(hash); !ok || got != want {
				t.Errorf("%s: %+v %t, want %+v", name, got, ok, want)
			}
		}
		if err := send(s, test.content, test.mode, test.part); !errors.Is(err, ErrExists) {
			t.Errorf("again: %v", err)
		}
	}
	if _, err := s.Open(hashOf("no", readable)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	if entries, err := os.ReadDir(filepath.Join(dir, "uploads")); err != nil || len(entries) != 0 {
		t.Errorf("left of uploads: %v, %v", entries, err)
	}
	if perm := (Blob{Mode: 0o100751}).Perm(); perm != 0o751 {
		t.Errorf("permissions %o", perm)
	}
}

func TestMissing(t *testing.T) {
	s := open(t, t.TempDir())
	if err := send(s, "here", readable, 10); err != nil {
		t.Fatal(err)
	}
	here, one, two := hashOf("here", readable), hashOf("1", readable), hashOf("2", readable)
	missing, err := s.Missing([]string{two, here, one, two, here})
	if err != nil || !reflect.DeepEqual(missing, []string{two, one}) {
		t.Errorf("missing %v, %v", missing, err)
	}
	if missing, err := s.Missing(nil); err != nil || missing == nil || len(missing) != 0 {
		t.Errorf("of none %v, %v", missing, err)
	}
	for _, bad := range []string{"", "../../etc/passwd", strings.ToUpper(one), one + "0", one[1:] + "g"} {
		var invalid *InvalidError
		if _, err := s.Missing([]string{one, bad}); !errors.As(err, &invalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestWhatIsWrongWithAnUpload(t *testing.T) {
	hello := hashOf("hello", readable)
	sent := Metadata{Hash: hello, Size: 5, Mode: readable}
	begin := func(t *testing.T, s *Store, m Metadata) string {
		t.Helper()
		id, err := s.Initiate(m)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	put := func(t *testing.T, s *Store, id string, number int, text string) Part {
		t.Helper()
		etag, err := s.Part(id, number, strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return Part{Number: number, ETag: etag}
	}
	for name, test := range map[string]struct {
		try  func(t *testing.T, s *Store) error
		want string // what the message has; ErrNotFound's when empty
	}{
		"a hash that is none": {func(t *testing.T, s *Store) error {
			_, err := s.Initiate(Metadata{Hash: "../x", Mode: readable})
			return err
		}, "no hash"},
		"a folder": {func(t *testing.T, s *Store) error {
			_, err := s.Initiate(Metadata{Hash: hello, Mode: 0o040755})
			return err
		}, "regular file"},
		"a mode that is more than that of a file": {func(t *testing.T, s *Store) error {
			_, err := s.Initiate(Metadata{Hash: hello, Mode: 1<<17 | readable})
			return err
		}, "regular file"},
		"a mode of six digits": {func(t *testing.T, s *Store) error {
			_, err := s.Initiate(Metadata{Hash: hello, Mode: 1<<20 | readable})
			return err
		}, "regular file"},
		"too large": {func(t *testing.T, s *Store) error {
			_, err := s.Initiate(Metadata{Hash: hello, Size: MaxFileSize + 1, Mode: readable})
			return err
		}, "is the most"},
		"negative": {func(t *testing.T, s *Store) error {
			_, err := s.Initiate(Metadata{Hash: hello, Size: -1, Mode: readable})
			return err
		}, "is the most"},
		"part 0": {func(t *testing.T, s *Store) error {
			_, err := s.Part(begin(t, s, sent), 0, strings.NewReader("hello"))
			return err
		}, "numbered from 1"},
		"part 10001": {func(t *testing.T, s *Store) error {
			_, err := s.Part(begin(t, s, sent), MaxParts+1, strings.NewReader("hello"))
			return err
		}, "numbered from 1"},
		"more than it was said to have": {func(t *testing.T, s *Store) error {
			_, err := s.Part(begin(t, s, sent), 1, strings.NewReader("hello!"))
			return err
		}, "more bytes than the file"},
		"less": {func(t *testing.T, s *Store) error {
			id := begin(t, s, sent)
			_, err := s.Complete(hello, id, []Part{put(t, s, id, 1, "hell")})
			return err
		}, "said to have 5"},
		"other bytes": {func(t *testing.T, s *Store) error {
			id := begin(t, s, sent)
			_, err := s.Complete(hello, id, []Part{put(t, s, id, 1, "jello")})
			return err
		}, "has the hash"},
		"another mode": {func(t *testing.T, s *Store) error {
			id := begin(t, s, Metadata{Hash: hello, Size: 5, Mode: 0o100755})
			_, err := s.Complete(hello, id, []Part{put(t, s, id, 1, "hello")})
			return err
		}, "with mode 33261"},
		"no parts": {func(t *testing.T, s *Store) error {
			_, err := s.Complete(hello, begin(t, s, sent), nil)
			return err
		}, "0 parts are named"},
		"a part that is not named": {func(t *testing.T, s *Store) error {
			id := begin(t, s, sent)
			first := put(t, s, id, 1, "hel")
			put(t, s, id, 2, "lo")
			_, err := s.Complete(hello, id, []Part{first})
			return err
		}, "1 parts are named, and 2 were sent"},
		"a gap": {func(t *testing.T, s *Store) error {
			id := begin(t, s, sent)
			_, err := s.Complete(hello, id, []Part{put(t, s, id, 1, "hel"), put(t, s, id, 3, "lo")})
			return err
		}, "part 3 is named where part 2"},
		"an ETag of something else": {func(t *testing.T, s *Store) error {
			id := begin(t, s, sent)
			put(t, s, id, 1, "hello")
			_, err := s.Complete(hello, id, []Part{{Number: 1, ETag: "x"}})
			return err
		}, "another ETag"},
		"another file": {func(t *testing.T, s *Store) error {
			id := begin(t, s, sent)
			_, err := s.Complete(hashOf("x", readable), id, []Part{put(t, s, id, 1, "hello")})
			return err
		}, "of another file"},
		"no such upload": {func(t *testing.T, s *Store) error {
			_, err := s.Part("../../x", 1, strings.NewReader("hello"))
			return err
		}, ""},
		"cancelled": {func(t *testing.T, s *Store) error {
			id := begin(t, s, sent)
			put(t, s, id, 1, "hello")
			if err := s.Cancel(hello, id); err != nil {
				return err
			}
			_, err := s.Part(id, 1, strings.NewReader("hello"))
			return err
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir())
			err := test.try(t, s)
			var invalid *InvalidError
			switch {
			case test.want == "" && !errors.Is(err, ErrNotFound):
				t.Errorf("%v", err)
			case test.want != "" && (!errors.As(err, &invalid) || !strings.Contains(err.Error(), test.want)):
				t.Errorf("%v, want %q", err, test.want)
			}
			if _, ok := s.Stat(hello); ok {
				t.Error("the file is there")
			}
		})
	}
}

// TestUploadAfterMistakes goes on with an upload whose parts were wrong.
func TestUploadAfterMistakes(t *testing.T) {
	s := open(t, t.TempDir())
	hash := hashOf("hello", readable)
	id, err := s.Initiate(Metadata{Hash: hash, Size: 5, Mode: readable})
	if err != nil {
		t.Fatal(err)
	}
	failing := io.MultiReader(strings.NewReader("he"), failure{})
	if _, err := s.Part(id, 1, failing); err == nil {
		t.Fatal("a part that breaks off is taken")
	}
	if _, err := s.Part(id, 1, strings.NewReader("jello")); err != nil {
		t.Fatal(err)
	}
	etag, err := s.Part(id, 1, strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Complete(hash, id, []Part{{1, etag}}); err != nil {
		t.Fatal(err)
	}
	if got := content(t, s, hash); got != "hello" {
		t.Errorf("%q", got)
	}
}

type failure struct{}

func (failure) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestParallelUploads(t *testing.T) {
	s := open(t, t.TempDir())
	var group sync.WaitGroup
	errs := make([]error, 40)
	for i := range errs {
		group.Go(func() {
			errs[i] = send(s, fmt.Sprintf("content %d", i%10), readable, 4)
		})
	}
	group.Wait()
	for i, err := range errs {
		if err != nil && !errors.Is(err, ErrExists) {
			t.Errorf("upload %d: %v", i, err)
		}
	}
	for i := range 10 {
		want := fmt.Sprintf("content %d", i)
		if got := content(t, s, hashOf(want, readable)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestTooManyUploads(t *testing.T) {
	s := open(t, t.TempDir())
	m := Metadata{Hash: hashOf("x", readable), Size: 1, Mode: readable}
	for i := range MaxUploads {
		if _, err := s.Initiate(m); err != nil {
			t.Fatalf("upload %d: %v", i, err)
		}
	}
	if _, err := s.Initiate(m); !errors.Is(err, ErrTooMany) {
		t.Errorf("one too many: %v", err)
	}
	s.now = func() time.Time { return time.Now().Add(2 * staleUpload) }
	if _, err := s.Sweep(func(string) bool { return true }, time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Initiate(m); err != nil {
		t.Errorf("after those that rested too long: %v", err)
	}
}

func TestPut(t *testing.T) {
	s := open(t, t.TempDir())
	first, err := s.Put([]byte("pickle"))
	if err != nil || first != hashOf("pickle", functionMode) {
		t.Fatalf("%s, %v", first, err)
	}
	if again, err := s.Put([]byte("pickle")); err != nil || again != first {
		t.Errorf("again %s, %v", again, err)
	}
	if got := content(t, s, first); got != "pickle" {
		t.Errorf("%q", got)
	}
}

// TestKilled opens what a program left that was killed at the worst moments.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	hash := hashOf("hello", readable)
	id, err := s.Initiate(Metadata{Hash: hash, Size: 5, Mode: readable})
	if err != nil {
		t.Fatal(err)
	}
	etag, err := s.Part(id, 1, strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	d, upload, err := s.Reserve("a-1.tar.gz", "", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	// The bytes of a distribution are in place, and nothing says so.
	if err := os.WriteFile(filepath.Join(dir, "cdn", d.ID), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	after := open(t, dir)
	if _, err := after.Complete(hash, id, []Part{{1, etag}}); !errors.Is(err, ErrNotFound) {
		t.Errorf("an upload goes on: %v", err)
	}
	if err := after.PutDistribution(upload, strings.NewReader("x")); !errors.Is(err, ErrNotFound) {
		t.Errorf("an upload to storage goes on: %v", err)
	}
	for _, name := range []string{"uploads", "cdn", "blobs"} {
		if entries, err := os.ReadDir(filepath.Join(dir, name)); err != nil || len(entries) > 0 {
			t.Errorf("left in %s: %v, %v", name, entries, err)
		}
	}
	if err := send(after, "hello", readable, 2); err != nil {
		t.Error(err)
	}
}

// TestForeignFilesArePassedOver has files in the folder that are none of the
// store's, and what describes a distribution damaged.
func TestForeignFilesArePassedOver(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if err := send(s, "hello", readable, 5); err != nil {
		t.Fatal(err)
	}
	hash := hashOf("hello", readable)
	damaged := "0b0f1ea2-3c55-4c3b-9d07-6c2a7a1f8f10"
	foreign := []string{
		filepath.Join("blobs", ".DS_Store"), filepath.Join("blobs", hash[:2], "notes.txt"), filepath.Join("blobs", hash+"-33188"),
		filepath.Join("blobs", hash[:2], hash+"-1033188"), filepath.Join("cdn", ".DS_Store"), filepath.Join("cdn", "notes.json"),
	}
	for _, name := range append([]string{filepath.Join("cdn", damaged), filepath.Join("cdn", damaged+".json")}, foreign...) {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var log strings.Builder
	s, err := Open(dir, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range foreign {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Errorf("it was removed: %v", err)
		}
		if !strings.Contains(log.String(), filepath.Base(name)) {
			t.Errorf("nothing is said of %s:\n%s", name, &log)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "cdn", damaged)); !os.IsNotExist(err) || !strings.Contains(log.String(), "a distribution is lost") {
		t.Errorf("a distribution that is damaged: %v\n%s", err, &log)
	}
	if got := content(t, s, hash); got != "hello" {
		t.Errorf("%q", got)
	}
}

// TestCompletedTwice has a client complete what it was not told is complete.
func TestCompletedTwice(t *testing.T) {
	s := open(t, t.TempDir())
	hash := hashOf("hello", readable)
	id, err := s.Initiate(Metadata{Hash: hash, Size: 5, Mode: readable})
	if err != nil {
		t.Fatal(err)
	}
	etag, err := s.Part(id, 1, strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got, err := s.Complete(hash, id, []Part{{Number: 1, ETag: etag}}); got != hash || err != nil {
			t.Errorf("%s, %v", got, err)
		}
	}
	if _, err := s.Complete(hashOf("other", readable), id, nil); !errors.Is(err, ErrNotFound) {
		t.Errorf("another file: %v", err)
	}
}

func TestSweep(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	now := time.Now()
	s.now = func() time.Time { return now }
	for _, text := range []string{"needed", "old", "asked for"} {
		if err := send(s, text, readable, 10); err != nil {
			t.Fatal(err)
		}
	}
	needed := func(hash string) bool { return hash == hashOf("needed", readable) }
	sweep := func(s *Store) int {
		t.Helper()
		removed, err := s.Sweep(needed, now.Add(-time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		return removed
	}
	if n := sweep(s); n != 0 {
		t.Errorf("%d files removed at once", n)
	}
	now = now.Add(2 * time.Hour)
	if missing, err := s.Missing([]string{hashOf("asked for", readable)}); err != nil || len(missing) > 0 {
		t.Fatal(missing, err)
	}
	s = open(t, dir) // the times are on disk
	s.now = func() time.Time { return now }
	if err := os.Chtimes(s.blobPath(hashOf("old", readable), readable), now.Add(-2*time.Hour), now.Add(-2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	s.now = func() time.Time { return now }
	if n := sweep(s); n != 1 {
		t.Errorf("%d files removed, want 1", n)
	}
	for text, want := range map[string]bool{"needed": true, "old": false, "asked for": true} {
		if _, ok := s.Stat(hashOf(text, readable)); ok != want {
			t.Errorf("%s is there: %t", text, ok)
		}
	}
}

// BenchmarkUpload keeps files of 100 KiB, ten at a time as clients send them.
func BenchmarkUpload(b *testing.B) {
	s := open(b, b.TempDir())
	data := string(bytes.Repeat([]byte("x"), 100<<10))
	b.SetBytes(int64(len(data)))
	b.SetParallelism((10 + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
	var count atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := send(s, data+strconv.FormatInt(count.Add(1), 10), readable, 10<<20); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
