package store

import (
	"context"
	"time"
)

// Environment is a row of environments. An account's default one has no row.
type Environment struct {
	ID          int64
	Account     int64
	Name        string
	Description string
	CreatedAt   time.Time
}

// InsertEnvironment adds an environment and sets its ID.
func (tx *Tx) InsertEnvironment(e *Environment) error {
	return tx.insert(&e.ID, `INSERT INTO environments (account, name, description, created_at) VALUES (?, ?, ?, ?)`,
		e.Account, e.Name, e.Description, micros(e.CreatedAt))
}

// DeleteEnvironment removes an environment; ErrNotFound when there is none.
func (tx *Tx) DeleteEnvironment(id int64) error {
	return tx.update(`DELETE FROM environments WHERE id = ?`, id)
}

// Environments returns every environment, oldest first.
func (s *Store) Environments(ctx context.Context) ([]Environment, error) {
	return collect(ctx, s, func(row scanner) (e Environment, err error) {
		var created int64
		err = row.Scan(&e.ID, &e.Account, &e.Name, &e.Description, &created)
		e.CreatedAt = moment(created)
		return e, err
	}, `SELECT id, account, name, description, created_at FROM environments ORDER BY id`)
}
