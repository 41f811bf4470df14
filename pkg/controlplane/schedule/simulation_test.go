package schedule

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// simulation is a world in which starts fail, runners crash, requests come and
// go, and people ask for things in the middle of others.
type simulation struct {
	t       *testing.T
	random  *rand.Rand
	now     time.Time
	app     App
	runners []Runner
	failure map[string]int // of starting, in a row, by runner
	held    []time.Time    // when requests came that no runner has room for
	failing float64        // how likely a start fails
	created int
	history []string
}

// TestSimulation looks at every plan on the way, and at where it ends when
// nobody asks for anything any more and starts succeed, or all fail.
func TestSimulation(t *testing.T) {
	const seeds = 2000
	for seed := range uint64(seeds) {
		s := &simulation{
			t: t, random: rand.New(rand.NewPCG(seed, 0)), now: at(0), failure: make(map[string]int),
			app: App{Name: "a", Revision: "0", Min: 1, Max: 2, KeepAlive: 10 * time.Second},
		}
		s.note("seed %d", seed)
		s.failing = s.random.Float64()
		for range 40 {
			if s.random.IntN(4) == 0 {
				s.ask()
			}
			s.live()
			s.step()
			s.now = s.now.Add(time.Duration(s.random.IntN(4)) * time.Second)
		}
		s.failing = float64(seed % 2)
		s.end()
		if t.Failed() {
			return
		}
	}
}

func (s *simulation) note(format string, args ...any) {
	s.history = append(s.history, fmt.Sprintf("%4.0fs ", s.now.Sub(at(0)).Seconds())+fmt.Sprintf(format, args...))
}

func (s *simulation) fatalf(format string, args ...any) {
	s.t.Helper()
	for _, line := range s.history {
		s.t.Log(line)
	}
	s.t.Fatalf(format, args...)
}

// ask is what people do.
func (s *simulation) ask() {
	switch s.random.IntN(9) {
	case 7:
		s.app.Multiplexing = 1 + s.random.IntN(3)
		s.app.Buffer, s.app.BufferPercent = s.random.IntN(2), 100*s.random.IntN(2)
		s.app.ScalingDelay = time.Duration(s.random.IntN(5)) * time.Second
		s.note("scale to %+v", s.app.Demand)
	case 8:
		for range s.random.IntN(6) {
			s.held = append(s.held, s.now)
		}
		s.note("%d requests wait", len(s.held))
	case 0:
		s.app.Revision = fmt.Sprint(s.random.IntN(3))
		s.app.Recreate = s.random.IntN(4) == 0
		s.note("set-rev %s, recreate %t", s.app.Revision, s.app.Recreate)
	case 1, 2:
		force := s.random.IntN(4) == 0
		s.note("rollout, force %t", force)
		for i := range s.runners {
			if r := &s.runners[i]; r.serves() {
				r.Replace, r.Force = true, r.Force || force
			}
		}
	case 3:
		if len(s.runners) > 0 {
			if r := &s.runners[s.random.IntN(len(s.runners))]; r.serves() {
				s.note("stop -r %s", r.ID)
				r.Replace = true
			}
		}
	case 4:
		s.app.Max = 1 + s.random.IntN(4)
		s.app.Min = s.random.IntN(s.app.Max + 1)
		s.app.KeepAlive = time.Duration(s.random.IntN(20)) * time.Second
		s.note("scale %d to %d, keep-alive %s", s.app.Min, s.app.Max, s.app.KeepAlive)
	case 5:
		if len(s.runners) > 0 {
			at := s.random.IntN(len(s.runners))
			s.note("%s crashes", s.runners[at].ID)
			s.runners = slices.Delete(s.runners, at, at+1)
			s.app.NotBefore = s.now.Add(time.Duration(s.random.IntN(5)) * time.Second)
		}
	case 6:
		s.create("", "on demand")
	}
}

// live is what runners do.
func (s *simulation) live() {
	for i := range s.runners {
		r := &s.runners[i]
		switch r.Phase {
		case Starting:
			switch chance := s.random.Float64(); {
			case chance < s.failing:
				s.failure[r.ID]++
				if s.failure[r.ID] == 1 {
					r.FailingSince = s.now
				}
				r.Phase, r.Since, r.RetryAt = Waiting, s.now, s.now.Add(Backoff(s.failure[r.ID]))
			case chance > 0.2 || s.failing == 0:
				r.Phase, r.Since, r.IdleSince = Up, s.now, s.now
			}
		case Up:
			if r.InFlight = s.random.IntN(2); r.InFlight > 0 {
				r.IdleSince = s.now
			}
		case Draining:
			r.InFlight = s.random.IntN(2)
		case Terminating:
			r.Killed = r.Kill
		}
	}
	s.runners = slices.DeleteFunc(s.runners, func(r Runner) bool { return r.Phase == Terminating && s.random.IntN(2) == 0 })
	s.serve()
}

// serve gives the requests that wait to runners with room; when all that could
// answer fail to start, nothing waits.
func (s *simulation) serve() {
	for i := range s.runners {
		for r := &s.runners[i]; isUp(*r) && r.InFlight < r.Capacity && len(s.held) > 0; s.held = s.held[1:] {
			r.InFlight++
		}
	}
	coming := s.has(func(r Runner) bool { return r.Phase == Starting || r.Phase == Up })
	if !coming && s.has(func(r Runner) bool { return r.Phase == Waiting }) {
		s.held = nil
	}
	s.app.Held = s.held
}

func (s *simulation) create(replaces, reason string) {
	s.created++
	r := Runner{ID: fmt.Sprintf("r%d", s.created), App: s.app.Name, Revision: s.app.Revision, Phase: Starting, Since: s.now,
		CreatedAt: s.now, Timeout: time.Minute, Grace: 5 * time.Second, Replaces: replaces, Capacity: max(1, s.app.Multiplexing)}
	s.runners = append(s.runners, r)
	s.note("%s is created: %s", r.ID, reason)
}

func (s *simulation) count(is func(Runner) bool) (n int) {
	for _, r := range s.runners {
		if is(r) {
			n++
		}
	}
	return n
}

func (s *simulation) has(is func(Runner) bool) bool { return slices.ContainsFunc(s.runners, is) }

// placesUp counts the runners that are up, and as one a runner and the one that
// was started to replace it.
func (s *simulation) placesUp() int {
	return s.count(func(r Runner) bool {
		return isUp(r) && !s.has(func(before Runner) bool { return before.ID == r.Replaces && isUp(before) })
	})
}

func isUp(r Runner) bool { return r.Phase == Up }

// places counts the runners that serve, or are to, likewise.
func (s *simulation) places() int {
	return s.count(func(r Runner) bool {
		return r.serves() && !s.has(func(before Runner) bool { return before.ID == r.Replaces && before.serves() && s.app.stale(before) })
	})
}

// step makes a plan, carries it out and looks at what that does.
func (s *simulation) step() Plan {
	s.t.Helper()
	s.app.Held = s.held
	plan := Make(s.now, []App{s.app}, s.runners)
	s.checkDemand(plan)
	foreign := s.has(func(r Runner) bool { return r.Revision != s.app.Revision })
	forced := s.has(func(r Runner) bool { return r.serves() && r.Force })
	up, want := s.placesUp(), min(s.app.Min, s.app.Max)
	for i := range s.runners {
		s.runners[i].expire(plan, s.now)
	}
	touched := make(map[string]bool)
	serving := s.count(Runner.serves)
	for _, action := range plan.Actions {
		if action.Kind == Create {
			// As if nothing of what is drained at the same time were drained yet.
			if serving++; serving > s.app.Max+1 && !forced {
				s.fatalf("%d runners at once, %d is the maximum: %v", serving, s.app.Max, plan.Actions)
			}
			s.create(action.Runner, action.Reason)
		} else {
			if touched[action.Runner] {
				s.fatalf("two actions for %s: %v", action.Runner, plan.Actions)
			}
			touched[action.Runner] = true
			s.carryOut(action)
		}
		if (action.Kind == Create || action.Kind == Relaunch) && s.app.Recreate && foreign {
			s.fatalf("%s while old ones are left: %+v", action.Kind, s.runners)
		}
	}
	if serving := s.count(Runner.serves); serving > s.app.Max+1 && !forced {
		s.fatalf("%d runners, %d is the maximum: %+v", serving, s.app.Max, s.runners)
	}
	if left := s.placesUp(); left < min(up, want) && !forced && !s.app.Recreate {
		s.fatalf("%d of %d are up, %d is the minimum: %+v", left, up, want, s.runners)
	}
	if again := Make(s.now, []App{s.app}, s.runners); slices.ContainsFunc(again.Actions, func(a Action) bool { return touched[a.Runner] && a.Kind == Drain }) {
		s.fatalf("the same again: %v", again.Actions)
	}
	return plan
}

// checkDemand holds that a request that may wait no longer has a runner on its
// way, unless something forbids one; and that none is started that nothing asks
// for.
func (s *simulation) checkDemand(plan Plan) {
	s.t.Helper()
	creating, draining := 0, 0
	for _, action := range plan.Actions {
		switch {
		case action.Kind == Create && action.Runner == "":
			creating++
		case action.Kind == Drain:
			draining++
		}
	}
	busy := 0
	for _, r := range s.runners {
		if isUp(r) {
			busy += r.InFlight
		}
	}
	asked := busy + len(s.held) // of runners, if each answered one
	most := max(s.app.Min, asked+max(s.app.Buffer, (asked*s.app.BufferPercent+99)/100))
	if places := s.places(); creating > max(0, most-places+draining) {
		s.fatalf("%d are started for %d requests beside %d: %+v", creating, asked, places, s.runners)
	}
	forbidden := s.now.Before(s.app.NotBefore) || s.app.Recreate && s.has(func(r Runner) bool { return r.Revision != s.app.Revision })
	if len(s.held) > 0 && !s.has(Runner.serves) && !forbidden && creating == 0 {
		s.fatalf("%d requests wait for nothing: %+v", len(s.held), plan)
	}
}

func (s *simulation) carryOut(action Action) {
	s.note("%s %s: %s", action.Kind, action.Runner, action.Reason)
	i := slices.IndexFunc(s.runners, func(r Runner) bool { return r.ID == action.Runner })
	switch r := &s.runners[i]; {
	case action.Kind == Relaunch:
		r.Phase, r.Since = Starting, s.now
	case action.Kind == Drain && r.Phase != Waiting:
		r.Phase, r.Since = Draining, s.now
	case action.Kind == Terminate:
		r.Phase, r.Since = Terminating, s.now
	default:
		s.runners = slices.Delete(s.runners, i, i+1)
	}
}

// end lets time pass until nothing happens any more, or, when every start
// fails, for a long time.
func (s *simulation) end() {
	s.t.Helper()
	s.note("from here on starts fail: %g", s.failing)
	s.app.Buffer, s.app.BufferPercent, s.held = 0, 0, nil
	for range 200 {
		for i := range s.runners {
			if r := &s.runners[i]; r.InFlight > 0 {
				r.InFlight, r.IdleSince = 0, s.now
			}
		}
		plan := s.step()
		moving := s.has(func(r Runner) bool { return !isUp(r) && r.Phase != Waiting })
		if len(plan.Actions) == 0 && !moving {
			if plan.Next.IsZero() {
				break
			}
			s.now = plan.Next
			continue
		}
		for i := range s.runners {
			switch r := &s.runners[i]; {
			case r.Phase == Starting && s.failing > 0:
				s.failure[r.ID]++
				if s.failure[r.ID] == 1 {
					r.FailingSince = s.now
				}
				r.Phase, r.Since, r.RetryAt = Waiting, s.now, s.now.Add(Backoff(s.failure[r.ID]))
			case r.Phase == Starting:
				r.Phase, r.IdleSince = Up, s.now
			}
		}
		s.runners = slices.DeleteFunc(s.runners, func(r Runner) bool { return r.Phase == Terminating })
		s.now = s.now.Add(time.Second)
	}
	want := min(s.app.Min, s.app.Max)
	fresh := func(r Runner) bool { return !s.app.stale(r) }
	plan := Make(s.now, []App{s.app}, s.runners)
	done := s.count(func(r Runner) bool { return isUp(r) && fresh(r) })
	switch over := plan.Next.IsZero() && len(plan.Actions) == 0; {
	case s.failing == 0 && (!over || done != want || len(s.runners) != want):
		s.fatalf("it ends with %+v, want %d; %+v", s.runners, want, plan)
	case over && (done != want || len(s.runners) != want):
		s.fatalf("it gave up with %+v, want %d", s.runners, want)
	}
	if places := s.places(); places > want {
		s.fatalf("nothing is asked of them, and there are %d, want %d: %+v", places, want, s.runners)
	}
}
