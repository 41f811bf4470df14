package transport

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"sync"
	"time"
)

// Patient is next with an end for requests that stand still: one of whose body
// nothing was taken, and of whose answer nothing came, for so long fails with a
// [net.Error] that is a timeout, before its answer or while that is read. A
// request that goes on, however slowly, takes as long as it does. The bodies of
// answers are to be closed.
func Patient(next http.RoundTripper, patience time.Duration) http.RoundTripper {
	return &patient{next: next, patience: patience}
}

type patient struct {
	next     http.RoundTripper
	patience time.Duration
}

// RoundTrip implements [http.RoundTripper].
func (p *patient) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	w := &watch{patience: p.patience, ctx: ctx, cancel: cancel}
	w.timer = time.AfterFunc(p.patience, func() { cancel(silence(p.patience)) })
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotFirstResponseByte: w.moved, Got1xxResponse: w.informed})
	watched := r.WithContext(ctx)
	if r.Body != nil && r.Body != http.NoBody {
		watched.Body = &watchedBody{ReadCloser: r.Body, moved: w.moved}
	}
	if r.GetBody != nil {
		watched.GetBody = func() (io.ReadCloser, error) {
			again, err := r.GetBody()
			if err != nil || again == http.NoBody {
				return again, err
			}
			return &watchedBody{ReadCloser: again, moved: w.moved}, nil
		}
	}
	response, err := p.next.RoundTrip(watched)
	if err != nil {
		defer w.end()
		return nil, w.reason(err)
	}
	w.moved()
	response.Body = &watchedAnswer{watchedBody{ReadCloser: response.Body, moved: w.moved}, w}
	return response, nil
}

// A watch ends a request that stands still.
type watch struct {
	patience time.Duration
	ctx      context.Context // of the request
	cancel   context.CancelCauseFunc

	infos int // answers with 1xx

	mu    sync.Mutex
	timer *time.Timer
	ended bool
}

// moved notes that the request went on.
func (w *watch) moved() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ended { // a body may be read after its request has failed
		w.timer.Reset(w.patience)
	}
}

// maxInformed is how many answers before the one that counts a request has at most:
// whoever takes them lifts the bound of net/http on them.
const maxInformed = 1000

func (w *watch) informed(code int, _ textproto.MIMEHeader) error {
	w.moved()
	if w.infos++; w.infos > maxInformed {
		return fmt.Errorf("more than %d answers with status %d and the like", maxInformed, code)
	}
	return nil
}

func (w *watch) end() {
	w.mu.Lock()
	w.ended = true
	w.timer.Stop()
	w.mu.Unlock()
	w.cancel(nil)
}

// reason is why the request failed with an error: that it stood still, or the
// error itself.
func (w *watch) reason(err error) error {
	if still, ok := context.Cause(w.ctx).(silence); ok {
		return still
	}
	return err
}

type watchedBody struct {
	io.ReadCloser
	moved func()
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 || err == io.EOF {
		b.moved()
	}
	return n, err
}

type watchedAnswer struct {
	watchedBody
	watch *watch
}

func (a *watchedAnswer) Read(p []byte) (int, error) {
	n, err := a.watchedBody.Read(p)
	if err != nil && err != io.EOF {
		err = a.watch.reason(err)
	}
	return n, err
}

func (a *watchedAnswer) Close() error {
	defer a.watch.end()
	return a.watchedBody.Close()
}

// silence is the error of a request that stood still for so long.
type silence time.Duration

func (s silence) Error() string {
	return fmt.Sprintf("nothing was sent or answered for %s", time.Duration(s))
}

// Timeout and Temporary make it a [net.Error].
func (s silence) Timeout() bool   { return true }
func (s silence) Temporary() bool { return true }
