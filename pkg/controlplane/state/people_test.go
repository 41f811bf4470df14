package state

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// plainTokens are no secrets: an access token is "access " and the login.
type plainTokens struct{}

func (plainTokens) VerifyAccessToken(token string, _ time.Time) (string, error) {
	login, ok := strings.CutPrefix(token, "access ")
	if !ok {
		return "", errors.New("is none")
	}
	return login, nil
}

func (plainTokens) NextRefreshToken(token string) string { return token + "+" }

func peopled(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, Options{Logins: Logins{Tokens: plainTokens{}}})
	w.do(w.SeedPeople(t.Context()))
	return w
}

func (w *world) person(name string) Person {
	w.t.Helper()
	p, err := w.Person(name)
	w.do(err)
	return p
}

func (w *world) account(nickname string) Account {
	w.t.Helper()
	accounts, err := w.Accounts(context.Background())
	w.do(err)
	i := slices.IndexFunc(accounts, func(a Account) bool { return a.Nickname == nickname })
	if i < 0 {
		w.t.Fatalf("no account %s", nickname)
	}
	return accounts[i]
}

// login returns an access token.
func (w *world) login(name string) string {
	w.t.Helper()
	g, err := w.StartLogin(w.t.Context(), w.person(name), "client", "scope", true)
	w.do(err)
	return "access " + g.Login
}

func (w *world) actsAs(token, nickname string) (Caller, error) {
	w.t.Helper()
	return w.AuthenticateLogin(token, w.account(nickname).UserID)
}

func TestLoginsActAsAccounts(t *testing.T) {
	w := peopled(t)
	you, colleague := w.login("you"), w.login("Colleague")
	caller, err := w.AuthenticateLogin(you, "")
	w.do(err)
	if caller.Account.Nickname != "me" || caller.Scope != Admin || caller.May(ToManageSecrets) != nil {
		t.Errorf("logged in as %+v", caller)
	}
	for nickname, allowed := range map[string][2]bool{
		"me": {true, false}, "colleague": {false, true}, "sample-team": {true, true}, "sample-org": {true, true}, "former-team": {false, false},
	} {
		for i, token := range []string{you, colleague} {
			caller, err := w.actsAs(token, nickname)
			if allowed[i] && (err != nil || caller.Account != w.account(nickname)) || !allowed[i] && kind(err) != Denied {
				t.Errorf("login %d as %s: %+v, %v", i, nickname, caller, err)
			}
		}
	}
	if _, err := w.actsAs(you, "former-team"); err == nil || !strings.Contains(err.Error(), "archived") {
		t.Errorf("as an archived account: %v", err)
	}
	_, unknown := w.AuthenticateLogin(you, "local|unknown")
	_, others := w.actsAs(you, "colleague")
	if kind(unknown) != Denied || strings.ReplaceAll(unknown.Error(), "local|unknown", "") != strings.ReplaceAll(others.Error(), w.account("colleague").UserID, "") {
		t.Errorf("an unknown account says %q, another's %q", unknown, others)
	}
	if _, err := w.AuthenticateLogin(you, strings.Repeat("x", maxID+1)); kind(err) != Invalid || len(err.Error()) > maxID {
		t.Errorf("a long user id: %v", err)
	}
	for _, token := range []string{"", "x", "access nothing"} {
		if _, err := w.AuthenticateLogin(token, ""); kind(err) != Unauthenticated {
			t.Errorf("%q: %v", token, err)
		}
	}
	var names []string
	for _, account := range w.Memberships(caller) {
		names = append(names, account.Nickname)
	}
	if want := []string{"me", "former-team", "sample-org", "sample-team"}; !slices.Equal(names, want) {
		t.Errorf("the accounts are %v, want %v", names, want)
	}
	if list := w.Memberships(w.caller); len(list) != 1 || list[0] != w.caller.Account {
		t.Errorf("those of a key are %v", list)
	}
	if p, err := w.Identify(colleague); err != nil || p != w.person("colleague") {
		t.Errorf("the token is that of %+v, %v", p, err)
	}
}

func TestMembershipsAndLocksCountAtOnce(t *testing.T) {
	w := peopled(t)
	ctx := t.Context()
	you := w.login("you")
	w.do(w.AddMember(ctx, w.person("you"), w.account("colleague")))
	w.do(w.AddMember(ctx, w.person("you"), w.account("colleague")))
	w.do(w.RemoveMember(ctx, w.person("you"), w.account("sample-org")))
	w.do(w.LockAccount(ctx, w.account("sample-team"), "unpaid"))
	w.do(w.LockAccount(ctx, w.account("former-team"), ""))
	check := func() {
		t.Helper()
		for nickname, want := range map[string]Kind{"colleague": 0, "sample-org": Denied, "sample-team": Denied, "former-team": 0} {
			if _, err := w.actsAs(you, nickname); kind(err) != want {
				t.Errorf("as %s: %v", nickname, err)
			}
		}
	}
	check()
	w.close()
	w.open(Options{Logins: Logins{Tokens: plainTokens{}}})
	check()
	if err := w.RemoveMember(ctx, w.person("you"), w.account("sample-org")); kind(err) != NotFound {
		t.Errorf("removed twice: %v", err)
	}
	if err := w.LockAccount(ctx, Account{ID: 99}, "x"); kind(err) != NotFound {
		t.Errorf("locked no account: %v", err)
	}
}

func TestKeysOfLockedAccountsAreRefused(t *testing.T) {
	w := newWorld(t, Options{})
	account, key, err := w.CreateAccount(t.Context(), "other", "")
	w.do(err)
	w.do(w.LockAccount(t.Context(), account, "unpaid"))
	if _, err := w.Authenticate(key.ID, key.Secret); kind(err) != Denied || !strings.Contains(err.Error(), "unpaid") {
		t.Errorf("a key of a locked account: %v", err)
	}
	if _, err := w.Authenticate(key.ID, "wrong"); kind(err) != Unauthenticated {
		t.Errorf("a wrong one: %v", err)
	}
	w.do(w.LockAccount(t.Context(), account, ""))
	if _, err := w.Authenticate(key.ID, key.Secret); err != nil {
		t.Error(err)
	}
}

func TestPeople(t *testing.T) {
	w := peopled(t)
	ctx := t.Context()
	w.do(w.SeedPeople(ctx)) // changes nothing
	if n := len(w.People()); n != 2 {
		t.Errorf("%d people", n)
	}
	other, _, err := w.CreateAccount(ctx, "other", "")
	w.do(err)
	for name, test := range map[string]struct {
		name    string
		account Account
		want    Kind
	}{
		"a name that is taken":     {"YOU", other, Exists},
		"an account that is taken": {"x", w.account("colleague"), Exists},
		"a team's account":         {"x", w.account("sample-team"), Invalid},
		"no name":                  {"", other, Invalid},
	} {
		if _, err := w.CreatePerson(ctx, test.name, "", "", test.account); kind(err) != test.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.AddAccount(ctx, "x", "", 7); kind(err) != Invalid {
		t.Errorf("an account of no kind: %v", err)
	}
	if _, err := w.AddAccount(ctx, "SAMPLE-TEAM", "", Team); kind(err) != Conflict {
		t.Errorf("a nickname that is taken: %v", err)
	}
	if _, err := w.Person("nobody"); kind(err) != NotFound {
		t.Errorf("nobody: %v", err)
	}
}

func TestWithoutLogins(t *testing.T) {
	w := newWorld(t, Options{})
	if _, err := w.AuthenticateLogin("access x", ""); kind(err) != Unauthenticated || !strings.Contains(err.Error(), "API key") {
		t.Errorf("a token: %v", err)
	}
	if _, err := w.RefreshLogin(t.Context(), "client", "x"); kind(err) != Unauthenticated {
		t.Errorf("a refresh: %v", err)
	}
}

func TestLoginsAreForgottenWhenTheyExpire(t *testing.T) {
	w := peopled(t)
	ctx := t.Context()
	start := func(goOn bool) Grant {
		g, err := w.StartLogin(ctx, w.person("you"), "client", "", goOn)
		w.do(err)
		return g
	}
	brief, long := start(false), start(true)
	if brief.RefreshToken != "" {
		t.Error("a login that cannot go on has a refresh token")
	}
	if _, err := w.RefreshLogin(ctx, "another", long.RefreshToken); kind(err) != Unauthenticated {
		t.Errorf("another client refreshes: %v", err)
	}
	w.do(w.EndLogin(ctx, "another", long.RefreshToken))
	w.clock.advance(24 * time.Hour)
	next, err := w.RefreshLogin(ctx, "client", long.RefreshToken)
	w.do(err)
	if next.Login != long.Login || next.RefreshToken == long.RefreshToken || !next.ExpiresAt.Equal(w.instant().Add(24*time.Hour)) {
		t.Errorf("goes on as %+v", next)
	}
	if _, err := w.AuthenticateLogin("access "+brief.Login, ""); kind(err) != Unauthenticated {
		t.Errorf("the one that could not go on: %v", err)
	}
	w.clock.advance(31 * 24 * time.Hour)
	start(true)
	if logins, err := w.db.Logins(ctx); err != nil || len(logins) != 1 || len(w.people.logins) != 1 {
		t.Errorf("%d logins are stored, %d known: %v", len(logins), len(w.people.logins), err)
	}
}
