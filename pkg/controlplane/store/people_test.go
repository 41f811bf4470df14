package store

import (
	"errors"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

func at(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }

func TestPeopleAndMemberships(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	personal := account(t, s)
	team := Account{UserID: "local|2", Nickname: "team", FullName: "A Team", Kind: 1, LockReason: "gone", CreatedAt: at(1)}
	person := Person{Name: "you", FullName: "You", Email: "you@localhost", Account: personal.ID, CreatedAt: at(2)}
	mustWrite(t, s, func(tx *Tx) error { return errors.Join(tx.InsertAccount(&team), tx.InsertPerson(&person)) })
	m := Membership{Person: person.ID, Account: team.ID}
	for range 2 {
		mustWrite(t, s, func(tx *Tx) error { return tx.InsertMembership(m) })
	}
	if people, err := s.People(t.Context()); err != nil || !reflect.DeepEqual(people, []Person{person}) {
		t.Errorf("people %+v, %v", people, err)
	}
	if all, err := s.Memberships(t.Context()); err != nil || !reflect.DeepEqual(all, []Membership{m}) {
		t.Errorf("memberships %+v, %v", all, err)
	}
	if all, err := s.Accounts(t.Context()); err != nil || !reflect.DeepEqual(all, []Account{personal, team}) {
		t.Errorf("accounts %+v, %v", all, err)
	}
	mustWrite(t, s, func(tx *Tx) error { return errors.Join(tx.LockAccount(team.ID, ""), tx.DeleteMembership(m)) })
	if all, err := s.Accounts(t.Context()); err != nil || all[1].LockReason != "" {
		t.Errorf("accounts %+v, %v", all, err)
	}
	for name, change := range map[string]func(tx *Tx) error{
		"the end of no membership": func(tx *Tx) error { return tx.DeleteMembership(m) },
		"the lock of no account":   func(tx *Tx) error { return tx.LockAccount(99, "x") },
	} {
		if err := s.Write(t.Context(), change); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	stranger := Person{Name: "YOU", Account: team.ID}
	if err := s.Write(t.Context(), func(tx *Tx) error { return tx.InsertPerson(&stranger) }); err == nil {
		t.Error("two people have one name")
	}
	if err := s.Write(t.Context(), func(tx *Tx) error { return tx.InsertMembership(Membership{Person: 99, Account: team.ID}) }); err == nil {
		t.Error("nobody is a member")
	}
}

func TestLoginsAndRefreshTokens(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	person := Person{Name: "you", Account: account(t, s).ID}
	mustWrite(t, s, func(tx *Tx) error { return tx.InsertPerson(&person) })
	short := Login{LoginID: "short", Person: person.ID, ClientID: "c", Scope: "openid", CreatedAt: at(1), ExpiresAt: at(10)}
	long := Login{LoginID: "long", Person: person.ID, ClientID: "c", Scope: "openid", CreatedAt: at(1), ExpiresAt: at(10)}
	token := func(name string, login *Login, expires int64) *RefreshToken {
		return &RefreshToken{Hash: []byte(name), Login: login.ID, IssuedAt: at(1), ExpiresAt: at(expires)}
	}
	mustWrite(t, s, func(tx *Tx) error {
		if err := errors.Join(tx.InsertLogin(&short), tx.InsertLogin(&long)); err != nil {
			return err
		}
		return errors.Join(tx.InsertRefreshToken(token("a", &short, 20)), tx.InsertRefreshToken(token("b", &long, 10)),
			tx.InsertRefreshToken(token("c", &long, 30)), tx.ExtendLogin(long.ID, at(30)), tx.ReplaceRefreshToken([]byte("b"), at(3)))
	})
	long.ExpiresAt = at(30)
	if all, err := s.Logins(t.Context()); err != nil || !reflect.DeepEqual(all, []Login{short, long}) {
		t.Errorf("logins %+v, %v", all, err)
	}
	if got, err := s.RefreshToken(t.Context(), []byte("b")); err != nil || !got.ReplacedAt.Equal(at(3)) || got.Login != long.ID || !got.ExpiresAt.Equal(at(10)) {
		t.Errorf("token %+v, %v", got, err)
	}
	if err := s.Write(t.Context(), func(tx *Tx) error { return tx.ReplaceRefreshToken([]byte("b"), at(4)) }); !errors.Is(err, ErrNotFound) {
		t.Errorf("replaced twice: %v", err)
	}
	mustWrite(t, s, func(tx *Tx) error { return tx.DeleteExpired(at(10)) })
	if all, err := s.Logins(t.Context()); err != nil || !reflect.DeepEqual(all, []Login{long}) {
		t.Errorf("logins %+v, %v", all, err)
	}
	for name, want := range map[string]error{"a": ErrNotFound, "b": ErrNotFound, "c": nil} {
		if _, err := s.RefreshToken(t.Context(), []byte(name)); !errors.Is(err, want) {
			t.Errorf("token %s: %v, want %v", name, err, want)
		}
	}
	mustWrite(t, s, func(tx *Tx) error { return tx.DeleteLogin(long.ID) })
	if _, err := s.RefreshToken(t.Context(), []byte("c")); !errors.Is(err, ErrNotFound) {
		t.Errorf("the token of a login that ended: %v", err)
	}
}
