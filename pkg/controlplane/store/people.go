package store

import (
	"context"
	"time"
)

// Person is a row of people.
type Person struct {
	ID        int64
	Name      string
	FullName  string
	Email     string
	Account   int64 // the personal one
	CreatedAt time.Time
}

// InsertPerson adds a person and sets the ID.
func (tx *Tx) InsertPerson(p *Person) error {
	return tx.insert(&p.ID, `INSERT INTO people (name, full_name, email, account, created_at) VALUES (?, ?, ?, ?, ?)`,
		p.Name, p.FullName, p.Email, p.Account, micros(p.CreatedAt))
}

// People returns every person, oldest first.
func (s *Store) People(ctx context.Context) ([]Person, error) {
	return collect(ctx, s, func(row scanner) (p Person, err error) {
		var created int64
		err = row.Scan(&p.ID, &p.Name, &p.FullName, &p.Email, &p.Account, &created)
		p.CreatedAt = moment(created)
		return p, err
	}, `SELECT id, name, full_name, email, account, created_at FROM people ORDER BY id`)
}
