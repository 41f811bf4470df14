package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Login is a row of logins: a person's leave for a program to act for them.
type Login struct {
	ID        int64
	LoginID   string
	Person    int64
	ClientID  string
	Scope     string
	CreatedAt time.Time
	ExpiresAt time.Time // unless it goes on
}

// RefreshToken is a row of refresh_tokens. The token itself is never stored.
type RefreshToken struct {
	Hash       []byte
	Login      int64
	IssuedAt   time.Time
	ExpiresAt  time.Time
	ReplacedAt time.Time // zero for a login's last
}

// InsertLogin adds a login and sets its ID.
func (tx *Tx) InsertLogin(l *Login) error {
	return tx.insert(&l.ID, `INSERT INTO logins (login_id, person, client_id, scope, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)`,
		l.LoginID, l.Person, l.ClientID, l.Scope, micros(l.CreatedAt), micros(l.ExpiresAt))
}

// ExtendLogin sets when a login expires; ErrNotFound when there is none.
func (tx *Tx) ExtendLogin(id int64, until time.Time) error {
	return tx.update(`UPDATE logins SET expires_at = ? WHERE id = ?`, micros(until), id)
}

// DeleteLogin removes a login and its refresh tokens; ErrNotFound when there is
// none.
func (tx *Tx) DeleteLogin(id int64) error {
	return tx.update(`DELETE FROM logins WHERE id = ?`, id)
}

// DeleteExpired removes the logins and refresh tokens whose time has come.
func (tx *Tx) DeleteExpired(now time.Time) error {
	if err := tx.exec(`DELETE FROM logins WHERE expires_at <= ?`, micros(now)); err != nil {
		return err
	}
	return tx.exec(`DELETE FROM refresh_tokens WHERE expires_at <= ?`, micros(now))
}

// InsertRefreshToken adds a refresh token.
func (tx *Tx) InsertRefreshToken(t *RefreshToken) error {
	return tx.exec(`INSERT INTO refresh_tokens (hash, login, issued_at, expires_at) VALUES (?, ?, ?, ?)`,
		t.Hash, t.Login, micros(t.IssuedAt), micros(t.ExpiresAt))
}

// ReplaceRefreshToken marks a login's last refresh token as replaced;
// ErrNotFound when it is not the last, or not there.
func (tx *Tx) ReplaceRefreshToken(hash []byte, at time.Time) error {
	return tx.update(`UPDATE refresh_tokens SET replaced_at = ? WHERE hash = ? AND replaced_at = 0`, micros(at), hash)
}

// Logins returns every login, oldest first.
func (s *Store) Logins(ctx context.Context) ([]Login, error) {
	return collect(ctx, s, func(row scanner) (l Login, err error) {
		var created, expires int64
		err = row.Scan(&l.ID, &l.LoginID, &l.Person, &l.ClientID, &l.Scope, &created, &expires)
		l.CreatedAt, l.ExpiresAt = moment(created), moment(expires)
		return l, err
	}, `SELECT id, login_id, person, client_id, scope, created_at, expires_at FROM logins ORDER BY id`)
}

// RefreshToken returns the refresh token with a hash, or ErrNotFound.
func (s *Store) RefreshToken(ctx context.Context, hash []byte) (RefreshToken, error) {
	t := RefreshToken{Hash: hash}
	var issued, expires, replaced int64
	err := s.reader.QueryRowContext(ctx, `SELECT login, issued_at, expires_at, replaced_at FROM refresh_tokens WHERE hash = ?`, hash).
		Scan(&t.Login, &issued, &expires, &replaced)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	t.IssuedAt, t.ExpiresAt, t.ReplacedAt = moment(issued), moment(expires), moment(replaced)
	return t, err
}
