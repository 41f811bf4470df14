package state

import "time"

// Standing is a live runner with what scheduling needs to know of it.
type Standing struct {
	Runner
	App          *App      // as it was when a process was started for it last
	Since        time.Time // when its state began
	IdleSince    time.Time
	Wanted       bool      // though idle, it did not expire by the plan made last
	FailingSince time.Time // when starting it failed first, while it waits
	RetryAt      time.Time
	Kill         bool
	Force        bool          // it leaves before the one in its place is up
	Hasty        time.Time     // since when its requests in flight have its grace period only
	Timeout      time.Duration // that they have otherwise, from when it drains
}

// Demand is an app with the requests that wait for one of its runners.
type Demand struct {
	*App
	Held []time.Time // since when each waits, longest first
}

// Snapshot returns every app and every live runner, in no order.
func (s *State) Snapshot() ([]Demand, []Standing) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	apps := make([]Demand, 0, len(s.apps))
	for name, app := range s.apps {
		apps = append(apps, Demand{App: app, Held: s.held(name)})
	}
	runners := make([]Standing, 0, len(s.live))
	for _, r := range s.live {
		runners = append(runners, Standing{
			Runner: *s.view(r), App: r.app, Since: r.since, IdleSince: r.idleSince, Wanted: r.wanted, FailingSince: r.failing,
			RetryAt: r.retryAt, Kill: r.kill, Force: r.force, Hasty: r.hasty, Timeout: s.timeout(r),
		})
	}
	return apps, runners
}

// timeout is the longest that a request on a runner may take, as far as is known:
// the app's setting may have changed since the runner was started. It needs
// State.mu.
func (s *State) timeout(r *runner) time.Duration {
	longest := r.app.RequestTimeout
	if now, exists := s.apps[appName{r.row.Account, r.row.Alias}]; exists {
		longest = max(longest, now.RequestTimeout)
	}
	return longest
}

// SetExpiries says when idle runners will end, by runner ID; those that are
// not named will not.
func (s *State) SetExpiries(expiries map[string]time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, r := range s.live {
		at := expiries[id]
		if len(r.leases) > 0 || r.state() != Idle {
			at = time.Time{} // it changed since the plan was made
		}
		if r.wanted && !at.IsZero() {
			r.idleSince = s.instant()
		}
		r.wanted = at.IsZero()
		r.expiresAt = at
	}
}
