package tokenfile

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const generous = time.Minute

func folder(t *testing.T) *Folder {
	return At(t.TempDir(), func(text string) { t.Errorf("notice: %s", text) })
}

func lock(t *testing.T, f *Folder) *Held {
	t.Helper()
	h, err := f.Lock(context.Background(), generous, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Release)
	return h
}

func TestParse(t *testing.T) {
	for content, want := range map[string]Tokens{
		"":                     {},
		"\n\n":                 {},
		"r":                    {Refresh: "r"},
		"r\n":                  {Refresh: "r"},
		"r\na":                 {"r", "a"},
		"r\r\na\r\n":           {"r", "a"},
		"r\ra":                 {"r", "a"},
		" r \n a \nmore\n":     {"r", "a"},
		"\ufeffr\na":           {"r", "a"},
		"r\nnot a token":       {Refresh: "r"},
		"r r\na":               {},
		"r\x00\na":             {},
		"r\n\xff":              {Refresh: "r"},
		strings.Repeat("r", 9): {Refresh: "rrrrrrrrr"},
	} {
		if got := parse([]byte(content)); got != want {
			t.Errorf("%q: %+v", content, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "r", "r\na", "r\r\na\r\n", "\ufeffr\n a ", "\x00", "é\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		got := parse(content)
		if !Printable(got.Refresh) || !Printable(got.Access) || got.Refresh == "" && got.Access != "" {
			t.Fatalf("%q: %+v", content, got)
		}
		if again := parse(got.encode()); again != got {
			t.Fatalf("%q: %+v became %+v", content, got, again)
		}
	})
}

func TestCommit(t *testing.T) {
	f := At(filepath.Join(t.TempDir(), "a", "b"), func(text string) { t.Errorf("notice: %s", text) })
	if c, err := f.Read(); err != nil || !c.Missing {
		t.Errorf("at first: %+v, %v", c, err)
	}
	h := lock(t, f)
	long := strings.Repeat("l", 3*reserved)
	for _, want := range []Tokens{{"r", "a"}, {long, long}, {Refresh: "r"}} {
		s, err := h.Reserve()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(want); err != nil {
			t.Fatal(err)
		}
		c, err := f.Read()
		if err != nil || c.Tokens != want || c.Missing || time.Since(c.Modified) > generous {
			t.Errorf("%+v, %v", c, err)
		}
	}
	if content, err := os.ReadFile(f.Path()); err != nil || string(content) != "r" {
		t.Errorf("%q, %v", content, err)
	}
	before := names(t, f.path)
	s, err := h.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	s.Discard()
	if after := names(t, f.path); after != before {
		t.Errorf("%s became %s", before, after)
	}
	if err := h.Remove(); err != nil {
		t.Error(err)
	}
	if err := h.Remove(); err != nil {
		t.Errorf("twice: %v", err)
	}
	if c, err := f.Read(); err != nil || !c.Missing {
		t.Errorf("at last: %+v, %v", c, err)
	}
}

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

func TestNotAFile(t *testing.T) {
	f := folder(t)
	if err := os.Mkdir(f.Path(), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Read(); err == nil {
		t.Error("a folder was read")
	}
	if _, err := lock(t, f).Reserve(); err == nil {
		t.Error("a folder can be replaced")
	}
	f = folder(t)
	if err := os.WriteFile(f.Path(), make([]byte, maxSize+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Read(); err == nil {
		t.Error("a huge file was read")
	}
}

// What killed processes left behind goes, and what is under way stays.
func TestSweep(t *testing.T) {
	f := folder(t)
	for name, age := range map[string]time.Duration{".auth0_token.old": 2 * leftoverAge, ".auth0_token.new": 0, ".other.old": 2 * leftoverAge} {
		path, at := f.file(name), time.Now().Add(-age)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	h := lock(t, f)
	if got := names(t, f.path); got != ".auth0_token.new .other.old .portalock" {
		t.Error(got)
	}
	if err := h.Remove(); err != nil {
		t.Fatal(err)
	}
	if got := names(t, f.path); got != ".other.old .portalock" {
		t.Errorf("after logging out: %s", got)
	}
}

func TestLinkIsFollowed(t *testing.T) {
	f, elsewhere := folder(t), filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(elsewhere, []byte("r"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, f.Path()); err != nil {
		if runtime.GOOS == "windows" {
			t.Logf("links need a privilege here: %v", err)
			return
		}
		t.Fatal(err)
	}
	h := lock(t, f)
	s, err := h.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(Tokens{"new", "a"}); err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(elsewhere); err != nil || string(content) != "new\na" {
		t.Errorf("%q, %v", content, err)
	}
	if err := h.Remove(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{elsewhere, f.Path()} {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestLockExcludes(t *testing.T) {
	f := folder(t)
	var inside, most atomic.Int32
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			h, err := f.Lock(context.Background(), generous, nil)
			if err != nil {
				t.Error(err)
				return
			}
			if n := inside.Add(1); n > most.Load() {
				most.Store(n)
			}
			time.Sleep(time.Millisecond)
			inside.Add(-1)
			h.Release()
		})
	}
	wg.Wait()
	if most.Load() != 1 {
		t.Errorf("%d held the lock at once", most.Load())
	}
}

func TestLockIsHeld(t *testing.T) {
	f := folder(t)
	lock(t, f)
	if _, err := f.Lock(context.Background(), 50*time.Millisecond, nil); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := f.Lock(ctx, generous, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	looks := 0
	if h, err := f.Lock(context.Background(), generous, func() bool { looks++; return looks == 3 }); h != nil || err != nil {
		t.Errorf("%v, %v", h, err)
	}
}

// A lock file is no lock, whatever is in it.
func TestStaleLock(t *testing.T) {
	f := folder(t)
	if err := os.WriteFile(f.file(lockName), []byte("4711"), 0o444); err != nil {
		t.Fatal(err)
	}
	lock(t, f)
	if content, err := os.ReadFile(f.file(lockName)); err != nil || string(content) != "4711" {
		t.Errorf("%q, %v", content, err)
	}
}

// The official client removes the file after it freed the lock. Who waited
// must end up with a lock on the file that has the name, or it is none.
func TestLockWhoseNameGoes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Log("a file that is open keeps its name here")
		return
	}
	f := folder(t)
	for range 50 {
		official := flock.New(f.file(lockName))
		if locked, err := official.TryLock(); err != nil || !locked {
			t.Fatal(locked, err)
		}
		var wg sync.WaitGroup
		var inside atomic.Int32
		removed := make(chan struct{})
		for range 4 {
			wg.Go(func() {
				h, err := f.Lock(context.Background(), generous, nil)
				if err != nil {
					t.Error(err)
					return
				}
				defer h.Release()
				<-removed
				if !h.Valid() {
					return
				}
				if n := inside.Add(1); n != 1 {
					t.Errorf("%d hold the lock at once", n)
				}
				time.Sleep(time.Millisecond)
				inside.Add(-1)
			})
		}
		err := errors.Join(official.Unlock(), os.Remove(f.file(lockName)))
		close(removed)
		wg.Wait()
		if err != nil {
			t.Fatal(err)
		}
	}
	h := lock(t, f)
	if !h.Valid() {
		t.Error("a lock that nobody touched is not valid")
	}
	if err := os.Remove(f.file(lockName)); err != nil {
		t.Fatal(err)
	}
	if h.Valid() {
		t.Error("a lock without a name is valid")
	}
	other := lock(t, f)
	if h.Valid() || !other.Valid() {
		t.Error("the name is another file's now")
	}
}

// The official client writes in place: for a moment the file is empty.
func TestEmptyForAMoment(t *testing.T) {
	f := folder(t)
	if err := os.WriteFile(f.Path(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	go func() {
		time.Sleep(2 * time.Millisecond)
		written <- os.WriteFile(f.Path(), []byte("r\na"), 0o600)
	}()
	var c Contents
	var err error
	for range 100 { // the writer may take longer on a busy machine
		if c, err = f.Read(); c.Refresh != "" || err != nil {
			break
		}
	}
	if err != nil || (c.Tokens != Tokens{"r", "a"}) {
		t.Errorf("%+v, %v", c, err)
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
}

func TestConnection(t *testing.T) {
	f := At(filepath.Join(t.TempDir(), "new"), nil)
	if got := f.Connection(); got != "" {
		t.Errorf("%q", got)
	}
	for _, name := range []string{"github", "corp.example"} {
		if err := f.SetConnection(name); err != nil || f.Connection() != name {
			t.Errorf("%q, %v", f.Connection(), err)
		}
	}
	if err := f.SetConnection("a b"); err == nil || f.Connection() != "corp.example" {
		t.Errorf("%q, %v", f.Connection(), err)
	}
	for content, want := range map[string]string{"google\n": "google", "a\nb": "", "\x1b[31m": "", strings.Repeat("x", 4<<10): strings.Repeat("x", 1<<10)} {
		if err := os.WriteFile(f.file(connectionName), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := f.Connection(); got != want {
			t.Errorf("%q: %q", content, got)
		}
	}
}
