package state

import "context"

// Attachable returns a runner of the caller's account whose process a session
// can be opened beside: one that is up or on its way out. For any other it is a
// Conflict that says why.
func (s *State) Attachable(ctx context.Context, caller Caller, id string) (*Runner, error) {
	r, err := s.Runner(ctx, caller, id)
	if err != nil {
		return nil, err
	}
	switch r.State {
	case Terminated:
		return nil, errEnded(id)
	case FailureDelay:
		return nil, fail(Conflict, "runner %s is not running: it failed to start and will be tried again", id)
	case Pending, Setup:
		return nil, fail(Conflict, "runner %s is not running yet: it is %s", id, r.State)
	}
	return r, nil
}
