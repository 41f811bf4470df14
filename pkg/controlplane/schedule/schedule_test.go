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
	r := Runner{ID: id, App: "a", Revision: "1", Phase: phase, Since: at(0), CreatedAt: at(0), IdleSince: at(0), Timeout: time.Minute, Grace: 5 * time.Second}
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
func older(r *Runner)     { r.Revision = "-1" }
func force(r *Runner)     { r.Force = true }
func hasty(r *Runner)     { r.Hasty = r.Since }
func elsewhere(r *Runner) { r.App = "b" }
func of(id string) func(*Runner) {
	return func(r *Runner) { r.Replaces = id }
}
func idleSince(s float64) func(*Runner) { return func(r *Runner) { r.IdleSince = at(s) } }
func createdAt(s float64) func(*Runner) { return func(r *Runner) { r.CreatedAt = at(s) } }
func since(s float64) func(*Runner)     { return func(r *Runner) { r.Since = at(s) } }
func failing(s float64) func(*Runner)   { return func(r *Runner) { r.FailingSince = at(s) } }
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
	recreate := with(func(a *App) { a.Min, a.Recreate = 2, true })
	for name, test := range map[string]struct {
		app      App
		now      float64
		runners  []Runner
		want     string // actions as "kind runner", in order
		expiries string // as "runner second"
		next     float64
	}{
		"nothing wanted":                  {app: none},
		"one missing":                     {app: a, want: "create"},
		"two missing":                     {app: two, want: "create, create"},
		"more wanted than allowed":        {app: with(func(a *App) { a.Min, a.Max = 5, 1 }), want: "create"},
		"not yet, after crashes":          {app: with(func(a *App) { a.NotBefore = at(7) }), next: 7},
		"now, after crashes":              {app: with(func(a *App) { a.NotBefore = at(7) }), now: 7, want: "create"},
		"one starting is enough":          {app: a, runners: []Runner{one("r", Starting)}},
		"one waiting is enough":           {app: a, runners: []Runner{one("r", Waiting, retryAt(3))}, next: 3},
		"one waited for long enough":      {app: a, now: 3, runners: []Runner{one("r", Waiting, retryAt(3))}, want: "relaunch r"},
		"one up is enough":                {app: a, runners: []Runner{one("r", Up)}},
		"one draining is not":             {app: a, runners: []Runner{one("r", Draining, busy)}, want: "create", next: 60},
		"drained":                         {app: none, runners: []Runner{one("r", Draining)}, want: "terminate r"},
		"draining":                        {app: none, now: 2, runners: []Runner{one("r", Draining, busy)}, next: 60},
		"draining, longer than grace":     {app: none, now: 59, runners: []Runner{one("r", Draining, busy)}, next: 60},
		"draining for too long":           {app: none, now: 60, runners: []Runner{one("r", Draining, busy)}, want: "terminate r"},
		"draining in haste":               {app: none, now: 4, runners: []Runner{one("r", Draining, busy, hasty)}, next: 5},
		"draining in haste, too long":     {app: none, now: 5, runners: []Runner{one("r", Draining, busy, hasty)}, want: "terminate r"},
		"in haste since later":            {app: none, now: 5, runners: []Runner{one("r", Draining, busy, func(r *Runner) { r.Hasty = at(4) })}, next: 9},
		"in haste since before":           {app: none, now: 5, runners: []Runner{one("r", Draining, busy, func(r *Runner) { r.Hasty = at(-4) })}, want: "terminate r"},
		"in haste since close to the end": {app: none, now: 58, runners: []Runner{one("r", Draining, busy, func(r *Runner) { r.Hasty = at(58) })}, next: 60},
		"forced out":                      {app: none, now: 5, runners: []Runner{one("r", Draining, busy, force)}, want: "terminate r"},
		"in haste, requests are short":    {app: none, now: 2, runners: []Runner{one("r", Draining, busy, force, func(r *Runner) { r.Timeout = 2 * time.Second })}, want: "terminate r"},
		"draining, its app deleted":       {app: none, now: 5, runners: []Runner{one("r", Draining, busy, elsewhere)}, next: 60},
		"terminating":                     {app: none, now: 4, runners: []Runner{one("r", Terminating)}, next: 5},
		"terminating for too long":        {app: none, now: 5, runners: []Runner{one("r", Terminating)}, want: "kill r"},
		"to be killed":                    {app: none, runners: []Runner{one("r", Terminating, kill)}, want: "kill r"},
		"killed":                          {app: none, now: 9, runners: []Runner{one("r", Terminating, kill, killed)}},
		"kept, idle or not":               {app: a, now: 1000, runners: []Runner{one("r", Up)}},
		"one idle above the minimum":      {app: a, now: 4, runners: []Runner{one("r", Up, idleSince(1)), one("s", Up, idleSince(2))}, expiries: "r 11", next: 11},
		"the idle one, not the busy":      {app: a, now: 4, runners: []Runner{one("r", Up, busy), one("s", Up, idleSince(2))}, expiries: "s 12", next: 12},
		"two idle above the minimum":      {app: none, now: 4, runners: []Runner{one("r", Up, idleSince(1)), one("s", Up, idleSince(2))}, expiries: "r 11, s 12", next: 11},
		"one idle for long enough":        {app: none, now: 11, runners: []Runner{one("r", Up, idleSince(1)), one("s", Up, idleSince(2))}, want: "drain r", expiries: "s 12", next: 12},
		"all busy":                        {app: none, now: 100, runners: []Runner{one("r", Up, busy)}},
		"one starting does not count":     {app: a, now: 100, runners: []Runner{one("r", Up), one("s", Starting)}},
		"too many: the unready first":     {app: with(func(a *App) { a.Min, a.Max = 1, 1 }), runners: []Runner{one("r", Up), one("s", Starting)}, want: "drain s"},
		"too many: the idle before":       {app: with(func(a *App) { a.Min, a.Max = 1, 1 }), runners: []Runner{one("r", Up, busy), one("s", Up)}, want: "drain s"},
		"too many: the newest idle one":   {app: with(func(a *App) { a.Min, a.Max = 1, 1 }), runners: []Runner{one("r", Up, idleSince(1)), one("s", Up, idleSince(0), createdAt(1))}, want: "drain s"},
		"too many: of an old revision":    {app: with(func(a *App) { a.Min, a.Max = 1, 1 }), runners: []Runner{one("r", Up, old), one("s", Up, createdAt(1))}, want: "drain r"},
		"outdated, nothing in place":      {app: a, runners: []Runner{one("r", Up, old)}, want: "create r"},
		"outdated, after crashes":         {app: with(func(a *App) { a.NotBefore = at(7) }), runners: []Runner{one("r", Up, old)}, next: 7},
		"outdated, one on its way":        {app: a, runners: []Runner{one("r", Up, old), one("s", Starting, of("r"))}},
		"outdated, one failed for now":    {app: a, runners: []Runner{one("r", Up, old), one("s", Waiting, of("r"), retryAt(3))}, next: 3},
		"outdated, one in place":          {app: a, runners: []Runner{one("r", Up, old), one("s", Up, of("r"))}, want: "drain r"},
		"outdated above the minimum":      {app: none, runners: []Runner{one("r", Up, old)}, want: "create r", expiries: "r 10", next: 10},
		"outdated and busy":               {app: a, runners: []Runner{one("r", Up, old, busy), one("s", Up, of("r"))}, want: "drain r"},
		"outdated and starting":           {app: a, runners: []Runner{one("r", Starting, old)}, want: "drain r, create"},
		"outdated and waiting":            {app: a, now: 9, runners: []Runner{one("r", Waiting, old, retryAt(3))}, want: "drain r, create"},
		"outdated, draining":              {app: a, now: 30, runners: []Runner{one("r", Draining, old, busy), one("s", Up, of("r"))}, next: 60},
		"outdated, room for all":          {app: with(func(a *App) { a.Min, a.Max = 2, 4 }), runners: []Runner{one("r", Up, old), one("s", Up, old)}, want: "create r, create s"},
		"outdated, one at a time":         {app: with(func(a *App) { a.Min, a.Max = 2, 2 }), runners: []Runner{one("r", Up, old), one("s", Up, old)}, want: "create r"},
		"outdated, one at a time, next":   {app: with(func(a *App) { a.Min, a.Max = 2, 2 }), runners: []Runner{one("r", Draining, old, busy), one("s", Up, old), one("t", Up, of("r"))}, want: "create s", next: 60},
		"outdated, the first not up":      {app: with(func(a *App) { a.Min, a.Max = 2, 2 }), runners: []Runner{one("r", Up, old), one("s", Up, old), one("t", Starting, of("r"))}},
		"outdated and missing":            {app: with(func(a *App) { a.Min, a.Max = 2, 2 }), runners: []Runner{one("r", Up, old)}, want: "create r, create"},
		"minimum raised in a rollout":     {app: with(func(a *App) { a.Min, a.Max = 3, 3 }), runners: []Runner{one("r", Up, old), one("s", Starting, of("r"))}, want: "create, create"},
		"maximum lowered in a rollout":    {app: with(func(a *App) { a.Min, a.Max = 1, 1 }), runners: []Runner{one("r", Up, old), one("s", Up, old), one("t", Starting, of("r"))}, want: "drain s"},
		"pointed back":                    {app: a, runners: []Runner{one("r", Up), one("s", Up, old, of("r"))}, want: "drain s"},
		"pointed back, not up":            {app: a, runners: []Runner{one("r", Up), one("s", Starting, old, of("r"))}, want: "drain s"},
		"pointed on, the second up":       {app: a, runners: []Runner{one("r", Up, old), one("s", Up, older, of("r"))}, want: "drain r, create s"},
		"recreate":                        {app: recreate, runners: []Runner{one("r", Up, old), one("s", Starting, old)}, want: "drain r, drain s"},
		"recreate, draining":              {app: recreate, runners: []Runner{one("r", Draining, old, busy)}, next: 5},
		"recreate, draining too long":     {app: recreate, now: 5, runners: []Runner{one("r", Draining, old, busy)}, want: "terminate r"},
		"recreate, one was stopped":       {app: with(func(a *App) { a.Min, a.Recreate = 0, true }), now: 5, runners: []Runner{one("r", Draining, busy)}, next: 60},
		"recreate, ending":                {app: recreate, runners: []Runner{one("r", Terminating, old)}, next: 5},
		"recreate, ended":                 {app: recreate, want: "create, create"},
		"recreate, of the revision":       {app: recreate, runners: []Runner{one("r", Up), one("s", Up)}},
		"recreate, one to be replaced":    {app: recreate, runners: []Runner{one("r", Up, replace), one("s", Up)}, want: "create r"},
		"forced":                          {app: a, runners: []Runner{one("r", Up, replace, force), one("s", Up, replace, force)}, want: "create r, create s", expiries: "r 10", next: 10},
		"forced, at the maximum":          {app: with(func(a *App) { a.Max = 1 }), runners: []Runner{one("r", Up, replace, force), one("s", Starting, of("r"))}, want: "drain r"},
		"forced, above the maximum":       {app: with(func(a *App) { a.Min, a.Max = 2, 2 }), runners: []Runner{one("r", Up, replace, force), one("s", Up, replace, force)}, want: "create r, create s"},
		"forced, after crashes":           {app: with(func(a *App) { a.NotBefore = at(7) }), runners: []Runner{one("r", Up, replace, force)}, next: 7},
		"to be replaced":                  {app: a, runners: []Runner{one("r", Up, replace)}, want: "create r"},
		"replacement on its way":          {app: a, runners: []Runner{one("r", Up, replace), one("s", Starting, of("r"))}},
		"replacement failed for now":      {app: a, runners: []Runner{one("r", Up, replace), one("s", Waiting, of("r"), retryAt(3))}, next: 3},
		"replacement up":                  {app: a, runners: []Runner{one("r", Up, replace), one("s", Up, of("r"))}, want: "drain r"},
		"replaced, draining":              {app: a, runners: []Runner{one("r", Draining, replace, busy), one("s", Up, of("r"))}, next: 60},
		"replaced, at the maximum":        {app: with(func(a *App) { a.Max = 1 }), runners: []Runner{one("r", Up, replace), one("s", Up, of("r"))}, want: "drain r"},
		"replaced outdated one":           {app: a, runners: []Runner{one("r", Up, old, replace), one("s", Starting, of("r"))}},
		"waiting one to be replaced":      {app: a, runners: []Runner{one("r", Waiting, replace, retryAt(-1))}, want: "drain r, create"},
		"replaced one crashed":            {app: a, runners: []Runner{one("s", Up, of("r"))}},
		"replaced after crashes":          {app: with(func(a *App) { a.NotBefore = at(7) }), runners: []Runner{one("r", Up, replace)}, next: 7},
		"of an app that is gone":          {app: none, runners: []Runner{one("r", Up, elsewhere)}, want: "drain r"},
		"leaving an app that is gone":     {app: none, runners: []Runner{one("r", Terminating, elsewhere)}, next: 5},
		"to be replaced, app gone":        {app: none, runners: []Runner{one("r", Up, elsewhere, replace)}, want: "drain r"},
		"idle one to be replaced":         {app: none, now: 9, runners: []Runner{one("r", Up, replace), one("s", Starting, of("r"))}, expiries: "r 10", next: 10},
		"and for long enough":             {app: none, now: 10, runners: []Runner{one("r", Up, replace), one("s", Starting, of("r"))}, want: "drain r, drain s"},
		"and nothing started for it":      {app: none, now: 10, runners: []Runner{one("r", Up, replace)}, want: "drain r"},
		"busy one to be replaced":         {app: none, now: 100, runners: []Runner{one("r", Up, replace, busy), one("s", Starting, of("r"))}},

		"replacement to be replaced too":       {app: with(func(a *App) { a.Max = 1 }), runners: []Runner{one("r", Waiting, replace, retryAt(-1)), one("s", Waiting, replace, of("r"), retryAt(-1))}, want: "drain r, drain s"},
		"replacement that failed, replaced":    {app: with(func(a *App) { a.Max = 1 }), runners: []Runner{one("r", Up, old), one("s", Waiting, replace, of("r"), retryAt(-1))}, want: "drain s"},
		"replacement on its way, replaced":     {app: a, runners: []Runner{one("r", Up, replace), one("s", Starting, replace, of("r"))}},
		"failing above the minimum":            {app: none, now: 9, runners: []Runner{one("r", Waiting, failing(0), retryAt(9))}, want: "relaunch r", next: 10},
		"failing for too long":                 {app: none, now: 10, runners: []Runner{one("r", Waiting, failing(0), retryAt(9)), one("s", Waiting, failing(3), retryAt(20))}, want: "drain r", next: 13},
		"failing within the minimum":           {app: a, now: 99, runners: []Runner{one("r", Waiting, failing(0), retryAt(99))}, want: "relaunch r"},
		"failing beside one that is up":        {app: a, now: 10, runners: []Runner{one("r", Up), one("s", Waiting, failing(0), retryAt(9))}, want: "drain s"},
		"failing, the minimum lowered":         {app: a, now: 99, runners: []Runner{one("r", Waiting, failing(0), retryAt(99)), one("s", Waiting, failing(1), retryAt(99)), one("t", Waiting, failing(2), retryAt(99))}, want: "drain r, drain s, relaunch t"},
		"failing, the maximum lowered":         {app: with(func(a *App) { a.Max = 1 }), now: 9, runners: []Runner{one("r", Waiting, failing(0), retryAt(9)), one("s", Waiting, failing(0), retryAt(9))}, want: "drain s, relaunch r"},
		"failing in a rollout, maximum 1":      {app: with(func(a *App) { a.Min, a.Max = 0, 1 }), runners: []Runner{one("r", Up, old, busy), one("s", Up, old, busy), one("t", Up, old, busy), one("u", Waiting, of("r"), retryAt(3)), one("v", Waiting, of("s"), retryAt(3)), one("w", Waiting, of("t"), retryAt(3))}, want: "drain s, drain v, drain t, drain w", next: 3},
		"failing in a rollout, maximum 3":      {app: a, runners: []Runner{one("r", Up, old, busy), one("s", Up, old, busy), one("t", Up, old, busy), one("u", Waiting, of("r"), retryAt(3)), one("v", Starting, of("s")), one("w", Waiting, of("t"), retryAt(3), createdAt(1))}, want: "drain w, drain u"},
		"recreate, failing beside the old one": {app: recreate, now: 9, runners: []Runner{one("r", Draining, old, busy, since(9)), one("s", Waiting, failing(8), retryAt(9))}, next: 14},
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
// many starting points, and looks at where that leads, and at how many runners
// there are on the way.
func TestConverges(t *testing.T) {
	for _, app := range []App{
		{Name: "a", Revision: "1", Min: 2, Max: 3, KeepAlive: time.Second},
		{Name: "a", Revision: "1", Min: 2, Max: 2, KeepAlive: time.Second},
		{Name: "a", Revision: "1", Min: 0, Max: 8, KeepAlive: time.Second},
		{Name: "a", Revision: "1", Min: 2, Max: 3, KeepAlive: time.Second, Recreate: true},
	} {
		t.Run(fmt.Sprintf("%d to %d, recreate %t", app.Min, app.Max, app.Recreate), func(t *testing.T) {
			for seed := range 4096 {
				converge(t, app, seed)
			}
		})
	}
}

func converge(t *testing.T, app App, seed int) {
	t.Helper()
	runners := startingPoint(seed)
	serving := func() (n int) {
		for _, r := range runners {
			if r.serves() {
				n++
			}
		}
		return n
	}
	forced := slices.ContainsFunc(runners, func(r Runner) bool { return r.Force })
	now, most := at(0), max(serving(), app.Max+1)
	for step := 0; ; step++ {
		if step == 100 {
			t.Fatalf("from %#o: still acting after %d plans: %+v", seed, step, runners)
		}
		plan := Make(now, []App{app}, runners)
		if len(plan.Actions) == 0 && plan.Next.IsZero() && settled(runners) {
			break
		}
		foreign := slices.ContainsFunc(runners, func(r Runner) bool { return r.Revision != app.Revision })
		runners = carryOut(plan, runners, now, step)
		if n := serving(); n > most && !forced {
			t.Fatalf("from %#o: %d runners at once, %d are the most: %+v", seed, n, most, runners)
		}
		if foreign && app.Recreate && slices.ContainsFunc(plan.Actions, func(a Action) bool { return a.Kind == Create }) {
			t.Fatalf("from %#o: one was started before the old ones had ended: %+v", seed, runners)
		}
		now = now.Add(time.Second)
	}
	if len(runners) != app.Min {
		t.Fatalf("from %#o: %d runners: %+v", seed, len(runners), runners)
	}
	for _, r := range runners {
		if r.Phase != Up || r.Revision != app.Revision || r.Replace {
			t.Fatalf("from %#o: runner %+v", seed, r)
		}
	}
}

// startingPoint makes four runners out of three bits each.
func startingPoint(seed int) []Runner {
	var runners []Runner
	for i, bits := 0, seed; i < 4; i, bits = i+1, bits>>3 {
		r := one(fmt.Sprint(i), Phase(bits%5))
		switch bits % 8 {
		case 5:
			r.Phase, r.Replace, r.Force = Up, true, i == 0
		case 6:
			r.Phase, r.Revision = Up, "0"
		case 7:
			r.Phase, r.Revision, r.Replaces = Starting, "0", fmt.Sprint((i+1)%4)
		}
		runners = append(runners, r)
	}
	return runners
}

// TestRollingKeepsCapacity rolls runners of every number over and looks that
// never fewer are up than before.
func TestRollingKeepsCapacity(t *testing.T) {
	for n := 1; n <= 5; n++ {
		for top := n; top <= 2*n+1; top++ {
			app := App{Name: "a", Revision: "1", Min: n / 2, Max: top, KeepAlive: time.Hour}
			var runners []Runner
			for i := range n {
				runners = append(runners, one(fmt.Sprint(i), Up, old, busy))
			}
			for step := 0; slices.ContainsFunc(runners, func(r Runner) bool { return r.Revision != "1" }); step++ {
				if step == 100 {
					t.Fatalf("%d of %d: not rolled over: %+v", n, top, runners)
				}
				runners = carryOut(Make(at(float64(step)), []App{app}, runners), runners, at(float64(step)), step)
				up := 0
				for _, r := range runners {
					if r.Phase == Up {
						up++
					}
				}
				if up < n {
					t.Fatalf("%d of %d: %d are up: %+v", n, top, up, runners)
				}
			}
			if len(runners) != n {
				t.Errorf("%d of %d: %d in the end", n, top, len(runners))
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
