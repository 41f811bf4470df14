package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

// The pace of trying to reach a runner that is said to be up.
const (
	firstRetry = 10 * time.Millisecond
	retryPause = 250 * time.Millisecond
	// unreachableFor is how long a runner may be out of reach before a request is
	// given up for that. One whose process has ended is known to have sooner.
	unreachableFor = 5 * time.Second
)

// delivery gives requests to runners, each of them once: one that may have reached
// a runner is not sent again, and one that did not is given to another runner, or
// to the same one as long as it is said to be up.
type delivery struct {
	gateway   *Gateway
	transport *http.Transport // for what is repeated when it meets the end of a connection
	brief     *http.Transport // for what is not: connections are used again at once or not at all
	fresh     *http.Transport // uses no connection twice
}

// brieflyIdle is how long a connection is kept for requests that are sent once. Servers
// keep one for longer, mostly.
const brieflyIdle = 10 * time.Millisecond

// transport keeps idle connections for so long; 0 for not at all.
func transport(idle time.Duration) *http.Transport {
	return &http.Transport{
		DialContext:         dial,
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     idle,
		DisableKeepAlives:   idle == 0,
		DisableCompression:  true,
	}
}

func (d *delivery) close() {
	for _, t := range []*http.Transport{d.transport, d.brief, d.fresh} {
		t.CloseIdleConnections()
	}
}

// placeError says that there is no other runner for a request whose runner could
// not be reached.
type placeError struct{ err error }

func (e *placeError) Error() string { return e.err.Error() }
func (e *placeError) Unwrap() error { return e.err }

// RoundTrip implements http.RoundTripper for requests with a passage. The body is
// closed if that fails, and otherwise left to the caller.
func (d *delivery) RoundTrip(r *http.Request) (*http.Response, error) {
	p := passageOf(r.Context())
	search := make(search)
	by, met := d.brief, error(nil)
	if isIdempotent(r) && isBare(r) {
		by = d.transport
	}
	for {
		a, out, err := attemptOf(r)
		if err != nil {
			return nil, d.fail(r, err)
		}
		out.URL.Host = p.host()
		response, err := by.RoundTrip(out)
		if err == nil {
			return response, nil
		}
		if by == d.transport && a.met() && r.Context().Err() == nil && d.gateway.state.EndReason(r.Context(), p.runner.ID) == "" {
			by, met = d.fresh, a.cause(err)
			continue
		}
		if met != nil && a.conn == nil {
			return nil, d.fail(r, met) // it is gone, which may be for the request
		}
		if r.Context().Err() != nil || !a.repeatable(r) {
			return nil, d.fail(r, a.cause(err))
		}
		if a.reused {
			continue // it was closed while nothing was sent by it
		}
		if err := d.gateway.moveOn(r.Context(), p, search, err); err != nil {
			return nil, d.fail(r, err)
		}
	}
}

func (d *delivery) fail(r *http.Request, err error) error {
	if r.Body != nil {
		// What is wrong with the request is known, and no body will help.
		_ = r.Body.Close()
	}
	return plain(err)
}

// search is for a runner that can be reached: when one of an id could not be first.
type search map[string]time.Time

// moveOn has another runner get the request, if there is one. While there is none
// it is the same one, after a while.
func (g *Gateway) moveOn(ctx context.Context, p *passage, s search, failure error) error {
	lost := p.runner.ID
	if since, again := s[lost]; !again {
		s[lost] = time.Now()
	} else if time.Since(since) > g.unreachable {
		return failure
	}
	g.logger.Debug("runner not reached", "request", p.id, "runner", lost, "error", failure)
	p.pauseTimer()
	p.release()
	r, release, err := p.acquire(ctx, lost)
	if err != nil {
		return &placeError{err}
	}
	p.runner, p.release = r, release
	p.resumeTimer()
	since, again := s[r.ID]
	if !again {
		return nil
	}
	timer := time.NewTimer(max(firstRetry, min(time.Since(since), retryPause)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// attempt is what is known of sending a request once.
type attempt struct {
	conn          *wire // nil when there was none to send it by
	reused        bool
	written, read int64 // by conn, before it
	began         time.Time
}

// attemptOf returns the request as the transport gets it. A transport that may
// send it again by itself would hide whether it was delivered, which it does not
// with a body that there is only once.
func attemptOf(r *http.Request) (*attempt, *http.Request, error) {
	a := &attempt{began: time.Now()}
	out := r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{GotConn: a.got}))
	where := *r.URL
	out.URL, out.GetBody = &where, nil
	switch {
	case isBare(r):
		if isIdempotent(r) {
			out.Body = nothing{}
			out.TransferEncoding = []string{"identity"} // none has to be looked for
		}
	case r.GetBody != nil:
		body, err := r.GetBody()
		if err != nil {
			return nil, nil, err
		}
		out.Body = body
	default:
		out.Body = io.NopCloser(r.Body)
	}
	return a, out, nil
}

// isIdempotent reports whether http.Transport may send a request without a body
// again.
func isIdempotent(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return len(r.Header["Idempotency-Key"]) > 0 || len(r.Header["X-Idempotency-Key"]) > 0
}

func isBare(r *http.Request) bool { return r.Body == nil || r.Body == http.NoBody }

// nothing is the body of a request that has none.
type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, io.EOF }
func (nothing) Close() error             { return nil }

func (a *attempt) got(info httptrace.GotConnInfo) {
	conn, ok := info.Conn.(*wire)
	if !ok {
		return
	}
	a.conn, a.reused = conn, info.Reused
	a.written, a.read = conn.written.Load(), conn.read.Load()
}

// repeatable reports whether nothing of a request that failed was sent, and all of
// it is still there.
func (a *attempt) repeatable(r *http.Request) bool {
	if a.conn == nil {
		return true
	}
	whole := isBare(r) || r.GetBody != nil
	return whole && a.conn.written.Load() == a.written
}

// meeting is how soon a connection ends that a server was about to close. One that
// ends later may have ended for the request.
const meeting = time.Second

// met reports whether a request was sent by a connection that was in use before, and
// met its end there, so that the server did not see it.
func (a *attempt) met() bool {
	return a.conn != nil && a.reused && a.conn.read.Load() == a.read && a.conn.end.Load() != nil && time.Since(a.began) < meeting
}

var errClosed = errors.New("it closed the connection")

// cause is why an attempt failed. Of a connection that ended without an answer the
// transport does not always say how.
func (a *attempt) cause(err error) error {
	if a.conn == nil || a.conn.read.Load() != a.read {
		return err
	}
	end := a.conn.end.Load()
	switch {
	case end == nil:
		return err
	case errors.Is(*end, io.EOF):
		return errClosed
	}
	return *end
}

// lastWords bounds how long the end of a runner may be on its way.
const lastWords = 300 * time.Millisecond

// ending returns why a runner ended that broke off, empty if it did not.
func ending(ctx context.Context, st *state.State, runner string) string {
	ctx, cancel := context.WithTimeout(ctx, lastWords)
	defer cancel()
	ticker := time.NewTicker(firstRetry)
	defer ticker.Stop()
	for {
		if reason := st.EndReason(ctx, runner); reason != "" {
			return reason
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ""
		}
	}
}
