package gateway

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

// TestBodiesThatStall are waited for within bounds, also before there is a runner.
func TestBodiesThatStall(t *testing.T) {
	head := func(path, key string) string {
		return "POST " + path + " HTTP/1.1\r\nHost: x\r\nAuthorization: Key " + key + "\r\nContent-Length: 1000\r\n\r\naaaa"
	}
	for _, path := range []string{"/me/web", "/queue/me/web"} {
		t.Run("in time, "+path, func(t *testing.T) {
			w := newWorld(t, Options{})
			app := w.app(func(spec *state.AppSpec) { spec.RequestTimeout = 200 * time.Millisecond })
			if got := w.exchange(head(path, w.key), strings.NewReader("")); got.status != 408 || !strings.Contains(got.detail(t), "request_timeout") {
				t.Errorf("%d %s %v", got.status, got.body, got.err)
			}
			if n := w.Waiting(app); n != 0 {
				t.Errorf("%d wait for a runner", n)
			}
		})
		t.Run("locked, "+path, func(t *testing.T) {
			w := newWorld(t, Options{})
			w.app(func(spec *state.AppSpec) { spec.AuthMode = new(state.Shared) })
			answered := make(chan answer, 1)
			go func() { answered <- w.exchange(head(path, w.other), strings.NewReader("")) }()
			key, secret, _ := strings.Cut(w.other, ":")
			other, err := w.Authenticate(key, secret)
			w.do(err)
			// Whether it has come so far or not.
			w.do(w.LockAccount(context.Background(), other.Account, "unpaid"))
			if got := <-answered; got.status != 403 || !strings.Contains(got.detail(t), "unpaid") {
				t.Errorf("%d %s %v", got.status, got.body, got.err)
			}
		})
		t.Run("slow, "+path, func(t *testing.T) {
			w := newWorld(t, Options{})
			w.runner(w.app(), echo)
			parts := &slowly{text: strings.Repeat("b", 996)}
			if got := w.exchange(head(path, w.key), parts); got.status != 200 || got.err != nil {
				t.Errorf("%d %s %v", got.status, got.body, got.err)
			}
		})
	}
}

// slowly gives a text byte by byte.
type slowly struct{ text string }

func (s *slowly) Read(p []byte) (int, error) {
	n, err := strings.NewReader(s.text).Read(p[:1])
	s.text = s.text[n:]
	return n, err
}

// TestQueueCountsAFailureOnce also if what failed is not tried again at once when
// its time has come.
func TestQueueCountsAFailureOnce(t *testing.T) {
	w := newWorld(t, Options{})
	app := w.app()
	id := w.pending(app)
	job := w.enqueue("/queue/me/web", "x")
	for range maxStarts - 1 {
		w.awaitWaiting(app, 1)
		w.do(w.StartFailed(context.Background(), id, "no such program", func(int) time.Duration { return time.Second }))
		w.awaitWaiting(app, 0)
		w.awaitWaiting(app, 1)
		if code, status := w.status(job); code != 202 || status.Status != "IN_QUEUE" {
			t.Fatalf("%d %+v", code, status)
		}
		_, _, err := w.Relaunch(context.Background(), id, "again")
		w.do(err)
	}
	w.up(id, echo)
	await(t, "the answer", func() bool {
		got := w.at("GET", job.Response)
		return got.status == 200 && got.body == "POST x"
	})
}
