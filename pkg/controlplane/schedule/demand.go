package schedule

import (
	"fmt"
	"time"
)

// Demand is what requests ask of an app's runners.
type Demand struct {
	Held          []time.Time   // since when each request waits for a runner, longest first
	Multiplexing  int           // requests that a new runner has at once; below 1 counts as 1
	Buffer        int           // runners above what requests need
	BufferPercent int           // the same in percent, rounded up; the greater of both counts
	ScalingDelay  time.Duration // how long a request waits before a runner is started beside others
}

// target is how many runners an app is to have, and why.
type target struct {
	runners int
	reason  string
}

// target is as many as the requests need that are in flight and that wait, and
// the buffer; within Min and Max.
func (p *planner) target(app App, runners []Runner) target {
	total, needed := 0, 0
	inFlight := make(map[int]int, 1) // by the capacity of the runners
	serving := false
	for _, r := range runners {
		serving = serving || r.serves()
		if r.Phase == Up {
			inFlight[max(1, r.Capacity)] += r.InFlight
			total += r.InFlight
		}
	}
	waiting := len(app.Held)
	if serving {
		waiting = p.overdue(app)
	}
	inFlight[max(1, app.Multiplexing)] += waiting
	total += waiting
	for capacity, n := range inFlight {
		needed += ceil(n, capacity)
	}
	buffer := max(app.Buffer, ceil(needed*app.BufferPercent, 100))
	t := target{runners: app.Min, reason: fmt.Sprintf("min_concurrency is %d", min(app.Min, app.Max))}
	if needed+buffer > app.Min {
		t.runners = needed + buffer
		t.reason = demanded(total, buffer)
	}
	t.runners = min(t.runners, app.Max)
	return t
}

func demanded(n, buffer int) string {
	if n == 0 {
		return fmt.Sprintf("a buffer of %d", buffer)
	}
	verb := "are"
	if n == 1 {
		verb = "is"
	}
	reason := fmt.Sprintf("%s %s in flight or waiting", requests(n), verb)
	if buffer > 0 {
		reason += fmt.Sprintf(", with a buffer of %d", buffer)
	}
	return reason
}

// overdue counts the requests that have waited for ScalingDelay.
func (p *planner) overdue(app App) int {
	for i, since := range app.Held {
		if !p.due(since.Add(app.ScalingDelay)) {
			return i
		}
	}
	return len(app.Held)
}

func ceil(n, by int) int { return (n + by - 1) / by }
