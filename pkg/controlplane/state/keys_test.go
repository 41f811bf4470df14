package state

import (
	"strings"
	"testing"
)

func TestScopes(t *testing.T) {
	for scope, allowed := range map[Scope][]Need{
		Admin:    {ToRead, ToChange, ToOpenShells, ToManageKeys, ToManageSecrets},
		API:      {ToRead},
		Scope(7): {},
	} {
		for _, need := range []Need{ToRead, ToChange, ToOpenShells, ToManageKeys, ToManageSecrets} {
			err := Caller{Scope: scope}.May(need)
			may := false
			for _, n := range allowed {
				may = may || n == need
			}
			if may && err != nil {
				t.Errorf("scope %d: %v", scope, err)
			}
			if !may {
				fails(t, need.String(), err, Denied, need.String(), "ADMIN")
			}
		}
	}
}

func TestKeys(t *testing.T) {
	w := newWorld(t, Options{})
	ctx, stranger := t.Context(), w.stranger()
	_, err := w.CreateKey(ctx, w.caller, Scope(2), "")
	fails(t, "an unknown scope", err, Invalid, "2", "ADMIN", "API")
	_, err = w.CreateKey(ctx, w.caller, API, strings.Repeat("ä", 257))
	fails(t, "a long description", err, Invalid, "256")
	key, err := w.CreateKey(ctx, w.caller, API, strings.Repeat("ä", 256))
	w.do(err)
	caller, err := w.Authenticate(key.ID, key.Secret)
	if err != nil || caller.Scope != API || caller.Account != w.caller.Account || caller.KeyID != key.ID {
		t.Errorf("the new key is %+v, %v", caller, err)
	}
	if list := w.Keys(w.caller); len(list) != 2 || list[1].ID != key.ID || list[1].Scope != API || list[1].Alias != key.Alias {
		t.Errorf("keys %+v", list)
	}
	if list := w.Keys(stranger); len(list) != 1 || list[0].ID != stranger.KeyID {
		t.Errorf("the stranger's keys %+v", list)
	}
	fails(t, "another account's", w.RevokeKey(ctx, stranger, key.ID), NotFound, key.ID)
	fails(t, "none", w.RevokeKey(ctx, w.caller, "none"), NotFound, "none")
	fails(t, "no id", w.RevokeKey(ctx, w.caller, ""), Invalid, "key_id")
	w.do(w.RevokeKey(ctx, w.caller, key.ID))
	fails(t, "a second time", w.RevokeKey(ctx, w.caller, key.ID), NotFound, key.ID)
	w.reopen(Options{})
	_, err = w.Authenticate(key.ID, key.Secret)
	fails(t, "a revoked key after a restart", err, Unauthenticated)
}
