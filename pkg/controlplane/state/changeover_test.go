package state

import (
	"testing"
	"time"
)

// rolling expects what is said of the only app.
func (w *world) rolling(when string, want bool) {
	w.t.Helper()
	apps, err := w.Apps(w.caller, "")
	w.do(err)
	for _, app := range apps {
		if app.Alias == "web" && (app.Rolling != want || w.info(app.App).Rolling != want) {
			w.t.Errorf("%s: rolling %t, alone %t, want %t", when, app.Rolling, w.info(app.App).Rolling, want)
		}
	}
}

func (w *world) up(id string) {
	w.t.Helper()
	w.do(w.Launched(w.t.Context(), id, 1, "", 1))
	w.do(w.Ready(w.t.Context(), id))
}

func (w *world) failed(id string) {
	w.t.Helper()
	w.do(w.StartFailed(w.t.Context(), id, "failed", func(int) time.Duration { return time.Second }))
}

// TestRollingUntilTheNewRunnersAreUp has nothing left that is to be replaced,
// and what should come fail once, or not be there yet.
func TestRollingUntilTheNewRunnersAreUp(t *testing.T) {
	for name, test := range map[string]struct {
		begin func(*world)
		min   int
		link  bool // the new runner is said to be in the place of the old one
	}{
		"forced":             {func(w *world) { w.do(w.RolloutApp(t.Context(), w.caller, "", "web", true)) }, 1, true},
		"forced, none kept":  {func(w *world) { w.do(w.RolloutApp(t.Context(), w.caller, "", "web", true)) }, 0, true},
		"rollout":            {func(w *world) { w.do(w.RolloutApp(t.Context(), w.caller, "", "web", false)) }, 1, false},
		"recreate":           {func(w *world) { w.register(AppSpec{Name: "web", Argv: []string{"web"}, Strategy: new(Recreate)}) }, 1, false},
		"deploy":             {func(w *world) { w.register(AppSpec{Name: "web", Argv: []string{"web"}}) }, 1, false},
		"deploy, with links": {func(w *world) { w.register(AppSpec{Name: "web", Argv: []string{"web"}}) }, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Options{})
			ctx := t.Context()
			scale := func(n int) {
				_, err := w.ScaleApp(ctx, w.caller, "", "web", SettingsChange{MinConcurrency: &n})
				w.do(err)
			}
			scale(test.min)
			old := w.runner(Idle)
			w.rolling("before", false)
			test.begin(w)
			w.rolling("asked for", true)
			create := func(replaces string) string {
				app, err := w.App(w.caller, "", "web")
				w.do(err)
				r, err := w.CreateRunner(ctx, app, replaces, "test")
				w.do(err)
				return r.ID
			}
			next := ""
			if test.link {
				next = create(old)
			}
			w.do(w.Drain(ctx, old, "test"))
			w.do(w.Ended(ctx, old, "test"))
			w.rolling("the old one is gone", true)
			if next == "" {
				next = create("")
			}
			w.rolling("the new one starts", true)
			w.failed(next)
			w.rolling("the new one failed", true)
			_, _, err := w.Relaunch(ctx, next, "again")
			w.do(err)
			w.rolling("the new one is tried again", true)
			w.up(next)
			w.rolling("the new one is up", false)

			// What happens later is no rollout.
			w.do(w.Ended(ctx, next, "crashed"))
			w.rolling("the new one crashed", false)
			later := create("")
			w.failed(later)
			w.rolling("a later one failed", false)
		})
	}
}

func TestChangeoversEndOtherwise(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	scale := func(n int) {
		t.Helper()
		_, err := w.ScaleApp(ctx, w.caller, "", "web", SettingsChange{MinConcurrency: &n})
		w.do(err)
	}
	deploy := func() { w.app = w.register(AppSpec{Name: "web", Argv: []string{"web"}}) }
	deploy()
	w.rolling("nothing runs, and nothing should", false)
	scale(1)
	w.rolling("the first is about to start", false)
	deploy()
	w.rolling("one should run", true)
	scale(0)
	w.rolling("none should any more", false)
	scale(1)
	deploy()
	_, err := w.DeleteApp(ctx, w.caller, "", "web")
	w.do(err)
	deploy()
	scale(1)
	w.rolling("it is another app", false)
	w.do(w.RolloutApp(ctx, w.caller, "", "web", false))
	w.rolling("a rollout of what should run", true)
	if len(w.changeovers) != 1 {
		t.Errorf("changeovers %v", w.changeovers)
	}
}

// TestChangeoverOfASingle ends although fewer are up than the settings keep.
func TestChangeoverOfASingle(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	spec := AppSpec{Name: "web", Argv: []string{"web"}, MinConcurrency: 2, ResetScale: true}
	w.app = w.register(spec)
	w.app = w.register(spec)
	w.rolling("asked for", true)
	w.runner(Idle)
	w.rolling("one of two is up", true)
	if progress := w.Progress(w.app); progress.Settled {
		t.Error("settled with one of two")
	}
	w.SetSingle(w.app.Rev.RevisionID, true)
	w.rolling("there can be one alone", false)
	if progress := w.Progress(w.app); !progress.Settled || !w.Single(w.app.Rev.RevisionID) {
		t.Error("not settled with the only one")
	}
	w.SetSingle(w.app.Rev.RevisionID, false)
	if progress := w.Progress(w.app); progress.Settled {
		t.Error("settled with one of two")
	}
	w.SetSingle(w.app.Rev.RevisionID, true)
	old := w.app.Rev.RevisionID
	w.app = w.register(spec)
	w.do(w.DeleteRevision(ctx, w.caller, old))
	if w.Single(old) {
		t.Error("a revision is known that is no more")
	}
}

// TestRelaunchTakesTheSettingsOfTheMoment as long as the app points to the
// runner's revision.
func TestRelaunchTakesTheSettingsOfTheMoment(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	w.app = w.register(AppSpec{Name: "web", Argv: []string{"web"}, StartupTimeout: time.Second})
	id := w.runner(FailureDelay)
	_, err := w.ScaleApp(ctx, w.caller, "", "web", SettingsChange{StartupTimeout: new(time.Hour), MachineTypes: []string{"L"}})
	w.do(err)
	r, app, err := w.Relaunch(ctx, id, "again")
	w.do(err)
	if r.MachineType != "L" || app.StartupTimeout != time.Hour {
		t.Errorf("on %s, with %s", r.MachineType, app.StartupTimeout)
	}
	if _, standing := w.Snapshot(); len(standing) != 1 || standing[0].App != app || standing[0].FailingSince.IsZero() {
		t.Errorf("it stands as %+v", standing)
	}
	w.failed(id)
	w.register(AppSpec{Name: "web", Argv: []string{"other"}, StartupTimeout: time.Minute, MachineTypes: []string{"M"}})
	r, app, err = w.Relaunch(ctx, id, "again")
	w.do(err)
	if r.MachineType != "L" || app.StartupTimeout != time.Hour {
		t.Errorf("with another revision: on %s, with %s", r.MachineType, app.StartupTimeout)
	}
	rows, err := w.db.AliveRunners(ctx)
	w.do(err)
	if len(rows) != 1 || rows[0].MachineType != "L" {
		t.Errorf("on disk %+v", rows)
	}
}

// TestFailingSince is of the first failure in a row.
func TestFailingSince(t *testing.T) {
	w := newWorld(t, Options{})
	since := func() time.Time {
		_, standing := w.Snapshot()
		return standing[0].FailingSince
	}
	id := w.runner(FailureDelay)
	first := since()
	if first.IsZero() {
		t.Error("it never failed")
	}
	w.clock.advance(time.Hour)
	_, _, err := w.Relaunch(t.Context(), id, "again")
	w.do(err)
	w.failed(id)
	if got := since(); !got.Equal(first) {
		t.Errorf("after the second failure %s, want %s", got, first)
	}
	_, _, err = w.Relaunch(t.Context(), id, "again")
	w.do(err)
	w.up(id)
	if got := since(); !got.IsZero() {
		t.Errorf("after it came up %s", got)
	}
}
