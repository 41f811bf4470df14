package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/fal-plugins/fal/pkg/controlplane/loopback"
	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

// healthCheck is the header by which an answer asks for the health of its runner to
// be looked at.
const healthCheck = "X-Fal-Runner-Health-Check"

// prefetched bounds the bodies that are read before there is a runner for them.
const prefetched = 64 << 10

// prefetch reads a short body, since only then a server notices that its client
// goes away.
func prefetch(ctx context.Context, w http.ResponseWriter, r *http.Request, limit time.Duration) error {
	if r.ContentLength <= 0 || r.ContentLength > prefetched {
		return nil
	}
	body, err := readBody(ctx, w, r.Body, limit)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	return nil
}

// readBody reads a request's body to its end, unless ctx or the time for it ends
// first, after which the connection is of no more use for requests.
func readBody(ctx context.Context, w http.ResponseWriter, body io.Reader, limit time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errSlowBody)
	defer cancel()
	intact := context.AfterFunc(ctx, func() {
		// Only a connection that is being closed has no deadlines.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now())
	})
	read, err := io.ReadAll(body)
	if !intact() {
		w.Header().Set("Connection", "close") // and the rest is not waited for
		return nil, context.Cause(ctx)
	}
	var long *http.MaxBytesError
	if err != nil && !errors.As(err, &long) {
		err = &state.Error{Kind: state.Invalid, Message: "the request's body: " + plain(err).Error()}
	}
	return read, err
}

// requestID returns the id that the client gave a request, or a new one.
func requestID(r *http.Request) string {
	id := r.Header.Get(RequestID)
	odd := func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-._:", c))
	}
	if id == "" || len(id) > 128 || strings.ContainsFunc(id, odd) {
		return uuid.NewString()
	}
	return id
}

// acquirer leases a runner, if it can be another one than that of the id.
type acquirer func(ctx context.Context, avoid string) (*state.Runner, func(), error)

// passage is a request on its way to a runner and back.
type passage struct {
	runner  *state.Runner
	release func() // the runner
	acquire acquirer

	id     string
	prefix string
	limit  time.Duration // for the whole answer
	timer  *time.Timer   // nil without a limit
	public bool          // the app
	ours   func(string) bool

	answered atomic.Bool // by the runner, whole or not
	secure   bool        // the client speaks TLS
}

type passageKey struct{}

func passageOf(ctx context.Context) *passage { return ctx.Value(passageKey{}).(*passage) }

// pauseTimer stops the time while there is no runner.
func (p *passage) pauseTimer() {
	if p.timer != nil {
		p.timer.Stop()
	}
}

func (p *passage) resumeTimer() {
	if p.timer != nil {
		p.timer.Reset(p.limit)
	}
}

func (p *passage) host() string { return loopback.Address(p.runner.Port) }

// pass has the runner answer a request, and then gives it back. It reports whether
// the answer could begin before the request's body ended.
func (g *Gateway) pass(ctx context.Context, w http.ResponseWriter, r *http.Request, p *passage) (duplex bool) {
	defer func() { p.release() }()
	ctx, end := context.WithCancelCause(ctx)
	defer end(context.Canceled)
	p.timer = time.AfterFunc(p.limit, func() { end(errTooLong) })
	defer p.timer.Stop()
	w.Header().Del(RequestID) // begun and failed set it
	out := &answering{ResponseWriter: w, controller: http.NewResponseController(w)}
	// What a client does not read keeps nothing in flight after the end of ctx. A
	// switched connection is closed by the proxy.
	defer context.AfterFunc(ctx, func() {
		if p.answered.Load() {
			_ = out.controller.SetWriteDeadline(time.Now())
		}
	})()
	if r.GetBody == nil && r.ContentLength != 0 {
		// An answer may begin before the request's body ends. That only HTTP/1 can
		// be told so is no matter: nothing else gets here.
		_ = out.controller.EnableFullDuplex()
		out.duplex = true
	}
	g.proxy.ServeHTTP(out, r.WithContext(context.WithValue(ctx, passageKey{}, p)))
	return out.duplex
}

// answering sends each part of an answer of known length as it comes, but for the
// last one, which is sent anyway. Others are flushed by the proxy.
type answering struct {
	http.ResponseWriter
	controller *http.ResponseController
	duplex     bool  // the client may wait for the head before it sends more
	left       int64 // bytes to come
}

// Unwrap is for http.ResponseController.
func (a *answering) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answering) WriteHeader(status int) {
	// Without a length, there is none to come.
	a.left, _ = strconv.ParseInt(a.Header().Get("Content-Length"), 10, 64)
	a.ResponseWriter.WriteHeader(status)
	if a.duplex && status >= http.StatusOK {
		// What keeps it from being sent keeps the rest from it too.
		_ = a.controller.Flush()
	}
}

func (a *answering) Write(p []byte) (int, error) {
	n, err := a.ResponseWriter.Write(p)
	if a.left -= int64(n); err == nil && a.left > 0 {
		err = a.controller.Flush()
	}
	return n, err
}

// rewrite makes the request what the app gets.
func rewrite(r *httputil.ProxyRequest) {
	p := passageOf(r.In.Context())
	r.Out.URL = p.target(r.In.URL)
	if !p.public || slices.ContainsFunc(r.In.Header.Values(authorization), p.ours) {
		r.Out.Header.Del(authorization)
	}
	r.Out.Header.Del(userID)
	r.Out.Header.Set(RequestID, p.id)
	// The server that this is part of has answered it, or does when the body is read.
	r.Out.Header.Del("Expect")
	r.SetXForwarded()
	r.Out.Header.Set("X-Forwarded-Prefix", p.prefix)
	if p.secure {
		r.Out.Header.Set("X-Forwarded-Proto", "https")
	}
}

// target is the address of a request at the runner.
func (p *passage) target(in *url.URL) *url.URL {
	out := &url.URL{Scheme: "http", Host: p.host(), RawQuery: in.RawQuery, ForceQuery: in.ForceQuery}
	escaped := strings.TrimPrefix(in.EscapedPath(), p.prefix)
	if escaped == "" {
		escaped = "/"
	}
	out.Path, out.RawPath = unescape(escaped), escaped
	return out
}

// begun sees the head of an answer.
func (g *Gateway) begun(response *http.Response) error {
	p := passageOf(response.Request.Context())
	if g.doubted != nil && response.Header.Get(healthCheck) != "" {
		g.doubted(p.runner.ID)
	}
	// Not before, since informational answers would take it away.
	response.Header.Set(RequestID, p.id)
	if response.StatusCode != http.StatusSwitchingProtocols {
		p.answered.Store(true)
		return nil
	}
	if response.Request.Header.Get("Upgrade") == "" {
		return errors.New("it switched protocols, which was not asked for")
	}
	p.timer.Stop()
	stream, ok := response.Body.(io.ReadWriteCloser)
	if !ok {
		return errors.New("the connection cannot switch protocols")
	}
	response.Body = tunnel{stream}
	return nil
}

// tunnel is the runner's end of a switched connection. That it was closed is an
// error, so that the client's end is closed too and not waited for.
type tunnel struct{ io.ReadWriteCloser }

var errHungUp = errors.New("the runner closed the connection")

func (t tunnel) Read(p []byte) (int, error) {
	n, err := t.ReadWriteCloser.Read(p)
	if errors.Is(err, io.EOF) {
		err = errHungUp
	}
	return n, err
}

// failed answers for a runner that did not.
func (g *Gateway) failed(w http.ResponseWriter, r *http.Request, err error) {
	p := passageOf(r.Context())
	w.Header().Set(RequestID, p.id)
	var none *placeError
	if cause := context.Cause(r.Context()); cause != nil && r.Context().Err() != nil {
		err = cause
	} else if errors.As(err, &none) {
		err = none.err
	} else {
		err = &runnerError{runner: p.runner.ID, err: err, end: ending(r.Context(), g.state, p.runner.ID)}
	}
	g.logger.Debug("request failed", "request", p.id, "runner", p.runner.ID, "error", err)
	refuse(w, err)
}
