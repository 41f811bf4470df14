package store

import (
	"database/sql"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

// TestEarlierSchemasAreBroughtUpToDate opens a database that a program with the
// first schema left behind.
func TestEarlierSchemasAreBroughtUpToDate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		schema1,
		`CREATE TABLE migrations (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL)`,
		`PRAGMA user_version = 1`,
		`INSERT INTO accounts VALUES (1, 'local|1', 'me', 'My Self', 1)`,
		`INSERT INTO revisions VALUES (7, 'rev', 1, 'web', '["web"]', 'null', '', 'GPU-H100', '', 1, 1, 1)`,
		`INSERT INTO apps VALUES (1, 1, 'web', 7, 1, 2, 1, 1)`,
		`INSERT INTO runners (id, runner_id, account, alias, revision_id, machine_type, state, created_at) VALUES (3, 'r', 1, 'web', 'rev', 'GPU-H100', 8, 1)`,
		`INSERT INTO log_lines VALUES (3, 5, 'INFO', 'lifecycle', 'IDLE: ready', '{"state":"IDLE"}'), (3, 6, 'STDOUT', 'stdout', 'hello', '')`,
	} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	revisions, err := s.Revisions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	settings := Settings{MachineTypes: []string{"GPU-H100"}, MaxMultiplexing: 1, MinConcurrency: 1, MaxConcurrency: 2,
		KeepAlive: time.Microsecond, RequestTimeout: time.Hour, StartupTimeout: time.Microsecond}
	if want := []Revision{{ID: 7, RevisionID: "rev", Account: 1, App: "web", Environment: "main", Argv: []string{"web"}, NumGPUs: 1,
		GracePeriod: time.Microsecond, Settings: settings, CreatedAt: moment(1)}}; !reflect.DeepEqual(revisions, want) {
		t.Errorf("revisions %+v, want %+v", revisions, want)
	}
	apps, err := s.Apps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := []App{{ID: 1, Account: 1, Alias: "web", Environment: "main", Revision: 7, Strategy: 1, Settings: settings, CreatedAt: moment(1)}}; !reflect.DeepEqual(apps, want) {
		t.Errorf("apps %+v, want %+v", apps, want)
	}
	lines, _, err := s.LogLines(t.Context(), LogRange{Runner: 3, From: moment(1), To: moment(100), Source: SourceLifecycle, Limit: 10, MaxBytes: 1000})
	if err != nil || len(lines) != 1 || lines[0].Message != "IDLE: ready" {
		t.Errorf("lines of its life %+v, %v", lines, err)
	}
}
