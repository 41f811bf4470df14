package state

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
)

// maxHeld bounds the requests of one app that wait for a runner.
const maxHeld = 1024

// StartError says that requests are not held because nothing is on its way that
// could answer them: starting a runner failed, and is not tried again yet.
type StartError struct {
	App     string
	Runner  string
	Reason  string // empty where it is not to be told
	RetryAt time.Time
}

func (e *StartError) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("runner %s of app %s did not start", e.Runner, e.App)
	}
	return fmt.Sprintf("runner %s of app %s did not start: %s", e.Runner, e.App, e.Reason)
}

// waiter is a request that no runner has room for yet. Its outcome is set once,
// under State.mu, before done is closed.
type waiter struct {
	lease Lease
	avoid string // the id of a runner that is the last to be chosen
	done  chan struct{}

	runner  *Runner
	release func()
	err     error
}

func (w *waiter) settle(r *Runner, release func(), err error) {
	w.runner, w.release, w.err = r, release, err
	close(w.done)
}

// Acquire leases a runner of an app for a request, and waits for as long as none
// has room; requests are served in the order in which they came, by runners of the
// app's revision if there are any, by the one with the fewest in flight. The lease
// lasts until release is called; calling that again does nothing.
//
// It fails with a *StartError, with an Exhausted *Error when 1,024 requests
// of the app wait, with ErrStopping, as NotFound when there is no such app any
// more, and with the cause of ctx when that ends first.
func (s *State) Acquire(ctx context.Context, app *App, requestID, callerUserID string) (r *Runner, release func(), err error) {
	return s.AcquireOther(ctx, app, requestID, callerUserID, "")
}

// AcquireOther is Acquire for a request that a runner, of the id avoid, could not
// be given: it is the last to be chosen again.
func (s *State) AcquireOther(ctx context.Context, app *App, requestID, callerUserID, avoid string) (r *Runner, release func(), err error) {
	key, err := uuid.NewRandom()
	if err != nil {
		return nil, nil, err
	}
	w := &waiter{
		lease: Lease{RequestID: requestID, CallerUserID: callerUserID, LeasedAt: s.instant(), key: key},
		avoid: avoid,
		done:  make(chan struct{}),
	}
	name := appName{app.Account, app.Alias}
	s.mu.Lock()
	if len(s.waiting[name]) >= maxHeld {
		s.mu.Unlock()
		return nil, nil, fail(Exhausted, "%d requests wait for app %s already", maxHeld, app.Alias)
	}
	s.waiting[name] = append(s.waiting[name], w)
	s.place(name)
	s.wake()
	s.mu.Unlock()
	select {
	case <-w.done:
	case <-ctx.Done():
		s.giveUp(name, w, context.Cause(ctx))
	}
	return w.runner, w.release, w.err
}

// giveUp settles a request that does not wait any longer.
func (s *State) giveUp(name appName, w *waiter, cause error) {
	s.mu.Lock()
	at := slices.Index(s.waiting[name], w)
	if at >= 0 {
		s.keepWaiting(name, slices.Delete(s.waiting[name], at, at+1))
		w.settle(nil, nil, cause)
		s.wake()
	}
	s.mu.Unlock()
	if at < 0 && w.release != nil { // it was served at the same moment
		w.release()
		w.runner, w.release, w.err = nil, nil, cause
	}
}

// keepWaiting needs State.mu.
func (s *State) keepWaiting(name appName, waiting []*waiter) {
	if len(waiting) == 0 {
		delete(s.waiting, name)
		return
	}
	s.waiting[name] = waiting
}

// place gives waiting requests to runners that have room, and ends the waiting
// of those that cannot be served; it needs State.mu.
func (s *State) place(name appName) {
	waiting := s.waiting[name]
	if len(waiting) == 0 {
		return
	}
	app, exists := s.apps[name]
	placed := 0
	for exists && !s.closed && placed < len(waiting) {
		w := waiting[placed]
		r := s.roomiest(app, w.avoid)
		if r == nil {
			break
		}
		w.lease.LeasedAt = s.instant()
		release := s.grantLease(r, w.lease)
		w.settle(s.view(r), release, nil)
		placed++
	}
	waiting = slices.Delete(waiting, 0, placed)
	if err := s.hopeless(app, name); err != nil {
		for _, w := range waiting {
			w.settle(nil, nil, err)
		}
		waiting = nil
	}
	s.keepWaiting(name, waiting)
}

// hopeless says why it is of no use to wait for a runner; it needs State.mu.
func (s *State) hopeless(app *App, name appName) error {
	if s.closed {
		return ErrStopping
	}
	if app == nil {
		return errNoApp(name.alias, DefaultEnvironment)
	}
	now := s.instant()
	var failed *runner
	for _, r := range s.live {
		if r.row.Account != name.account || r.row.Alias != name.alias {
			continue
		}
		switch r.state() {
		case Pending, Setup, Idle:
			return nil
		case FailureDelay:
			switch {
			case s.outdated(&r.row):
			case !now.Before(r.retryAt):
				return nil // it is about to be tried again
			case failed == nil || r.retryAt.Before(failed.retryAt):
				failed = r
			}
		}
	}
	if failed == nil {
		return nil
	}
	return &StartError{App: name.alias, Runner: failed.id, Reason: failed.row.Reason, RetryAt: failed.retryAt}
}

// roomiest returns the runner that is to answer the next request of an app, nil
// while all have as many as they may; it needs State.mu.
func (s *State) roomiest(app *App, avoid string) *runner {
	var best, last *runner
	for _, r := range s.live {
		switch {
		case r.row.Account != app.Account || r.row.Alias != app.Alias || r.state() != Idle || r.closing || len(r.leases) >= r.app.MaxMultiplexing:
		case r.id == avoid:
			last = r
		case best == nil || s.before(r, best):
			best = r
		}
	}
	if best == nil {
		return last
	}
	return best
}

// before orders runners by which is to answer the next request; it needs
// State.mu.
func (s *State) before(a, b *runner) bool {
	switch x, y := s.staying(a), s.staying(b); {
	case x != y:
		return x
	case len(a.leases) != len(b.leases):
		return len(a.leases) < len(b.leases)
	}
	return a.row.ID < b.row.ID
}

func (s *State) staying(r *runner) bool {
	return r.row.Replacement == int(NoReplace) && !s.outdated(&r.row)
}

// Waiting returns how many requests of an app wait for a runner.
func (s *State) Waiting(app *App) int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.waiting[appName{app.Account, app.Alias}])
}

// held returns since when the requests of an app wait, longest first; it needs
// State.mu.
func (s *State) held(name appName) []time.Time {
	waiting := s.waiting[name]
	if len(waiting) == 0 {
		return nil
	}
	since := make([]time.Time, len(waiting))
	for i, w := range waiting {
		since[i] = w.lease.LeasedAt
	}
	return since
}

// Queue returns how many requests of the caller's app wait for a runner, by the
// user id of who sent them; empty for nobody's.
func (s *State) Queue(caller Caller, nickname, alias string) (map[string]int, error) {
	app, err := s.ownQueue(caller, nickname, alias)
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	sizes := make(map[string]int)
	for _, w := range s.waiting[appName{app.Account, app.Alias}] {
		sizes[w.lease.CallerUserID]++
	}
	return sizes, nil
}

// FlushQueue ends the waiting of requests of the caller's app, of all or of those
// of one user id.
func (s *State) FlushQueue(caller Caller, nickname, alias, userID string) error {
	app, err := s.ownQueue(caller, nickname, alias)
	if err != nil {
		return err
	}
	name := appName{app.Account, app.Alias}
	flushed := fail(Conflict, "the queue of app %s was flushed", alias)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keepWaiting(name, slices.DeleteFunc(s.waiting[name], func(w *waiter) bool {
		if userID != "" && w.lease.CallerUserID != userID {
			return false
		}
		w.settle(nil, nil, flushed)
		return true
	}))
	s.wake()
	return nil
}

func (s *State) ownQueue(caller Caller, nickname, alias string) (*App, error) {
	app, owner, err := s.Lookup(nickname, alias)
	if err != nil {
		return nil, err
	}
	if owner.ID != caller.Account.ID {
		return nil, fail(Denied, "app %s belongs to another account", alias)
	}
	return app, nil
}
