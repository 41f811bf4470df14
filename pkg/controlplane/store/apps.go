package store

import (
	"context"
	"time"
)

// App is a row of apps: an alias, the revision it points to and how it scales.
type App struct {
	ID             int64
	Account        int64
	Alias          string
	Revision       int64 // Revision.ID
	MinConcurrency int
	MaxConcurrency int
	KeepAlive      time.Duration
	CreatedAt      time.Time
}

// PutApp adds an app, or replaces the settings of the account's app of that
// alias; it sets ID. CreatedAt of an existing app stays as it was.
func (tx *Tx) PutApp(a *App) error {
	statement, err := tx.prepared(`INSERT INTO apps (account, alias, revision, min_concurrency, max_concurrency, keep_alive, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (account, alias) DO UPDATE SET revision = excluded.revision, min_concurrency = excluded.min_concurrency,
			max_concurrency = excluded.max_concurrency, keep_alive = excluded.keep_alive
		RETURNING id`)
	if err != nil {
		return err
	}
	return statement.QueryRow(a.Account, a.Alias, a.Revision, a.MinConcurrency, a.MaxConcurrency,
		a.KeepAlive.Microseconds(), micros(a.CreatedAt)).Scan(&a.ID)
}

// Apps returns every app, oldest first.
func (s *Store) Apps(ctx context.Context) ([]App, error) {
	return collect(ctx, s, func(row scanner) (a App, err error) {
		var keepAlive, created int64
		err = row.Scan(&a.ID, &a.Account, &a.Alias, &a.Revision, &a.MinConcurrency, &a.MaxConcurrency, &keepAlive, &created)
		a.KeepAlive, a.CreatedAt = time.Duration(keepAlive)*time.Microsecond, moment(created)
		return a, err
	}, `SELECT id, account, alias, revision, min_concurrency, max_concurrency, keep_alive, created_at FROM apps ORDER BY id`)
}
