package schedule

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

func flying(n int) func(*Runner)   { return func(r *Runner) { r.InFlight = n } }
func wanted(r *Runner)             { r.Wanted = true }
func capacity(n int) func(*Runner) { return func(r *Runner) { r.Capacity = n } }

func TestDemand(t *testing.T) {
	app := func(edits ...func(*App)) App {
		a := App{Name: "a", Revision: "1", Min: 0, Max: 4, KeepAlive: 10 * time.Second}
		for _, edit := range edits {
			edit(&a)
		}
		return a
	}
	held := func(since ...float64) func(*App) {
		return func(a *App) {
			for _, s := range since {
				a.Held = append(a.Held, at(s))
			}
		}
	}
	multiplexing := func(n int) func(*App) { return func(a *App) { a.Multiplexing = n } }
	buffer := func(n, percent int) func(*App) { return func(a *App) { a.Buffer, a.BufferPercent = n, percent } }
	delay := func(s float64) func(*App) { return func(a *App) { a.ScalingDelay = time.Duration(s * 1e9) } }
	minimum := func(n int) func(*App) { return func(a *App) { a.Min = n } }
	for name, test := range map[string]struct {
		app      App
		now      float64
		runners  []Runner
		want     string // actions as "kind runner", in order
		reason   string // of the last
		ids      string // of those that expire, if it matters
		expiries int
		next     float64
	}{
		"one waits":                         {app: app(held(0)), want: "create", reason: "1 request is in flight or waiting"},
		"three wait":                        {app: app(held(0, 0, 0)), want: "create, create, create", reason: "3 requests are in flight or waiting"},
		"more wait than there may be":       {app: app(held(0, 0, 0, 0, 0, 0)), want: "create, create, create, create"},
		"fewer wait than are kept":          {app: app(held(0), minimum(2)), want: "create, create", reason: "min_concurrency is 2"},
		"one waits for one that starts":     {app: app(held(0)), runners: []Runner{one("r", Starting)}},
		"two wait for one that starts":      {app: app(held(0, 0)), runners: []Runner{one("r", Starting)}, want: "create"},
		"one waits, one is busy":            {app: app(held(0)), runners: []Runner{one("r", Up, busy)}, want: "create", reason: "2 requests are in flight or waiting"},
		"one waits, one drains":             {app: app(held(0)), runners: []Runner{one("r", Draining, busy)}, want: "create", reason: "1 request is in flight or waiting", next: 60},
		"one waits, the other failed":       {app: app(held(0)), runners: []Runner{one("r", Waiting, retryAt(3))}, next: 3},
		"one waits, starts crash":           {app: app(held(0), func(a *App) { a.NotBefore = at(7) }), next: 7},
		"waiting in multiples":              {app: app(held(0, 0, 0, 0, 0), multiplexing(4)), want: "create, create"},
		"as many as one has room for":       {app: app(held(0, 0, 0), multiplexing(3)), want: "create"},
		"what is in flight shares":          {app: app(held(0), multiplexing(4)), runners: []Runner{one("r", Up, flying(3), capacity(4))}},
		"by the room that each has":         {app: app(multiplexing(1)), runners: []Runner{one("r", Up, flying(4), capacity(4))}},
		"by the room that new ones have":    {app: app(held(0, 0), multiplexing(2)), runners: []Runner{one("r", Up, busy)}, want: "create"},
		"a buffer of nothing":               {app: app(buffer(2, 0)), want: "create, create", reason: "a buffer of 2"},
		"a buffer within the minimum":       {app: app(buffer(2, 0), minimum(2)), want: "create, create", reason: "min_concurrency is 2"},
		"a buffer beside what is busy":      {app: app(buffer(1, 0)), runners: []Runner{one("r", Up, busy)}, want: "create", reason: "1 request is in flight or waiting, with a buffer of 1"},
		"a buffer within the maximum":       {app: app(buffer(9, 0)), want: "create, create, create, create"},
		"a buffer in percent":               {app: app(buffer(0, 50)), runners: []Runner{one("r", Up, busy), one("s", Up, busy)}, want: "create"},
		"percents are rounded up":           {app: app(buffer(0, 1)), runners: []Runner{one("r", Up, busy)}, want: "create"},
		"percents of nothing":               {app: app(buffer(0, 1000))},
		"the greater buffer counts":         {app: app(buffer(2, 100)), runners: []Runner{one("r", Up, busy)}, want: "create, create"},
		"a buffer does not expire":          {app: app(buffer(1, 0)), now: 99, runners: []Runner{one("r", Up)}},
		"what is above the buffer does":     {app: app(buffer(1, 0)), now: 99, runners: []Runner{one("r", Up), one("s", Up, idleSince(1))}, want: "drain r"},
		"idle above what is busy":           {app: app(), now: 9, runners: []Runner{one("r", Up, busy), one("s", Up)}, expiries: 1, next: 10},
		"idle above the minimum, one busy":  {app: app(minimum(1)), now: 10, runners: []Runner{one("r", Up, busy), one("s", Up)}, want: "drain s"},
		"delay with nothing to wait for":    {app: app(held(0), delay(5)), want: "create"},
		"delay beside one that is busy":     {app: app(held(0), delay(5)), now: 2, runners: []Runner{one("r", Up, busy)}, next: 5},
		"delay beside one that starts":      {app: app(held(0, 0), delay(5)), now: 2, runners: []Runner{one("r", Starting)}, next: 5},
		"delay over":                        {app: app(held(0, 3), delay(5)), now: 5, runners: []Runner{one("r", Up, busy)}, want: "create", reason: "2 requests are in flight or waiting", next: 8},
		"delay over for both":               {app: app(held(0, 3), delay(5)), now: 8, runners: []Runner{one("r", Up, busy)}, want: "create, create"},
		"a rollout goes on beside it":       {app: app(held(0)), runners: []Runner{one("r", Up, old, busy), one("s", Starting, of("r"))}, want: "create"},
		"a rollout is what one waits for":   {app: app(held(0, 0)), runners: []Runner{one("r", Up, old), one("s", Starting, of("r"))}, want: "create"},
		"recreate waits for the old one":    {app: app(held(0), func(a *App) { a.Recreate = true }), runners: []Runner{one("r", Draining, old, busy)}, next: 5},
		"recreate, the old one has ended":   {app: app(held(0), func(a *App) { a.Recreate = true }), want: "create"},
		"what was wanted until now is kept": {app: app(), now: 99, runners: []Runner{one("r", Up, wanted)}, expiries: 1, next: 109},
		"what expires goes on expiring":     {app: app(minimum(1)), now: 8, runners: []Runner{one("r", Up, idleSince(5)), one("s", Up, wanted)}, ids: "r", expiries: 1, next: 15},
		"of what expires, the first to":     {app: app(minimum(2)), now: 8, runners: []Runner{one("r", Up, idleSince(5)), one("s", Up, wanted), one("t", Up, idleSince(4))}, ids: "t", expiries: 1, next: 14},
		"and one more of what was wanted":   {app: app(minimum(1)), now: 8, runners: []Runner{one("r", Up, wanted), one("s", Up, wanted), one("t", Up, idleSince(4))}, ids: "r t", expiries: 2, next: 14},
		"one that failed serves no request": {app: app(), now: 10, runners: []Runner{one("r", Up, busy), one("s", Waiting, failing(0), retryAt(9))}, want: "drain s"},
	} {
		t.Run(name, func(t *testing.T) {
			plan := Make(at(test.now), []App{test.app}, test.runners)
			if got := actions(plan); got != test.want {
				t.Errorf("actions %q, want %q", got, test.want)
			}
			if test.reason != "" && (len(plan.Actions) == 0 || plan.Actions[len(plan.Actions)-1].Reason != test.reason) {
				t.Errorf("%+v, want the reason %q", plan.Actions, test.reason)
			}
			if len(plan.Expiries) != test.expiries {
				t.Errorf("expiries %v, want %d", plan.Expiries, test.expiries)
			}
			if ids := strings.Join(slices.Sorted(maps.Keys(plan.Expiries)), " "); test.ids != "" && ids != test.ids {
				t.Errorf("%s expire, want %s", ids, test.ids)
			}
			want := time.Time{}
			if test.next != 0 {
				want = at(test.next)
			}
			if !plan.Next.Equal(want) {
				t.Errorf("next %s, want %s", plan.Next, want)
			}
		})
	}
}

// TestIdleRunnersAreDrainedIfTheyAreIdle still, when that is carried out.
func TestIdleRunnersAreDrainedIfTheyAreIdle(t *testing.T) {
	app := App{Name: "a", Revision: "1", Max: 1, KeepAlive: time.Second}
	for name, test := range map[string]struct {
		runners []Runner
		want    bool
	}{
		"idle for long": {[]Runner{one("r", Up)}, true},
		"above Max":     {[]Runner{one("r", Up, busy), one("s", Up)}, true},
		"busy":          {[]Runner{one("r", Up, busy), one("s", Up, busy)}, false},
		"starting":      {[]Runner{one("r", Up, busy), one("s", Starting)}, false},
		"replaced":      {[]Runner{one("r", Up, old), one("s", Up, busy, of("r"))}, false},
	} {
		plan := Make(at(99), []App{app}, test.runners)
		if len(plan.Actions) != 1 || plan.Actions[0].Kind != Drain || plan.Actions[0].IfIdle != test.want {
			t.Errorf("%s: %+v", name, plan.Actions)
		}
	}
}

// TestFollowsLoad has a load rise and fall, and looks at how many runners there
// are for it.
func TestFollowsLoad(t *testing.T) {
	app := App{Name: "a", Revision: "1", Min: 1, Max: 8, KeepAlive: 5 * time.Second, Demand: Demand{Multiplexing: 2}}
	var runners []Runner
	var sizes []string
	for second := range 40 {
		now, load := at(float64(second)), 0
		if second >= 5 && second < 15 {
			load = 9
		} else if second >= 15 && second < 25 {
			load = 3
		}
		left := load
		for i := range runners {
			r := &runners[i]
			if r.Phase != Up {
				continue
			}
			before := r.InFlight
			r.InFlight = min(left, 2)
			left -= r.InFlight
			if r.InFlight == 0 && before > 0 {
				r.IdleSince = now
			}
		}
		app.Held = nil
		for range left {
			app.Held = append(app.Held, now)
		}
		runners = carryOut(Make(now, []App{app}, runners), runners, now, second)
		for i := range runners {
			runners[i].Capacity = 2
		}
		up := 0
		for _, r := range runners {
			if r.Phase == Up {
				up++
			}
		}
		if size := fmt.Sprint(up); len(sizes) == 0 || sizes[len(sizes)-1] != size {
			sizes = append(sizes, size)
		}
	}
	if got := strings.Join(sizes, " "); got != "0 1 5 2 1" {
		t.Errorf("there were %s", got)
	}
}
