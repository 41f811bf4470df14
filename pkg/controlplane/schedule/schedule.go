// Package schedule decides what the control plane does next. It is pure: Make
// takes what should run and what runs, at one moment, and returns the actions
// that bring the second nearer to the first, and when to look again:
//
//	plan := schedule.Make(time.Now(), apps, runners)
//
// It changes nothing and keeps nothing. Making a plan of the same input twice
// gives the same plan, and actions that were carried out do not come back.
package schedule

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Phase is how far a runner is, as far as scheduling is concerned.
type Phase int

// The phases, in the order in which a runner passes through them.
const (
	Waiting     Phase = iota // start-up failed; no process until RetryAt
	Starting                 // a process is being started or is not ready yet
	Up                       // ready for requests
	Draining                 // takes no new request, those in flight may end
	Terminating              // asked to end
)

// App is what should run.
type App struct {
	Name      string
	Revision  string        // that new runners are of
	Min       int           // runners kept at all times
	Max       int           // runners at most
	KeepAlive time.Duration // how long a runner above Min may be idle
	NotBefore time.Time     // no new runner before this moment
}

// Runner is one that has not ended.
type Runner struct {
	ID        string
	App       string
	Revision  string
	Phase     Phase
	Since     time.Time // when Phase began
	CreatedAt time.Time
	InFlight  int           // requests
	IdleSince time.Time     // of a runner that is Up with none in flight
	RetryAt   time.Time     // of a Waiting runner
	Grace     time.Duration // for draining, and again for ending after SIGTERM
	Kill      bool          // end it without grace
	Killed    bool          // it was killed and is about to be gone
	Replace   bool          // drain it as soon as its replacement is up
	Replaces  string        // the ID of the runner that it was started to replace
}

// Kind is what an action does.
type Kind int

// The kinds of action.
const (
	Create    Kind = iota // a new runner of App, in place of Runner if that is set
	Relaunch              // a new process for a Waiting runner
	Drain                 // no more requests for Runner
	Terminate             // ask Runner to end
	Kill                  // end Runner at once
)

// String returns the kind in lower case.
func (k Kind) String() string {
	switch k {
	case Create:
		return "create"
	case Relaunch:
		return "relaunch"
	case Drain:
		return "drain"
	case Terminate:
		return "terminate"
	case Kill:
		return "kill"
	}
	return fmt.Sprintf("kind %d", int(k))
}

// Action is one step. Reason is a sentence fragment for the runner's history.
type Action struct {
	Kind   Kind
	App    string
	Runner string
	Reason string
}

// Plan is what to do now.
type Plan struct {
	Actions  []Action
	Expiries map[string]time.Time // by runner ID: when it ends if it stays idle
	Next     time.Time            // when to plan again though nothing changed; zero for never
}

// Make plans. Apps and runners may come in any order; the order of the actions
// does not depend on it.
func Make(now time.Time, apps []App, runners []Runner) Plan {
	p := planner{now: now}
	known := make(map[string]bool, len(apps))
	of := make(map[string][]Runner, len(apps))
	ordered := slices.SortedFunc(slices.Values(runners), byAge)
	for _, r := range ordered {
		of[r.App] = append(of[r.App], r)
		p.advance(r)
	}
	for _, app := range slices.SortedFunc(slices.Values(apps), func(a, b App) int { return cmp.Compare(a.Name, b.Name) }) {
		known[app.Name] = true
		p.scale(app, of[app.Name])
	}
	for _, r := range ordered {
		if !known[r.App] && r.serves() {
			p.add(Drain, r, "its app was deleted")
		}
	}
	return p.Plan
}

func byAge(a, b Runner) int {
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
}

// serves reports whether r counts as running: it is up or on its way there.
func (r Runner) serves() bool { return r.Phase <= Up }

type planner struct {
	now time.Time
	Plan
}

func (p *planner) add(kind Kind, r Runner, reason string) {
	p.Actions = append(p.Actions, Action{Kind: kind, App: r.App, Runner: r.ID, Reason: reason})
}

// due reports whether t has come, and otherwise sees that it is not missed.
func (p *planner) due(t time.Time) bool {
	if !p.now.Before(t) {
		return true
	}
	if p.Next.IsZero() || t.Before(p.Next) {
		p.Next = t
	}
	return false
}

// advance takes a runner further in what it is already doing.
func (p *planner) advance(r Runner) {
	switch r.Phase {
	case Waiting:
		if !r.Replace && p.due(r.RetryAt) {
			p.add(Relaunch, r, "tried again")
		}
	case Draining:
		switch {
		case r.InFlight == 0:
			p.add(Terminate, r, "no request in flight")
		case p.due(r.Since.Add(r.Grace)):
			p.add(Terminate, r, fmt.Sprintf("still %s in flight after %s", requests(r.InFlight), r.Grace))
		}
	case Terminating:
		if r.Killed {
			return
		}
		if r.Kill {
			p.add(Kill, r, "killed")
		} else if p.due(r.Since.Add(r.Grace)) {
			p.add(Kill, r, fmt.Sprintf("still running %s after SIGTERM", r.Grace))
		}
	}
}

func requests(n int) string {
	if n == 1 {
		return "1 request"
	}
	return fmt.Sprintf("%d requests", n)
}

// scale starts and drains runners of one app.
func (p *planner) scale(app App, runners []Runner) {
	want := min(app.Min, app.Max)
	revision := make(map[string]string) // of those that serve, by ID
	for _, r := range runners {
		if r.serves() {
			revision[r.ID] = r.Revision
		}
	}
	replacement := make(map[string]Runner)
	var current, outdated []Runner
	up := 0
	for _, r := range runners {
		switch {
		case !r.serves():
		case r.Revision != app.Revision:
			outdated = append(outdated, r)
		default:
			if r.Phase == Up {
				up++
			}
			if revision[r.Replaces] != "" {
				replacement[r.Replaces] = r
			}
			// While both serve, the one being replaced stands for the two.
			if revision[r.Replaces] != app.Revision {
				current = append(current, r)
			}
		}
	}
	for _, r := range runners {
		if r.Replace && r.serves() {
			p.replace(app, r, replacement)
		}
	}
	if missing := want - len(current); missing > 0 && p.due(app.NotBefore) {
		for range missing {
			p.Actions = append(p.Actions, Action{Kind: Create, App: app.Name,
				Reason: fmt.Sprintf("min_concurrency is %d", want)})
		}
	}
	if up >= want {
		for _, r := range outdated {
			if !r.Replace {
				p.add(Drain, r, "replaced by revision "+app.Revision)
			}
		}
	}
	p.shrink(app, current)
}

// replace starts r's replacement, or drains r once that is up.
func (p *planner) replace(app App, r Runner, replacement map[string]Runner) {
	next, started := replacement[r.ID]
	switch {
	case !started && p.due(app.NotBefore):
		p.Actions = append(p.Actions, Action{Kind: Create, App: app.Name, Runner: r.ID, Reason: "replaces runner " + r.ID})
	case started && next.Phase == Up:
		p.add(Drain, r, "replaced by runner "+next.ID)
	}
}

// shrink drains what is above Max, and what was idle above Min for long enough.
func (p *planner) shrink(app App, current []Runner) {
	excess := len(current) - app.Max
	surplus := -min(app.Min, app.Max) // of runners that are up
	for _, r := range current {
		if r.Phase == Up {
			surplus++
		}
	}
	for _, r := range slices.SortedStableFunc(slices.Values(current), byWorth) {
		if r.Replace {
			continue
		}
		if excess > 0 {
			excess--
			if r.Phase == Up {
				surplus--
			}
			p.add(Drain, r, fmt.Sprintf("max_concurrency is %d", app.Max))
			continue
		}
		if r.Phase != Up || r.InFlight > 0 || surplus <= 0 {
			continue
		}
		surplus--
		expiry := r.IdleSince.Add(app.KeepAlive)
		if p.due(expiry) {
			p.add(Drain, r, fmt.Sprintf("idle for %s (keep_alive)", app.KeepAlive))
			continue
		}
		if p.Expiries == nil {
			p.Expiries = make(map[string]time.Time)
		}
		p.Expiries[r.ID] = expiry
	}
}

// byWorth orders runners by how little is lost with them: not up first, then
// the longest idle, then the busy ones.
func byWorth(a, b Runner) int {
	return cmp.Or(cmp.Compare(worth(a), worth(b)), a.IdleSince.Compare(b.IdleSince), byAge(a, b))
}

func worth(r Runner) int {
	switch {
	case r.Phase != Up:
		return int(r.Phase)
	case r.InFlight == 0:
		return int(Up)
	default:
		return int(Up) + 1
	}
}
