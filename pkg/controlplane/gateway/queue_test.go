package gateway

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

// enqueue submits a request and returns where things are.
func (w *world) enqueue(path, body string, headers ...string) submitted {
	w.t.Helper()
	got := w.send(w.request("POST", path, strings.NewReader(body), headers...))
	var s submitted
	if err := json.Unmarshal([]byte(got.body), &s); err != nil || got.status != 200 || s.RequestID == "" || s.Status != "IN_QUEUE" {
		w.t.Fatalf("%d %s", got.status, got.body)
	}
	return s
}

// at asks for an address that the queue gave.
func (w *world) at(method, address string, headers ...string) answer {
	w.t.Helper()
	return w.send(w.request(method, strings.TrimPrefix(address, w.url), nil, headers...))
}

func (w *world) status(s submitted) (int, queueStatus) {
	w.t.Helper()
	got := w.at("GET", s.urls.Status+"/?logs=0")
	var status queueStatus
	w.do(json.Unmarshal([]byte(got.body), &status))
	return got.status, status
}

func TestQueue(t *testing.T) {
	w := newWorld(t, Options{})
	app := w.app()
	first := w.enqueue("/queue/me/web/sub/path?a=b", "one", "X-Other", "kept", "Authorization", "Key "+w.key)
	second := w.enqueue("/queue/me/web", "two")
	w.awaitWaiting(app, 2)
	if code, status := w.status(second); code != 202 || status.Status != "IN_QUEUE" || *status.Position != 1 {
		t.Errorf("%d %+v", code, status)
	}
	if got := w.at("GET", second.Response); got.status != 400 || got.detail(t) == "" {
		t.Errorf("the answer of one that waits: %d %s", got.status, got.body)
	}
	release := make(chan struct{})
	w.runner(app, func(rw http.ResponseWriter, r *http.Request) {
		<-release
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		rw.Header().Set("Content-Type", "text/x")
		rw.WriteHeader(http.StatusCreated)
		fmt.Fprintf(rw, "%s %s %s %q %q %s", r.Method, r.RequestURI, body, r.Header.Get("X-Other"), r.Header.Get("Authorization"), r.Header.Get(RequestID))
	})
	await(t, "the first in progress", func() bool {
		code, status := w.status(first)
		return code == 202 && status.Status == "IN_PROGRESS"
	})
	close(release)
	for s, want := range map[submitted]string{first: `POST /sub/path?a=b one "kept" "" ` + first.RequestID, second: `POST / two "" "" ` + second.RequestID} {
		await(t, "the end", func() bool {
			code, status := w.status(s)
			return code == 200 && status.Status == "COMPLETED" && status.Error == "" && status.Metrics != nil
		})
		got := w.at("GET", s.Response+"/")
		if got.status != 201 || got.body != want || got.header.Get("Content-Type") != "text/x" || got.header.Get(RequestID) != s.RequestID {
			t.Errorf("%d %v %s, want %s", got.status, got.header, got.body, want)
		}
		if got := w.at("PUT", s.Cancel); got.status != 400 || !strings.Contains(got.body, "ALREADY_COMPLETED") {
			t.Errorf("cancelling what is done: %d %s", got.status, got.body)
		}
	}
}

func TestQueueCancels(t *testing.T) {
	w := newWorld(t, Options{})
	app := w.app()
	waiting := w.enqueue("/queue/me/web", "")
	w.awaitWaiting(app, 1)
	if got := w.at("PUT", waiting.Cancel); got.status != 202 {
		t.Errorf("%d %s", got.status, got.body)
	}
	w.awaitWaiting(app, 0)
	begun, ended := make(chan struct{}), make(chan struct{})
	id := w.runner(app, func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
		close(ended)
	})
	running := w.enqueue("/queue/me/web", "")
	<-begun
	if got := w.at("PUT", running.Cancel); got.status != 202 {
		t.Errorf("%d %s", got.status, got.body)
	}
	<-ended
	w.awaitIdle(id)
	for _, s := range []submitted{waiting, running} {
		if got := w.at("GET", s.urls.Status); got.status != 404 {
			t.Errorf("the status of what was cancelled: %d %s", got.status, got.body)
		}
	}
	w.gateway.jobs.mu.Lock()
	defer w.gateway.jobs.mu.Unlock()
	if w.gateway.jobs.bytes != 0 || len(w.gateway.jobs.list) != 0 {
		t.Errorf("%d bytes of %d requests are left", w.gateway.jobs.bytes, len(w.gateway.jobs.list))
	}
}

func TestQueueFailures(t *testing.T) {
	w := newWorld(t, Options{})
	app := w.app()
	w.runner(app, func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/long":
			io.Copy(rw, strings.NewReader(strings.Repeat("x", maxJobBytes+1)))
		case "/bad":
			http.Error(rw, "no such model", http.StatusUnprocessableEntity)
		default:
			panic(http.ErrAbortHandler)
		}
	})
	for path, want := range map[string]struct {
		status int
		text   string
	}{"/long": {502, "8 MiB"}, "/bad": {422, "no such model"}, "/dies": {502, "gave no answer"}} {
		s := w.enqueue("/queue/me/web"+path, "")
		var status queueStatus
		await(t, "the end", func() (ended bool) {
			var code int
			code, status = w.status(s)
			return code == 200
		})
		got := w.at("GET", s.Response)
		if got.status != want.status || !strings.Contains(got.body, want.text) || !strings.Contains(status.Error, want.text) {
			t.Errorf("%s: %d %q, %+v", path, got.status, got.body, status)
		}
	}
	if got := w.send(w.request("POST", "/queue/me/web", strings.NewReader(strings.Repeat("x", maxJobBytes+1)))); got.status != 413 {
		t.Errorf("a long body: %d", got.status)
	}
	for _, path := range []string{"/queue/me/web", "/queue/me/web/requests/", "/queue/me/web/requests/x", "/queue/me/web/requests/x/status", "/queue/me/web/requests/x/y/z", "/queue/me/nothing"} {
		if got := w.at("GET", path); got.status != 404 || got.detail(t) == "" {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}

func TestQueueIsPrivate(t *testing.T) {
	w := newWorld(t, Options{})
	w.runner(w.app(func(spec *state.AppSpec) { spec.AuthMode = new(state.Shared) }), says)
	if got := w.send(w.request("POST", "/queue/me/web", nil)); got.status != 401 {
		t.Errorf("without credentials: %d", got.status)
	}
	mine := w.enqueue("/queue/me/web", "", "Authorization", "Key "+w.key)
	theirs := w.enqueue("/queue/me/web", "", "Authorization", "Key "+w.other)
	for _, test := range []struct {
		address, key string
		want         int
	}{
		{mine.urls.Status, w.other, 404}, {mine.Cancel, w.other, 404}, {theirs.Response, "x:y", 401},
	} {
		method := "GET"
		if strings.HasSuffix(test.address, "cancel") {
			method = "PUT"
		}
		if got := w.at(method, test.address, "Authorization", "Key "+test.key); got.status != test.want {
			t.Errorf("%s: %d, want %d", test.address, got.status, test.want)
		}
	}
	for _, key := range []string{w.key, w.other} {
		await(t, "theirs", func() bool { return w.at("GET", theirs.Response, "Authorization", "Key "+key).status == 200 })
	}
}

func TestQueueIsBounded(t *testing.T) {
	done := func() time.Time { return time.Now() }
	for name, test := range map[string]struct {
		jobs []*job
		size int64
		want int // that are left beside the new one; -1: it is refused
	}{
		"room":                     {jobs: []*job{{ended: done()}}, want: 1},
		"one is old":               {jobs: []*job{{ended: done().Add(-2 * keptFor)}, {}}, want: 1},
		"full of what waits":       {jobs: make([]*job, maxJobs), want: -1},
		"full, one is done":        {jobs: append(make([]*job, maxJobs-1), &job{ended: done()}), want: maxJobs - 1},
		"too large":                {jobs: []*job{{size: maxAllBytes - 5}}, size: 6, want: -1},
		"large, and the other one": {jobs: []*job{{size: maxAllBytes - 5, ended: done()}, {size: 3}}, size: 6, want: 1},
	} {
		t.Run(name, func(t *testing.T) {
			var q jobs
			for _, j := range test.jobs {
				if j == nil {
					j = new(job)
				}
				q.list = append(q.list, j)
				q.bytes += j.size
			}
			err := q.add(&job{size: test.size})
			if (err != nil) != (test.want < 0) || err == nil && len(q.list) != test.want+1 {
				t.Errorf("%v, %d are left", err, len(q.list))
			}
			var bytes int64
			for _, j := range q.list {
				bytes += j.size
			}
			if bytes != q.bytes {
				t.Errorf("%d bytes are counted of %d", q.bytes, bytes)
			}
		})
	}
}
