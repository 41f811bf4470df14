package fal_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

func TestKeys(t *testing.T) {
	created := time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC)
	server := faltest.New(t)
	server.SetKeys(faltest.Key{ID: "k1", Description: "old ci", CreatedAt: created}, faltest.Key{ID: "k2", Scope: 8})
	ctx, client := newClient(t, server.Options())
	description := "é"
	key, err := client.Keys.Create(ctx, fal.KeyScopeAPI, &fal.KeysCreateParams{Description: &description})
	if want := (fal.Key{ID: "new-key-1", Secret: "new-secret-1"}); err != nil || key != want {
		t.Errorf("created %v, %v", key, err)
	}
	want := []fal.KeyInfo{
		{ID: "k1", Description: "old ci", Scope: fal.KeyScopeAdmin, CreatedAt: created},
		{ID: "k2", Scope: 8},
		{ID: "new-key-1", Description: "é", Scope: fal.KeyScopeAPI},
	}
	if diff := cmp.Diff(want, all(t, client.Keys.List(ctx, nil))); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	if err := client.Keys.Revoke(ctx, "k1", nil); err != nil {
		t.Error(err)
	}
	if err := client.Keys.Revoke(ctx, "k1", nil); !errors.Is(err, fal.ErrNotFound) {
		t.Errorf("second revoke: %v", err)
	}
}

// A key without a half of it is of no use, and not taken for one.
func TestHalfAKey(t *testing.T) {
	for _, reply := range []string{`{}`, `{"key_id": "i"}`, `{"key_secret": "` + secret + `"}`} {
		server := faltest.New(t)
		server.Script("CreateUserKey", faltest.Reply(reply))
		ctx, client := newClient(t, server.Options())
		key, err := client.Keys.Create(ctx, fal.KeyScopeAdmin, nil)
		if !errors.Is(err, fal.ErrInternal) || key != (fal.Key{}) {
			t.Errorf("%s: %v, %v", reply, key, err)
		}
	}
}

func TestKeyScopes(t *testing.T) {
	for name, want := range map[string]fal.KeyScope{"admin": fal.KeyScopeAdmin, "ADMIN": fal.KeyScopeAdmin, "Api": fal.KeyScopeAPI} {
		if got, err := fal.ParseKeyScope(name); got != want || err != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	_, err := fal.ParseKeyScope("root")
	if !errors.Is(err, fal.ErrInvalidArgument) || err.Error() != `unknown key scope "root": want one of ADMIN, API` {
		t.Errorf("got %v", err)
	}
	if got := fal.KeyScope(5).String(); got != "UNKNOWN(5)" {
		t.Errorf("an unknown number reads %s", got)
	}
}
