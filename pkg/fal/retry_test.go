package fal_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

func TestListIsRepeatedWhileUnavailable(t *testing.T) {
	server := faltest.New(t)
	server.SetRunners(faltest.Runner{ID: "a"})
	unavailable := faltest.Fail(fal.CodeUnavailable, "restarting")
	server.Script("ListRunners", unavailable, faltest.Drop(), unavailable, unavailable)
	ctx, client := newClient(t, server.Options())
	runners, err := collect(ctx, client, nil)
	if err != nil || len(runners) != 1 {
		t.Errorf("listed %v, %v", runners, err)
	}
	if n := len(server.Calls()); n != 5 {
		t.Errorf("%d calls, want 5", n)
	}
}

func TestListGivesUpAfterFiveAttempts(t *testing.T) {
	server := faltest.New(t)
	server.Handle("ListRunners", func(faltest.Call) faltest.Answer { return faltest.Fail(fal.CodeUnavailable, "down") })
	ctx, client := newClient(t, server.Options())
	_, err := collect(ctx, client, nil)
	if !errors.Is(err, fal.ErrUnavailable) || asError(t, err).Message != "down" {
		t.Errorf("got %v", err)
	}
	if n := len(server.Calls()); n != 5 {
		t.Errorf("%d calls, want 5", n)
	}
}

func TestOtherErrorsAreNotRepeated(t *testing.T) {
	server := faltest.New(t)
	ctx, client := newClient(t, server.Options())
	for _, code := range []fal.Code{fal.CodeInternal, fal.CodeResourceExhausted, fal.CodeDeadlineExceeded, fal.CodeUnauthenticated} {
		before := len(server.Calls())
		server.Script("ListRunners", faltest.Fail(code, "no"))
		if _, err := collect(ctx, client, nil); asError(t, err).Code != code {
			t.Errorf("%v: got %v", code, err)
		}
		if n := len(server.Calls()) - before; n != 1 {
			t.Errorf("%v: %d calls, want 1", code, n)
		}
	}
}

// TestChangesAreSentOnce: a stop or a kill that may have arrived is not sent
// again, whatever became of the answer.
func TestChangesAreSentOnce(t *testing.T) {
	for name, answer := range map[string]faltest.Answer{
		"unavailable": faltest.Fail(fal.CodeUnavailable, "restarting"),
		"dropped":     faltest.Drop(),
		"reset":       faltest.Reset(),
		"rubbish":     faltest.Rubbish(),
		"gateway":     faltest.HTTP(503, "text/plain", "later"),
	} {
		t.Run(name, func(t *testing.T) {
			server := faltest.New(t)
			server.Script("StopRunner", answer)
			server.Script("KillRunner", answer)
			ctx, client := newClient(t, server.Options())
			if err := client.Runners.Stop(ctx, "a", nil); !errors.Is(err, fal.ErrUnavailable) {
				t.Errorf("stop: %v", err)
			}
			if err := client.Runners.Kill(ctx, "a", nil); !errors.Is(err, fal.ErrUnavailable) {
				t.Errorf("kill: %v", err)
			}
			if stops, kills := len(server.Calls("StopRunner")), len(server.Calls("KillRunner")); stops != 1 || kills != 1 {
				t.Errorf("%d stops and %d kills arrived, want one of each", stops, kills)
			}
		})
	}
}

// TestChangesThatNeverLeftAreRepeated: while there is no connection, nothing
// can have arrived.
func TestChangesThatNeverLeftAreRepeated(t *testing.T) {
	server := faltest.New(t)
	server.Connections(faltest.Hangup)
	o := server.Options()
	var mu sync.Mutex
	var failures int
	o.Trace = func(e fal.TraceEvent) {
		mu.Lock()
		defer mu.Unlock()
		if e.Error == "" {
			return
		}
		if failures++; failures == 2 {
			server.Connections(faltest.Serve)
		}
	}
	ctx, client := newClient(t, o)
	if err := client.Runners.Stop(ctx, "a", nil); err != nil {
		t.Fatal(err)
	}
	if n := len(server.Calls()); n != 1 {
		t.Errorf("%d calls arrived, want 1", n)
	}
	if failures < 2 {
		t.Errorf("%d failed attempts, want at least 2", failures)
	}
}

// TestTheDeadlineEndsTheAttempts: no wait for another attempt is begun that
// would outlive the context.
func TestTheDeadlineEndsTheAttempts(t *testing.T) {
	server := faltest.New(t)
	server.Handle("ListRunners", func(faltest.Call) faltest.Answer { return faltest.Fail(fal.CodeUnavailable, "down") })
	_, client := newClient(t, server.Options())
	ctx, cancel := context.WithTimeout(context.Background(), 900*time.Millisecond)
	defer cancel()
	_, err := collect(ctx, client, nil)
	if !errors.Is(err, fal.ErrUnavailable) && !errors.Is(err, fal.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if n := len(server.Calls()); n >= 5 {
		t.Errorf("%d attempts, although the deadline comes before the fifth", n)
	}
}

func TestAConnectionThatEndedIsMadeAgain(t *testing.T) {
	server := faltest.New(t)
	ctx, client := newClient(t, server.Options())
	for range 3 {
		if _, err := collect(ctx, client, nil); err != nil {
			t.Fatal(err)
		}
		server.Connections(faltest.Serve) // closes those there are
	}
}
