package state

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/fal-plugins/fal/pkg/controlplane/store"
)

// Tokens checks access tokens and follows refresh tokens.
type Tokens interface {
	// VerifyAccessToken returns the login that an access token was issued to. Its
	// errors are for whoever sent the token.
	VerifyAccessToken(token string, now time.Time) (login string, err error)

	// NextRefreshToken returns the one that takes the place of a refresh token. It
	// is the same whenever it is asked, and nobody else can tell it.
	NextRefreshToken(token string) string
}

// Logins configures how people log in; without Tokens nobody does.
type Logins struct {
	Tokens               Tokens
	AccessTokenLifetime  time.Duration // 24 h when 0
	RefreshTokenLifetime time.Duration // from its issue, if it is not used; 30 days when 0
	RefreshTokenGrace    time.Duration // in which one that was used can be used again; 10 s when 0
}

func (l Logins) withDefaults() Logins {
	l.AccessTokenLifetime = cmp.Or(l.AccessTokenLifetime, 24*time.Hour)
	l.RefreshTokenLifetime = cmp.Or(l.RefreshTokenLifetime, 30*24*time.Hour)
	l.RefreshTokenGrace = cmp.Or(l.RefreshTokenGrace, 10*time.Second)
	return l
}

// Grant is what a login was just given: leave to issue an access token.
type Grant struct {
	Login        string // its id
	ClientID     string
	Scope        string
	Person       Person
	Account      Account   // the personal one
	IssuedAt     time.Time // what is issued for this grant is as of then
	ExpiresAt    time.Time // of the access token
	RefreshToken string    // empty when the login cannot go on
}

// AuthenticateLogin finds the person behind an access token. They act as the
// account of the user id, which they have to be a member of, or without one as
// their personal one, with all rights.
func (s *State) AuthenticateLogin(accessToken, userID string) (Caller, error) {
	login, err := s.loginOf(accessToken)
	if err != nil {
		return Caller{}, err
	}
	account, err := s.actingAs(login.Person, userID)
	if err != nil {
		return Caller{}, err
	}
	return Caller{Account: account, Scope: Admin, Login: login.LoginID, Person: login.Person}, nil
}

// Identify finds the person behind an access token, whatever they may do.
func (s *State) Identify(accessToken string) (Person, error) {
	login, err := s.loginOf(accessToken)
	if err != nil {
		return Person{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.people.people[login.Person], nil
}

func (s *State) loginOf(accessToken string) (store.Login, error) {
	if s.logins.Tokens == nil {
		return store.Login{}, fail(Unauthenticated, "this control plane was started without logins: use an API key")
	}
	id, err := s.logins.Tokens.VerifyAccessToken(accessToken, s.now())
	if err != nil {
		return store.Login{}, fail(Unauthenticated, "the access token %s", err)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	login, known := s.people.logins[id]
	if !known {
		return store.Login{}, fail(Unauthenticated, "the login was ended")
	}
	return login, nil
}

// StartLogin logs a person in with a program. The login ends with the access
// token of its grant unless it can go on, with RefreshLogin.
func (s *State) StartLogin(ctx context.Context, person Person, clientID, scope string, goOn bool) (Grant, error) {
	id, err := uuid.NewRandom()
	if err != nil {
		return Grant{}, err
	}
	now := s.instant()
	login := store.Login{LoginID: id.String(), Person: person.ID, ClientID: clientID, Scope: scope, CreatedAt: now, ExpiresAt: now.Add(s.logins.AccessTokenLifetime)}
	token := ""
	if goOn {
		token = rand.Text() + rand.Text() // 256 bits, so that a plain SHA-256 of it can be stored
		login.ExpiresAt = s.loginExpiry(now)
	}
	s.refreshing.Lock()
	defer s.refreshing.Unlock()
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if err := errors.Join(tx.DeleteExpired(now), tx.InsertLogin(&login)); err != nil || token == "" {
			return err
		}
		return tx.InsertRefreshToken(s.refreshRow(token, &login, now))
	})
	if err != nil {
		return Grant{}, err
	}
	s.keepLogin(login, now)
	return s.grant(&login, now, token), nil
}

// RefreshLogin lets a login go on: the refresh token is replaced by another.
// One that was replaced within the grace period is answered with the same grant
// again, for whoever did not get it; later that is a sign that somebody else has
// a copy, and the login is ended. Errors of the kind Unauthenticated mean that
// the token is of no use any more.
func (s *State) RefreshLogin(ctx context.Context, clientID, token string) (Grant, error) {
	s.refreshing.Lock()
	defer s.refreshing.Unlock()
	now := s.instant()
	row, login, err := s.refreshable(ctx, clientID, token, now)
	if err != nil {
		return Grant{}, err
	}
	next := s.logins.Tokens.NextRefreshToken(token)
	if !row.ReplacedAt.IsZero() {
		if now.Sub(row.ReplacedAt) > s.logins.RefreshTokenGrace {
			s.logger.Warn("a refresh token was used again: its login is ended", "login", login.LoginID, "replaced", row.ReplacedAt)
			if err := s.endLogin(ctx, login); err != nil {
				return Grant{}, err
			}
			return Grant{}, fail(Unauthenticated, "the refresh token was used before: the login was ended")
		}
		// It was issued when this one was replaced.
		return s.grant(login, row.ReplacedAt, next), nil
	}
	extended := *login
	extended.ExpiresAt = s.loginExpiry(now)
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if err := tx.ReplaceRefreshToken(row.Hash, now); err != nil {
			return err
		}
		return errors.Join(tx.InsertRefreshToken(s.refreshRow(next, login, now)), tx.ExtendLogin(login.ID, extended.ExpiresAt), tx.DeleteExpired(now))
	})
	if err != nil {
		return Grant{}, err
	}
	s.keepLogin(extended, now)
	return s.grant(&extended, now, next), nil
}

// EndLogin ends the login that a refresh token is of, with its access tokens. A
// token that is of no use already is no error.
func (s *State) EndLogin(ctx context.Context, clientID, token string) error {
	s.refreshing.Lock()
	defer s.refreshing.Unlock()
	_, login, err := s.refreshable(ctx, clientID, token, s.instant())
	var failure *Error
	if errors.As(err, &failure) && failure.Kind == Unauthenticated {
		return nil
	}
	if err != nil {
		return err
	}
	return s.endLogin(ctx, login)
}

// refreshable finds what a refresh token is of. It needs State.refreshing.
func (s *State) refreshable(ctx context.Context, clientID, token string, now time.Time) (store.RefreshToken, *store.Login, error) {
	if s.logins.Tokens == nil {
		return store.RefreshToken{}, nil, fail(Unauthenticated, "this control plane was started without logins")
	}
	row, err := s.db.RefreshToken(ctx, hashToken(token))
	if err != nil && !isNoRow(err) {
		return row, nil, err
	}
	if err == nil && now.Before(row.ExpiresAt) {
		s.mu.RLock()
		defer s.mu.RUnlock()
		for _, login := range s.people.logins {
			if login.ID == row.Login && login.ClientID == clientID {
				return row, &login, nil
			}
		}
	}
	return row, nil, fail(Unauthenticated, "the refresh token is not known here, or the login was ended")
}

// endLogin needs State.refreshing.
func (s *State) endLogin(ctx context.Context, login *store.Login) error {
	if err := s.db.Write(ctx, func(tx *store.Tx) error { return tx.DeleteLogin(login.ID) }); err != nil {
		return err
	}
	s.mu.Lock()
	delete(s.people.logins, login.LoginID)
	s.hangUp()
	s.mu.Unlock()
	return nil
}

// keepLogin remembers a login, and forgets those that have expired.
func (s *State) keepLogin(login store.Login, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.people.logins[login.LoginID] = login
	for id, l := range s.people.logins {
		if !now.Before(l.ExpiresAt) {
			delete(s.people.logins, id)
		}
	}
}

func (s *State) grant(login *store.Login, issued time.Time, refreshToken string) Grant {
	s.mu.RLock()
	defer s.mu.RUnlock()
	person := s.people.people[login.Person]
	return Grant{
		Login:        login.LoginID,
		ClientID:     login.ClientID,
		Scope:        login.Scope,
		Person:       person,
		Account:      s.accounts[person.Account],
		IssuedAt:     issued,
		ExpiresAt:    issued.Add(s.logins.AccessTokenLifetime),
		RefreshToken: refreshToken,
	}
}

// loginExpiry is when a login that goes on now ends unless it goes on again.
func (s *State) loginExpiry(now time.Time) time.Time {
	return now.Add(max(s.logins.AccessTokenLifetime, s.logins.RefreshTokenLifetime))
}

func (s *State) refreshRow(token string, login *store.Login, now time.Time) *store.RefreshToken {
	return &store.RefreshToken{Hash: hashToken(token), Login: login.ID, IssuedAt: now, ExpiresAt: now.Add(s.logins.RefreshTokenLifetime)}
}

func hashToken(token string) []byte {
	hash := sha256.Sum256([]byte(token))
	return hash[:]
}
