package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Runner is a row of runners.
type Runner struct {
	ID          int64
	RunnerID    string
	Account     int64
	Alias       string
	RevisionID  string
	MachineType string
	State       int
	Replacement int
	Replaces    string // the runner_id it was started to replace, or empty
	Attempt     int    // which try to start its process this is, from 1
	PID         int
	Identity    string // of the process, as its supervisor gave it
	Port        int
	Reason      string // of the last transition
	CreatedAt   time.Time
	StartedAt   time.Time // of the process; zero when it never ran
	EndedAt     time.Time // zero while alive
}

// Event is a row of runner_events: one transition of a runner.
type Event struct {
	Time   time.Time
	State  int
	Reason string
}

const runnerColumns = `id, runner_id, account, alias, revision_id, machine_type, state, replacement, replaces, attempt,
	pid, identity, port, reason, created_at, started_at, ended_at`

func scanRunner(row scanner) (r Runner, err error) {
	var created, started, ended int64
	err = row.Scan(&r.ID, &r.RunnerID, &r.Account, &r.Alias, &r.RevisionID, &r.MachineType, &r.State, &r.Replacement,
		&r.Replaces, &r.Attempt, &r.PID, &r.Identity, &r.Port, &r.Reason, &created, &started, &ended)
	r.CreatedAt, r.StartedAt, r.EndedAt = moment(created), moment(started), moment(ended)
	return r, err
}

// InsertRunner adds a runner and sets its ID.
func (tx *Tx) InsertRunner(r *Runner) error {
	return tx.insert(&r.ID, `INSERT INTO runners (runner_id, account, alias, revision_id, machine_type, state, replacement,
		replaces, attempt, pid, identity, port, reason, created_at, started_at, ended_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		r.RunnerID, r.Account, r.Alias, r.RevisionID, r.MachineType, r.State, r.Replacement, r.Replaces, r.Attempt,
		r.PID, r.Identity, r.Port, r.Reason, micros(r.CreatedAt), micros(r.StartedAt), micros(r.EndedAt))
}

// UpdateRunner writes every field of r that can change.
func (tx *Tx) UpdateRunner(r *Runner) error {
	return tx.update(`UPDATE runners SET machine_type = ?, state = ?, replacement = ?, attempt = ?, pid = ?, identity = ?, port = ?, reason = ?,
		started_at = ?, ended_at = ? WHERE id = ?`,
		r.MachineType, r.State, r.Replacement, r.Attempt, r.PID, r.Identity, r.Port, r.Reason, micros(r.StartedAt), micros(r.EndedAt), r.ID)
}

// InsertEvent adds to the history of the runner with the given row id.
func (tx *Tx) InsertEvent(runner int64, e Event) error {
	return tx.exec(`INSERT INTO runner_events (runner, time, state, reason) VALUES (?, ?, ?, ?)`,
		runner, micros(e.Time), e.State, e.Reason)
}

// Runner returns the runner of that id, or ErrNotFound.
func (s *Store) Runner(ctx context.Context, runnerID string) (Runner, error) {
	r, err := scanRunner(s.reader.QueryRowContext(ctx, `SELECT `+runnerColumns+` FROM runners WHERE runner_id = ?`, runnerID))
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	return r, err
}

// AliveRunners returns the runners that have not ended, oldest first.
func (s *Store) AliveRunners(ctx context.Context) ([]Runner, error) {
	return collect(ctx, s, scanRunner, `SELECT `+runnerColumns+` FROM runners WHERE ended_at = 0 ORDER BY id`)
}

// EndedRunners returns the runners that ended at or after from and before to,
// in the order of their ends.
func (s *Store) EndedRunners(ctx context.Context, from, to time.Time) ([]Runner, error) {
	// 0 means alive, and nothing ended before 1970.
	return collect(ctx, s, scanRunner, `SELECT `+runnerColumns+` FROM runners WHERE ended_at >= ? AND ended_at < ? ORDER BY ended_at, id`,
		max(1, from.UnixMicro()), to.UnixMicro())
}

// Events returns the history of the runner with the given row id, oldest
// first.
func (s *Store) Events(ctx context.Context, runner int64) ([]Event, error) {
	return collect(ctx, s, func(row scanner) (e Event, err error) {
		var at int64
		err = row.Scan(&at, &e.State, &e.Reason)
		e.Time = moment(at)
		return e, err
	}, `SELECT time, state, reason FROM runner_events WHERE runner = ? ORDER BY id`, runner)
}
