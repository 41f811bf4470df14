package store

import (
	"context"
	"time"
)

// Account is a row of accounts.
type Account struct {
	ID        int64
	UserID    string
	Nickname  string
	FullName  string
	CreatedAt time.Time
}

// InsertAccount adds an account and sets its ID.
func (tx *Tx) InsertAccount(a *Account) error {
	return tx.insert(&a.ID, `INSERT INTO accounts (user_id, nickname, full_name, created_at) VALUES (?, ?, ?, ?)`,
		a.UserID, a.Nickname, a.FullName, micros(a.CreatedAt))
}

// Accounts returns every account, oldest first.
func (s *Store) Accounts(ctx context.Context) ([]Account, error) {
	return collect(ctx, s, func(row scanner) (a Account, err error) {
		var created int64
		err = row.Scan(&a.ID, &a.UserID, &a.Nickname, &a.FullName, &created)
		a.CreatedAt = moment(created)
		return a, err
	}, `SELECT id, user_id, nickname, full_name, created_at FROM accounts ORDER BY id`)
}
