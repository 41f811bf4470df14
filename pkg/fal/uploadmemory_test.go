package fal_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

// memory is an upload memory that may refuse to keep anything.
type memory struct {
	full bool

	mu   sync.Mutex
	kept map[string][]byte
}

func (m *memory) Recall(key string) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kept[key]
}

func (m *memory) Keep(key string, state []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.full {
		return errors.New("no room")
	}
	if m.kept == nil {
		m.kept = make(map[string][]byte)
	}
	m.kept[key] = state
	return nil
}

func (m *memory) Forget(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.kept, key)
}

func (m *memory) all() map[string][]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.kept)
}

// A big file has so many parts, of which so many arrive before it is broken off.
const (
	bigParts     = 4
	arrivedParts = 2
)

// interrupted deploys a big file with a client of its own, and breaks it off when
// it is known that parts are there.
func interrupted(t *testing.T, server *faltest.Server, uploads *faltest.Uploads, app fal.App, m fal.UploadMemory) {
	t.Helper()
	ctx, client := newClient(t, server.Options())
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// No request is to come late: it would count for the next deployment.
	var puts, seen, kept atomic.Int32
	check := func() {
		if seen.Load() == bigParts-arrivedParts && kept.Load() == arrivedParts {
			cancel()
		}
	}
	uploads.Handler(func(r *http.Request) http.HandlerFunc {
		if r.Method != http.MethodPut || puts.Add(1) <= arrivedParts {
			return nil
		}
		return func(_ http.ResponseWriter, r *http.Request) {
			seen.Add(1)
			check()
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done() // the client is gone
		}
	})
	counting := counted{m, func() { kept.Add(1); check() }}
	_, err := client.Deploy(ctx, app, &fal.DeployParams{Uploads: counting})
	var failed *fal.DeployError
	if !errors.As(err, &failed) || failed.Phase != fal.DeployUpload || !errors.Is(err, fal.ErrCanceled) {
		t.Fatalf("broken off: %v", err)
	}
	uploads.Handler(nil)
}

// counted calls kept behind whatever is kept.
type counted struct {
	fal.UploadMemory
	kept func()
}

func (c counted) Keep(key string, state []byte) error {
	err := c.UploadMemory.Keep(key, state)
	c.kept()
	return err
}

func bigApp(t *testing.T) (fal.App, map[string][]byte) {
	t.Helper()
	content := someBytes(11, (bigParts-1)*fal.UploadPart+77)
	app := imageApp()
	app.Files = fstest.MapFS{"big": {Data: content, Mode: 0o644}}
	return app, map[string][]byte{hashOf(content, "33188"): content}
}

// sentParts are the parts that went up since so many calls, and the uploads that
// were begun.
func sentParts(server *faltest.Server, since int) (parts []string, begun int) {
	for _, call := range server.Calls()[since:] {
		path := strings.Split(call.Method, "/")
		switch {
		case strings.HasPrefix(call.Method, "PUT /files/"):
			parts = append(parts, path[len(path)-1])
		case path[len(path)-1] == "initiate":
			begun++
		}
	}
	slices.Sort(parts)
	return parts, begun
}

// What an earlier deployment sent of a file, in another process as it were, is
// not sent again, and counts as done at once. What is kept in a wrong way, or
// not known to the service any more, is begun anew.
func TestUploadsAreResumed(t *testing.T) {
	for name, c := range map[string]struct {
		between func(*testing.T, *faltest.Uploads, *memory)
		puts    int
		begun   int
	}{
		"as it was": {func(*testing.T, *faltest.Uploads, *memory) {}, bigParts - arrivedParts, 0},
		"forgotten by the service": {func(_ *testing.T, u *faltest.Uploads, _ *memory) { u.Lose() },
			-1, 1},
		"other parts than the service has": {func(t *testing.T, u *faltest.Uploads, m *memory) {
			change(t, m, func(s map[string]any) {
				for i := range s["etags"].([]any) {
					s["etags"].([]any)[i] = "made up"
				}
			})
			u.Handler(func(r *http.Request) http.HandlerFunc {
				if body := fmt.Sprint(r.URL.Path); !strings.HasSuffix(body, "upload-1/complete") {
					return nil
				}
				return answer(422, `{"detail": "part 1 was sent with another ETag"}`)
			})
		}, bigParts, 1},
		"no JSON": {func(_ *testing.T, _ *faltest.Uploads, m *memory) { overwrite(m, "\x00{") }, bigParts, 1},
		"no id": {func(t *testing.T, _ *faltest.Uploads, m *memory) {
			change(t, m, func(s map[string]any) { s["upload_id"] = "" })
		}, bigParts, 1},
		"a bad id": {func(t *testing.T, _ *faltest.Uploads, m *memory) {
			change(t, m, func(s map[string]any) { s["upload_id"] = ".." })
		}, bigParts, 1},
		"other size": {func(t *testing.T, _ *faltest.Uploads, m *memory) {
			change(t, m, func(s map[string]any) { s["part_size"] = 5 })
		}, bigParts, 1},
		"few parts": {func(t *testing.T, _ *faltest.Uploads, m *memory) {
			change(t, m, func(s map[string]any) { s["etags"] = []string{"a"} })
		}, bigParts, 1},
	} {
		t.Run(name, func(t *testing.T) {
			server, uploads := deployServer(t)
			app, want := bigApp(t)
			m := new(memory)
			interrupted(t, server, uploads, app, m)
			if uploads.Canceled() != 0 || len(m.all()) != 1 {
				t.Fatalf("%d uploads taken back, %d kept", uploads.Canceled(), len(m.all()))
			}
			c.between(t, uploads, m)
			since := len(server.Calls())
			ctx, client := newClient(t, server.Options())
			quick(client)
			var first, last fal.DeployEvent
			_, err := client.Deploy(ctx, app, &fal.DeployParams{Uploads: m, Progress: func(e fal.DeployEvent) {
				if e.Phase != fal.DeployUpload {
					return
				}
				if last = e; first.Bytes == 0 {
					first = e
				}
			}})
			if err != nil {
				t.Fatal(err)
			}
			parts, begun := sentParts(server, since)
			if c.puts >= 0 && len(parts) != c.puts || c.puts < 0 && len(parts) < bigParts || begun != c.begun {
				t.Errorf("parts %v sent, %d uploads begun", parts, begun)
			}
			if name == "as it was" && first.Bytes < (arrivedParts-1)*fal.UploadPart {
				t.Errorf("the first event is %+v", first)
			}
			if last.Files != 1 || last.Bytes != last.TotalBytes {
				t.Errorf("the last event is %+v", last)
			}
			same(t, uploads.Files(), want)
			if kept := m.all(); len(kept) != 0 {
				t.Errorf("kept behind the end: %v", kept)
			}
		})
	}
}

// Where the service breaks at completing what is there in full, no deployment after
// it is held up by that. Where it is away then, what is there is not sent again.
func TestUploadThatCannotBeCompleted(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		whole  bool  // the service breaks at all that is asked behind it, too
		err    error // of the next deployment
		resent bool  // by that, or by the one after it
	}{
		"it breaks":          {500, false, nil, true},
		"all of it breaks":   {500, true, fal.ErrInternal, false},
		"it is away":         {503, false, fal.ErrUnavailable, false},
		"it is away for all": {502, true, fal.ErrUnavailable, false},
		"it takes too long":  {504, false, fal.ErrUnavailable, false},
	} {
		t.Run(name, func(t *testing.T) {
			server, uploads := deployServer(t)
			app, content := bigApp(t)
			m := new(memory)
			interrupted(t, server, uploads, app, m)
			var broke atomic.Bool
			uploads.Handler(func(r *http.Request) http.HandlerFunc {
				if strings.HasSuffix(r.URL.Path, "upload-1/complete") {
					broke.Store(true)
				} else if !c.whole || !broke.Load() {
					return nil
				}
				return answer(c.status, `{"detail": "a part is bad"}`)
			})
			deploy := func() error {
				ctx, client := newClient(t, server.Options())
				quick(client)
				_, err := client.Deploy(ctx, app, &fal.DeployParams{Uploads: m})
				return err
			}
			since := len(server.Calls())
			if err := deploy(); !errors.Is(err, c.err) {
				t.Errorf("got %v, want %v", err, c.err)
			}
			if c.err != nil {
				if kept := m.all(); len(kept) != 1 || uploads.Canceled() != 0 {
					t.Errorf("kept %v, %d taken back", kept, uploads.Canceled())
				}
				uploads.Handler(nil)
				if err := deploy(); err != nil {
					t.Errorf("the one after it: %v", err)
				}
			}
			want := bigParts - arrivedParts
			if c.resent {
				want += bigParts
			}
			if parts, _ := sentParts(server, since); len(parts) != want {
				t.Errorf("parts %v sent", parts)
			}
			if kept := m.all(); len(kept) != 0 {
				t.Errorf("kept behind the end: %v", kept)
			}
			same(t, uploads.Files(), content)
		})
	}
}

// An upload that is lost with many parts on their way is begun anew all the same.
func TestManyPartsOfALostUpload(t *testing.T) {
	server, uploads := deployServer(t)
	const parts = 12
	content := someBytes(12, parts*fal.UploadPart)
	hash := hashOf(content, "33188")
	app := imageApp()
	app.Files = fstest.MapFS{"big": {Data: content, Mode: 0o644}}
	m := new(memory)
	key := fmt.Sprintf("%s %s %d", server.RESTURL(), hash, len(content))
	state := fmt.Sprintf(`{"upload_id": "gone", "part_size": %d, "etags": ["a"%s]}`, fal.UploadPart, strings.Repeat(`, ""`, parts-1))
	if err := m.Keep(key, []byte(state)); err != nil {
		t.Fatal(err)
	}
	ctx, client := newClient(t, server.Options())
	quick(client)
	if _, err := client.Deploy(ctx, app, &fal.DeployParams{Uploads: m}); err != nil {
		t.Fatal(err)
	}
	asked := slices.ContainsFunc(server.Calls(), func(c faltest.Call) bool { return strings.Contains(c.Method, "/gone/") })
	if !asked {
		t.Error("what was kept was not gone on with")
	}
	same(t, uploads.Files(), map[string][]byte{hash: content})
}

func overwrite(m *memory, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key := range m.kept {
		m.kept[key] = []byte(text)
	}
}

func change(t *testing.T, m *memory, edit func(map[string]any)) {
	t.Helper()
	for _, text := range m.all() {
		var state map[string]any
		if err := json.Unmarshal(text, &state); err != nil {
			t.Fatal(err)
		}
		edit(state)
		text, err := json.Marshal(state)
		if err != nil {
			t.Fatal(err)
		}
		overwrite(m, string(text))
	}
}

// Without a place to keep it in, and without parts that are there, an upload
// that breaks off is taken back.
func TestUploadsThatAreNotKept(t *testing.T) {
	server, uploads := deployServer(t)
	app, _ := bigApp(t)
	m := &memory{full: true}
	interrupted(t, server, uploads, app, m)
	if uploads.Canceled() != 1 || len(m.all()) != 0 {
		t.Errorf("%d uploads taken back, %v kept", uploads.Canceled(), m.all())
	}
}

// An upload that fails in passing is kept too, one that is refused is not.
func TestUploadsThatFailAreKept(t *testing.T) {
	for status, kept := range map[int]int{500: 1, 403: 0} {
		server, uploads := deployServer(t)
		app, _ := bigApp(t)
		m := new(memory)
		var puts atomic.Int32
		uploads.Handler(func(r *http.Request) http.HandlerFunc {
			if r.Method == http.MethodPut && puts.Add(1) > 2 || strings.HasSuffix(r.URL.Path, "/complete") {
				return answer(status, `{"detail": "no"}`)
			}
			return nil
		})
		ctx, client := newClient(t, server.Options())
		quick(client)
		if _, err := client.Deploy(ctx, app, &fal.DeployParams{Uploads: m}); err == nil {
			t.Errorf("%d: no error", status)
		}
		if len(m.all()) != kept || uploads.Canceled() != 1-kept {
			t.Errorf("%d: %d kept, %d taken back", status, len(m.all()), uploads.Canceled())
		}
	}
}

// Any number of deployments may go on with the same upload at once: all come to
// their end.
func TestManyResumeTheSameUpload(t *testing.T) {
	server, uploads := deployServer(t)
	app, want := bigApp(t)
	m := new(memory)
	interrupted(t, server, uploads, app, m)
	var all sync.WaitGroup
	for range 4 {
		ctx, client := newClient(t, server.Options())
		quick(client)
		all.Go(func() {
			if _, err := client.Deploy(ctx, app, &fal.DeployParams{Uploads: m}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	same(t, uploads.Files(), want)
}
