package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// migrations returns the statements that lead from each schema version to the
// next. Released entries are never edited; a change is a new entry.
func migrations() []string {
	return []string{schema1, schema2, schema3, schema4, schema5, schema6}
}

// Times are microseconds since 1970 in UTC, 0 when unset. Durations are
// microseconds.
const schema1 = `
CREATE TABLE accounts (
	id         INTEGER PRIMARY KEY,
	user_id    TEXT NOT NULL UNIQUE,
	nickname   TEXT NOT NULL UNIQUE COLLATE NOCASE,
	full_name  TEXT NOT NULL,
	created_at INTEGER NOT NULL
);
CREATE TABLE keys (
	id          INTEGER PRIMARY KEY,
	key_id      TEXT NOT NULL UNIQUE,
	account     INTEGER NOT NULL REFERENCES accounts(id),
	secret_hash BLOB NOT NULL,
	scope       INTEGER NOT NULL,
	alias       TEXT NOT NULL,
	created_at  INTEGER NOT NULL,
	revoked_at  INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX keys_by_account ON keys(account, id);
CREATE TABLE revisions (
	id              INTEGER PRIMARY KEY,
	revision_id     TEXT NOT NULL UNIQUE,
	account         INTEGER NOT NULL REFERENCES accounts(id),
	app             TEXT NOT NULL,
	argv            TEXT NOT NULL,
	env             TEXT NOT NULL,
	dir             TEXT NOT NULL,
	machine_type    TEXT NOT NULL,
	health_path     TEXT NOT NULL,
	startup_timeout INTEGER NOT NULL,
	grace_period    INTEGER NOT NULL,
	created_at      INTEGER NOT NULL
);
CREATE INDEX revisions_by_app ON revisions(account, app, id);
CREATE TABLE apps (
	id              INTEGER PRIMARY KEY,
	account         INTEGER NOT NULL REFERENCES accounts(id),
	alias           TEXT NOT NULL,
	revision        INTEGER NOT NULL REFERENCES revisions(id),
	min_concurrency INTEGER NOT NULL,
	max_concurrency INTEGER NOT NULL,
	keep_alive      INTEGER NOT NULL,
	created_at      INTEGER NOT NULL,
	UNIQUE (account, alias)
);
CREATE TABLE runners (
	id           INTEGER PRIMARY KEY,
	runner_id    TEXT NOT NULL UNIQUE,
	account      INTEGER NOT NULL REFERENCES accounts(id),
	alias        TEXT NOT NULL,
	revision_id  TEXT NOT NULL,
	machine_type TEXT NOT NULL,
	state        INTEGER NOT NULL,
	replacement  INTEGER NOT NULL DEFAULT 0,
	replaces     TEXT NOT NULL DEFAULT '',
	attempt      INTEGER NOT NULL DEFAULT 0,
	pid          INTEGER NOT NULL DEFAULT 0,
	identity     TEXT NOT NULL DEFAULT '',
	port         INTEGER NOT NULL DEFAULT 0,
	reason       TEXT NOT NULL DEFAULT '',
	created_at   INTEGER NOT NULL,
	started_at   INTEGER NOT NULL DEFAULT 0,
	ended_at     INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX runners_by_end ON runners(ended_at);
CREATE TABLE runner_events (
	id     INTEGER PRIMARY KEY,
	runner INTEGER NOT NULL REFERENCES runners(id),
	time   INTEGER NOT NULL,
	state  INTEGER NOT NULL,
	reason TEXT NOT NULL
);
CREATE INDEX runner_events_by_runner ON runner_events(runner, id);
CREATE TABLE log_lines (
	runner  INTEGER NOT NULL REFERENCES runners(id),
	time    INTEGER NOT NULL,
	level   TEXT NOT NULL,
	source  TEXT NOT NULL,
	message TEXT NOT NULL,
	labels  TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (runner, time)
) WITHOUT ROWID;
CREATE TABLE log_totals (
	runner      INTEGER PRIMARY KEY REFERENCES runners(id),
	lines       INTEGER NOT NULL,
	bytes       INTEGER NOT NULL,
	dropped     INTEGER NOT NULL DEFAULT 0,
	notice_time INTEGER NOT NULL DEFAULT 0
);
`

// SourceLifecycle is the source of the few lines among a runner's many that
// are looked for on their own.
const SourceLifecycle = "lifecycle"

const schema2 = `
CREATE INDEX lifecycle_lines ON log_lines(runner, time) WHERE source = '` + SourceLifecycle + `';
ALTER TABLE revisions ADD COLUMN num_gpus INTEGER NOT NULL DEFAULT 1;
`

// What an app scales by is its own from here on, and a revision keeps what it
// was registered with.
const schema3 = `
ALTER TABLE revisions ADD COLUMN environment TEXT NOT NULL DEFAULT 'main';
ALTER TABLE revisions ADD COLUMN machine_types TEXT NOT NULL DEFAULT '["XS"]';
ALTER TABLE revisions ADD COLUMN max_multiplexing INTEGER NOT NULL DEFAULT 1;
ALTER TABLE revisions ADD COLUMN min_concurrency INTEGER NOT NULL DEFAULT 0;
ALTER TABLE revisions ADD COLUMN max_concurrency INTEGER NOT NULL DEFAULT 2;
ALTER TABLE revisions ADD COLUMN concurrency_buffer INTEGER NOT NULL DEFAULT 0;
ALTER TABLE revisions ADD COLUMN concurrency_buffer_perc INTEGER NOT NULL DEFAULT 0;
ALTER TABLE revisions ADD COLUMN keep_alive INTEGER NOT NULL DEFAULT 10000000;
ALTER TABLE revisions ADD COLUMN scaling_delay INTEGER NOT NULL DEFAULT 0;
ALTER TABLE revisions ADD COLUMN request_timeout INTEGER NOT NULL DEFAULT 3600000000;
ALTER TABLE revisions ADD COLUMN regions TEXT NOT NULL DEFAULT 'null';
ALTER TABLE revisions ADD COLUMN message TEXT NOT NULL DEFAULT '';
ALTER TABLE revisions ADD COLUMN annotations TEXT NOT NULL DEFAULT 'null';
UPDATE revisions SET machine_types = json_array(machine_type);
UPDATE revisions SET (min_concurrency, max_concurrency, keep_alive) = (a.min_concurrency, a.max_concurrency, a.keep_alive)
	FROM apps AS a WHERE a.account = revisions.account AND a.alias = revisions.app;
ALTER TABLE revisions DROP COLUMN machine_type;
ALTER TABLE apps ADD COLUMN environment TEXT NOT NULL DEFAULT 'main';
ALTER TABLE apps ADD COLUMN auth_mode INTEGER NOT NULL DEFAULT 0;
ALTER TABLE apps ADD COLUMN strategy INTEGER NOT NULL DEFAULT 1;
ALTER TABLE apps ADD COLUMN machine_types TEXT NOT NULL DEFAULT '["XS"]';
ALTER TABLE apps ADD COLUMN max_multiplexing INTEGER NOT NULL DEFAULT 1;
ALTER TABLE apps ADD COLUMN concurrency_buffer INTEGER NOT NULL DEFAULT 0;
ALTER TABLE apps ADD COLUMN concurrency_buffer_perc INTEGER NOT NULL DEFAULT 0;
ALTER TABLE apps ADD COLUMN scaling_delay INTEGER NOT NULL DEFAULT 0;
ALTER TABLE apps ADD COLUMN request_timeout INTEGER NOT NULL DEFAULT 3600000000;
ALTER TABLE apps ADD COLUMN startup_timeout INTEGER NOT NULL DEFAULT 600000000;
ALTER TABLE apps ADD COLUMN regions TEXT NOT NULL DEFAULT 'null';
UPDATE apps SET (machine_types, startup_timeout) = (r.machine_types, r.startup_timeout) FROM revisions AS r WHERE r.id = apps.revision;
`

// A secret's value is sealed; its name, environment and account are not.
const schema4 = `
CREATE TABLE environments (
	id          INTEGER PRIMARY KEY,
	account     INTEGER NOT NULL REFERENCES accounts(id),
	name        TEXT NOT NULL,
	description TEXT NOT NULL,
	created_at  INTEGER NOT NULL,
	UNIQUE (account, name)
);
CREATE TABLE secrets (
	id              INTEGER PRIMARY KEY,
	account         INTEGER NOT NULL REFERENCES accounts(id),
	environment     TEXT NOT NULL,
	name            TEXT NOT NULL,
	sealed          BLOB NOT NULL,
	default_exposed INTEGER,
	created_at      INTEGER NOT NULL,
	updated_at      INTEGER NOT NULL,
	UNIQUE (account, environment, name)
);
ALTER TABLE revisions ADD COLUMN secrets TEXT NOT NULL DEFAULT 'null';
`

// A person logs in and acts as accounts; a login goes on by refresh tokens, of
// which only hashes are kept. Those that were replaced are kept until they would
// have expired, so that one that is used again is recognised.
const schema5 = `
ALTER TABLE accounts ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN lock_reason TEXT NOT NULL DEFAULT '';
CREATE TABLE people (
	id         INTEGER PRIMARY KEY,
	name       TEXT NOT NULL UNIQUE COLLATE NOCASE,
	full_name  TEXT NOT NULL,
	email      TEXT NOT NULL,
	account    INTEGER NOT NULL UNIQUE REFERENCES accounts(id),
	created_at INTEGER NOT NULL
);
CREATE TABLE memberships (
	person  INTEGER NOT NULL REFERENCES people(id),
	account INTEGER NOT NULL REFERENCES accounts(id),
	PRIMARY KEY (person, account)
) WITHOUT ROWID;
CREATE TABLE logins (
	id         INTEGER PRIMARY KEY,
	login_id   TEXT NOT NULL UNIQUE,
	person     INTEGER NOT NULL REFERENCES people(id),
	client_id  TEXT NOT NULL,
	scope      TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL
);
CREATE INDEX logins_by_expiry ON logins(expires_at);
CREATE TABLE refresh_tokens (
	hash        BLOB PRIMARY KEY,
	login       INTEGER NOT NULL REFERENCES logins(id) ON DELETE CASCADE,
	issued_at   INTEGER NOT NULL,
	expires_at  INTEGER NOT NULL,
	replaced_at INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX refresh_tokens_by_login ON refresh_tokens(login);
CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens(expires_at);
`

// What was deployed: the columns are JSON, of the types of the same names. No
// password and no secret of a build is in them.
const schema6 = `
ALTER TABLE revisions ADD COLUMN launch TEXT NOT NULL DEFAULT '{}';
ALTER TABLE revisions ADD COLUMN serving TEXT NOT NULL DEFAULT '{}';
ALTER TABLE revisions ADD COLUMN openapi TEXT NOT NULL DEFAULT 'null';
ALTER TABLE revisions ADD COLUMN source_code TEXT NOT NULL DEFAULT '';
`

// migrate brings the schema up to date, one transaction a version. A database
// written by a newer program is refused rather than misread.
func migrate(ctx context.Context, conn *sql.Conn) error {
	const bookkeeping = `CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL)`
	if _, err := conn.ExecContext(ctx, bookkeeping); err != nil {
		return err
	}
	var version int
	if err := conn.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	steps := migrations()
	if version > len(steps) {
		return fmt.Errorf("the database has schema version %d, this program knows up to %d: it was written by a newer one", version, len(steps))
	}
	for ; version < len(steps); version++ {
		if err := migrateStep(ctx, conn, version+1, steps[version]); err != nil {
			return fmt.Errorf("schema version %d: %w", version+1, err)
		}
	}
	return nil
}

func migrateStep(ctx context.Context, conn *sql.Conn, version int, statements string) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after the commit
	if _, err := tx.ExecContext(ctx, statements); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO migrations (version, applied_at) VALUES (?, ?)", version, micros(time.Now())); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version)); err != nil {
		return err
	}
	return tx.Commit()
}
