package state

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fal-plugins/fal/pkg/controlplane/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a state with a clock that is set by hand.
type world struct {
	*State
	t      *testing.T
	db     *store.Store
	path   string
	clock  *clock
	caller Caller
	app    *App
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newWorld(t *testing.T, o Options) *world {
	t.Helper()
	w := &world{t: t, path: filepath.Join(t.TempDir(), "state.db"), clock: &clock{now: time.Date(2026, 11, 21, 18, 30, 0, 123456789, time.UTC)}}
	w.open(o)
	account, key, err := w.CreateAccount(t.Context(), "me", "My Self")
	if err != nil {
		t.Fatal(err)
	}
	if w.caller, err = w.Authenticate(key.ID, key.Secret); err != nil || w.caller.Account != account {
		t.Fatalf("authenticated as %v, %v", w.caller, err)
	}
	if w.app, err = w.RegisterApp(t.Context(), AppSpec{Name: "web", Argv: []string{"web"}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.close() })
	return w
}

func (w *world) open(o Options) {
	w.t.Helper()
	db, err := store.Open(w.t.Context(), w.path)
	if err != nil {
		w.t.Fatal(err)
	}
	o.Now = w.clock.Now
	st, err := Open(w.t.Context(), db, o)
	if err != nil {
		w.t.Fatal(errors.Join(err, db.Close()))
	}
	w.State, w.db = st, db
}

func (w *world) close() {
	w.t.Helper()
	w.State.Close()
	if err := w.db.Close(); err != nil {
		w.t.Error(err)
	}
}

func (w *world) do(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// runner creates one and takes it to a state.
func (w *world) runner(to RunnerState) string {
	w.t.Helper()
	ctx := w.t.Context()
	r, err := w.CreateRunner(ctx, w.app, "", "test")
	w.do(err)
	id := r.ID
	if to == Pending {
		return id
	}
	if to == FailureDelay {
		w.do(w.StartFailed(ctx, id, "failed", func(int) time.Duration { return time.Second }))
		return id
	}
	w.do(w.Launched(ctx, id, 42, "identity", 4242))
	if to == Setup {
		return id
	}
	w.do(w.Ready(ctx, id))
	switch to {
	case Draining:
		w.do(w.Drain(ctx, id, "test"))
	case Terminating:
		w.do(w.Terminate(ctx, id, "test"))
	case Terminated:
		w.do(w.Ended(ctx, id, "test"))
	}
	return id
}

func (w *world) get(id string) *Runner {
	w.t.Helper()
	r, err := w.Runner(w.t.Context(), w.caller, id)
	w.do(err)
	return r
}

func kind(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return 0
}

func TestWhatCallsDoInEachState(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	stop := func(id string) error { return w.StopRunner(ctx, w.caller, id, false) }
	replace := func(id string) error { return w.StopRunner(ctx, w.caller, id, true) }
	kill := func(id string) error { return w.KillRunner(ctx, w.caller, id) }
	lease := func(id string) error { _, err := w.Lease(id, "", ""); return err }
	fail := func(id string) error {
		return w.StartFailed(ctx, id, "failed", func(int) time.Duration { return time.Second })
	}
	ready := func(id string) error { return w.Ready(ctx, id) }
	relaunch := func(id string) error { _, _, err := w.Relaunch(ctx, id, "again"); return err }
	for _, test := range []struct {
		name string
		call func(string) error
		from RunnerState
		to   RunnerState
		kind Kind
	}{
		{"stop", stop, Pending, Draining, 0},
		{"stop", stop, Setup, Draining, 0},
		{"stop", stop, Idle, Draining, 0},
		{"stop", stop, FailureDelay, Terminated, 0},
		{"stop", stop, Draining, Draining, 0},
		{"stop", stop, Terminating, Terminating, 0},
		{"stop", stop, Terminated, Terminated, Conflict},
		{"replace", replace, Pending, Pending, 0},
		{"replace", replace, Idle, Idle, 0},
		{"replace", replace, FailureDelay, FailureDelay, 0},
		{"replace", replace, Draining, Draining, 0},
		{"replace", replace, Terminated, Terminated, Conflict},
		{"kill", kill, Pending, Terminating, 0},
		{"kill", kill, Setup, Terminating, 0},
		{"kill", kill, Idle, Terminating, 0},
		{"kill", kill, Draining, Terminating, 0},
		{"kill", kill, Terminating, Terminating, 0},
		{"kill", kill, FailureDelay, Terminated, 0},
		{"kill", kill, Terminated, Terminated, Conflict},
		{"lease", lease, Pending, Pending, Conflict},
		{"lease", lease, Setup, Setup, Conflict},
		{"lease", lease, Idle, Running, 0},
		{"lease", lease, Draining, Draining, Conflict},
		{"lease", lease, Terminating, Terminating, Conflict},
		{"lease", lease, Terminated, Terminated, NotFound},
		{"start failed", fail, Pending, FailureDelay, 0},
		{"start failed", fail, Setup, FailureDelay, 0},
		{"start failed", fail, Draining, Terminated, 0},
		{"start failed", fail, Terminating, Terminated, 0},
		{"ready", ready, Setup, Idle, 0},
		{"ready", ready, Draining, Draining, 0},
		{"ready", ready, Terminating, Terminating, 0},
		{"relaunch", relaunch, FailureDelay, Pending, 0},
		{"relaunch", relaunch, Idle, Idle, Conflict},
	} {
		t.Run(test.name+" "+test.from.String(), func(t *testing.T) {
			id := w.runner(test.from)
			before, err := w.History(ctx, id)
			w.do(err)
			if err := test.call(id); kind(err) != test.kind || (err == nil) != (test.kind == 0) {
				t.Errorf("error %v, want kind %d", err, test.kind)
			}
			if got := w.get(id).State; got != test.to {
				t.Errorf("it is %s, want %s", got, test.to)
			}
			after, err := w.History(ctx, id)
			w.do(err)
			if stored := after[len(after)-1].State; test.to != Running && stored != test.to {
				t.Errorf("its history ends with %s", stored)
			}
			if !slices.Equal(after[:len(before)], before) {
				t.Error("its history was changed")
			}
		})
	}
}

func TestStepsOutOfOrderAreRefused(t *testing.T) {
	for _, from := range []RunnerState{Pending, Setup, Idle, Draining, Terminating, Terminated, FailureDelay} {
		for _, to := range []RunnerState{Pending, Setup, Idle, Draining, Terminating, Terminated, FailureDelay} {
			permitted := from.permits(to)
			switch {
			case permitted && from == Terminated:
				t.Errorf("%s leads to %s", from, to)
			case permitted && from.leaving() && !to.leaving():
				t.Errorf("%s leads back to %s", from, to)
			case permitted && from == to:
				t.Errorf("%s leads to itself", from)
			case !permitted && to == Terminated && from != Terminated:
				t.Errorf("%s cannot end", from)
			}
		}
	}
}

func TestUptimeAndSpan(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	r, err := w.CreateRunner(ctx, w.app, "", "test")
	w.do(err)
	w.clock.advance(time.Second)
	if got := w.get(r.ID).Uptime(w.clock.Now()); got != 0 {
		t.Errorf("uptime without a process %s", got)
	}
	w.do(w.Launched(ctx, r.ID, 1, "", 1))
	w.clock.advance(2 * time.Second)
	w.do(w.Ready(ctx, r.ID))
	w.clock.advance(3 * time.Second)
	if got := w.get(r.ID).Uptime(w.clock.Now().Truncate(time.Microsecond)); got != 5*time.Second {
		t.Errorf("uptime %s, want 5s", got)
	}
	w.do(w.Ended(ctx, r.ID, "test"))
	w.clock.advance(time.Hour)
	ended := w.get(r.ID)
	if got := ended.Uptime(w.clock.Now()); got < 5*time.Second || got > 5*time.Second+time.Millisecond {
		t.Errorf("uptime of an ended one %s, want 5s", got)
	}
	lines, err := w.Logs(ctx, r.ID, LogQuery{})
	w.do(err)
	if first, last := lines[0].Time, lines[len(lines)-1].Time; first.Before(ended.CreatedAt) || !last.Before(ended.EndedAt) {
		t.Errorf("lines from %s to %s of a runner that lived from %s to %s", first, last, ended.CreatedAt, ended.EndedAt)
	}
	failed := w.runner(Setup)
	w.do(w.StartFailed(ctx, failed, "failed", func(int) time.Duration { return time.Second }))
	w.clock.advance(time.Hour)
	if got := w.get(failed).Uptime(w.clock.Now().Truncate(time.Microsecond)); got < time.Hour || got > time.Hour+time.Millisecond {
		t.Errorf("one that failed to start is tried for %s, want 1h", got)
	}
}

func TestFailureDelayGrowsAndIsForgotten(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	id := w.runner(Pending)
	var seen []int
	delay := func(failures int) time.Duration {
		seen = append(seen, failures)
		return time.Second
	}
	for range 2 {
		w.do(w.StartFailed(ctx, id, "failed", delay))
		_, app, err := w.Relaunch(ctx, id, "tried again")
		w.do(err)
		if app != w.app {
			t.Error("relaunched as another app")
		}
	}
	w.do(w.Launched(ctx, id, 1, "", 1))
	w.do(w.Ready(ctx, id))
	if got := w.get(id).Attempt; got != 3 {
		t.Errorf("attempt %d, want 3", got)
	}
	if !slices.Equal(seen, []int{1, 2}) {
		t.Errorf("delays asked for %v failures", seen)
	}
	_, standing := w.Snapshot()
	if len(standing) != 1 || standing[0].App != w.app {
		t.Errorf("snapshot %+v", standing)
	}
}

func TestLeases(t *testing.T) {
	w := newWorld(t, Options{})
	id := w.runner(Idle)
	first, err := w.Lease(id, "one", "me")
	w.do(err)
	second, err := w.Lease(id, "one", "me")
	w.do(err)
	if r := w.get(id); r.State != Running || len(r.Leases) != 2 {
		t.Errorf("%s with %d leases", r.State, len(r.Leases))
	}
	w.SetExpiries(map[string]time.Time{id: w.clock.Now()})
	if !w.get(id).ExpiresAt.IsZero() {
		t.Error("a busy runner expires")
	}
	first()
	first()
	if r := w.get(id); r.State != Running || len(r.Leases) != 1 {
		t.Errorf("after one ended twice: %s with %d leases", r.State, len(r.Leases))
	}
	w.clock.advance(time.Minute)
	second()
	_, standing := w.Snapshot()
	if s := standing[0]; s.State != Idle || !s.IdleSince.Equal(w.clock.Now().Truncate(time.Microsecond)) {
		t.Errorf("%s since %s", s.State, s.IdleSince)
	}
	w.SetExpiries(map[string]time.Time{id: w.clock.Now()})
	if w.get(id).ExpiresAt.IsZero() {
		t.Error("an idle runner does not expire")
	}
	w.Refuse()
	if _, err := w.Lease(id, "", ""); kind(err) != Conflict {
		t.Errorf("lease while closing: %v", err)
	}
	if _, err := w.CreateRunner(t.Context(), w.app, "", ""); kind(err) != Conflict {
		t.Errorf("runner while closing: %v", err)
	}
}

func TestReplacement(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	old, lonely := w.runner(Idle), w.runner(Idle)
	for _, id := range []string{old, lonely} {
		w.do(w.StopRunner(ctx, w.caller, id, true))
		w.do(w.StopRunner(ctx, w.caller, id, true))
		if got := w.get(id); got.Replacement != WillReplace {
			t.Errorf("replacement %d", got.Replacement)
		}
	}
	next, err := w.CreateRunner(ctx, w.app, old, "replaces")
	w.do(err)
	w.do(w.Launched(ctx, next.ID, 1, "", 1))
	w.do(w.Ready(ctx, next.ID))
	w.do(w.Drain(ctx, old, "replaced"))
	w.do(w.Ended(ctx, lonely, "crashed"))
	if got := w.get(old).Replacement; got != DidReplace {
		t.Errorf("replacement of the replaced one %d", got)
	}
	if got := w.get(lonely).Replacement; got != NoReplace {
		t.Errorf("replacement of one that crashed before %d", got)
	}
}

func TestRestart(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	var ids []string
	for _, st := range []RunnerState{Pending, Setup, Idle, Draining, Terminating, FailureDelay} {
		ids = append(ids, w.runner(st))
	}
	w.Log(w.get(ids[2]), w.clock.Now().Add(time.Hour), SourceStdout, "from the future")
	w.close()
	w.clock.advance(time.Minute)
	w.open(Options{})
	for _, id := range ids {
		r := w.get(id)
		history, err := w.History(ctx, id)
		w.do(err)
		if last := history[len(history)-1]; r.State != Terminated || r.Reason != "control plane restarted" || last.State != Terminated || last.Reason != r.Reason {
			t.Errorf("after a restart %s because %q; history %v", r.State, r.Reason, history)
		}
		lines, err := w.Logs(ctx, id, LogQuery{})
		w.do(err)
		if last := lines[len(lines)-1]; last.Message != "TERMINATED: control plane restarted" || !last.Time.Add(time.Microsecond).Equal(r.EndedAt) {
			t.Errorf("its log ends with %+v, itself at %s", last, r.EndedAt)
		}
	}
	listed, err := w.Runners(ctx, w.caller, Query{Pending: true})
	w.do(err)
	if len(listed) != 0 {
		t.Errorf("%d runners are listed as alive", len(listed))
	}
	apps, standing := w.Snapshot()
	if len(apps) != 1 || apps[0].Alias != "web" || apps[0].Rev.RevisionID != w.app.Rev.RevisionID || len(standing) != 0 {
		t.Errorf("snapshot %v %v", apps, standing)
	}
}

func TestEndedRunnersBeyondTheWindowComeFromTheDatabase(t *testing.T) {
	w := newWorld(t, Options{RecentWindow: time.Hour})
	ctx := t.Context()
	begin := w.clock.Now()
	old := w.runner(Terminated)
	w.clock.advance(3 * time.Hour)
	recent := w.runner(Terminated)
	w.close()
	w.open(Options{RecentWindow: time.Hour})
	if len(w.ended) != 1 {
		t.Fatalf("%d ended runners in memory, want 1", len(w.ended))
	}
	for since, want := range map[time.Time][]string{
		begin.Add(-time.Hour):        {old, recent},
		begin.Add(time.Hour):         {recent},
		w.clock.Now().Add(time.Hour): nil,
	} {
		listed, err := w.Runners(ctx, w.caller, Query{EndedSince: since})
		w.do(err)
		var got []string
		for _, r := range listed {
			got = append(got, r.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("since %s: %v, want %v", since, got, want)
		}
	}
	w.do(w.ImportEnded(ctx, 2000))
	w.clock.advance(48 * time.Hour)
	w.runner(Terminated)
	if len(w.ended) != 1 {
		t.Errorf("%d ended runners are still in memory", len(w.ended))
	}
	listed, err := w.Runners(ctx, w.caller, Query{EndedSince: begin.Add(-time.Hour)})
	w.do(err)
	if len(listed) != 2003 {
		t.Errorf("%d ended runners in all, want 2003", len(listed))
	}
	if !slices.IsSortedFunc(listed, func(a, b *Runner) int { return a.EndedAt.Compare(b.EndedAt) }) {
		t.Error("they are not in the order of their ends")
	}
}

func TestLogOrderAndBound(t *testing.T) {
	w := newWorld(t, Options{MaxLogBytes: 64 << 10})
	ctx := t.Context()
	id := w.runner(Idle)
	r := w.get(id)
	const n = 5000
	for i := range n {
		// One instant, and now and then an earlier one.
		w.Log(r, w.clock.Now().Add(-time.Duration(i%3)*time.Second), SourceStderr, fmt.Sprintf("line %d", i))
	}
	w.do(w.Ended(ctx, id, "test"))
	w.Log(r, w.clock.Now(), SourceStdout, "after the end")
	lines, err := w.Logs(ctx, id, LogQuery{Limit: n})
	w.do(err)
	if first := lines[0]; first.Source != SourceLife || first.Level != LevelWarning || !strings.Contains(first.Message, "older lines were dropped") {
		t.Errorf("the log begins with %+v", first)
	}
	var dropped int
	if _, err := fmt.Sscanf(lines[0].Message, "%d older lines", &dropped); err != nil {
		t.Fatal(err)
	}
	written := n + 4 // PENDING, SETUP, IDLE and the end
	if got := len(lines) - 1 + dropped; got != written {
		t.Errorf("%d lines kept and dropped, want %d", got, written)
	}
	size := 0
	for i, line := range lines {
		size += len(line.Message)
		if i > 0 && !line.Time.After(lines[i-1].Time) {
			t.Fatalf("line %d is not after the one before", i)
		}
		if i > 0 && i < len(lines)-1 && line.Message != fmt.Sprintf("line %d", n-len(lines)+1+i) {
			t.Fatalf("line %d of %d is %q", i, len(lines), line.Message)
		}
	}
	if last := lines[len(lines)-1]; size > 64<<10 || last.Message != "TERMINATED: test" || last.Level != LevelInfo {
		t.Errorf("%d bytes, the last %+v", size, last)
	}
	page, err := w.Logs(ctx, id, LogQuery{Until: lines[len(lines)-1].Time, Limit: 2})
	w.do(err)
	if len(page) != 2 || page[1].Message != fmt.Sprintf("line %d", n-1) || page[1].Level != LevelStderr {
		t.Errorf("the page before the last line: %+v", page)
	}
}

func TestAppSpecs(t *testing.T) {
	w := newWorld(t, Options{})
	good := AppSpec{Name: "other", Argv: []string{"x"}}
	for name, edit := range map[string]func(*AppSpec){
		"no name":          func(s *AppSpec) { s.Name = "" },
		"name with slash":  func(s *AppSpec) { s.Name = "a/b" },
		"name with dash":   func(s *AppSpec) { s.Name = "-a" },
		"long name":        func(s *AppSpec) { s.Name = strings.Repeat("a", 129) },
		"no command":       func(s *AppSpec) { s.Argv = nil },
		"negative minimum": func(s *AppSpec) { s.MinConcurrency = -1 },
		"negative GPUs":    func(s *AppSpec) { s.NumGPUs = -1 },
		"max below min":    func(s *AppSpec) { s.MinConcurrency, s.MaxConcurrency = 3, 2 },
		"negative time":    func(s *AppSpec) { s.KeepAlive = new(-time.Second) },
		"relative path":    func(s *AppSpec) { s.HealthPath = "health" },
		"environment":      func(s *AppSpec) { s.Env = []string{"secret-without-a-name"} },
		"two hyphens":      func(s *AppSpec) { s.Name = "a--b" },
		"machine type":     func(s *AppSpec) { s.MachineTypes = []string{"a b"} },
		"machine twice":    func(s *AppSpec) { s.MachineTypes = []string{"A", "A"} },
		"multiplexing":     func(s *AppSpec) { s.MaxMultiplexing = -1 },
		"buffer":           func(s *AppSpec) { s.ConcurrencyBuffer = -1 },
		"long request":     func(s *AppSpec) { s.RequestTimeout = 31 * 24 * time.Hour },
		"grace":            func(s *AppSpec) { s.GracePeriod = new(-time.Second) },
		"auth mode":        func(s *AppSpec) { s.AuthMode = new(AuthMode(3)) },
		"strategy":         func(s *AppSpec) { s.Strategy = new(Strategy(2)) },
		"message":          func(s *AppSpec) { s.Message = strings.Repeat("é", 2049) },
		"annotation":       func(s *AppSpec) { s.Annotations = map[string]string{"openapi": "x"} },
		"empty key":        func(s *AppSpec) { s.Annotations = map[string]string{"": "x"} },
		"long key":         func(s *AppSpec) { s.Annotations = map[string]string{strings.Repeat("k", 65): "x"} },
		"long annotations": func(s *AppSpec) { s.Annotations = map[string]string{"k": strings.Repeat("v", 16385)} },
	} {
		t.Run(name, func(t *testing.T) {
			spec := good
			edit(&spec)
			_, err := w.RegisterApp(t.Context(), spec)
			if kind(err) != Invalid || strings.Contains(err.Error(), "secret-without") {
				t.Errorf("error %v", err)
			}
		})
	}
	app, err := w.RegisterApp(t.Context(), good)
	w.do(err)
	if app.MaxConcurrency != 2 || app.KeepAlive != 10*time.Second || app.StartupTimeout != 600*time.Second || app.Rev.GracePeriod != 5*time.Second || !slices.Equal(app.MachineTypes, []string{"XS"}) || app.Rev.NumGPUs != 1 {
		t.Errorf("defaults %+v", app)
	}
	good.KeepAlive, good.GracePeriod, good.MinConcurrency, good.ResetScale = new(time.Duration(0)), new(time.Duration(0)), 5, true
	app, err = w.RegisterApp(t.Context(), good)
	w.do(err)
	if app.MaxConcurrency != 5 || app.KeepAlive != 0 || app.Rev.GracePeriod != 0 {
		t.Errorf("zero is a value: %+v", app)
	}
	if _, err := w.RegisterApp(t.Context(), AppSpec{Name: "x", Argv: []string{"x"}, Account: "nobody"}); kind(err) != NotFound {
		t.Errorf("an app of nobody: %v", err)
	}
}

func TestAccountsAreUnique(t *testing.T) {
	w := newWorld(t, Options{})
	if _, _, err := w.CreateAccount(t.Context(), "ME", "Another"); kind(err) != Conflict {
		t.Errorf("a second one of that nickname: %v", err)
	}
	for _, nickname := range []string{"", "a b", "a/b", "users", "Queue"} {
		if _, _, err := w.CreateAccount(t.Context(), nickname, ""); kind(err) != Invalid {
			t.Errorf("nickname %q: %v", nickname, err)
		}
	}
}

func TestWritesOfEndedCallsAreRefused(t *testing.T) {
	w := newWorld(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	id := w.runner(Idle)
	if err := w.StopRunner(ctx, w.caller, id, false); !errors.Is(err, context.Canceled) {
		t.Errorf("stop: %v", err)
	}
	if got := w.get(id).State; got != Idle {
		t.Errorf("it is %s all the same", got)
	}
}
