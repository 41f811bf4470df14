package store

import (
	"context"
	"time"
)

// App is a row of apps: an alias, the revision it points to and how it scales.
type App struct {
	ID          int64
	Account     int64
	Alias       string
	Environment string
	Revision    int64 // Revision.ID
	AuthMode    int
	Strategy    int // of the way to Revision
	Settings
	CreatedAt time.Time
}

const appColumns = `id, account, alias, environment, revision, auth_mode, strategy, ` + settingColumns + `, created_at`

// PutApp adds an app, or replaces the row of the account's app of that alias;
// it sets ID. Environment and CreatedAt of an existing app stay as they were.
func (tx *Tx) PutApp(a *App) error {
	settings, err := settingValues(&a.Settings)
	if err != nil {
		return err
	}
	statement, err := tx.prepared(`INSERT INTO apps (account, alias, environment, revision, auth_mode, strategy, ` + settingColumns + `, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ` + settingMarks + `, ?)
		ON CONFLICT (account, alias) DO UPDATE SET (revision, auth_mode, strategy, ` + settingColumns + `) =
			(excluded.revision, excluded.auth_mode, excluded.strategy, excluded.machine_types, excluded.max_multiplexing,
			excluded.min_concurrency, excluded.max_concurrency, excluded.concurrency_buffer, excluded.concurrency_buffer_perc,
			excluded.keep_alive, excluded.scaling_delay, excluded.request_timeout, excluded.startup_timeout, excluded.regions)
		RETURNING id`)
	if err != nil {
		return err
	}
	values := []any{a.Account, a.Alias, a.Environment, a.Revision, a.AuthMode, a.Strategy}
	values = append(append(values, settings...), micros(a.CreatedAt))
	return statement.QueryRow(values...).Scan(&a.ID)
}

// DeleteApp removes the app with that row id, or fails with ErrNotFound.
func (tx *Tx) DeleteApp(id int64) error { return tx.update(`DELETE FROM apps WHERE id = ?`, id) }

// Apps returns every app, oldest first.
func (s *Store) Apps(ctx context.Context) ([]App, error) {
	return collect(ctx, s, func(row scanner) (a App, err error) {
		var settings scannedSettings
		var created int64
		targets := []any{&a.ID, &a.Account, &a.Alias, &a.Environment, &a.Revision, &a.AuthMode, &a.Strategy}
		if err := row.Scan(append(append(targets, settings.targets()...), &created)...); err != nil {
			return a, err
		}
		a.CreatedAt = moment(created)
		a.Settings, err = settings.value()
		return a, err
	}, `SELECT `+appColumns+` FROM apps ORDER BY id`)
}
