package fal_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

// token is a login that never changes.
type token string

func (t token) Token(context.Context) (string, error) { return string(t), nil }

func listAccounts(t *testing.T, client *fal.Client) ([]fal.Account, error) {
	t.Helper()
	var all []fal.Account
	for a, err := range client.Accounts.List(t.Context(), nil) {
		if err != nil {
			return all, err
		}
		all = append(all, a)
	}
	return all, nil
}

func TestAccountsList(t *testing.T) {
	server := faltest.New(t)
	server.SetAccounts(
		faltest.Account{UserID: "team|2", Nickname: "zoo", FullName: "The Zoo"},
		faltest.Account{UserID: "team|3", Nickname: "Acme", FullName: "Acme \x1b[31m", Org: true},
		faltest.Account{UserID: "team|4", Nickname: "gone", LockReason: "This account has been archived. Please contact support@fal.ai."},
		faltest.Account{UserID: "team|5", Nickname: "broke", LockReason: "Balance exhausted."},
		faltest.Account{UserID: "github|1", Nickname: "you", FullName: "You", Personal: true},
	)
	o := server.Options()
	o.Credentials = fal.Login(token("a.b.c"))
	client, err := fal.New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	got, err := listAccounts(t, client)
	want := []fal.Account{
		{UserID: "github|1", Nickname: "you", FullName: "You", Type: fal.AccountPersonal},
		{UserID: "team|3", Nickname: "Acme", FullName: "Acme \x1b[31m", Type: fal.AccountOrg},
		{UserID: "team|5", Nickname: "broke", Type: fal.AccountTeam},
		{UserID: "team|2", Nickname: "zoo", FullName: "The Zoo", Type: fal.AccountTeam},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	call := server.Calls("GET /users/teams")[0]
	if call.Get("authorization") != "Bearer a.b.c" || call.Get("x-fal-user-id") != "" {
		t.Errorf("%v", call.Metadata)
	}
}

func TestAccountsListFails(t *testing.T) {
	for body, want := range map[string]error{`{"teams": []}`: fal.ErrUnavailable, `[5]`: fal.ErrUnavailable, `<html>`: fal.ErrUnavailable} {
		server := faltest.New(t)
		server.HandleREST("GET /users/teams", answer(200, body))
		if _, err := listAccounts(t, restClient(t, server)); !errors.Is(err, want) {
			t.Errorf("%s: %v", body, err)
		}
	}
	server := faltest.New(t)
	server.HandleREST("GET /users/teams", answer(401, `{"detail": "who are you"}`))
	if _, err := listAccounts(t, restClient(t, server)); !errors.Is(err, fal.ErrUnauthenticated) {
		t.Errorf("%v", err)
	}
	server = faltest.New(t)
	server.HandleREST("GET /users/teams", answer(200, `[]`))
	if got, err := listAccounts(t, restClient(t, server)); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestAccountType(t *testing.T) {
	for kind, want := range map[fal.AccountType]string{fal.AccountPersonal: "personal", fal.AccountTeam: "team", fal.AccountOrg: "org", fal.AccountUnknown: "unknown", 9: "unknown"} {
		if kind.String() != want {
			t.Errorf("%d: %s", kind, kind)
		}
	}
}
