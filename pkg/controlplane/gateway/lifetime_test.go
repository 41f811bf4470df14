package gateway

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

// TestTheNextRequestOfAConnection is answered though nobody read the body of the one
// before.
func TestTheNextRequestOfAConnection(t *testing.T) {
	w := newWorld(t, Options{})
	w.gateway.unreachable = 0
	w.gone(w.app())
	for i := range 5 {
		if got := w.send(w.request("POST", "/me/web", streamed("long"))); got.err != nil || got.status != 502 {
			t.Fatalf("request %d: %d %v", i, got.status, got.err)
		}
	}
}

// stalled sends a request and does not read its answer, which is long, and returns
// the id of the runner that has begun it.
func (w *world) stalled(path, key string) (id string) {
	w.t.Helper()
	begun := make(chan struct{})
	id = w.runner(w.app(func(spec *state.AppSpec) {
		spec.Name, spec.AuthMode, spec.RequestTimeout = path, new(state.Shared), time.Hour
		if strings.Contains(path, "short") {
			spec.RequestTimeout = 200 * time.Millisecond
		}
	}), func(rw http.ResponseWriter, r *http.Request) {
		close(begun)
		part := make([]byte, 1<<20)
		for range 64 {
			if _, err := rw.Write(part); err != nil {
				return
			}
		}
	})
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	w.do(err)
	w.t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "GET /me/%s HTTP/1.1\r\nHost: x\r\nAuthorization: Key %s\r\n\r\n", path, key)
	<-begun
	return id
}

// TestReadersThatStall keep nothing in flight when their time, or what lets them in,
// has ended.
func TestReadersThatStall(t *testing.T) {
	t.Run("request_timeout", func(t *testing.T) {
		w := newWorld(t, Options{})
		id := w.stalled("short", w.other)
		w.awaitIdle(id)
	})
	for _, locked := range []string{"caller", "owner"} {
		t.Run(locked, func(t *testing.T) {
			w := newWorld(t, Options{})
			id := w.stalled("long", w.other)
			if n := len(w.get(id).Leases); n != 1 {
				t.Errorf("%d in flight", n)
			}
			key, secret, _ := strings.Cut(w.other, ":")
			other, err := w.Authenticate(key, secret)
			w.do(err)
			account := map[string]state.Account{"caller": other.Account, "owner": w.caller.Account}[locked]
			w.do(w.LockAccount(context.Background(), account, "unpaid"))
			w.awaitIdle(id)
		})
	}
}

func TestLockedOwnersHaveNoConnections(t *testing.T) {
	w := newWorld(t, Options{})
	app := w.app() // a public one
	answered := w.sent(w.request("GET", "/me/web", nil))
	w.awaitWaiting(app, 1)
	w.do(w.LockAccount(context.Background(), w.caller.Account, "unpaid"))
	if got := <-answered; got.status != 403 || !strings.Contains(got.detail(t), "unpaid") {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// TestRequestIDAfterInformation is there although the runner answered with 103 first.
func TestRequestIDAfterInformation(t *testing.T) {
	w := newWorld(t, Options{})
	w.runner(w.app(), func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Link", "</x>")
		rw.WriteHeader(http.StatusEarlyHints)
		rw.Header().Set(RequestID, "of-the-runner")
		rw.WriteHeader(http.StatusOK)
	})
	hints := 0
	request := w.request("GET", "/me/web", nil, RequestID, "mine")
	request = request.WithContext(httptrace.WithClientTrace(request.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(int, textproto.MIMEHeader) error { hints++; return nil },
	}))
	if got := w.send(request); got.status != 200 || fmt.Sprint(got.header.Values(RequestID)) != "[mine]" || hints != 1 {
		t.Errorf("%d %v after %d hints", got.status, got.header, hints)
	}
}

// TestUnaskedProtocols are no answer, least of all in the queue.
func TestUnaskedProtocols(t *testing.T) {
	w := newWorld(t, Options{})
	closed := make(chan struct{}, 2)
	w.runner(w.app(), func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/asked" && r.Header.Get("Upgrade") != "" {
			t.Error("the queue asked for another protocol")
		}
		conn, _, err := rw.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		io.Copy(io.Discard, conn)
		closed <- struct{}{}
	})
	if got := w.send(w.request("GET", "/me/web/unasked", nil)); got.status != 502 {
		t.Errorf("%d %s", got.status, got.body)
	}
	<-closed
	job := w.enqueue("/queue/me/web/asked", "", "Connection", "Upgrade", "Upgrade", "x")
	await(t, "the end", func() bool {
		code, _ := w.status(job)
		return code == 200
	})
	<-closed
}

// TestQueueWaitsForTheNextTry of starting a runner, but not for ever.
func TestQueueWaitsForTheNextTry(t *testing.T) {
	w := newWorld(t, Options{})
	app := w.app(func(spec *state.AppSpec) { spec.AuthMode = new(state.Private) })
	id := w.pending(app)
	fail := func() {
		t.Helper()
		w.awaitWaiting(app, 1)
		w.do(w.StartFailed(context.Background(), id, "no such program", func(int) time.Duration { return time.Second }))
		w.awaitWaiting(app, 0)
		_, _, err := w.Relaunch(context.Background(), id, "again")
		w.do(err)
	}
	job := w.enqueue("/queue/me/web", "x", "Authorization", "Key "+w.key)
	for range maxStarts - 1 {
		fail()
	}
	w.awaitWaiting(app, 1)
	server := w.up(id, echo)
	await(t, "the answer", func() bool {
		return w.at("GET", job.Response, "Authorization", "Key "+w.key).body == "POST x"
	})
	server.Close()
	w.do(w.Ended(context.Background(), id, "gone"))
	id = w.pending(app)
	job = w.enqueue("/queue/me/web", "x", "Authorization", "Key "+w.key)
	for range maxStarts {
		fail()
	}
	await(t, "the end", func() bool {
		got := w.at("GET", job.Response, "Authorization", "Key "+w.key)
		return got.status == 503 && strings.Contains(got.body, "no such program")
	})
}

// TestAnswersInTheQueueAreBounded together, not each alone.
func TestAnswersInTheQueueAreBounded(t *testing.T) {
	q := jobs{}
	done, other, growing := &job{size: 7, ended: time.Now()}, &job{size: maxAllBytes - 20}, &job{}
	for _, j := range []*job{done, other, growing} {
		if err := q.add(j); err != nil {
			t.Fatal(err)
		}
	}
	if !q.grow(growing, 13) || len(q.list) != 3 {
		t.Error("there was room")
	}
	if !q.grow(growing, 7) || len(q.list) != 2 || q.bytes != maxAllBytes {
		t.Errorf("there was none but that of what is done: %d bytes of %d", q.bytes, len(q.list))
	}
	if q.grow(growing, 1) || q.grow(done, -1) || growing.size != 20 {
		t.Error("there was none")
	}
	answer := &recorder{room: func(n int) bool { return n < 3 }}
	if _, err := answer.Write([]byte("ab")); err != nil {
		t.Error(err)
	}
	if _, err := answer.Write([]byte("abc")); err == nil {
		t.Error("it was written")
	}
}
