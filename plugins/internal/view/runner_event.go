package view

import (
	"reflect"

	"github.com/fal-plugins/fal/plugins/internal/output"
)

// RunnerEvent is one line of a watched list as JSON.
type RunnerEvent struct {
	Event  string `json:"event"` // added, changed, removed
	Runner Runner `json:"runner"`
}

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
	return changes(before, after,
		func(r Runner) string { return r.RunnerID },
		func(was, is Runner) bool { return reflect.DeepEqual(was.timeless(), is.timeless()) },
		func(kind string, r Runner) RunnerEvent { return RunnerEvent{kind, r} })
}

// timeless is the runner without what changes by itself.
func (r Runner) timeless() Runner {
	r.UptimeSeconds, r.uptime, r.ExpirationCountdown = 0, 0, nil
	return r
}

// RunnerEvents is how a watched list is shown line by line.
func RunnerEvents() output.View[RunnerEvent] {
	var columns []output.Column[Runner]
	for _, c := range Runners(nil).Columns {
		switch c.Header {
		case "ENV":
			continue // a later runner may be of another environment: the alias says it
		case "APP":
			c.Text = c.Raw
		}
		columns = append(columns, c)
	}
	return eventView(columns,
		func(e RunnerEvent) string { return e.Event },
		func(e RunnerEvent) Runner { return e.Runner })
}
