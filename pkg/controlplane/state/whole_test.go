package state

import (
	"database/sql"
	"path/filepath"
	"testing"
)

// sabotage has writes of a table fail as soon as a condition holds, until the
// function that it returns is called.
func (w *world) sabotage(table, operation, when string) (repair func()) {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(w.path)+"?_pragma=busy_timeout(60000)")
	w.do(err)
	w.t.Cleanup(func() { db.Close() })
	execute := func(statement string) {
		w.t.Helper()
		_, err := db.ExecContext(w.t.Context(), statement)
		w.do(err)
	}
	execute("CREATE TRIGGER sabotage BEFORE " + operation + " ON " + table + " WHEN " + when + " BEGIN SELECT RAISE(FAIL, 'disk full'); END")
	return func() { execute("DROP TRIGGER sabotage") }
}

// TestARolloutMarksAllRunnersOrNone has the third of five runners fail to be
// written, and the note of the last.
func TestARolloutMarksAllRunnersOrNone(t *testing.T) {
	for name, broken := range map[string]struct{ table, operation, when string }{
		"third runner": {"runners", "UPDATE", "NEW.id = 3"},
		"last note":    {"runner_events", "INSERT", "NEW.runner = 5 AND NEW.reason = 'rollout requested'"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Options{})
			ctx := t.Context()
			var ids []string
			for range 5 {
				ids = append(ids, w.runner(Idle))
			}
			marks := func(want int, when string) {
				t.Helper()
				memory, disk, notes := 0, 0, 0
				rows, err := w.db.AliveRunners(ctx)
				w.do(err)
				for _, row := range rows {
					if row.Replacement == int(WillReplace) {
						disk++
					}
				}
				for _, id := range ids {
					if w.get(id).Replacement == WillReplace {
						memory++
					}
					history, err := w.History(ctx, id)
					w.do(err)
					if history[len(history)-1].Reason == "rollout requested" {
						notes++
					}
				}
				if memory != want || disk != want || notes != want {
					t.Errorf("%s: %d are marked, %d on disk, %d noted; want %d", when, memory, disk, notes, want)
				}
			}
			repair := w.sabotage(broken.table, broken.operation, broken.when)
			if err := w.RolloutApp(ctx, w.caller, "", "web", true); err == nil {
				t.Fatal("it was acknowledged")
			}
			marks(0, "refused")
			w.rolling("refused", false)
			repair()
			w.do(w.RolloutApp(ctx, w.caller, "", "web", true))
			marks(5, "done")
		})
	}
}

func TestRegisteringIsDoneOrNot(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	before := w.app.Rev.RevisionID
	repair := w.sabotage("apps", "INSERT", "1")
	for _, name := range []string{"web", "new"} {
		if app, err := w.RegisterApp(ctx, full(name)); err == nil {
			t.Fatalf("%s: %+v", name, app)
		}
	}
	repair()
	for range 2 {
		if list := w.revisionsOf("web"); len(list) != 1 || list[0].RevisionID != before {
			t.Errorf("revisions %+v", list)
		}
		if _, err := w.Revisions(w.caller, "", "new"); kind(err) != NotFound {
			t.Errorf("revisions of what was refused: %v", err)
		}
		w.reopen(Options{})
	}
}

func TestAnEnvironmentGoesWithItsRevisionsOrNot(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	_, err := w.CreateEnvironment(ctx, w.caller, "dev", "")
	w.do(err)
	_, err = w.RegisterRevision(ctx, AppSpec{Name: "app--dev", Environment: "dev", Argv: []string{"x"}})
	w.do(err)
	repair := w.sabotage("environments", "DELETE", "1")
	if err := w.DeleteEnvironment(ctx, w.caller, "dev"); err == nil {
		t.Fatal("it was acknowledged")
	}
	repair()
	for range 2 {
		if list, err := w.Revisions(w.caller, "dev", ""); err != nil || len(list) != 1 {
			t.Errorf("revisions %+v, %v", list, err)
		}
		w.reopen(Options{})
	}
	w.do(w.DeleteEnvironment(ctx, w.caller, "dev"))
}
