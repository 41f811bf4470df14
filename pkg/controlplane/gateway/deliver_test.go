package gateway

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

// gone has a runner be up at a port that nothing listens on.
func (w *world) gone(app *state.App) string {
	w.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	w.do(err)
	id := w.pending(app)
	w.do(listener.Close())
	w.upAt(id, listener.Addr().(*net.TCPAddr).Port)
	return id
}

// echo answers with what was sent.
func echo(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	io.WriteString(rw, r.Method+" "+string(body))
}

// streamed hides the length of a body.
func streamed(text string) io.Reader { return io.MultiReader(strings.NewReader(text)) }

// TestWhatDidNotReachARunner is given to another one, which may have to be started
// first; also a body that there is only once.
func TestWhatDidNotReachARunner(t *testing.T) {
	requests := []struct {
		method string
		body   func() io.Reader
		want   string
	}{
		{"GET", func() io.Reader { return nil }, "GET "},
		{"POST", func() io.Reader { return strings.NewReader("short") }, "POST short"},
		{"POST", func() io.Reader { return streamed("long") }, "POST long"},
	}
	t.Run("another is up", func(t *testing.T) {
		w := newWorld(t, Options{})
		app := w.app()
		dead := w.gone(app)
		w.runner(app, echo)
		for _, request := range requests {
			for range 2 { // whichever was chosen first
				if got := w.send(w.request(request.method, "/me/web", request.body())); got.status != 200 || got.body != request.want {
					t.Errorf("%s: %d %s %v", request.method, got.status, got.body, got.err)
				}
			}
		}
		w.awaitIdle(dead)
	})
	for _, request := range requests {
		t.Run("another is started, "+request.want, func(t *testing.T) {
			w := newWorld(t, Options{})
			app := w.app()
			dead := w.gone(app)
			answered := w.sent(w.request(request.method, "/me/web", request.body()))
			await(t, "it was tried", func() bool { return len(w.get(dead).Leases) > 0 })
			w.do(w.Ended(context.Background(), dead, "process exited with code 4"))
			w.awaitWaiting(app, 1)
			w.runner(app, echo)
			if got := <-answered; got.status != 200 || got.body != request.want {
				t.Errorf("%d %s %v", got.status, got.body, got.err)
			}
		})
	}
	t.Run("none can be started", func(t *testing.T) {
		w := newWorld(t, Options{})
		app := w.app()
		dead := w.gone(app)
		answered := w.sent(w.request("GET", "/me/web", nil))
		await(t, "it was tried", func() bool { return len(w.get(dead).Leases) > 0 })
		next := w.pending(app)
		w.do(w.Ended(context.Background(), dead, "process exited with code 4"))
		w.awaitWaiting(app, 1)
		w.do(w.StartFailed(context.Background(), next, "no such program", func(int) time.Duration { return time.Hour }))
		if got := <-answered; got.status != 503 || !strings.HasPrefix(got.detail(t), "runner "+next+" of app web did not start") {
			t.Errorf("%d %s %v", got.status, got.body, got.err)
		}
	})
	t.Run("in the queue", func(t *testing.T) {
		w := newWorld(t, Options{})
		app := w.app()
		dead := w.gone(app)
		job := w.enqueue("/queue/me/web", "later")
		await(t, "it was tried", func() bool { return len(w.get(dead).Leases) > 0 })
		w.do(w.Ended(context.Background(), dead, "process exited with code 4"))
		w.runner(app, echo)
		await(t, "the answer", func() bool {
			got := w.at("GET", job.Response)
			return got.status == 200 && got.body == "POST later"
		})
	})
}

// TestDeliveredOnce has a runner take a request by a connection that was used
// before, and die of it.
func TestDeliveredOnce(t *testing.T) {
	for _, header := range []string{"", "Idempotency-Key"} {
		for method, body := range map[string]func() io.Reader{
			"GET": func() io.Reader { return nil }, "OPTIONS": func() io.Reader { return nil }, "PUT": func() io.Reader { return strings.NewReader("x") },
			"POST": func() io.Reader { return nil }, "PATCH": func() io.Reader { return streamed("x") },
		} {
			t.Run(method+" "+header, func(t *testing.T) {
				w := newWorld(t, Options{})
				app := w.app()
				var fatal atomic.Int64
				id := w.pending(app)
				w.up(id, func(rw http.ResponseWriter, r *http.Request) {
					if r.URL.Path != "/fatal" {
						return
					}
					if method != "PUT" && method != "PATCH" && r.ContentLength != 0 || header != "" && r.Header.Get(header) == "" {
						t.Errorf("it came as %v of length %d", r.Header, r.ContentLength)
					}
					fatal.Add(1)
					w.do(w.Ended(context.Background(), id, "process exited with code 4"))
					panic(http.ErrAbortHandler)
				})
				if got := w.send(w.request("GET", "/me/web", nil)); got.status != 200 {
					t.Fatalf("%d %s", got.status, got.body)
				}
				request := w.request(method, "/me/web/fatal", body())
				if header != "" {
					request.Header.Set(header, "1")
				}
				got := w.send(request)
				want := "runner " + id + " gave no answer: it closed the connection; process exited with code 4"
				if got.status != 502 || got.detail(t) != want {
					t.Errorf("%d %s", got.status, got.body)
				}
				if n := fatal.Load(); n != 1 {
					t.Errorf("it was sent %d times", n)
				}
			})
		}
	}
}

// TestConnectionThatWasAboutToClose has a runner close a connection as the next request
// comes by it, as servers do with those that are idle, or when they recycle a worker.
func TestConnectionThatWasAboutToClose(t *testing.T) {
	for method, ok := range map[string]bool{"GET": true, "HEAD": true, "OPTIONS": true, "POST": false, "DELETE": false} {
		t.Run(method, func(t *testing.T) {
			w := newWorld(t, Options{})
			app := w.app()
			var came atomic.Int64
			w.runner(app, func(_ http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/next" && came.Add(1) == 1 {
					panic(http.ErrAbortHandler)
				}
			})
			if got := w.send(w.request("GET", "/me/web", nil)); got.status != 200 {
				t.Fatalf("%d %s", got.status, got.body)
			}
			got := w.send(w.request(method, "/me/web/next", nil))
			if (got.status == 200) != ok || (came.Load() == 2) != ok {
				t.Errorf("%d %s, sent %d times", got.status, got.body, came.Load())
			}
		})
	}
}

func TestSendClosesWhatItWasGiven(t *testing.T) {
	w := newWorld(t, Options{})
	app := w.app()
	dead := w.gone(app)
	for _, up := range []bool{false, true} {
		if up {
			w.runner(app, echo)
		}
		w.gateway.unreachable = 0
		closed := &closing{Reader: strings.NewReader("x")}
		request, err := http.NewRequestWithContext(t.Context(), "POST", "http://app/", closed)
		w.do(err)
		response, err := w.gateway.Send(t.Context(), app, "", "", request)
		if (err == nil) != up {
			t.Errorf("up %t: %v", up, err)
		}
		if err == nil {
			if body, err := io.ReadAll(response.Body); string(body) != "POST x" || err != nil {
				t.Errorf("%q %v", body, err)
			}
			w.do(response.Body.Close())
		}
		if !closed.done.Load() {
			t.Errorf("up %t: the body is open", up)
		}
	}
	w.awaitIdle(dead)
}

type closing struct {
	io.Reader
	done atomic.Bool
}

func (c *closing) Close() error {
	c.done.Store(true)
	return nil
}
