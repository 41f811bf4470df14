package store

import (
	"context"
	"encoding/json"
	"time"
)

// Revision is a row of revisions: what a runner of it executes. It never
// changes.
type Revision struct {
	ID             int64
	RevisionID     string
	Account        int64
	App            string
	Argv           []string
	Env            []string
	Dir            string
	MachineType    string
	NumGPUs        int
	HealthPath     string
	StartupTimeout time.Duration
	GracePeriod    time.Duration
	CreatedAt      time.Time
}

// InsertRevision adds a revision and sets its ID.
func (tx *Tx) InsertRevision(r *Revision) error {
	argv, err := json.Marshal(r.Argv)
	if err != nil {
		return err
	}
	env, err := json.Marshal(r.Env)
	if err != nil {
		return err
	}
	return tx.insert(&r.ID, `INSERT INTO revisions
		(revision_id, account, app, argv, env, dir, machine_type, num_gpus, health_path, startup_timeout, grace_period, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		r.RevisionID, r.Account, r.App, string(argv), string(env), r.Dir, r.MachineType, r.NumGPUs, r.HealthPath,
		r.StartupTimeout.Microseconds(), r.GracePeriod.Microseconds(), micros(r.CreatedAt))
}

// CurrentRevisions returns the revisions that an app points to.
func (s *Store) CurrentRevisions(ctx context.Context) ([]Revision, error) {
	return collect(ctx, s, func(row scanner) (r Revision, err error) {
		var argv, env string
		var startup, grace, created int64
		if err := row.Scan(&r.ID, &r.RevisionID, &r.Account, &r.App, &argv, &env, &r.Dir, &r.MachineType, &r.NumGPUs, &r.HealthPath,
			&startup, &grace, &created); err != nil {
			return r, err
		}
		r.StartupTimeout, r.GracePeriod = time.Duration(startup)*time.Microsecond, time.Duration(grace)*time.Microsecond
		r.CreatedAt = moment(created)
		if err := json.Unmarshal([]byte(argv), &r.Argv); err != nil {
			return r, err
		}
		err = json.Unmarshal([]byte(env), &r.Env)
		return r, err
	}, `SELECT id, revision_id, account, app, argv, env, dir, machine_type, num_gpus, health_path, startup_timeout, grace_period, created_at
		FROM revisions WHERE id IN (SELECT revision FROM apps)`)
}
