package store

import (
	"context"
	"encoding/json"
	"time"
)

// Revision is a row of revisions: what a runner of it executes, and the
// settings that it was registered with. Nothing of it changes but where its
// program is. A runner executes Argv, or what Launch says.
type Revision struct {
	ID          int64
	RevisionID  string
	Account     int64
	App         string // the alias that it was registered as
	Environment string
	Argv        []string
	Env         []string
	Dir         string
	NumGPUs     int
	HealthPath  string
	GracePeriod time.Duration
	Settings
	Launch      Launch            // how it is run if it has no Argv
	Serving     Serving           // beside HealthPath
	OpenAPI     map[string]any    // what it says of its endpoints; nil for nothing
	SourceCode  string            // likewise of itself
	Secrets     []string          // names of those that runners are given; nil for those exposed by default
	Message     string            // from whoever registered it
	Annotations map[string]string // likewise; nil for none
	CreatedAt   time.Time
}

const revisionColumns = `revision_id, account, app, environment, argv, env, dir, num_gpus, health_path, grace_period, ` + settingColumns +
	`, ` + launchColumns + `, secrets, message, annotations, created_at`

// InsertRevision adds a revision and sets its ID.
func (tx *Tx) InsertRevision(r *Revision) error {
	values := []any{r.RevisionID, r.Account, r.App, r.Environment}
	for _, list := range [][]string{r.Argv, r.Env} {
		text, err := json.Marshal(list)
		if err != nil {
			return err
		}
		values = append(values, string(text))
	}
	settings, err := settingValues(&r.Settings)
	if err != nil {
		return err
	}
	secrets, err := json.Marshal(r.Secrets)
	if err != nil {
		return err
	}
	annotations, err := json.Marshal(r.Annotations)
	if err != nil {
		return err
	}
	launch, err := launchValues(r)
	if err != nil {
		return err
	}
	values = append(append(values, r.Dir, r.NumGPUs, r.HealthPath, r.GracePeriod.Microseconds()), settings...)
	values = append(append(values, launch...), string(secrets), r.Message, string(annotations), micros(r.CreatedAt))
	return tx.insert(&r.ID, `INSERT INTO revisions (`+revisionColumns+`)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, `+settingMarks+`, ?, ?, ?, ?, ?, ?, ?, ?)`, values...)
}

// SetCommand writes the argv of a revision whose program has moved.
func (tx *Tx) SetCommand(r *Revision) error {
	argv, err := json.Marshal(r.Argv)
	if err != nil {
		return err
	}
	return tx.update(`UPDATE revisions SET argv = ? WHERE id = ?`, string(argv), r.ID)
}

// DeleteRevisionsOf removes the revisions of an environment, of which there may
// be none. That an app points to one of them is an error.
func (tx *Tx) DeleteRevisionsOf(account int64, environment string) error {
	return tx.exec(`DELETE FROM revisions WHERE account = ? AND environment = ?`, account, environment)
}

// DeleteRevision removes the revision with that row id, or fails with
// ErrNotFound. One that an app points to stays, which is an error too.
func (tx *Tx) DeleteRevision(id int64) error {
	return tx.update(`DELETE FROM revisions WHERE id = ?`, id)
}

// Revisions returns every revision, oldest first.
func (s *Store) Revisions(ctx context.Context) ([]Revision, error) {
	return collect(ctx, s, scanRevision, `SELECT id, `+revisionColumns+` FROM revisions ORDER BY id`)
}

func scanRevision(row scanner) (r Revision, err error) {
	var argv, env, launch, serving, openAPI, secrets, annotations string
	var grace, created int64
	var settings scannedSettings
	targets := []any{&r.ID, &r.RevisionID, &r.Account, &r.App, &r.Environment, &argv, &env, &r.Dir, &r.NumGPUs, &r.HealthPath, &grace}
	targets = append(append(targets, settings.targets()...), &launch, &serving, &openAPI, &r.SourceCode, &secrets, &r.Message, &annotations, &created)
	if err := row.Scan(targets...); err != nil {
		return r, err
	}
	r.GracePeriod, r.CreatedAt = span(grace), moment(created)
	if r.Settings, err = settings.value(); err != nil {
		return r, err
	}
	for _, column := range []struct {
		text   string
		target any
	}{{argv, &r.Argv}, {env, &r.Env}, {launch, &r.Launch}, {serving, &r.Serving}, {openAPI, &r.OpenAPI}, {secrets, &r.Secrets}, {annotations, &r.Annotations}} {
		if err := json.Unmarshal([]byte(column.text), column.target); err != nil {
			return r, err
		}
	}
	return r, nil
}
