package state

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// Lease is a request in flight on a runner.
type Lease struct {
	RequestID    string // empty when the caller gave none
	CallerUserID string
	LeasedAt     time.Time

	key uuid.UUID
}

// Lease counts a request as in flight on a runner, whether that has room for it
// or not, until the function that it returns is called; calling that again does
// nothing. A runner that is not up, or on its way out, is a Conflict.
func (s *State) Lease(runnerID, requestID, callerUserID string) (release func(), err error) {
	key, err := uuid.NewRandom()
	if err != nil {
		return nil, err
	}
	lease := Lease{RequestID: requestID, CallerUserID: callerUserID, LeasedAt: s.instant(), key: key}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.live[runnerID]
	if !ok {
		return nil, fail(NotFound, "runner %s not found among those that run", runnerID)
	}
	if r.state() != Idle || r.closing || s.closed {
		return nil, fail(Conflict, "runner %s takes no requests: it is %s", runnerID, r.state())
	}
	return s.grantLease(r, lease), nil
}

// grantLease needs State.mu.
func (s *State) grantLease(r *runner, lease Lease) (release func()) {
	r.leases = append(r.leases, lease)
	r.expiresAt = time.Time{}
	s.wake()
	return func() { s.release(r, lease.key) }
}

func (s *State) release(r *runner, key uuid.UUID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(r.leases)
	r.leases = slices.DeleteFunc(r.leases, func(l Lease) bool { return l.key == key })
	if len(r.leases) == before {
		return
	}
	if len(r.leases) == 0 {
		r.idleSince = s.instant()
	}
	s.place(appName{r.row.Account, r.row.Alias})
	s.wake()
}
