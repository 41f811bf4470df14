package schedule

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func at(seconds float64) time.Time {
	return time.Unix(1_000_000, 0).Add(time.Duration(seconds * float64(time.Second)))
}

// one is a runner of app "a" and revision "1", idle since 0.
func one(id string, phase Phase, edits ...func(*Runner)) Runner {
	r := Runner{ID: id, App: "a", Revision: "1", Phase: phase, Since: at(0), CreatedAt: at(0), IdleSince: at(0), Grace: 5 * time.Second}
	for _, edit := range edits {
		edit(&r)
	}
	return r
}

func busy(r *Runner)      { r.InFlight = 1 }
func kill(r *Runner)      { r.Kill = true }
func killed(r *Runner)    { r.Killed = true }
func replace(r *Runner)   { r.Replace = true }
func old(r *Runner)       { r.Revision = "0" }
func elsewhere(r *Runner) { r.App = "b" }
func of(id string) func(*Runner) {
	return func(r *Runner) { r.Replaces = id }
}
func idleSince(s float64) func(*Runner) { return func(r *Runner) { r.IdleSince = at(s) } }
func retryAt(s float64) func(*Runner)   { return func(r *Runner) { r.RetryAt = at(s) } }

func TestMake(t *testing.T) {
	a := App{Name: "a", Revision: "1", Min: 1, Max: 3, KeepAlive: 10 * time.Second}
	with := func(edit func(*App)) App {
		b := a
		edit(&b)
		return b
	}
	none := with(func(a *App) { a.Min = 0 })
	two := with(func(a *App) { a.Min = 2 })
	for name, test := range map[string]struct {
		app      App
		now      float64
		runners  []Runner
		want     string // actions as "kind runner", in order
		expiries string // as "runner second"
		next     float64
	}{
		"nothing wanted":                {app: none},
		"one missing":                   {app: a, want: "create"},
		"two missing":                   {app: two, want: "create, create"},
		"more wanted than allowed":      {app: with(func(a *App) { a.Min, a.Max = 5, 1 }), want: "create"},
		"not yet, after crashes":        {app: with(func(a *App) { a.NotBefore = at(7) }), next: 7},
		"now, after crashes":            {app: with(func(a *App) { a.NotBefore = at(7) }), now: 7, want: "create"},
		"one starting is enough":        {app: a, runners: []Runner{one("r", Starting)}},
		"one waiting is enough":         {app: a, runners: []Runner{one("r", Waiting, retryAt(3))}, next: 3},
		"one waited for long enough":    {app: a, now: 3, runners: []Runner{one("r", Waiting, retryAt(3))}, want: "relaunch r"},
		"one up is enough":              {app: a, runners: []Runner{one("r", Up)}},
		"one draining is not":           {app: a, runners: []Runner{one("r", Draining, busy)}, want: "create", next: 5},
		"drained":                       {app: none, runners: []Runner{one("r", Draining)}, want: "terminate r"},
		"draining":                      {app: none, now: 2, runners: []Runner{one("r", Draining, busy)}, next: 5},
		"draining for too long":         {app: none, now: 5, runners: []Runner{one("r", Draining, busy)}, want: "terminate r"},
		"terminating":                   {app: none, now: 4, runners: []Runner{one("r", Terminating)}, next: 5},
		"terminating for too long":      {app: none, now: 5, runners: []Runner{one("r", Terminating)}, want: "kill r"},
		"to be killed":                  {app: none, runners: []Runner{one("r", Terminating, kill)}, want: "kill r"},
		"killed":                        {app: none, now: 9, runners: []Runner{one("r", Terminating, kill, killed)}},
		"kept, idle or not":             {app: a, now: 1000, runners: []Runner{one("r", Up)}},
		"one idle above the minimum":    {app: a, now: 4, runners: []Runner{one("r", Up, idleSince(1)), one("s", Up, idleSince(2))}, expiries: "r 11", next: 11},
		"the idle one, not the busy":    {app: a, now: 4, runners: []Runner{one("r", Up, busy), one("s", Up, idleSince(2))}, expiries: "s 12", next: 12},
		"two idle above the minimum":    {app: none, now: 4, runners: []Runner{one("r", Up, idleSince(1)), one("s", Up, idleSince(2))}, expiries: "r 11, s 12", next: 11},
		"one idle for long enough":      {app: none, now: 11, runners: []Runner{one("r", Up, idleSince(1)), one("s", Up, idleSince(2))}, want: "drain r", expiries: "s 12", next: 12},
		"all busy":                      {app: none, now: 100, runners: []Runner{one("r", Up, busy)}},
		"one starting does not count":   {app: a, now: 100, runners: []Runner{one("r", Up), one("s", Starting)}},
		"too many: the unready first":   {app: with(func(a *App) { a.Min, a.Max = 1, 1 }), runners: []Runner{one("r", Up), one("s", Starting)}, want: "drain s"},
		"too many: the idle before":     {app: with(func(a *App) { a.Min, a.Max = 1, 1 }), runners: []Runner{one("r", Up, busy), one("s", Up)}, want: "drain s"},
		"outdated, nothing in place":    {app: a, runners: []Runner{one("r", Up, old)}, want: "create"},
		"outdated, one on its way":      {app: a, runners: []Runner{one("r", Up, old), one("s", Starting)}},
		"outdated, one in place":        {app: a, runners: []Runner{one("r", Up, old), one("s", Up)}, want: "drain r"},
		"outdated, none wanted":         {app: none, runners: []Runner{one("r", Up, old)}, want: "drain r"},
		"to be replaced":                {app: a, runners: []Runner{one("r", Up, replace)}, want: "create r"},
		"replacement on its way":        {app: a, runners: []Runner{one("r", Up, replace), one("s", Starting, of("r"))}},
		"replacement failed for now":    {app: a, runners: []Runner{one("r", Up, replace), one("s", Waiting, of("r"), retryAt(3))}, next: 3},
		"replacement up":                {app: a, runners: []Runner{one("r", Up, replace), one("s", Up, of("r"))}, want: "drain r"},
		"replaced, draining":            {app: a, runners: []Runner{one("r", Draining, replace, busy), one("s", Up, of("r"))}, next: 5},
		"replaced, at the maximum":      {app: with(func(a *App) { a.Max = 1 }), runners: []Runner{one("r", Up, replace), one("s", Up, of("r"))}, want: "drain r"},
		"replaced outdated one":         {app: a, runners: []Runner{one("r", Up, old, replace), one("s", Starting, of("r"))}},
		"waiting one to be replaced":    {app: a, runners: []Runner{one("r", Waiting, replace, retryAt(-1))}, want: "create r"},
		"replaced one crashed":          {app: a, runners: []Runner{one("s", Up, of("r"))}},
		"replaced after crashes":        {app: with(func(a *App) { a.NotBefore = at(7) }), runners: []Runner{one("r", Up, replace)}, next: 7},
		"of an app that is gone":        {app: none, runners: []Runner{one("r", Up, elsewhere)}, want: "drain r"},
		"leaving an app that is gone":   {app: none, runners: []Runner{one("r", Terminating, elsewhere)}, next: 5},
		"to be replaced, app gone":      {app: none, runners: []Runner{one("r", Up, elsewhere, replace)}, want: "drain r"},
		"idle one to be replaced stays": {app: none, now: 100, runners: []Runner{one("r", Up, replace), one("s", Starting, of("r"))}},
	} {
		t.Run(name, func(t *testing.T) {
			plan := Make(at(test.now), []App{test.app}, test.runners)
			if got := actions(plan); got != test.want {
				t.Errorf("actions %q, want %q", got, test.want)
			}
			var expiries []string
			for id, when := range plan.Expiries {
				expiries = append(expiries, fmt.Sprintf("%s %g", id, when.Sub(at(0)).Seconds()))
			}
			slices.Sort(expiries)
			if got := strings.Join(expiries, ", "); got != test.expiries {
				t.Errorf("expiries %q, want %q", got, test.expiries)
			}
			want := time.Time{}
			if test.next != 0 {
				want = at(test.next)
			}
			if !plan.Next.Equal(want) {
				t.Errorf("next %s, want %s", plan.Next, want)
			}
			for _, action := range plan.Actions {
				if action.Reason == "" || action.App == "" {
					t.Errorf("action without a reason or an app: %+v", action)
				}
			}
			slices.Reverse(test.runners)
			if got := actions(Make(at(test.now), []App{test.app}, test.runners)); got != test.want {
				t.Errorf("in another order of runners: actions %q, want %q", got, test.want)
			}
		})
	}
}

func actions(plan Plan) string {
	var all []string
	for _, action := range plan.Actions {
		all = append(all, strings.TrimSpace(action.Kind.String()+" "+action.Runner))
	}
	return strings.Join(all, ", ")
}

func TestBackoff(t *testing.T) {
	for failures, want := range map[int]time.Duration{
		-1: 0, 0: 0, 1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second, 6: 32 * time.Second,
		7: time.Minute, 8: time.Minute, 1 << 40: time.Minute,
	} {
		if got := Backoff(failures); got != want {
			t.Errorf("after %d failures %s, want %s", failures, got, want)
		}
	}
}

// TestConverges carries out plans in a model until nothing is left to do, from
// many starting points, and looks at where that leads.
func TestConverges(t *testing.T) {
	app := App{Name: "a", Revision: "1", Min: 2, Max: 3, KeepAlive: time.Second}
	for seed := range 4096 {
		var runners []Runner
		for i, bits := 0, seed; i < 4; i, bits = i+1, bits>>3 {
			r := one(fmt.Sprint(i), Phase(bits%5))
			switch bits % 8 {
			case 5:
				r.Phase, r.Replace = Up, true
			case 6:
				r.Phase, r.Revision = Up, "0"
			case 7:
				r.Phase, r.Revision, r.Replace = Starting, "0", true
			}
			runners = append(runners, r)
		}
		now := at(0)
		for step := 0; ; step++ {
			if step == 100 {
				t.Fatalf("from %#o: still acting after %d plans: %+v", seed, step, runners)
			}
			plan := Make(now, []App{app}, runners)
			if len(plan.Actions) == 0 && plan.Next.IsZero() && settled(runners) {
				break
			}
			runners = carryOut(plan, runners, now, step)
			now = now.Add(time.Second)
		}
		if len(runners) != app.Min {
			t.Fatalf("from %#o: %d runners: %+v", seed, len(runners), runners)
		}
		for _, r := range runners {
			if r.Phase != Up || r.Revision != app.Revision {
				t.Fatalf("from %#o: runner %+v", seed, r)
			}
		}
	}
}

func settled(runners []Runner) bool {
	return !slices.ContainsFunc(runners, func(r Runner) bool { return r.Phase != Up })
}

// carryOut is a world in which what is started is up at the next look, and
// what is asked to end is gone.
func carryOut(plan Plan, runners []Runner, now time.Time, step int) []Runner {
	runners = slices.Clone(runners)
	for i := range runners {
		if runners[i].Phase == Starting {
			runners[i].Phase, runners[i].IdleSince = Up, now
		}
	}
	for n, action := range plan.Actions {
		at := slices.IndexFunc(runners, func(r Runner) bool { return r.ID == action.Runner })
		switch action.Kind {
		case Create:
			r := one(fmt.Sprintf("new-%d-%d", step, n), Starting, of(action.Runner))
			r.CreatedAt = now
			runners = append(runners, r)
		case Relaunch:
			runners[at].Phase = Starting
		case Drain:
			runners[at].Phase, runners[at].Since = Draining, now
		case Terminate, Kill:
			runners = slices.Delete(runners, at, at+1)
		}
	}
	return runners
}
