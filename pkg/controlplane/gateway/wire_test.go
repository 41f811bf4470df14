package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

// raw has a runner be up that is given each connection as it is, after the head of
// a request.
func (w *world) raw(app *state.App, serve func(*net.TCPConn)) (id string) {
	w.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	w.do(err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			// A byte at a time, so that nothing of the body is taken.
			head := ""
			for part := make([]byte, 1); !strings.HasSuffix(head, "\r\n\r\n"); head += string(part) {
				if _, err := io.ReadFull(conn, part); err != nil {
					break
				}
			}
			serve(conn.(*net.TCPConn))
			conn.Close()
		}
	}()
	w.t.Cleanup(func() { listener.Close(); <-done })
	id = w.pending(app)
	w.upAt(id, listener.Addr().(*net.TCPAddr).Port)
	return id
}

// exchange sends a request as it is, and returns the answer, whatever becomes of
// the rest of the request.
func (w *world) exchange(head string, body io.Reader) answer {
	w.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	w.do(err)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		if _, err := io.WriteString(conn, head); err == nil {
			io.Copy(conn, body)
		}
	}()
	defer func() { conn.Close(); <-sent }()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return answer{err: err}
	}
	text, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(text), err}
}

// TestAnswersBeforeTheBody get through, whole, although the runner goes without
// having read what it was sent.
func TestAnswersBeforeTheBody(t *testing.T) {
	const size = 4 << 20
	text := strings.Repeat("too large ", 200) // no more than is sent before the runner goes
	w := newWorld(t, Options{})
	app := w.app()
	w.raw(app, func(conn *net.TCPConn) {
		fmt.Fprintf(conn, "HTTP/1.1 413 Too Large\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(text), text)
	})
	length := fmt.Sprintf("Content-Length: %d", size)
	for i := range 60 {
		body := io.Reader(strings.NewReader(strings.Repeat("x", size)))
		how := length
		if i%2 == 1 {
			how, body = "Transfer-Encoding: chunked", strings.NewReader(fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", size, strings.Repeat("x", size)))
		}
		if got := w.exchange("POST /me/web HTTP/1.1\r\nHost: x\r\n"+how+"\r\n\r\n", body); got.status != 413 || got.body != text || got.err != nil {
			t.Fatalf("%d: %d %.200q of %d, %v", i, got.status, got.body, len(got.body), got.err)
		}
	}
}

// TestFailuresNameNoAddresses of the connections between the gateway and a runner.
func TestFailuresNameNoAddresses(t *testing.T) {
	reset := func(conn *net.TCPConn) {
		if err := conn.SetLinger(0); err != nil {
			t.Error(err)
		}
	}
	for name, test := range map[string]struct {
		runner func(*world, *state.App) string
		body   int
		want   string
	}{
		"refused":    {(*world).gone, 0, "it could not be reached: "},
		"reset":      {func(w *world, app *state.App) string { return w.raw(app, reset) }, 0, "the connection broke: "},
		"reset amid": {func(w *world, app *state.App) string { return w.raw(app, reset) }, 8 << 20, ""},
		"closed":     {func(w *world, app *state.App) string { return w.raw(app, func(*net.TCPConn) {}) }, 0, "it closed the connection"},
		"broken off amid": {func(w *world, app *state.App) string {
			return w.raw(app, func(conn *net.TCPConn) { io.WriteString(conn, "HTTP/1.1 2") })
		}, 0, "malformed HTTP status"},
		"reset in an answer": {func(w *world, app *state.App) string {
			return w.raw(app, func(conn *net.TCPConn) { io.WriteString(conn, "HTTP/1.1 2"); reset(conn) })
		}, 8 << 20, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Options{})
			w.gateway.unreachable = 0
			test.runner(w, w.app())
			got := w.exchange(fmt.Sprintf("POST /me/web HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", test.body), strings.NewReader(strings.Repeat("x", test.body)))
			if text := got.body; got.status != 502 || strings.Contains(text, "127.0.0.1") || !strings.Contains(text, "gave no answer: ") || !strings.Contains(text, test.want) {
				t.Errorf("%d %s %v", got.status, text, got.err)
			}
		})
	}
}
