package state

import (
	"context"
)

// call is one that goes on for long.
type call struct {
	caller Caller
	owner  int64 // the account of what is called; 0 for the caller's own
	end    context.CancelCauseFunc
}

// Attend returns a context for a call that goes on for long. It ends with ctx,
// when stop is called, and when the caller's key is revoked, login ended or
// account locked; the cause is then the *Error that a new call would be refused
// with.
func (s *State) Attend(ctx context.Context, caller Caller) (attended context.Context, stop func()) {
	return s.AttendApp(ctx, caller, caller.Account)
}

// AttendApp is Attend for a call of an app, by somebody or nobody; it ends when the
// app's owner is locked, too.
func (s *State) AttendApp(ctx context.Context, caller Caller, owner Account) (attended context.Context, stop func()) {
	attended, end := context.WithCancelCause(ctx)
	c := &call{caller: caller, owner: owner.ID, end: end}
	s.mu.Lock()
	defer s.mu.Unlock()
	// What happened since the caller was authenticated.
	if err := s.stillValid(c); err != nil {
		end(err)
		return attended, func() {}
	}
	s.calls[c] = true
	return attended, func() {
		s.mu.Lock()
		delete(s.calls, c)
		s.mu.Unlock()
		end(context.Canceled)
	}
}

// stillValid needs State.mu.
func (s *State) stillValid(c *call) error {
	caller, known := c.caller, true
	if caller.KeyID != "" {
		_, known = s.keys[caller.KeyID]
	} else if caller.Login != "" {
		_, known = s.people.logins[caller.Login]
	}
	if !known {
		return errNoLongerValid(caller)
	}
	if err := checkOpen(s.accounts[caller.Account.ID]); err != nil {
		return err
	}
	return checkOpen(s.accounts[c.owner])
}

func errNoLongerValid(caller Caller) error {
	if caller.KeyID != "" {
		return fail(Unauthenticated, "the API key was revoked")
	}
	return fail(Unauthenticated, "the login was ended")
}

// hangUp ends the calls whose callers are not valid any more; it needs
// State.mu.
func (s *State) hangUp() {
	for c := range s.calls {
		if err := s.stillValid(c); err != nil {
			delete(s.calls, c)
			c.end(err)
		}
	}
}
