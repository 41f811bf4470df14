package fal_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

func asError(t *testing.T, err error) *fal.Error {
	t.Helper()
	var failed *fal.Error
	if !errors.As(err, &failed) {
		t.Fatalf("%T %v is no *fal.Error", err, err)
	}
	return failed
}

func TestStatusesOfTheService(t *testing.T) {
	sentinels := map[fal.Code]error{
		fal.CodeCanceled:           fal.ErrCanceled,
		fal.CodeUnknown:            fal.ErrUnknown,
		fal.CodeInvalidArgument:    fal.ErrInvalidArgument,
		fal.CodeDeadlineExceeded:   fal.ErrDeadlineExceeded,
		fal.CodeNotFound:           fal.ErrNotFound,
		fal.CodeAlreadyExists:      fal.ErrAlreadyExists,
		fal.CodePermissionDenied:   fal.ErrPermissionDenied,
		fal.CodeResourceExhausted:  fal.ErrResourceExhausted,
		fal.CodeFailedPrecondition: fal.ErrFailedPrecondition,
		fal.CodeAborted:            fal.ErrAborted,
		fal.CodeOutOfRange:         fal.ErrOutOfRange,
		fal.CodeUnimplemented:      fal.ErrUnimplemented,
		fal.CodeInternal:           fal.ErrInternal,
		fal.CodeUnavailable:        fal.ErrUnavailable,
		fal.CodeDataLoss:           fal.ErrDataLoss,
		fal.CodeUnauthenticated:    fal.ErrUnauthenticated,
	}
	server := faltest.New(t)
	ctx, client := newClient(t, server.Options())
	for code, sentinel := range sentinels {
		t.Run(code.String(), func(t *testing.T) {
			server.Script("KillRunner", faltest.Fail(code, "said the service").WithTrailer("x-request-id", "r-1"))
			err := client.Runners.Kill(ctx, "a", nil)
			failed := asError(t, err)
			if failed.Code != code || failed.Message != "said the service" || failed.RequestID != "r-1" || failed.Cause() != fal.CauseNone {
				t.Errorf("got %#v", failed)
			}
			if got, want := err.Error(), "KillRunner: said the service (request id r-1)"; got != want {
				t.Errorf("text %q, want %q", got, want)
			}
			for other, s := range sentinels {
				if errors.Is(err, s) != (other == code) {
					t.Errorf("errors.Is with the sentinel of %v: %v", other, errors.Is(err, s))
				}
			}
			if errors.Is(err, sentinel) && errors.Is(err, context.Canceled) {
				t.Error("the service's own answer passes for the end of our context")
			}
		})
	}
}

func TestAStatusNobodyKnows(t *testing.T) {
	server := faltest.New(t)
	server.Script("KillRunner", faltest.Fail(77, ""))
	ctx, client := newClient(t, server.Options())
	err := client.Runners.Kill(ctx, "a", nil)
	if !errors.Is(err, fal.ErrUnknown) || asError(t, err).Message == "" {
		t.Errorf("got %v, want an unknown error that says something", err)
	}
}

func TestMessagesAreKeptAndShownInOneLine(t *testing.T) {
	const message = "first\r\n  second \x1b[31mred\x1b[0m ünï"
	server := faltest.New(t)
	server.Script("KillRunner", faltest.Fail(fal.CodeInternal, message))
	ctx, client := newClient(t, server.Options())
	failed := asError(t, client.Runners.Kill(ctx, "a", nil))
	if failed.Message != message {
		t.Errorf("message %q, want it unchanged", failed.Message)
	}
	if text := failed.Error(); strings.ContainsAny(text, "\r\n\x1b") || !strings.Contains(text, "first second") || !strings.Contains(text, "ünï") {
		t.Errorf("text %q", text)
	}
}

func TestRequestIDs(t *testing.T) {
	server := faltest.New(t)
	ctx, client := newClient(t, server.Options())
	fail := faltest.Fail(fal.CodeInternal, "x")
	for want, answer := range map[string]faltest.Answer{
		"":          fail,
		"header":    fail.WithHeader("x-request-id", "header"),
		"trailer":   fail.WithHeader("x-request-id", "no").WithTrailer("x-request-id", "trailer"),
		"fal's own": fail.WithTrailer("x-request-id", "no").WithTrailer("x-fal-request-id", "fal's own"),
	} {
		server.Script("KillRunner", answer)
		if got := asError(t, client.Runners.Kill(ctx, "a", nil)).RequestID; got != want {
			t.Errorf("request id %q, want %q", got, want)
		}
	}
}

// TestUnreachable holds the words and the cause of each way not to reach the
// service.
func TestUnreachable(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := closed.Addr().String()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	anonymous := func(host string) func(*testing.T) fal.Options {
		return func(*testing.T) fal.Options {
			return fal.Options{Host: host, Plaintext: true, AllowPlaintext: true, Credentials: fal.Anonymous}
		}
	}
	mode := func(mode faltest.Mode) func(*testing.T) fal.Options {
		return func(t *testing.T) fal.Options {
			server := faltest.New(t)
			server.Connections(mode)
			return server.Options()
		}
	}
	answer := func(answers ...faltest.Answer) func(*testing.T) fal.Options {
		return func(t *testing.T) fal.Options {
			server := faltest.New(t)
			server.Script("KillRunner", answers...)
			return server.Options()
		}
	}
	for name, c := range map[string]struct {
		options func(*testing.T) fal.Options
		cause   fal.Cause
		words   string
	}{
		"no such host":     {anonymous("no-such-host.invalid"), fal.CauseDNS, "DNS lookup"},
		"refused":          {anonymous(refused), fal.CauseRefused, "connection refused by " + refused},
		"garbage":          {mode(faltest.Garbage), fal.CauseProtocol, "does not speak gRPC"},
		"a web server":     {mode(faltest.WebServer), fal.CauseProtocol, "does not speak gRPC: it answered with HTTP status 400"},
		"hung up":          {mode(faltest.Hangup), fal.CauseReset, "connection "},
		"dropped":          {answer(faltest.Drop()), fal.CauseReset, "connection closed by"},
		"reset":            {answer(faltest.Reset()), fal.CauseReset, "connection reset by"},
		"a gateway's page": {answer(faltest.HTTP(502, "text/html", "<h1>Bad gateway</h1>")), fal.CauseProtocol, "HTTP status 502"},
		"a page not found": {answer(faltest.HTTP(404, "text/html", "<h1>Where?</h1>")), fal.CauseProtocol, "HTTP status 404"},
		"a page":           {answer(faltest.HTTP(200, "text/html", "<h1>Welcome</h1>")), fal.CauseProtocol, "HTTP status 200"},
		"unknown authority": {func(t *testing.T) fal.Options {
			o := faltest.NewTLS(t).Options()
			o.RootCAs = nil
			return o
		}, fal.CauseTLS, "signed by an unknown authority"},
		"another host's certificate": {func(t *testing.T) fal.Options {
			o := faltest.NewTLS(t).Options()
			_, port, _ := net.SplitHostPort(o.Host)
			o.Host = "localhost:" + port
			return o
		}, fal.CauseTLS, "is for another host"},
		"TLS to a plaintext server": {func(t *testing.T) fal.Options {
			o := faltest.New(t).Options()
			o.Plaintext = false
			return o
		}, fal.CauseTLS, "TLS"},
		"plaintext to a TLS server": {func(t *testing.T) fal.Options {
			o := faltest.NewTLS(t).Options()
			o.Plaintext = true
			return o
		}, fal.CauseReset, "connection "},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, client := newClient(t, c.options(t))
			err := client.Runners.Kill(ctx, "a", nil)
			failed := asError(t, err)
			if !errors.Is(err, fal.ErrUnavailable) || failed.Cause() != c.cause || !strings.Contains(failed.Message, c.words) {
				t.Errorf("got %v, cause %v, %q; want UNAVAILABLE, %v, %q", failed.Code, failed.Cause(), failed.Message, c.cause, c.words)
			}
			if strings.ContainsRune(err.Error(), '\n') {
				t.Errorf("more than one line: %q", err)
			}
		})
	}
}

func TestRefusedCredentialsOfAGateway(t *testing.T) {
	server := faltest.New(t)
	ctx, client := newClient(t, server.Options())
	for status, want := range map[int]error{401: fal.ErrUnauthenticated, 403: fal.ErrPermissionDenied} {
		server.Script("KillRunner", faltest.HTTP(status, "text/html", "no"))
		if err := client.Runners.Kill(ctx, "a", nil); !errors.Is(err, want) {
			t.Errorf("HTTP status %d: %v", status, err)
		}
	}
}

func TestCauseIsTyped(t *testing.T) {
	_, client := newClient(t, fal.Options{Host: "no-such-host.invalid", Plaintext: true, AllowPlaintext: true, Credentials: fal.Anonymous})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var dns *net.DNSError
	if err := client.Runners.Kill(ctx, "a", nil); !errors.As(err, &dns) {
		t.Errorf("%v does not hold the DNS error", err)
	}
}

func TestDeadlines(t *testing.T) {
	for name, prepare := range map[string]func(*faltest.Server){
		"accepts and never answers": func(s *faltest.Server) { s.Connections(faltest.Silent) },
		"takes the request":         func(s *faltest.Server) { s.Script("ListRunners", faltest.Hang()) },
	} {
		t.Run(name, func(t *testing.T) {
			server := faltest.New(t)
			prepare(server)
			_, client := newClient(t, server.Options())
			ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
			defer cancel()
			_, err := collect(ctx, client, nil)
			if !errors.Is(err, fal.ErrDeadlineExceeded) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			if failed := asError(t, err); failed.Cause() != fal.CauseTimeout || failed.Message == "" {
				t.Errorf("cause %v, message %q", failed.Cause(), failed.Message)
			}
		})
	}
}

func TestCancellation(t *testing.T) {
	server := faltest.New(t)
	_, client := newClient(t, server.Options())
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	server.Handle("ListRunners", func(faltest.Call) faltest.Answer {
		cancel()
		return faltest.Hang()
	})
	_, err := collect(ctx, client, nil)
	if !errors.Is(err, fal.ErrCanceled) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	_, err = collect(ctx, client, nil)
	if !errors.Is(err, fal.ErrCanceled) || !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that had ended before: %v", err)
	}
	if n := len(server.Calls()); n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
}

func TestCancelWhileWaitingForTheNextAttempt(t *testing.T) {
	server := faltest.New(t)
	_, client := newClient(t, server.Options())
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	server.Handle("ListRunners", func(faltest.Call) faltest.Answer {
		if len(server.Calls()) == 3 {
			cancel()
		}
		return faltest.Fail(fal.CodeUnavailable, "restarting")
	})
	_, err := collect(ctx, client, nil)
	if !errors.Is(err, fal.ErrCanceled) {
		t.Errorf("got %v", err)
	}
	if n := len(server.Calls()); n != 3 {
		t.Errorf("%d calls, want 3", n)
	}
}

func TestClosedClient(t *testing.T) {
	ctx, client := newClient(t, faltest.New(t).Options())
	for range 2 {
		if err := client.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := client.Runners.Kill(ctx, "a", nil); !errors.Is(err, fal.ErrFailedPrecondition) || errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestUnreadableAnswer(t *testing.T) {
	server := faltest.New(t)
	server.Script("ListRunners", faltest.Reply(`{"runners": [{"runner_id": "a"}]}`), faltest.Broken([]byte{0x0a, 0x05, 'x'}))
	ctx, client := newClient(t, server.Options())
	if _, err := collect(ctx, client, nil); err != nil {
		t.Fatal(err)
	}
	_, err := collect(ctx, client, nil)
	if !errors.Is(err, fal.ErrInternal) || !strings.Contains(err.Error(), "ListRunners: the answer cannot be read") {
		t.Errorf("got %v", err)
	}
}

func ExampleError() {
	var err error = &fal.Error{Code: fal.CodeNotFound, Method: "StopRunner", Message: "runner 4f2a not found", RequestID: "7d1e"}
	fmt.Println(errors.Is(err, fal.ErrNotFound))
	fmt.Println(err)
	// Output:
	// true
	// StopRunner: runner 4f2a not found (request id 7d1e)
}
