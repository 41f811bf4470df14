package fal_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

func source(requirement, extras string, content []byte) fal.Source {
	return fal.Source{
		Requirement: requirement, Package: "lib", Extras: extras, FileName: "lib-1.0.tar.gz", Size: int64(len(content)),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil },
	}
}

func hashOf(content []byte, mode string) string {
	sum := sha256.Sum256(append(bytes.Clone(content), mode...))
	return hex.EncodeToString(sum[:])
}

func someBytes(seed uint64, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(b)
	return b
}

// quick makes a client that does not wait between attempts.
func quick(client *fal.Client) {
	client.SetPause(func(ctx context.Context, _ time.Duration) bool { return ctx.Err() == nil })
}

// treeOf is a folder of so many files, and what they hold, by their hashes.
func treeOf(t *testing.T, n, size int) (fs.FS, map[string][]byte) {
	t.Helper()
	dir, want := t.TempDir(), make(map[string][]byte)
	for i := range n {
		content := someBytes(uint64(i), size+i)
		path := filepath.Join(dir, fmt.Sprintf("folder%d", i%7), fmt.Sprintf("file%d", i))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, content, 0o644)); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		want[hashOf(content, fmt.Sprint(0o100000|int(info.Mode().Perm())))] = content
	}
	return os.DirFS(dir), want
}

func same(t *testing.T, got, want map[string][]byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d files arrived, want %d", len(got), len(want))
	}
	for hash, content := range want {
		if !bytes.Equal(got[hash], content) {
			t.Errorf("%s is not what was sent: %d bytes, want %d", hash, len(got[hash]), len(content))
		}
	}
}

// Two thousand files go up; the service dies amid, and what it has is not sent
// again.
func TestManyFilesAndResumption(t *testing.T) {
	server, uploads := deployServer(t)
	files, want := treeOf(t, 2000, 100)
	app := imageApp()
	app.Files = files
	ctx, client := newClient(t, server.Options())
	quick(client)
	var completed atomic.Int64
	uploads.Faults(func(r *http.Request) faltest.Fault {
		if strings.HasSuffix(r.URL.Path, "/complete") && completed.Add(1) > 700 {
			return faltest.Fault500
		}
		return faltest.FaultNone
	})
	_, err := client.Deploy(ctx, app, nil)
	var failed *fal.DeployError
	if !errors.As(err, &failed) || failed.Phase != fal.DeployUpload || !errors.Is(err, fal.ErrInternal) || !strings.Contains(err.Error(), "file") {
		t.Fatalf("got %v", err)
	}
	if n := len(server.Calls("BuildEnvironment")); n != 0 {
		t.Error("the build was begun without its files")
	}
	there := uploads.Files()
	if len(there) < 600 || len(there) > 700 || uploads.Canceled() == 0 {
		t.Errorf("%d files there, %d uploads taken back", len(there), uploads.Canceled())
	}
	uploads.Faults(nil)
	before := len(server.Calls())
	var last fal.DeployEvent
	if _, err := client.Deploy(ctx, app, &fal.DeployParams{Progress: func(e fal.DeployEvent) {
		if e.Phase == fal.DeployUpload {
			last = e
		}
	}}); err != nil {
		t.Fatal(err)
	}
	if last.TotalFiles < 1300 || last.TotalFiles > 1400 || last.Files != last.TotalFiles || last.Bytes != last.TotalBytes {
		t.Errorf("resumed with %+v", last)
	}
	begun := map[string]bool{} // a late request of the first deployment may be among them
	for _, call := range server.Calls()[before:] {
		if path := strings.Split(call.Method, "/"); path[len(path)-1] == "initiate" {
			hash := path[len(path)-2]
			begun[hash] = true
			if there[hash] != nil {
				t.Errorf("%s was sent again", hash)
			}
		}
	}
	if len(begun) != last.TotalFiles {
		t.Errorf("%d uploads begun, want %d", len(begun), last.TotalFiles)
	}
	same(t, uploads.Files(), want)
}

func TestUploadSurvivesABadServer(t *testing.T) {
	server, uploads := deployServer(t)
	files, want := treeOf(t, 300, 1000)
	big := someBytes(9999, 2*fal.UploadPart+12345)
	all := fstest.MapFS{"big": {Data: big, Mode: 0o644}, "empty": {Mode: 0o600}}
	want[hashOf(big, "33188")], want[hashOf(nil, "33152")] = big, nil
	app := imageApp()
	app.Files = both{files, all}
	content := someBytes(5, 5000)
	app.Sources = []fal.Source{source(".", "", content), source(".[gpu]", "[gpu]", content)}
	app.Entrypoint, app.OpenAPI = "m:A", map[string]any{}
	app.Build = fal.Virtualenv{Layers: [][]string{{"numpy"}, {".", " .[gpu] "}}}
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(1, 2))
	faults := map[faltest.Fault]int{}
	uploads.Faults(func(*http.Request) faltest.Fault {
		mu.Lock()
		defer mu.Unlock()
		fault := faltest.FaultNone
		if random.IntN(10) == 0 {
			fault = faltest.Fault(1 + random.IntN(4))
		}
		faults[fault]++
		return fault
	})
	ctx, client := newClient(t, server.Options())
	quick(client)
	var last fal.DeployEvent
	if _, err := client.Deploy(ctx, app, &fal.DeployParams{Progress: func(e fal.DeployEvent) {
		if e.Phase == fal.DeployUpload {
			last = e
		}
	}}); err != nil {
		t.Fatal(err)
	}
	if len(faults) != 5 {
		t.Errorf("the server had the faults %v", faults)
	}
	if !last.Ended || last.Files != 303 || last.Files != last.TotalFiles || last.Bytes != last.TotalBytes {
		t.Errorf("the last event is %+v", last)
	}
	same(t, uploads.Files(), want)
	if sources := uploads.Sources(); len(sources) != 1 || !bytes.Equal(sources["lib-1.0.tar.gz"], content) {
		t.Errorf("%d distributions", len(sources))
	}
	at := server.RESTURL() + "/cdn/files/lib-1.0.tar.gz"
	for _, method := range []string{"BuildEnvironment", "RegisterApplication"} {
		if sent := string(server.Calls(method)[0].Request); !strings.Contains(sent, `[["numpy"],["lib @ `+at+`","lib[gpu] @ `+at+`"]]`) {
			t.Errorf("%s: %s", method, sent)
		}
	}
	for _, call := range server.Calls() {
		_, known := call.Metadata["authorization"]
		if cdn := strings.HasPrefix(call.Method, "PUT /cdn/"); call.Transport == faltest.REST && cdn == known {
			t.Fatalf("%s: credentials %v", call.Method, known)
		}
		if strings.HasPrefix(call.Method, "POST /storage/") && call.Get("x-fal-object-lifecycle") != `{"expiration_duration_seconds": 3600}` {
			t.Errorf("lifecycle %q", call.Get("x-fal-object-lifecycle"))
		}
	}
}

// both are two file systems in one folder.
type both struct{ a, b fs.FS }

func (b both) Open(name string) (fs.File, error) {
	if name == "." {
		return nil, fs.ErrInvalid
	}
	if f, err := b.a.Open(name); err == nil {
		return f, nil
	}
	return b.b.Open(name)
}

func (b both) Stat(name string) (fs.FileInfo, error) {
	if info, err := fs.Stat(b.a, name); err == nil {
		return info, nil
	}
	return fs.Stat(b.b, name)
}

func (b both) ReadDir(name string) ([]fs.DirEntry, error) {
	list, err := fs.ReadDir(b.a, name)
	if name != "." || err != nil {
		return list, err
	}
	more, err := fs.ReadDir(b.b, name)
	return append(list, more...), err
}

func TestLargeSourceGoesUpInParts(t *testing.T) {
	server, uploads := deployServer(t)
	const size = 100<<20 + 1
	content := someBytes(3, size)
	app := imageApp()
	app.Entrypoint, app.OpenAPI, app.Build = "m:A", map[string]any{}, fal.Virtualenv{Requirements: []string{"../lib"}}
	app.Sources = []fal.Source{source("../lib", "", content)}
	ctx, client := newClient(t, server.Options())
	if _, err := client.Deploy(ctx, app, nil); err != nil {
		t.Fatal(err)
	}
	if got := uploads.Sources()["lib-1.0.tar.gz"]; !bytes.Equal(got, content) {
		t.Errorf("%d bytes arrived, want %d", len(got), size)
	}
	if n := len(server.Calls("POST /storage/upload/initiate-multipart")); n != 1 {
		t.Errorf("%d uploads in parts", n)
	}
}

// A waits is the pauses of a client, none of which it makes.
type waits struct {
	mu  sync.Mutex
	all []time.Duration
}

func watchWaits(client *fal.Client) *waits {
	w := new(waits)
	client.SetPause(func(ctx context.Context, d time.Duration) bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.all = append(w.all, d)
		return ctx.Err() == nil
	})
	return w
}

// How long is waited is what the service says, two seconds if it limits without
// saying so, and more each time when it breaks. Three attempts are all, of each
// call.
func TestUploadWaits(t *testing.T) {
	const part = "PUT /files/app/multipart/{hash}/{id}/{part}"
	for name, c := range map[string]struct {
		answer   func(http.ResponseWriter)
		attempts int
		ok       func([]time.Duration) bool
		want     error
		message  string
	}{
		"limits": {func(w http.ResponseWriter) { w.WriteHeader(429) }, 3,
			func(d []time.Duration) bool { return len(d) == 2 && d[0] == 2*time.Second && d[1] == 2*time.Second }, fal.ErrResourceExhausted, ""},
		"says when": {func(w http.ResponseWriter) { w.Header().Set("Retry-After", "7"); w.WriteHeader(429) }, 3,
			func(d []time.Duration) bool { return len(d) == 2 && d[0] == 7*time.Second && d[1] == 7*time.Second }, fal.ErrResourceExhausted, ""},
		"says soon": {func(w http.ResponseWriter) { w.Header().Set("Retry-After", "1"); w.WriteHeader(429) }, 3,
			func(d []time.Duration) bool { return len(d) == 2 && d[0] == time.Second && d[1] == time.Second }, fal.ErrResourceExhausted, ""},
		"breaks": {func(w http.ResponseWriter) { w.WriteHeader(500) }, 3,
			func(d []time.Duration) bool { return len(d) == 2 && d[0] > 0 && d[1] > d[0] }, fal.ErrInternal, ""},
		"is cut": {func(w http.ResponseWriter) { panic(http.ErrAbortHandler) }, 3,
			func(d []time.Duration) bool { return len(d) == 2 && d[0] > 0 && d[1] > d[0] }, fal.ErrUnavailable, ""},
		"says later": {func(w http.ResponseWriter) { w.Header().Set("Retry-After", "3600"); w.WriteHeader(429) }, 1,
			func(d []time.Duration) bool { return len(d) == 0 }, fal.ErrResourceExhausted, "the service asks to wait 1h0m0s"},
		"says tomorrow": {func(w http.ResponseWriter) { w.Header().Set("Retry-After", "86400"); w.WriteHeader(429) }, 1,
			func(d []time.Duration) bool { return len(d) == 0 }, fal.ErrResourceExhausted, "the service asks to wait 24h0m0s"},
	} {
		for _, pattern := range []string{"POST /files/missing_hashes", "POST /files/app/multipart/{hash}/initiate", part} {
			t.Run(name+" at "+pattern, func(t *testing.T) {
				server := faltest.New(t)
				var attempts atomic.Int32
				for other, body := range map[string]string{
					"POST /files/missing_hashes":                   `["` + hashOf(nil, "33188") + `"]`,
					"POST /files/app/multipart/{hash}/initiate":    `{"upload_id": "u"}`,
					"POST /files/app/multipart/{hash}/{id}/cancel": `{}`,
					part: ``,
				} {
					if other != pattern {
						server.HandleREST(other, answer(200, body))
					}
				}
				server.HandleREST(pattern, func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					attempts.Add(1)
					c.answer(w)
				})
				ctx, client := newClient(t, server.Options())
				waited := watchWaits(client)
				app := imageApp()
				app.Files = fstest.MapFS{"a": {Mode: 0o644}}
				_, err := client.Deploy(ctx, app, nil)
				if !errors.Is(err, c.want) || !c.ok(waited.all) || int(attempts.Load()) != c.attempts || !strings.Contains(err.Error(), c.message) {
					t.Errorf("%v after waiting %v for %d attempts", err, waited.all, attempts.Load())
				}
			})
		}
	}
}

// A part that fails three times is taken up again behind the others, with waits
// that go on growing and are none shorter than the service asked for; and no
// more once nothing gets through.
func TestPartsAreTakenUpAgain(t *testing.T) {
	for name, c := range map[string]struct {
		fails int // the attempts at the second part that fail
		limit string
		puts  int
	}{
		"at the third attempt":     {fails: 2, puts: 3},
		"in the second pass":       {fails: 4, puts: 5},
		"never":                    {fails: 1000, puts: 6},
		"limited, in another pass": {fails: 3, limit: "30", puts: 4},
	} {
		t.Run(name, func(t *testing.T) {
			server, uploads := deployServer(t)
			content := someBytes(1, 2*fal.UploadPart+5)
			var puts atomic.Int32
			uploads.Handler(func(r *http.Request) http.HandlerFunc {
				if r.Method != http.MethodPut || !strings.HasSuffix(r.URL.Path, "/2") || int(puts.Add(1)) > c.fails {
					return nil
				}
				if c.limit != "" {
					return func(w http.ResponseWriter, _ *http.Request) {
						w.Header().Set("Retry-After", c.limit)
						w.WriteHeader(429)
					}
				}
				return answer(500, `{"detail": "it broke"}`)
			})
			ctx, client := newClient(t, server.Options())
			waited := watchWaits(client)
			app := imageApp()
			app.Files = fstest.MapFS{"big": {Data: content, Mode: 0o644}}
			_, err := client.Deploy(ctx, app, nil)
			if failed := c.fails > 100; failed != errors.Is(err, fal.ErrInternal) || !failed && err != nil {
				t.Errorf("got %v", err)
			}
			if int(puts.Load()) != c.puts {
				t.Errorf("%d attempts, want %d", puts.Load(), c.puts)
			}
			if err == nil {
				same(t, uploads.Files(), map[string][]byte{hashOf(content, "33188"): content})
			}
			for i, wait := range waited.all {
				if i > 0 && c.limit == "" && wait <= waited.all[i-1] || c.limit != "" && wait < 29*time.Second {
					t.Errorf("waited %v", waited.all)
				}
			}
		})
	}
}

// A service that dies is told of before all the rest of many files was tried.
func TestDeadServiceIsToldOfSoon(t *testing.T) {
	server, uploads := deployServer(t)
	files, _ := treeOf(t, 300, 10)
	app := imageApp()
	app.Files = files
	var calls atomic.Int32
	uploads.Faults(func(r *http.Request) faltest.Fault {
		if calls.Add(1) > 60 {
			return faltest.Fault500
		}
		return faltest.FaultNone
	})
	ctx, client := newClient(t, server.Options())
	quick(client)
	if _, err := client.Deploy(ctx, app, nil); !errors.Is(err, fal.ErrInternal) {
		t.Errorf("got %v", err)
	}
	if n := calls.Load(); n > 60+3*3*2*10 {
		t.Errorf("%d calls", n)
	}
}

// A call of an upload that nothing comes of, neither a byte that is taken nor an
// answer, counts as one that failed.
func TestUploadStandsStill(t *testing.T) {
	server, uploads := deployServer(t)
	var puts atomic.Int32
	uploads.Handler(func(r *http.Request) http.HandlerFunc {
		if r.Method != http.MethodPut {
			return nil
		}
		puts.Add(1)
		return func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	})
	ctx, client := newClient(t, server.Options())
	quick(client)
	client.SetPatience(300 * time.Millisecond)
	app := imageApp()
	app.Files = fstest.MapFS{"a": {Data: someBytes(3, 500), Mode: 0o644}}
	_, err := client.Deploy(ctx, app, nil)
	if !errors.Is(err, fal.ErrUnavailable) || !strings.Contains(err.Error(), "a: ") || !strings.Contains(err.Error(), "timed out") {
		t.Errorf("got %v", err)
	}
	if n := puts.Load(); n < 3 {
		t.Errorf("%d attempts", n)
	}
}

func TestUploadIsRefused(t *testing.T) {
	server := faltest.New(t)
	server.HandleREST("POST /files/missing_hashes", answer(200, `["`+hashOf(nil, "33188")+`"]`))
	server.HandleREST("POST /files/app/multipart/{hash}/initiate", answer(403, `{"detail": "no room"}`))
	ctx, client := newClient(t, server.Options())
	app := imageApp()
	app.Files = fstest.MapFS{"folder/a": {Mode: 0o644}}
	_, err := client.Deploy(ctx, app, nil)
	if !errors.Is(err, fal.ErrPermissionDenied) || !strings.Contains(err.Error(), "folder/a: no room") {
		t.Errorf("got %v", err)
	}
	if n := len(server.Calls()); n != 3 {
		t.Errorf("%d calls: what is refused is not tried again", n)
	}
}

// A file that is another one when it goes up never arrives.
func TestFileThatChanges(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"its bytes": func(path string) error { return os.WriteFile(path, []byte("other"), 0o644) },
		"shorter":   func(path string) error { return os.WriteFile(path, []byte("1"), 0o644) },
		"gone":      os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			server, uploads := deployServer(t)
			dir := t.TempDir()
			path := filepath.Join(dir, "file")
			if err := os.WriteFile(path, []byte("first"), 0o644); err != nil {
				t.Fatal(err)
			}
			app := imageApp()
			app.Files = os.DirFS(dir)
			ctx, client := newClient(t, server.Options())
			_, err := client.Deploy(ctx, app, &fal.DeployParams{Progress: func(e fal.DeployEvent) {
				if e.Phase == fal.DeployUpload && e.Started {
					if err := change(path); err != nil {
						t.Error(err)
					}
				}
			}})
			var failed *fal.DeployError
			if !errors.As(err, &failed) || failed.Phase != fal.DeployUpload || !errors.Is(err, fal.ErrInvalidArgument) || !strings.Contains(err.Error(), "file changed while it was deployed") {
				t.Errorf("got %v", err)
			}
			if len(uploads.Files()) != 0 || uploads.Canceled() != 1 {
				t.Errorf("%d files there, %d uploads taken back", len(uploads.Files()), uploads.Canceled())
			}
		})
	}
}

func TestUploadIsBrokenOff(t *testing.T) {
	server, uploads := deployServer(t)
	ctx, client := newClient(t, server.Options())
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	uploads.Faults(func(r *http.Request) faltest.Fault {
		if r.Method == http.MethodPut {
			cancel()
			<-r.Context().Done()
		}
		return faltest.FaultNone
	})
	app := imageApp()
	app.Files = fstest.MapFS{"a": {Data: []byte("a")}}
	_, err := client.Deploy(ctx, app, nil)
	var failed *fal.DeployError
	if !errors.As(err, &failed) || failed.Phase != fal.DeployUpload || !errors.Is(err, fal.ErrCanceled) {
		t.Errorf("got %v", err)
	}
	if uploads.Canceled() != 1 {
		t.Errorf("%d uploads taken back", uploads.Canceled())
	}
}
