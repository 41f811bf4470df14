package state

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/store"
)

// change is what one step does to a runner beside the edits of its row.
type change struct {
	to     RunnerState // the next state; Running, which is never stored, for none
	reason string
	note   string // a line of history without a transition
	again  bool   // no error when it is in state to already
	apply  func() // done under State.mu once the step is on disk
}

// step changes a runner: decide edits a copy of its row and says where to go,
// the outcome is made durable, and only then is it seen. Steps of one runner
// happen one after the other.
func (s *State) step(ctx context.Context, r *runner, decide func(*store.Runner) (change, error)) error {
	r.step.Lock()
	defer r.step.Unlock()
	s.mu.RLock()
	row := r.row
	s.mu.RUnlock()
	from := RunnerState(row.State)
	c, err := decide(&row)
	if err != nil {
		return err
	}
	moved := c.to != Running && c.to != from
	if moved && !from.permits(c.to) {
		return fmt.Errorf("runner %s: no way from %s to %s", row.RunnerID, from, c.to)
	}
	if !moved && !c.again && row == r.row && c.apply == nil && c.note == "" {
		return nil
	}
	now := s.instant()
	reason := c.note
	if moved {
		row.State, row.Reason = int(c.to), c.reason
		reason = c.reason
		if c.to.leaving() {
			row.Replacement = int(s.fate(&row, c.to == Terminated))
		}
		if c.to == Terminated {
			// The end comes after everything that it logged.
			now = s.logs.end(lifeLine(row.ID, now, EventState, Terminated, reason))
			row.EndedAt = now.Add(time.Microsecond)
		}
	} else if c.again {
		reason = c.reason
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if err := tx.UpdateRunner(&row); err != nil || reason == "" {
			return err
		}
		return tx.InsertEvent(row.ID, store.Event{Time: now, State: row.State, Reason: reason})
	})
	if err != nil {
		return err
	}
	if reason != "" && RunnerState(row.State) != Terminated {
		event := EventNote
		if moved {
			event = EventState
		}
		s.logs.add(lifeLine(row.ID, now, event, RunnerState(row.State), reason))
	}
	s.mu.Lock()
	r.row = row
	if moved {
		r.since = now
		r.expiresAt = time.Time{}
		if c.to == Idle {
			r.idleSince = now
		}
	}
	if c.apply != nil {
		c.apply()
	}
	if RunnerState(row.State) == Terminated {
		s.finish(r)
	}
	if moved {
		s.settle(appName{row.Account, row.Alias})
		s.place(appName{row.Account, row.Alias})
	}
	s.mu.Unlock()
	s.wake()
	return nil
}

// finish moves a runner among the ended ones; it needs State.mu.
func (s *State) finish(r *runner) {
	r.leases = nil
	delete(s.live, r.row.RunnerID)
	s.logs.forget(r.row.ID)
	s.remember(s.view(r))
}

// remember adds an ended runner in the order of ends, and forgets those that
// ended too long ago; it needs State.mu. Lists handed out earlier stay valid:
// elements are never overwritten in place.
func (s *State) remember(ended *Runner) {
	at := sort.Search(len(s.ended), func(i int) bool { return s.ended[i].EndedAt.After(ended.EndedAt) })
	if at == len(s.ended) {
		s.ended = append(s.ended, ended)
	} else {
		s.ended = slices.Insert(slices.Clone(s.ended), at, ended)
	}
	horizon := s.instant().Add(-s.recent)
	old := sort.Search(len(s.ended), func(i int) bool { return !s.ended[i].EndedAt.Before(horizon) })
	if old > 1024 {
		s.ended = slices.Clone(s.ended[old:])
		s.endedFrom = horizon
	}
}

// on runs a step on a live runner; one that has ended is a Conflict.
func (s *State) on(ctx context.Context, id string, decide func(*runner, *store.Runner) (change, error)) error {
	s.mu.RLock()
	r, ok := s.live[id]
	s.mu.RUnlock()
	if !ok {
		return errEnded(id)
	}
	return s.step(ctx, r, func(row *store.Runner) (change, error) {
		if RunnerState(row.State) == Terminated {
			return change{}, errEnded(id)
		}
		return decide(r, row)
	})
}

// Launched records the process of a runner. One that was asked to end
// meanwhile stays on its way out.
func (s *State) Launched(ctx context.Context, id string, pid int, identity string, port int) error {
	return s.on(ctx, id, func(r *runner, row *store.Runner) (change, error) {
		row.PID, row.Identity, row.Port, row.StartedAt = pid, identity, port, s.instant()
		if RunnerState(row.State) != Pending {
			return change{apply: func() {}}, nil
		}
		return change{to: Setup, reason: fmt.Sprintf("process %d started on port %d", pid, port)}, nil
	})
}

// Ready records that a runner takes requests. One that was asked to end
// meanwhile stays on its way out.
func (s *State) Ready(ctx context.Context, id string) error {
	return s.on(ctx, id, func(r *runner, row *store.Runner) (change, error) {
		if RunnerState(row.State) != Setup {
			return change{}, nil
		}
		return change{to: Idle, reason: "ready", apply: func() { r.failures, r.failing = 0, time.Time{} }}, nil
	})
}

// StartFailed records that a runner has no process because starting it failed,
// and when it is tried again: delay is given the number of failures in a row.
// One that was asked to end meanwhile ends.
func (s *State) StartFailed(ctx context.Context, id, reason string, delay func(failures int) time.Duration) error {
	return s.on(ctx, id, func(r *runner, row *store.Runner) (change, error) {
		row.PID, row.Identity, row.Port = 0, "", 0
		if RunnerState(row.State).leaving() {
			return change{to: Terminated, reason: reason}, nil
		}
		row.StartedAt = time.Time{}
		wait := delay(r.failures + 1)
		return change{to: FailureDelay, reason: fmt.Sprintf("%s; next try in %s", reason, wait), apply: func() {
			if r.failures++; r.failures == 1 {
				r.failing = r.since
			}
			r.retryAt = r.since.Add(wait)
		}}, nil
	})
}

// Relaunch makes a runner whose start-up failed PENDING again, and returns it
// with its app: as it is now if that still points to the runner's revision, or
// else as it was when the runner was started last.
func (s *State) Relaunch(ctx context.Context, id, reason string) (relaunched *Runner, app *App, err error) {
	err = s.on(ctx, id, func(r *runner, row *store.Runner) (change, error) {
		if RunnerState(row.State) != FailureDelay {
			return change{}, fail(Conflict, "runner %s does not wait to be started", id)
		}
		row.Attempt++
		s.mu.RLock()
		now, exists := s.apps[appName{row.Account, row.Alias}]
		if !exists || now.Rev.RevisionID != row.RevisionID {
			now = r.app
		}
		s.mu.RUnlock()
		row.MachineType = now.MachineTypes[0]
		return change{to: Pending, reason: fmt.Sprintf("%s (attempt %d)", reason, row.Attempt), apply: func() {
			r.app = now
			relaunched, app = s.view(r), now
		}}, nil
	})
	return relaunched, app, err
}

// Drain has a runner take no more requests, and end after those in flight. One
// without a process ends.
func (s *State) Drain(ctx context.Context, id, reason string) error {
	return s.drain(ctx, id, reason, false)
}

// Discard is Drain of a runner of which no answers are to be expected: its
// requests in flight have its grace period.
func (s *State) Discard(ctx context.Context, id, reason string) error {
	return s.drain(ctx, id, reason, true)
}

func (s *State) drain(ctx context.Context, id, reason string, hasty bool) error {
	return s.on(ctx, id, func(r *runner, row *store.Runner) (change, error) {
		st := RunnerState(row.State)
		if st == Draining && hasty {
			return change{apply: func() { r.hurry(s.instant()) }}, nil
		}
		if st.leaving() {
			return change{}, nil
		}
		if st == FailureDelay {
			return change{to: Terminated, reason: reason}, nil
		}
		return change{to: Draining, reason: reason, apply: func() {
			if r.hasty = (time.Time{}); hasty {
				r.hurry(s.instant())
			}
		}}, nil
	})
}

// hurry has what is in flight end after the grace period from now on. It needs the lock.
func (r *runner) hurry(now time.Time) {
	if r.hasty.IsZero() {
		r.hasty = now
	}
}

// DrainIdle is Drain of a runner without requests in flight; one that has some is
// a Conflict.
func (s *State) DrainIdle(ctx context.Context, id, reason string) error {
	s.mu.Lock()
	r, ok := s.live[id]
	if !ok || r.closing || len(r.leases) > 0 {
		s.mu.Unlock()
		return fail(Conflict, "runner %s is not idle any more", id)
	}
	r.closing = true
	s.mu.Unlock()
	err := s.Drain(ctx, id, reason)
	if err != nil {
		s.mu.Lock()
		r.closing = false
		s.place(appName{r.row.Account, r.row.Alias})
		s.mu.Unlock()
	}
	return err
}

// Gone has a runner whose process has ended get no more requests, until Ended
// records that.
func (s *State) Gone(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.live[id]; ok {
		r.closing = true
	}
}

// Terminate records that a runner is about to be asked to end.
func (s *State) Terminate(ctx context.Context, id, reason string) error {
	return s.on(ctx, id, func(r *runner, row *store.Runner) (change, error) {
		switch RunnerState(row.State) {
		case Terminating:
			return change{}, nil
		case FailureDelay:
			return change{to: Terminated, reason: reason}, nil
		}
		return change{to: Terminating, reason: reason}, nil
	})
}

// Note adds a line to a runner's history without changing its state.
func (s *State) Note(ctx context.Context, id, note string) error {
	return s.on(ctx, id, func(*runner, *store.Runner) (change, error) { return change{note: note}, nil })
}

// Ended records that a runner and its process are gone.
func (s *State) Ended(ctx context.Context, id, reason string) error {
	return s.on(ctx, id, func(r *runner, row *store.Runner) (change, error) {
		return change{to: Terminated, reason: reason}, nil
	})
}

// Refuse has no runner be created, no request be leased or wait for that, and no
// log be followed from now on.
func (s *State) Refuse() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		close(s.refused)
		for name := range s.waiting {
			s.place(name)
		}
	}
}
