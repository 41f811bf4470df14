package store

import "context"

// Membership is a row of memberships: an account that a person may act as,
// beside the personal one.
type Membership struct {
	Person  int64
	Account int64
}

// InsertMembership adds a membership; one that is there already stays.
func (tx *Tx) InsertMembership(m Membership) error {
	return tx.exec(`INSERT INTO memberships (person, account) VALUES (?, ?) ON CONFLICT DO NOTHING`, m.Person, m.Account)
}

// DeleteMembership ends a membership; ErrNotFound when there is none.
func (tx *Tx) DeleteMembership(m Membership) error {
	return tx.update(`DELETE FROM memberships WHERE person = ? AND account = ?`, m.Person, m.Account)
}

// Memberships returns every membership.
func (s *Store) Memberships(ctx context.Context) ([]Membership, error) {
	return collect(ctx, s, func(row scanner) (m Membership, err error) {
		err = row.Scan(&m.Person, &m.Account)
		return m, err
	}, `SELECT person, account FROM memberships ORDER BY person, account`)
}
