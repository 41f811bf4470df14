package state

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/store"
)

// full is a spec of which no setting has its default.
func full(name string) AppSpec {
	return AppSpec{
		Name: name, Argv: []string{"x"}, MachineTypes: []string{"M", "L"}, MaxMultiplexing: 2, StartupTimeout: 3 * time.Second,
		MinConcurrency: 4, MaxConcurrency: 5, ConcurrencyBuffer: 6, ConcurrencyBufferPerc: 7, KeepAlive: new(8 * time.Second),
		ScalingDelay: 9 * time.Second, RequestTimeout: 10 * time.Second, Regions: []string{"us-east"},
	}
}

func (w *world) register(spec AppSpec) *App {
	w.t.Helper()
	app, err := w.RegisterApp(w.t.Context(), spec)
	w.do(err)
	return app
}

func TestSettingsFromRevisionToRevision(t *testing.T) {
	const changed = "changed by the deploy"
	defaults := Settings{MachineTypes: []string{"XS"}, MaxMultiplexing: 1, MaxConcurrency: 2, KeepAlive: 10 * time.Second,
		RequestTimeout: time.Hour, StartupTimeout: 10 * time.Minute}
	first := Settings{MachineTypes: []string{"M", "L"}, MaxMultiplexing: 2, MinConcurrency: 4, MaxConcurrency: 5, ConcurrencyBuffer: 6,
		ConcurrencyBufferPerc: 7, KeepAlive: 8 * time.Second, ScalingDelay: 9 * time.Second, RequestTimeout: 10 * time.Second,
		StartupTimeout: 3 * time.Second, Regions: []string{"us-east"}}
	// What a deploy of nothing but defaults leads to.
	inherited := first
	inherited.MachineTypes, inherited.MaxMultiplexing, inherited.StartupTimeout = defaults.MachineTypes, 1, 10*time.Minute
	bare := AppSpec{Name: "app", Argv: []string{"x"}}
	reset := bare
	reset.ResetScale = true
	for name, test := range map[string]struct {
		deploys []AppSpec
		want    Settings
	}{
		"defaults":           {[]AppSpec{bare}, defaults},
		"first deploy":       {[]AppSpec{full("app")}, first},
		"inherited":          {[]AppSpec{full("app"), bare}, inherited},
		"inherited twice":    {[]AppSpec{full("app"), bare, bare}, inherited},
		"reset":              {[]AppSpec{full("app"), reset}, defaults},
		"kept over the code": {[]AppSpec{bare, full("app")}, Settings{MachineTypes: []string{"M", "L"}, MaxMultiplexing: 2, StartupTimeout: 3 * time.Second, MaxConcurrency: 2, KeepAlive: 10 * time.Second, RequestTimeout: time.Hour}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Options{})
			var app *App
			for _, spec := range test.deploys {
				app = w.register(spec)
			}
			if !reflect.DeepEqual(app.Settings, test.want) {
				t.Errorf("%s:\n%+v, want\n%+v", changed, app.Settings, test.want)
			}
			if !reflect.DeepEqual(app.Rev.Settings, test.want) {
				t.Errorf("the revision has %+v", app.Rev.Settings)
			}
			w.close()
			w.open(Options{})
			if again, err := w.App(w.caller, "", "app"); err != nil || !reflect.DeepEqual(again, app) {
				t.Errorf("after a restart %+v, %v", again, err)
			}
		})
	}
}

func TestScaleChangesWhatIsGiven(t *testing.T) {
	for name, test := range map[string]struct {
		change SettingsChange
		edit   func(*Settings)
	}{
		"nothing":             {SettingsChange{}, func(*Settings) {}},
		"machine types":       {SettingsChange{MachineTypes: []string{"A", "B"}}, func(s *Settings) { s.MachineTypes = []string{"A", "B"} }},
		"multiplexing":        {SettingsChange{MaxMultiplexing: new(9)}, func(s *Settings) { s.MaxMultiplexing = 9 }},
		"minimum":             {SettingsChange{MinConcurrency: new(0)}, func(s *Settings) { s.MinConcurrency = 0 }},
		"maximum":             {SettingsChange{MaxConcurrency: new(10_000)}, func(s *Settings) { s.MaxConcurrency = 10_000 }},
		"buffer":              {SettingsChange{ConcurrencyBuffer: new(0)}, func(s *Settings) { s.ConcurrencyBuffer = 0 }},
		"buffer in percent":   {SettingsChange{ConcurrencyBufferPerc: new(1000)}, func(s *Settings) { s.ConcurrencyBufferPerc = 1000 }},
		"keep-alive":          {SettingsChange{KeepAlive: new(time.Duration(0))}, func(s *Settings) { s.KeepAlive = 0 }},
		"scaling delay":       {SettingsChange{ScalingDelay: new(time.Minute)}, func(s *Settings) { s.ScalingDelay = time.Minute }},
		"request timeout":     {SettingsChange{RequestTimeout: new(time.Second)}, func(s *Settings) { s.RequestTimeout = time.Second }},
		"startup timeout":     {SettingsChange{StartupTimeout: new(720 * time.Hour)}, func(s *Settings) { s.StartupTimeout = 720 * time.Hour }},
		"regions":             {SettingsChange{Regions: []string{"eu-north"}}, func(s *Settings) { s.Regions = []string{"eu-north"} }},
		"minimum and maximum": {SettingsChange{MinConcurrency: new(7), MaxConcurrency: new(7)}, func(s *Settings) { s.MinConcurrency, s.MaxConcurrency = 7, 7 }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Options{})
			want := w.register(full("app")).Settings
			test.edit(&want)
			got, err := w.ScaleApp(t.Context(), w.caller, "", "app", test.change)
			w.do(err)
			if !reflect.DeepEqual(got.Settings, want) {
				t.Errorf("settings %+v, want %+v", got.Settings, want)
			}
			w.close()
			w.open(Options{})
			if app, err := w.App(w.caller, "", "app"); err != nil || !reflect.DeepEqual(app.Settings, want) {
				t.Errorf("after a restart %+v, %v", app, err)
			}
		})
	}
}

func TestScaleRefusals(t *testing.T) {
	w := newWorld(t, Options{})
	before := w.register(full("app"))
	for want, change := range map[string]SettingsChange{
		"min_concurrency 6 is above max_concurrency 5":                                   {MinConcurrency: new(6)},
		"min_concurrency 4 is above max_concurrency 3":                                   {MaxConcurrency: new(3)},
		"max_concurrency 0 is out of range: 1 to 10000":                                  {MinConcurrency: new(0), MaxConcurrency: new(0)},
		"max_multiplexing 0 is out of range: 1 to 10000":                                 {MaxMultiplexing: new(0)},
		"min_concurrency -1 is out of range: 0 to 10000":                                 {MinConcurrency: new(-1)},
		"concurrency_buffer 10001 is out of range: 0 to 10000":                           {ConcurrencyBuffer: new(10_001)},
		"concurrency_buffer_perc 1001 is out of range: 0 to 1000":                        {ConcurrencyBufferPerc: new(1001)},
		"keep_alive -1s is out of range: 0s to 720h (30 days)":                           {KeepAlive: new(-time.Second)},
		"scaling_delay 720h0m1s is out of range: 0s to 720h (30 days)":                   {ScalingDelay: new(30*24*time.Hour + time.Second)},
		"request_timeout 0s is out of range: it is above 0s, and at most 720h (30 days)": {RequestTimeout: new(time.Duration(0))},
		"startup_timeout 0s is out of range":                                             {StartupTimeout: new(time.Duration(0))},
		`"a b" is no machine type`:                                                       {MachineTypes: []string{"XS", "a b"}},
		"machine type XS is named twice":                                                 {MachineTypes: []string{"XS", "XS"}},
		`"" is no region`:                                                                {Regions: []string{""}},
		"17 regions are named, 16 is the most":                                           {Regions: make([]string, 17)},
	} {
		_, err := w.ScaleApp(t.Context(), w.caller, "", "app", change)
		if kind(err) != Invalid || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if after, err := w.App(w.caller, "", "app"); err != nil || !reflect.DeepEqual(after, before) {
		t.Errorf("refused changes left %+v, %v", after, err)
	}
	if _, err := w.ScaleApp(t.Context(), w.caller, "", "nothing", SettingsChange{}); kind(err) != NotFound || err.Error() != "app nothing not found" {
		t.Errorf("of no app: %v", err)
	}
}

func TestSetRevision(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	first := w.register(full("app"))
	spec := full("app")
	spec.MachineTypes, spec.MaxMultiplexing, spec.StartupTimeout, spec.AuthMode = []string{"S"}, 1, time.Minute, new(Public)
	second := w.register(spec)
	_, err := w.ScaleApp(ctx, w.caller, "", "app", SettingsChange{MachineTypes: []string{"XL"}, MaxMultiplexing: new(50), KeepAlive: new(time.Hour), MinConcurrency: new(1)})
	w.do(err)

	back, err := w.SetRevision(ctx, w.caller, "", "app", first.Rev.RevisionID, Pointing{Strategy: new(Recreate)})
	w.do(err)
	want := first.Settings
	want.KeepAlive, want.MinConcurrency = time.Hour, 1
	if back.Rev.RevisionID != first.Rev.RevisionID || !reflect.DeepEqual(back.Settings, want) {
		t.Errorf("pointed back: %+v", back.App)
	}
	if AuthMode(back.AuthMode) != Public || Strategy(back.Strategy) != Recreate || back.ID != first.ID || !back.CreatedAt.Equal(first.CreatedAt) {
		t.Errorf("pointed back: auth mode %d, strategy %d, row %d", back.AuthMode, back.Strategy, back.ID)
	}
	on, err := w.SetRevision(ctx, w.caller, "", "app", second.Rev.RevisionID, Pointing{AuthMode: new(Shared)})
	w.do(err)
	if AuthMode(on.AuthMode) != Shared || Strategy(on.Strategy) != Rolling || !slices.Equal(on.MachineTypes, []string{"S"}) {
		t.Errorf("pointed on: %+v", on.App)
	}

	created, err := w.SetRevision(ctx, w.caller, "", "another", first.Rev.RevisionID, Pointing{})
	w.do(err)
	if !reflect.DeepEqual(created.Settings, first.Settings) || AuthMode(created.AuthMode) != Private || created.ID == first.ID {
		t.Errorf("a new app: %+v", created.App)
	}
	revisions, err := w.Revisions(w.caller, "", "another")
	w.do(err)
	if len(revisions) != 1 || revisions[0].RevisionID != first.Rev.RevisionID {
		t.Errorf("revisions of it: %v", revisions)
	}

	_, key, err := w.CreateAccount(ctx, "stranger", "A Stranger")
	w.do(err)
	stranger, err := w.Authenticate(key.ID, key.Secret)
	w.do(err)
	for name, test := range map[string]struct {
		caller   Caller
		alias    string
		revision string
		pointing Pointing
		kind     Kind
		text     string
	}{
		"unknown":        {w.caller, "app", "6666", Pointing{}, NotFound, "revision 6666 not found"},
		"empty":          {w.caller, "app", "", Pointing{}, Invalid, "revision is empty"},
		"another's":      {stranger, "app", first.Rev.RevisionID, Pointing{}, NotFound, "revision " + first.Rev.RevisionID + " not found"},
		"no name":        {w.caller, "", first.Rev.RevisionID, Pointing{}, Invalid, "alias is empty"},
		"bad name":       {w.caller, "a/b", first.Rev.RevisionID, Pointing{}, Invalid, `"a/b" is no name for an app`},
		"of main":        {w.caller, "a--main", first.Rev.RevisionID, Pointing{}, Invalid, `"a--main" is no name for an app`},
		"two hyphens":    {w.caller, "a--b", first.Rev.RevisionID, Pointing{}, Invalid, `"a--b" is no name for an app`},
		"auth mode":      {w.caller, "app", first.Rev.RevisionID, Pointing{AuthMode: new(AuthMode(7))}, Invalid, "auth_mode 7"},
		"strategy":       {w.caller, "app", first.Rev.RevisionID, Pointing{Strategy: new(Strategy(-1))}, Invalid, "deployment_strategy -1"},
		"long revision":  {w.caller, "app", strings.Repeat("r", 257), Pointing{}, Invalid, "revision has 257 bytes"},
		"missing, again": {w.caller, "app", "app", Pointing{}, NotFound, "revision app not found"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.SetRevision(ctx, test.caller, "", test.alias, test.revision, test.pointing)
			if kind(err) != test.kind || !strings.HasPrefix(err.Error(), test.text) {
				t.Errorf("error %v, want %q", err, test.text)
			}
		})
	}
}

func TestRevisions(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	var ids []string
	for range 3 {
		ids = append(ids, w.register(full("app")).Rev.RevisionID)
		w.clock.advance(time.Second)
	}
	spec := full("app")
	spec.Message, spec.Annotations, spec.Secrets = "why", map[string]string{"commit": "abc"}, []string{}
	aside, err := w.RegisterRevision(ctx, spec)
	w.do(err)
	ids = append(ids, aside.RevisionID)
	listed := func() (got []string) {
		revisions, err := w.Revisions(w.caller, "", "app")
		w.do(err)
		for _, r := range revisions {
			got = append(got, r.RevisionID)
		}
		slices.Reverse(got)
		return got
	}
	if got := listed(); !slices.Equal(got, ids) {
		t.Errorf("revisions %q, want %q", got, ids)
	}
	if app, err := w.App(w.caller, "", "app"); err != nil || app.Rev.RevisionID != ids[2] {
		t.Errorf("the app points to %v, %v", app, err)
	}
	if err := w.DeleteRevision(ctx, w.caller, ids[2]); kind(err) != Conflict || err.Error() != "revision "+ids[2]+" is the current one of app app" {
		t.Errorf("deleting the current one: %v", err)
	}
	w.do(w.DeleteRevision(ctx, w.caller, ids[1]))
	if err := w.DeleteRevision(ctx, w.caller, ids[1]); kind(err) != NotFound {
		t.Errorf("deleting it again: %v", err)
	}
	ids = slices.Delete(ids, 1, 2)
	w.close()
	w.open(Options{})
	if got := listed(); !slices.Equal(got, ids) {
		t.Errorf("after a restart %q, want %q", got, ids)
	}
	all, err := w.Revisions(w.caller, "", "")
	w.do(err)
	if len(all) != 4 || all[0].Message != "why" || all[0].Annotations["commit"] != "abc" || all[0].Secrets == nil || all[1].Secrets != nil {
		t.Errorf("all revisions: %+v", all)
	}
	deleted, err := w.DeleteApp(ctx, w.caller, "", "app")
	if err != nil || deleted != ids[1] {
		t.Errorf("deleting the app: %q, %v", deleted, err)
	}
	if _, err := w.DeleteApp(ctx, w.caller, "", "app"); kind(err) != NotFound || err.Error() != "app app not found" {
		t.Errorf("deleting it again: %v", err)
	}
	if got := listed(); !slices.Equal(got, ids) {
		t.Errorf("its revisions are %q", got)
	}
	for _, id := range ids {
		w.do(w.DeleteRevision(ctx, w.caller, id))
	}
	if _, err := w.Revisions(w.caller, "", "app"); kind(err) != NotFound {
		t.Errorf("revisions of what there never was: %v", err)
	}
	if none, err := w.Revisions(w.caller, "", ""); err != nil || len(none) != 1 {
		t.Errorf("what is left: %v, %v", none, err)
	}
}

func TestAppsStayInTheirEnvironment(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	_, err := w.CreateEnvironment(ctx, w.caller, "staging", "")
	w.do(err)
	spec := full("app--staging")
	spec.Environment = "staging"
	staging := w.register(spec)
	main := w.register(full("app"))
	for environment, want := range map[string]string{"": "app web", "main": "app web", "staging": "app--staging"} {
		apps, err := w.Apps(w.caller, environment)
		w.do(err)
		var names []string
		for _, app := range apps {
			names = append(names, app.Alias)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("apps of %q: %s, want %s", environment, got, want)
		}
	}
	revisions, err := w.Revisions(w.caller, "staging", "")
	w.do(err)
	if len(revisions) != 1 || revisions[0].RevisionID != staging.Rev.RevisionID {
		t.Errorf("revisions of staging: %v", revisions)
	}
	for _, test := range []struct {
		environment, alias string
		kind               Kind
		text               string
	}{
		{"staging", "app--staging", 0, ""},
		{"main", "app", 0, ""},
		{"staging", "app", Invalid, "app app is not in environment staging: it would be called app--staging"},
		{"", "app--staging", NotFound, "app app--staging not found"},
		{"staging", "other--staging", NotFound, "app other not found in environment staging"},
		{"nowhere", "app--nowhere", NotFound, "environment nowhere not found"},
	} {
		_, err := w.App(w.caller, test.environment, test.alias)
		if kind(err) != test.kind || err != nil && err.Error() != test.text {
			t.Errorf("%s in %q: %v", test.alias, test.environment, err)
		}
	}
	if _, err := w.SetRevision(ctx, w.caller, "staging", "app--staging", main.Rev.RevisionID, Pointing{}); kind(err) != Invalid ||
		err.Error() != "revision "+main.Rev.RevisionID+" belongs to environment main, not to staging" {
		t.Errorf("pointed at a revision of another environment: %v", err)
	}
	if _, err := w.SetRevision(ctx, w.caller, "", "app--staging", main.Rev.RevisionID, Pointing{}); kind(err) != Invalid {
		t.Errorf("pointed at a revision by the wrong name: %v", err)
	}
	for _, name := range []string{"app", "--staging", "a--b--staging"} {
		spec.Name = name
		if _, err := w.RegisterApp(ctx, spec); kind(err) != Invalid {
			t.Errorf("registered as %q: %v", name, err)
		}
	}
}

func TestRolling(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	info := func() AppInfo {
		apps, err := w.Apps(w.caller, "")
		w.do(err)
		if len(apps) != 1 {
			t.Fatalf("%d apps", len(apps))
		}
		if one := w.info(apps[0].App); one != apps[0] {
			t.Errorf("listed as %+v, alone %+v", apps[0], one)
		}
		return apps[0]
	}
	expect := func(what string, active int, rolling bool) {
		t.Helper()
		if got := info(); got.ActiveRunners != active || got.Rolling != rolling {
			t.Errorf("%s: %d active, rolling %t; want %d, %t", what, got.ActiveRunners, got.Rolling, active, rolling)
		}
	}
	expect("without runners", 0, false)
	old := w.runner(Idle)
	w.runner(Terminated)
	expect("with a runner", 1, false)
	app := w.register(AppSpec{Name: "web", Argv: []string{"web"}})
	expect("a new revision", 1, true)
	if got := w.get(old); got.Replacement != WillReplace {
		t.Errorf("replacement %d of a runner of another revision", got.Replacement)
	}
	next, err := w.CreateRunner(ctx, app, old, "replaces")
	w.do(err)
	w.do(w.Launched(ctx, next.ID, 1, "", 1))
	w.do(w.Ready(ctx, next.ID))
	expect("the new one is up", 2, true)
	w.do(w.Drain(ctx, old, "replaced"))
	if got := w.get(old); got.Replacement != DidReplace {
		t.Errorf("replacement %d of a replaced one", got.Replacement)
	}
	expect("the old one drains", 1, true)
	w.do(w.Terminate(ctx, old, "drained"))
	expect("the old one ends", 1, true)
	w.do(w.Ended(ctx, old, "gone"))
	expect("the old one has ended", 1, false)
	_, err = w.SetRevision(ctx, w.caller, "", "web", app.Rev.RevisionID, Pointing{})
	w.do(err)
	expect("the same revision again", 1, false)
	w.do(w.StopRunner(ctx, w.caller, next.ID, true))
	expect("one is to be replaced", 1, true)
	w.do(w.Drain(ctx, next.ID, "test"))
	expect("it leaves with none in its place", 0, false)
}

func TestRollout(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	staying := w.runner(Draining)
	var ids []string
	for _, st := range []RunnerState{Pending, Setup, Idle, FailureDelay} {
		ids = append(ids, w.runner(st))
	}
	w.do(w.RolloutApp(ctx, w.caller, "", "web", false))
	for _, id := range ids {
		if got := w.get(id); got.Replacement != WillReplace {
			t.Errorf("a %s runner: replacement %d", got.State, got.Replacement)
		}
		history, err := w.History(ctx, id)
		w.do(err)
		if last := history[len(history)-1]; last.Reason != "rollout requested" {
			t.Errorf("its history ends with %+v", last)
		}
		lines, err := w.Logs(ctx, id, LogQuery{})
		w.do(err)
		if last := lines[len(lines)-1].Message; !strings.HasSuffix(last, "rollout requested") {
			t.Errorf("its log ends with %q", last)
		}
	}
	if got := w.get(staying); got.Replacement != NoReplace {
		t.Errorf("one that drains: replacement %d", got.Replacement)
	}
	forced := func() (n int) {
		_, standing := w.Snapshot()
		for _, r := range standing {
			if r.Force {
				n++
			}
		}
		return n
	}
	if n := forced(); n != 0 {
		t.Errorf("%d are forced out", n)
	}
	w.do(w.RolloutApp(ctx, w.caller, "", "web", true))
	if n := forced(); n != len(ids) {
		t.Errorf("%d are forced out, want %d", n, len(ids))
	}

	// One that was forced out leaves before the one in its place is up.
	next, err := w.CreateRunner(ctx, w.app, ids[2], "replaces")
	w.do(err)
	w.do(w.Drain(ctx, ids[2], "forced"))
	if got := w.get(ids[2]).Replacement; got != WillReplace {
		t.Errorf("replacement %d while the next one starts", got)
	}
	w.do(w.Ended(ctx, ids[2], "gone"))
	if got := w.get(ids[2]).Replacement; got != DidReplace {
		t.Errorf("replacement %d after its end", got)
	}
	w.do(w.StopRunner(ctx, w.caller, next.ID, false))

	rows, err := w.db.AliveRunners(ctx)
	w.do(err)
	marked := slices.DeleteFunc(rows, func(r store.Runner) bool { return r.Replacement != int(WillReplace) })
	if len(marked) != 3 {
		t.Errorf("%d marks are on disk, want 3", len(marked))
	}
	if err := w.RolloutApp(ctx, w.caller, "", "nothing", false); kind(err) != NotFound {
		t.Errorf("of no app: %v", err)
	}
}

// TestRestartInARollout: the runners die with the control plane, and what
// comes after them is of the revision that was chosen.
func TestRestartInARollout(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	old := w.runner(Idle)
	app := w.register(AppSpec{Name: "web", Argv: []string{"web"}, Strategy: new(Recreate)})
	w.do(w.RolloutApp(ctx, w.caller, "", "web", true))
	w.close()
	w.open(Options{})
	apps, standing := w.Snapshot()
	if len(apps) != 1 || apps[0].Rev.RevisionID != app.Rev.RevisionID || Strategy(apps[0].Strategy) != Recreate || len(standing) != 0 {
		t.Errorf("after a restart %+v %+v", apps, standing)
	}
	if got := w.info(apps[0].App); got.Rolling {
		t.Error("it is rolling with nothing left to replace")
	}
	if got := w.get(old); got.State != Terminated || got.Replacement != NoReplace {
		t.Errorf("the old runner is %s, replacement %d", got.State, got.Replacement)
	}
}

// TestChangesAtTheSameTime has many callers change few apps, and looks that
// what is in memory afterwards is what is on disk.
func TestChangesAtTheSameTime(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	var callers sync.WaitGroup
	for number := range 8 {
		callers.Go(func() {
			for i := range 40 {
				name := fmt.Sprintf("app-%d", (number+i)%3)
				var err error
				switch i % 5 {
				case 0, 1:
					_, err = w.RegisterApp(ctx, full(name))
				case 2:
					_, err = w.ScaleApp(ctx, w.caller, "", name, SettingsChange{MaxConcurrency: new(100 + i), MinConcurrency: new(number)})
				case 3:
					var all []RevisionInfo
					if all, err = w.Revisions(w.caller, "", name); err == nil {
						one := all[len(all)-1].RevisionID
						_, err = w.SetRevision(ctx, w.caller, "", name, one, Pointing{})
						if err == nil && i%2 == 0 {
							err = w.DeleteRevision(ctx, w.caller, all[0].RevisionID)
						}
					}
				case 4:
					_, err = w.DeleteApp(ctx, w.caller, "", name)
				}
				if k := kind(err); err != nil && k != NotFound && k != Conflict {
					t.Errorf("change %d of %s: %v", i, name, err)
				}
			}
		})
	}
	callers.Wait()
	type content struct {
		apps      []AppInfo
		revisions []RevisionInfo
	}
	look := func() (c content) {
		var err error
		c.apps, err = w.Apps(w.caller, "")
		w.do(err)
		for i := range c.apps {
			c.apps[i].Rolling = false // of what waits for runners, until a restart
		}
		c.revisions, err = w.Revisions(w.caller, "", "")
		w.do(err)
		return c
	}
	before := look()
	w.close()
	w.open(Options{})
	after := look()
	if !reflect.DeepEqual(before, after) {
		t.Errorf("after a restart %+v, before %+v", after, before)
	}
}
