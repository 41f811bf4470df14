package store

import (
	"context"
	"time"
)

// Secret is a row of secrets. The value is there as it was sealed.
type Secret struct {
	ID             int64
	Account        int64
	Environment    string
	Name           string
	Sealed         []byte
	DefaultExposed *bool // nil when it was never said
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// InsertSecret adds a secret and sets its ID.
func (tx *Tx) InsertSecret(s *Secret) error {
	return tx.insert(&s.ID, `INSERT INTO secrets (account, environment, name, sealed, default_exposed, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		s.Account, s.Environment, s.Name, s.Sealed, s.DefaultExposed, micros(s.CreatedAt), micros(s.UpdatedAt))
}

// UpdateSecret replaces what may change of a secret; ErrNotFound when there is
// none.
func (tx *Tx) UpdateSecret(s *Secret) error {
	return tx.update(`UPDATE secrets SET sealed = ?, default_exposed = ?, updated_at = ? WHERE id = ?`,
		s.Sealed, s.DefaultExposed, micros(s.UpdatedAt), s.ID)
}

// DeleteSecret removes a secret; ErrNotFound when there is none.
func (tx *Tx) DeleteSecret(id int64) error {
	return tx.update(`DELETE FROM secrets WHERE id = ?`, id)
}

// Secrets returns every secret, oldest first.
func (s *Store) Secrets(ctx context.Context) ([]Secret, error) {
	return collect(ctx, s, func(row scanner) (r Secret, err error) {
		var created, updated int64
		err = row.Scan(&r.ID, &r.Account, &r.Environment, &r.Name, &r.Sealed, &r.DefaultExposed, &created, &updated)
		r.CreatedAt, r.UpdatedAt = moment(created), moment(updated)
		return r, err
	}, `SELECT id, account, environment, name, sealed, default_exposed, created_at, updated_at FROM secrets ORDER BY id`)
}

// HasSecrets reports whether there is any.
func (s *Store) HasSecrets(ctx context.Context) (bool, error) {
	var any bool
	err := s.reader.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM secrets)`).Scan(&any)
	return any, err
}
