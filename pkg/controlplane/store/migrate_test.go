package store

import (
	"database/sql"
	"path/filepath"
	"testing"
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
	revisions, err := s.CurrentRevisions(t.Context())
	if err != nil || len(revisions) != 1 || revisions[0].NumGPUs != 1 || revisions[0].MachineType != "GPU-H100" {
		t.Errorf("revisions %+v, %v", revisions, err)
	}
	lines, _, err := s.LogLines(t.Context(), LogRange{Runner: 3, From: moment(1), To: moment(100), Source: SourceLifecycle, Limit: 10, MaxBytes: 1000})
	if err != nil || len(lines) != 1 || lines[0].Message != "IDLE: ready" {
		t.Errorf("lines of its life %+v, %v", lines, err)
	}
}
