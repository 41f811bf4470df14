package state

import (
	"testing"
	"time"
)

// TestHowLongARunnerDrains: as long as any request on it may take, unless it is
// discarded, also when it drains already.
func TestHowLongARunnerDrains(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	check := func(when string, timeout time.Duration, hasty bool) {
		t.Helper()
		_, all := w.Snapshot()
		if len(all) != 1 || all[0].Timeout != timeout || all[0].Hasty.IsZero() == hasty {
			t.Errorf("%s: %+v", when, all)
		}
	}
	scale := func(timeout time.Duration) {
		t.Helper()
		_, err := w.ScaleApp(ctx, w.caller, "", "web", SettingsChange{RequestTimeout: &timeout})
		w.do(err)
	}
	id := w.runner(Idle)
	check("up", time.Hour, false)
	scale(2 * time.Hour)
	check("longer requests", 2*time.Hour, false)
	scale(time.Second)
	check("shorter requests", time.Hour, false)
	w.do(w.Drain(ctx, id, "test"))
	check("draining", time.Hour, false)
	w.do(w.Discard(ctx, id, "test"))
	check("discarded", time.Hour, true)
	_, err := w.DeleteApp(ctx, w.caller, "", "web")
	w.do(err)
	check("its app deleted", time.Hour, true)
	w.do(w.Ended(ctx, id, "test"))

	w.register(AppSpec{Name: "web", Argv: []string{"web"}})
	w.do(w.Discard(ctx, w.runner(Terminating), "test"))
	check("discarded too late", time.Hour, false)
}
