package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

type tripFunc func(*http.Request) (*http.Response, error)

func (f tripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// slowly gives a byte at a time, each after a while, and none behind the end of
// the context.
type slowly struct {
	ctx   context.Context
	text  *strings.Reader
	pause time.Duration
}

func (s *slowly) Read(p []byte) (int, error) {
	select {
	case <-time.After(s.pause):
		return iotest.OneByteReader(s.text).Read(p)
	case <-s.ctx.Done():
		return 0, s.ctx.Err()
	}
}

// A request that stands still ends, wherever it does; one that goes on does not,
// however long that takes.
func TestPatience(t *testing.T) {
	const patience = 4 * time.Minute
	for name, c := range map[string]struct {
		sending, answering, reading time.Duration // a byte, the head, a byte
		took                        time.Duration // 0: it comes to its end
	}{
		"slow all the way":      {sending: 3 * time.Minute, answering: 3 * time.Minute, reading: 3 * time.Minute},
		"nothing is taken":      {sending: time.Hour, took: patience},
		"no answer":             {sending: time.Minute, answering: time.Hour, took: 6*time.Minute + patience},
		"an answer that stalls": {sending: time.Minute, answering: time.Minute, reading: time.Hour, took: 7*time.Minute + patience},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				next := tripFunc(func(r *http.Request) (*http.Response, error) {
					if _, err := io.Copy(io.Discard, r.Body); err != nil {
						return nil, err
					}
					select {
					case <-time.After(c.answering):
					case <-r.Context().Done():
						return nil, r.Context().Err()
					}
					return &http.Response{StatusCode: 200, Body: io.NopCloser(&slowly{r.Context(), strings.NewReader("answer"), c.reading})}, nil
				})
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
				defer cancel()
				began := time.Now()
				// The body ends with the read behind its last byte.
				request, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://localhost", io.NopCloser(&slowly{ctx, strings.NewReader("12345"), c.sending}))
				if err != nil {
					t.Fatal(err)
				}
				var text []byte
				// The fake sends nothing behind the end of its context.
				response, err := Patient(breakOff(next), patience).RoundTrip(request)
				if err == nil {
					text, err = io.ReadAll(response.Body)
					if err := response.Body.Close(); err != nil {
						t.Error(err)
					}
				}
				if c.took == 0 {
					if err != nil || string(text) != "answer" {
						t.Errorf("%q, %v", text, err)
					}
					return
				}
				var network net.Error
				if !errors.As(err, &network) || !network.Timeout() {
					t.Errorf("got %v", err)
				}
				if took := time.Since(began); took < c.took || took > c.took+time.Second {
					t.Errorf("after %s, want %s", took, c.took)
				}
				if failure := ClassifyHTTP(request.URL, err); failure.Kind != KindTimeout || failure.Permanent {
					t.Errorf("taken for %+v", failure)
				}
			})
		})
	}
}

// breakOff ends the request when its context ends, as net/http does, whatever
// its body does then.
func breakOff(next http.RoundTripper) http.RoundTripper {
	return tripFunc(func(r *http.Request) (*http.Response, error) {
		type result struct {
			response *http.Response
			err      error
		}
		done := make(chan result, 1)
		go func() {
			response, err := next.RoundTrip(r)
			done <- result{response, err}
		}()
		select {
		case r := <-done:
			return r.response, r.err
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	})
}

// An end that the caller sets stays the caller's.
func TestPatienceIsNotTheCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost", nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Patient(tripFunc(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}), time.Minute).RoundTrip(request)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

// What comes before the answer is a sign of life, though not for ever.
func TestPatienceWithInformation(t *testing.T) {
	for infos, ok := range map[int]bool{3: true, maxInformed + 1: false} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for range infos {
				w.WriteHeader(http.StatusProcessing)
			}
		}))
		defer server.Close()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := Patient(http.DefaultTransport, time.Minute).RoundTrip(request)
		if err == nil {
			response.Body.Close()
		}
		if (err == nil) != ok {
			t.Errorf("behind %d: %v", infos, err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		next := tripFunc(func(r *http.Request) (*http.Response, error) {
			for range 10 {
				select {
				case <-time.After(time.Minute):
					if err := httptrace.ContextClientTrace(r.Context()).Got1xxResponse(102, nil); err != nil {
						return nil, err
					}
				case <-r.Context().Done():
					return nil, r.Context().Err()
				}
			}
			return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
		})
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := Patient(next, 2*time.Minute).RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
	})
}
