package state

import (
	"context"
	"errors"
	"testing"
)

func TestCallsEndWithTheirKey(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	made, err := w.CreateKey(ctx, w.caller, API, "")
	w.do(err)
	limited, err := w.Authenticate(made.ID, made.Secret)
	w.do(err)
	attended, stop := w.Attend(ctx, limited)
	defer stop()
	other, stopOther := w.Attend(ctx, w.caller)
	over, stopOver := w.Attend(ctx, limited)
	stopOver()
	if !errors.Is(context.Cause(over), context.Canceled) {
		t.Errorf("one that was stopped: %v", context.Cause(over))
	}
	if attended.Err() != nil || other.Err() != nil {
		t.Fatal("it ended at once")
	}
	w.do(w.RevokeKey(ctx, w.caller, made.ID))
	fails(t, "a call with a revoked key", context.Cause(attended), Unauthenticated, "revoked")
	late, stopLate := w.Attend(ctx, limited)
	defer stopLate()
	fails(t, "a call that was authenticated before", context.Cause(late), Unauthenticated, "revoked")
	if other.Err() != nil {
		t.Errorf("a call with another key: %v", context.Cause(other))
	}
	stopOther()
	if len(w.calls) != 0 {
		t.Errorf("%d calls are remembered", len(w.calls))
	}
}

func TestCallsEndWithTheAccount(t *testing.T) {
	w := newWorld(t, Options{})
	attended, stop := w.Attend(t.Context(), w.caller)
	defer stop()
	w.do(w.LockAccount(t.Context(), w.caller.Account, "unpaid"))
	fails(t, "a call for a locked account", context.Cause(attended), Denied, "unpaid")
}

func TestCallsEndWithTheirLogin(t *testing.T) {
	w := peopled(t)
	ctx := t.Context()
	grant, err := w.StartLogin(ctx, w.person("you"), "client", "", true)
	w.do(err)
	caller, err := w.AuthenticateLogin("access "+grant.Login, "")
	w.do(err)
	attended, stop := w.Attend(ctx, caller)
	defer stop()
	w.do(w.EndLogin(ctx, "client", grant.RefreshToken))
	fails(t, "a call of a login that has ended", context.Cause(attended), Unauthenticated, "login was ended")
}
