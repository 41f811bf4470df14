package state

import (
	"context"
	"testing"
	"time"
)

// TestRunnersThatClose get no request although they are idle as far as is stored.
func TestRunnersThatClose(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	id := w.runner(Idle)
	app, err := w.App(w.caller, "", "web")
	w.do(err)
	_, release, err := w.Acquire(ctx, app, "", "")
	w.do(err)
	if err := w.DrainIdle(ctx, id, "test"); kind(err) != Conflict {
		t.Errorf("a busy runner was drained: %v", err)
	}
	release()
	_, release, err = w.Acquire(ctx, app, "", "")
	w.do(err)
	release()
	w.Gone("of nobody")
	w.Gone(id)
	if _, err := w.Lease(id, "", ""); kind(err) != Conflict {
		t.Errorf("a runner without a process was leased: %v", err)
	}
	soon, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if _, _, err := w.Acquire(soon, app, "", ""); err != context.DeadlineExceeded {
		t.Errorf("a runner without a process was acquired: %v", err)
	}
	if err := w.DrainIdle(ctx, id, "test"); kind(err) != Conflict {
		t.Errorf("a runner without a process was drained: %v", err)
	}
	w.do(w.Ended(ctx, id, "gone"))
	other := w.runner(Idle)
	w.do(w.DrainIdle(ctx, other, "test"))
	if _, standing := w.Snapshot(); len(standing) != 1 || standing[0].State != Draining {
		t.Errorf("%+v", standing)
	}
}

// TestWantedUntilNow: a runner that was a part of what is wanted is idle from then on.
func TestWantedUntilNow(t *testing.T) {
	w := newWorld(t, Options{})
	id := w.runner(Idle)
	standing := func() Standing {
		t.Helper()
		_, all := w.Snapshot()
		return all[0]
	}
	up := standing().IdleSince
	w.SetExpiries(nil)
	if !standing().Wanted {
		t.Error("it is wanted")
	}
	w.clock.advance(time.Hour)
	w.SetExpiries(map[string]time.Time{id: up.Add(2 * time.Hour)})
	if s := standing(); s.Wanted || !s.IdleSince.Equal(up.Add(time.Hour)) {
		t.Errorf("idle since %s, up %s", s.IdleSince, up)
	}
	w.clock.advance(time.Hour)
	w.SetExpiries(map[string]time.Time{id: up.Add(2 * time.Hour)})
	if s := standing(); !s.IdleSince.Equal(up.Add(time.Hour)) {
		t.Errorf("idle since %s, up %s", s.IdleSince, up)
	}
}
