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
	Max       int           // runners at most, and one more while some are replaced
	KeepAlive time.Duration // how long a runner that is not wanted may be idle
	NotBefore time.Time     // no new runner before this moment
	Recreate  bool          // runners of other revisions end before one of Revision starts
	Demand
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
	Capacity  int           // requests that it has at once; below 1 counts as 1
	IdleSince time.Time     // of a runner that is Up with none in flight
	Wanted    bool          // though idle, it was not above what was wanted in the plan before
	RetryAt   time.Time     // of a Waiting runner
	Timeout   time.Duration // for requests in flight while it drains
	Grace     time.Duration // for ending after SIGTERM, and for requests in flight where something waits for its end
	Hasty     time.Time     // since when its requests in flight have Grace, within Timeout; zero for never
	Kill      bool          // end it without grace
	Killed    bool          // it was killed and is about to be gone
	Replace   bool          // drain it as soon as its replacement is up
	Force     bool          // with Replace: as soon as its replacement starts
	Replaces  string        // the ID of the runner that it was started to replace

	FailingSince time.Time // of a Waiting runner: when starting it failed first
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
	IfIdle bool // of a Drain: only if the runner has no request in flight by now
}

// Plan is what to do now.
type Plan struct {
	Actions  []Action
	Expiries map[string]time.Time // by runner ID: when it ends if it stays idle
	Next     time.Time            // when to plan again though nothing changed; zero for never
}

// Make plans. Apps and runners may come in any order; the order of the actions
// does not depend on it.
//
// A runner that is up and of another revision than its app, or to be replaced,
// serves until one of the app's revision is up in its place; so no app has
// fewer runners during a rollout than before it, and one more than Max at most.
// (One that is forced out leaves when its replacement starts, whatever Max
// says.) A runner of another revision that is not up is not waited for, nor is
// one that is to be replaced while it waits after a failure. With Recreate all
// runners of other revisions are drained, and when the last of them has ended
// there are as many new ones as Min says.
//
// A runner that drains ends when it has no request in flight any more, after Timeout
// at the latest. It has Grace only, if nothing of its app runs before it has ended,
// as with Recreate, or if it was forced out or is Hasty.
//
// An app wants Min runners, or as many as its requests need if that is more, and
// Max at most. What requests need follows from those in flight on runners that are
// up and from those that wait, and the buffer comes on top, also while there are
// no requests. A request that waits counts once it has waited for ScalingDelay, at
// once when there is no runner that it could be waiting for. What drains is not
// counted.
//
// Above what is wanted, a runner that is idle, or fails to start, ends after
// KeepAlive, and with it whatever is on its way to replace it. What was wanted
// until now, as a part of the buffer is, is kept as long as what was used until now.
func Make(now time.Time, apps []App, runners []Runner) Plan {
	p := planner{now: now}
	known := make(map[string]App, len(apps))
	for _, app := range apps {
		known[app.Name] = app
	}
	of := make(map[string][]Runner, len(apps))
	ordered := slices.SortedFunc(slices.Values(runners), byAge)
	for _, r := range ordered {
		of[r.App] = append(of[r.App], r)
		app, exists := known[r.App]
		p.advance(r, exists && app.Recreate && r.Revision != app.Revision)
	}
	for _, app := range slices.SortedFunc(slices.Values(apps), func(a, b App) int { return cmp.Compare(a.Name, b.Name) }) {
		p.scale(app, of[app.Name])
	}
	for _, r := range ordered {
		if _, exists := known[r.App]; !exists && r.serves() {
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

// advance takes a runner further on its way out, which others of its app may wait
// for.
func (p *planner) advance(r Runner, awaited bool) {
	switch r.Phase {
	case Draining:
		limit := r.limit(awaited || r.Force)
		switch {
		case r.InFlight == 0:
			p.add(Terminate, r, "no request in flight")
		case p.due(r.Since.Add(limit)):
			p.add(Terminate, r, fmt.Sprintf("still %s in flight after %s", requests(r.InFlight), limit.Round(time.Millisecond)))
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

// limit is for how long from when it began to drain it may have requests in flight.
func (r *Runner) limit(graceOnly bool) time.Duration {
	grace := r.Grace
	switch {
	case graceOnly:
	case r.Hasty.IsZero():
		return r.Timeout
	case r.Hasty.After(r.Since):
		grace += r.Hasty.Sub(r.Since)
	}
	return min(grace, r.Timeout)
}

func requests(n int) string {
	if n == 1 {
		return "1 request"
	}
	return fmt.Sprintf("%d requests", n)
}
