package schedule

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// expire takes over what a plan says of when a runner ends, as whoever carries
// plans out does: the time of one that was wanted until now begins.
func (r *Runner) expire(plan Plan, now time.Time) {
	at := plan.Expiries[r.ID]
	if r.Phase != Up || r.InFlight > 0 {
		at = time.Time{}
	}
	if r.Wanted && !at.IsZero() {
		r.IdleSince = now
	}
	r.Wanted = at.IsZero()
}

// TestKeepAliveEnds holds that, with any settings and after any load, exactly what
// is wanted is left when keep_alive has passed, and that no runner has its time
// begin anew meanwhile.
func TestKeepAliveEnds(t *testing.T) {
	for seed := range uint64(2000) {
		random := rand.New(rand.NewPCG(seed, 1))
		most := 1 + random.IntN(6)
		app := App{
			Name: "a", Revision: "1", Min: random.IntN(most + 1), Max: most,
			KeepAlive: time.Duration(random.IntN(6)) * time.Second,
			Demand:    Demand{Multiplexing: 1 + random.IntN(2), Buffer: random.IntN(3), BufferPercent: 50 * random.IntN(3)},
		}
		var runners []Runner
		now, step := at(0), 0
		plan := func(loads func(i int) int) Plan {
			for i := range runners {
				r := &runners[i]
				r.Capacity = app.Multiplexing
				if r.Phase != Up {
					continue
				}
				before := r.InFlight
				if r.InFlight = loads(i); r.InFlight == 0 && before > 0 {
					r.IdleSince = now
				}
			}
			p := Make(now, []App{app}, runners)
			for i := range runners {
				runners[i].expire(p, now)
			}
			runners = carryOut(p, runners, now, step)
			step++
			return p
		}
		for range 20 {
			app.Held = nil
			for range random.IntN(6) {
				app.Held = append(app.Held, now)
			}
			if random.IntN(6) == 0 {
				app.Min = random.IntN(app.Max + 1)
			}
			plan(func(int) int { return random.IntN(2) * random.IntN(app.Multiplexing+1) })
			now = now.Add(time.Duration(random.IntN(2000)) * time.Millisecond)
		}
		app.Held = nil
		for range 3 { // what was on its way is up, what was draining is gone
			plan(func(int) int { return 0 })
		}
		last := now
		first := make(map[string]time.Time)
		for now.Before(last.Add(app.KeepAlive + time.Second)) {
			for id, expiry := range plan(func(int) int { return 0 }).Expiries {
				if before, known := first[id]; known && !before.Equal(expiry) {
					t.Fatalf("seed %d: the end of %s moves from %s to %s", seed, id, before, expiry)
				}
				first[id] = expiry
			}
			now = now.Add(time.Duration(100+random.IntN(400)) * time.Millisecond)
		}
		plan(func(int) int { return 0 })
		want := min(app.Max, max(app.Min, app.Buffer))
		if len(runners) != want || slices.ContainsFunc(runners, func(r Runner) bool { return !isUp(r) }) {
			t.Fatalf("seed %d: %d runners are left of %+v, want %d: %s", seed, len(runners), app, want, fmt.Sprint(runners))
		}
	}
}
