package store

import (
	"context"
	"time"
)

// Account is a row of accounts.
type Account struct {
	ID         int64
	UserID     string
	Nickname   string
	FullName   string
	Kind       int
	LockReason string // empty unless the account is locked
	CreatedAt  time.Time
}

// InsertAccount adds an account and sets its ID.
func (tx *Tx) InsertAccount(a *Account) error {
	return tx.insert(&a.ID, `INSERT INTO accounts (user_id, nickname, full_name, kind, lock_reason, created_at) VALUES (?, ?, ?, ?, ?, ?)`,
		a.UserID, a.Nickname, a.FullName, a.Kind, a.LockReason, micros(a.CreatedAt))
}

// LockAccount sets why an account is locked, or with an empty reason unlocks it;
// ErrNotFound when there is none.
func (tx *Tx) LockAccount(id int64, reason string) error {
	return tx.update(`UPDATE accounts SET lock_reason = ? WHERE id = ?`, reason, id)
}

// Accounts returns every account, oldest first.
func (s *Store) Accounts(ctx context.Context) ([]Account, error) {
	return collect(ctx, s, func(row scanner) (a Account, err error) {
		var created int64
		err = row.Scan(&a.ID, &a.UserID, &a.Nickname, &a.FullName, &a.Kind, &a.LockReason, &created)
		a.CreatedAt = moment(created)
		return a, err
	}, `SELECT id, user_id, nickname, full_name, kind, lock_reason, created_at FROM accounts ORDER BY id`)
}
