package view

import (
	"reflect"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

// RunnerEvent is one line of a watched list as JSON.
type RunnerEvent struct {
	Event  string `json:"event"` // added, changed, removed
	Runner Runner `json:"runner"`
}

// The events of a watched list.
const (
	RunnerAdded   = "added"
	RunnerChanged = "changed"
	RunnerRemoved = "removed"
)

// AppendJSON appends what encoding/json would.
func (e RunnerEvent) AppendJSON(b []byte) []byte {
	b = output.AppendString(append(b, `{"event":`...), e.Event)
	b = e.Runner.AppendJSON(append(b, `,"runner":`...))
	return append(b, '}')
}

// MarshalJSON is AppendJSON.
func (e RunnerEvent) MarshalJSON() ([]byte, error) { return e.AppendJSON(nil), nil }

// RunnerChanges says what became of the runners of one list in the next: those
// of the next in its order, then those that are there no more, as they were.
// That time passes is no change: uptime and expiration do not count.
func RunnerChanges(before, after []Runner) []RunnerEvent {
	known := make(map[string]Runner, len(before))
	for _, r := range before {
		known[r.RunnerID] = r
	}
	var events []RunnerEvent
	for _, r := range after {
		was, ok := known[r.RunnerID]
		switch {
		case !ok:
			events = append(events, RunnerEvent{RunnerAdded, r})
		case !reflect.DeepEqual(was.timeless(), r.timeless()):
			events = append(events, RunnerEvent{RunnerChanged, r})
		}
		delete(known, r.RunnerID)
	}
	for _, r := range before {
		if _, gone := known[r.RunnerID]; gone {
			events = append(events, RunnerEvent{RunnerRemoved, r})
		}
	}
	return events
}

// timeless is the runner without what changes by itself.
func (r Runner) timeless() Runner {
	r.UptimeSeconds, r.uptime, r.ExpirationCountdown = 0, 0, nil
	return r
}

// RunnerEvents is how a watched list is shown line by line.
func RunnerEvents() output.View[RunnerEvent] {
	v := output.View[RunnerEvent]{
		Key:     "events",
		Columns: []output.Column[RunnerEvent]{{Header: "EVENT", Text: func(e RunnerEvent) string { return e.Event }}},
	}
	for _, c := range Runners(nil).Columns {
		switch c.Header {
		case "ENV":
			continue // a later runner may be of another environment: the alias says it
		case "APP":
			c.Text = c.Raw
		}
		v.Columns = append(v.Columns, ofEvent(c))
	}
	return v
}

func ofEvent(c output.Column[Runner]) output.Column[RunnerEvent] {
	of := output.Column[RunnerEvent]{Header: c.Header, Key: c.Key, Right: c.Right, Wide: c.Wide, Rank: c.Rank}
	of.Text = func(e RunnerEvent) string { return c.Text(e.Runner) }
	if c.Raw != nil {
		of.Raw = func(e RunnerEvent) string { return c.Raw(e.Runner) }
	}
	if c.Style != nil {
		of.Style = func(e RunnerEvent) iostreams.Style { return c.Style(e.Runner) }
	}
	return of
}
