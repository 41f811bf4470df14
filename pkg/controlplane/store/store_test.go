package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func mustWrite(t *testing.T, s *Store, change func(*Tx) error) {
	t.Helper()
	if err := s.Write(t.Context(), change); err != nil {
		t.Fatal(err)
	}
}

// account adds one that keys and runners can belong to.
func account(t *testing.T, s *Store) Account {
	t.Helper()
	a := Account{UserID: "local|1", Nickname: "me", FullName: "My Self", CreatedAt: time.UnixMicro(1).UTC()}
	mustWrite(t, s, func(tx *Tx) error { return tx.InsertAccount(&a) })
	return a
}

func TestSchemaIsCreatedOnceAndNewerOnesAreRefused(t *testing.T) {
	// Characters that mean something in a URI.
	path := filepath.Join(t.TempDir(), "a b?c#d%41.db")
	s := open(t, path)
	a := account(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	if accounts, err := s.Accounts(t.Context()); err != nil || len(accounts) != 1 || accounts[0] != a {
		t.Fatalf("after opening again: %v, %v", accounts, err)
	}
	var applied int
	if err := s.reader.QueryRow("SELECT count(*) FROM migrations").Scan(&applied); err != nil || applied != len(migrations()) {
		t.Errorf("%d migrations recorded, %v", applied, err)
	}
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
		var got string
		if err := s.conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s, want %s (%v)", pragma, got, want, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("PRAGMA user_version = 999"); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "newer") {
		t.Errorf("a newer schema: %v", err)
	}
}

func TestAFailedWriteLeavesNothingAndHarmsNoOther(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	a := account(t, s)
	refused := errors.New("refused")
	const writers = 200
	var group sync.WaitGroup
	for i := range writers {
		group.Go(func() {
			err := s.Write(t.Context(), func(tx *Tx) error {
				k := Key{KeyID: fmt.Sprint(i), Account: a.ID, SecretHash: []byte{1}}
				if err := tx.InsertKey(&k); err != nil || i%2 == 0 {
					return err
				}
				return refused
			})
			if i%2 == 0 && err != nil || i%2 == 1 && !errors.Is(err, refused) {
				t.Errorf("write %d: %v", i, err)
			}
		})
	}
	group.Wait()
	keys, err := s.ValidKeys(t.Context())
	if err != nil || len(keys) != writers/2 {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	for _, k := range keys {
		if strings.HasSuffix(k.KeyID, "1") {
			t.Errorf("key %s of a failed write is there", k.KeyID)
		}
	}
	if err := s.Write(t.Context(), func(tx *Tx) error {
		return tx.InsertKey(&Key{KeyID: "orphan", Account: 99, SecretHash: []byte{1}})
	}); err == nil {
		t.Error("a key of no account was accepted")
	}
}

func TestAfterClose(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), func(*Tx) error { return nil }); !errors.Is(err, ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Write(ctx, func(*Tx) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("write of a call that has ended: %v", err)
	}
}

func TestRows(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	a := account(t, s)
	now := time.UnixMicro(1_700_000_000_123_456).UTC()
	settings := Settings{MachineTypes: []string{"M", "L"}, MaxMultiplexing: 2, MinConcurrency: 3, MaxConcurrency: 4, ConcurrencyBuffer: 5,
		ConcurrencyBufferPerc: 6, KeepAlive: 7 * time.Second, ScalingDelay: 8 * time.Second, RequestTimeout: 9 * time.Second,
		StartupTimeout: time.Minute, Regions: []string{"us-east"}}
	rev := Revision{RevisionID: "rev", Account: a.ID, App: "web", Environment: "main", Argv: []string{"a", "b c"}, Env: []string{"X=1"}, Dir: "/d", NumGPUs: 8,
		HealthPath: "/h", GracePeriod: 5 * time.Second, Settings: settings, Secrets: []string{}, Message: "why", Annotations: map[string]string{"k": "v"}, CreatedAt: now,
		Launch: Launch{Kind: "virtualenv", Configuration: map[string]any{"requirements": []any{"numpy"}, "n": 1.5}, Files: []File{{Path: "a/b", Hash: "h", Mode: 0o755}},
			Sources: []Source{{Hash: "s", Name: "lib-1.tar.gz"}}, Function: &Function{Method: "dill", Hash: "f"}, Setup: &Function{Method: "pickle", Hash: "g"},
			Entrypoint: "m:A.run", MainThread: true, DataMounts: []string{"/data"}},
		Serving: Serving{ExposedPort: new(0), MetricsPort: new(9090), SkipRetry: []int{0, 2}, RetryConfig: "{}", PrivateLogs: true,
			HealthCheck: &HealthCheck{Path: "/h", Method: "POST", StartPeriod: time.Second, Timeout: 2 * time.Second, FailureThreshold: 3, CallRegularly: true, AllowOnBusy: true}},
		OpenAPI: map[string]any{"paths": map[string]any{}}, SourceCode: "import fal"}
	bare := Revision{RevisionID: "bare", Account: a.ID, App: "web", Environment: "staging", Argv: []string{"a"}, CreatedAt: now}
	app := App{Account: a.ID, Alias: "web", Environment: "main", AuthMode: 1, Strategy: 1, Settings: settings, CreatedAt: now}
	mustWrite(t, s, func(tx *Tx) error {
		if err := errors.Join(tx.InsertRevision(&rev), tx.InsertRevision(&bare)); err != nil {
			return err
		}
		app.Revision = rev.ID
		return tx.PutApp(&app)
	})
	changed := app
	changed.Settings = Settings{MachineTypes: []string{"S"}, MaxMultiplexing: 12, MinConcurrency: 13, MaxConcurrency: 14, ConcurrencyBuffer: 15,
		ConcurrencyBufferPerc: 16, KeepAlive: 17 * time.Second, ScalingDelay: 18 * time.Second, RequestTimeout: 19 * time.Second,
		StartupTimeout: 20 * time.Second}
	changed.Revision, changed.AuthMode, changed.Strategy, changed.CreatedAt, changed.Environment = bare.ID, 2, 0, now.Add(time.Hour), "elsewhere"
	mustWrite(t, s, func(tx *Tx) error { return tx.PutApp(&changed) })
	kept := changed
	kept.CreatedAt, kept.Environment = app.CreatedAt, app.Environment
	if apps, err := s.Apps(t.Context()); err != nil || len(apps) != 1 || !reflect.DeepEqual(apps[0], kept) || changed.ID != app.ID {
		t.Errorf("apps %+v, %v; want %+v", apps, err, kept)
	}
	if revisions, err := s.Revisions(t.Context()); err != nil || !reflect.DeepEqual(revisions, []Revision{rev, bare}) {
		t.Errorf("revisions %+v, %v; want %+v and %+v", revisions, err, rev, bare)
	}
	if err := s.Write(t.Context(), func(tx *Tx) error { return tx.DeleteRevision(bare.ID) }); err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("deleting a revision in use: %v", err)
	}
	mustWrite(t, s, func(tx *Tx) error { return tx.DeleteRevision(rev.ID) })
	mustWrite(t, s, func(tx *Tx) error { return tx.DeleteApp(app.ID) })
	for what, remove := range map[string]func(*Tx, int64) error{"app": (*Tx).DeleteApp, "revision": (*Tx).DeleteRevision} {
		if err := s.Write(t.Context(), func(tx *Tx) error { return remove(tx, 99) }); !errors.Is(err, ErrNotFound) {
			t.Errorf("deleting no %s: %v", what, err)
		}
	}

	r := Runner{RunnerID: "r", Account: a.ID, Alias: "web", RevisionID: "rev", MachineType: "M", State: 1, Replaces: "q", Attempt: 1, Reason: "x", CreatedAt: now}
	mustWrite(t, s, func(tx *Tx) error {
		if err := tx.InsertRunner(&r); err != nil {
			return err
		}
		return tx.InsertEvent(r.ID, Event{Time: now, State: 1, Reason: "x"})
	})
	if alive, err := s.AliveRunners(t.Context()); err != nil || len(alive) != 1 || alive[0] != r {
		t.Errorf("alive %+v, %v; want %+v", alive, err, r)
	}
	r.State, r.Replacement, r.Attempt, r.PID, r.Identity, r.Port, r.Reason = 7, 2, 2, 5, "id", 80, "y"
	r.StartedAt, r.EndedAt = now, now.Add(time.Second)
	mustWrite(t, s, func(tx *Tx) error { return tx.UpdateRunner(&r) })
	if got, err := s.Runner(t.Context(), "r"); err != nil || got != r {
		t.Errorf("runner %+v, %v; want %+v", got, err, r)
	}
	if _, err := s.Runner(t.Context(), "s"); !errors.Is(err, ErrNotFound) {
		t.Errorf("unknown runner: %v", err)
	}
	for _, window := range []struct {
		from, to time.Time
		want     int
	}{
		{time.Time{}, now.Add(time.Hour), 1}, {r.EndedAt, r.EndedAt.Add(1000), 1}, {r.EndedAt.Add(1000), now.Add(time.Hour), 0}, {now, r.EndedAt, 0},
	} {
		if got, err := s.EndedRunners(t.Context(), window.from, window.to); err != nil || len(got) != window.want {
			t.Errorf("ended from %s to %s: %d, %v", window.from, window.to, len(got), err)
		}
	}
	if events, err := s.Events(t.Context(), r.ID); err != nil || len(events) != 1 || events[0] != (Event{Time: now, State: 1, Reason: "x"}) {
		t.Errorf("events %v, %v", events, err)
	}
	if err := s.Write(t.Context(), func(tx *Tx) error { return tx.UpdateRunner(&Runner{ID: 99}) }); !errors.Is(err, ErrNotFound) {
		t.Errorf("updating no runner: %v", err)
	}
}

func TestLogLines(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	a := account(t, s)
	r := Runner{RunnerID: "r", Account: a.ID, CreatedAt: time.UnixMicro(1)}
	mustWrite(t, s, func(tx *Tx) error { return tx.InsertRunner(&r) })
	const n = 1000
	lines := make([]LogLine, n)
	for i := range lines {
		lines[i] = LogLine{Runner: r.ID, Time: time.UnixMicro(int64(i + 1)).UTC(), Level: "STDOUT", Source: "stdout", Message: fmt.Sprintf("line %04d \x00\xff", i)}
	}
	lines[7].Labels = map[string]string{"state": "IDLE"}
	size := int64(len(lines[0].Message) + lineOverhead)
	var totals map[int64]LogTotals
	mustWrite(t, s, func(tx *Tx) (err error) {
		totals, err = tx.AppendLogs(lines)
		return err
	})
	want := LogTotals{Lines: n, Bytes: n*size + int64(len(`{"state":"IDLE"}`))}
	if totals[r.ID] != want {
		t.Fatalf("totals %+v, want %+v", totals[r.ID], want)
	}
	every := LogRange{Runner: r.ID, From: time.UnixMicro(0), To: time.UnixMicro(n + 1), Limit: n, MaxBytes: 1 << 30}
	all, more, err := s.LogLines(t.Context(), every)
	if err != nil || more || !reflect.DeepEqual(all, lines) {
		t.Fatalf("%d lines read, %v; want the %d written", len(all), err, n)
	}

	drop := func(bytes int64) {
		t.Helper()
		mustWrite(t, s, func(tx *Tx) error {
			return tx.DropOldestLogs(r.ID, bytes, func(dropped int64) LogLine {
				return LogLine{Level: "WARNING", Source: "lifecycle", Message: fmt.Sprintf("%d dropped", dropped)}
			})
		})
	}
	drop(500 * size)
	all, _, err = s.LogLines(t.Context(), every)
	if err != nil || len(all) != 501 || all[0].Message != "500 dropped" || all[1].Message != lines[500].Message {
		t.Fatalf("after dropping 500: %d lines, first %+v, %v", len(all), all[0], err)
	}
	drop(100*size + int64(len("500 dropped")) + lineOverhead)
	all, _, err = s.LogLines(t.Context(), every)
	if err != nil || len(all) != 401 || all[0].Message != "600 dropped" || all[1].Message != lines[600].Message {
		t.Fatalf("after dropping 100 more: %d lines, first %+v, %v", len(all), all[0], err)
	}
	left, err := s.LogTotals(t.Context(), r.ID)
	if err != nil || left != (LogTotals{Lines: 401, Bytes: 400*size + int64(len("600 dropped")) + lineOverhead, Dropped: 600}) {
		t.Errorf("totals %+v, %v", left, err)
	}
	mustWrite(t, s, func(tx *Tx) error {
		last, err := tx.LastLogTime(r.ID)
		if err == nil && !last.Equal(lines[n-1].Time) {
			err = fmt.Errorf("last line at %s", last)
		}
		return err
	})
}
