package view

import (
	"reflect"

	"github.com/fal-plugins/fal/plugins/internal/output"
)

// AppEvent is one line of a watched list of apps as JSON.
type AppEvent struct {
	Event string `json:"event"` // added, changed, removed
	App   App    `json:"app"`
}

// AppendJSON appends what encoding/json would.
func (e AppEvent) AppendJSON(b []byte) []byte {
	b = output.AppendString(append(b, `{"event":`...), e.Event)
	b = e.App.AppendJSON(append(b, `,"app":`...))
	return append(b, '}')
}

// MarshalJSON is AppendJSON.
func (e AppEvent) MarshalJSON() ([]byte, error) { return e.AppendJSON(nil), nil }

// AppChanges says what became of the apps of one list in the next: those of
// the next in its order, then those that are there no more, as they were.
func AppChanges(before, after []App) []AppEvent {
	return changes(before, after,
		func(a App) string { return a.Alias },
		func(was, is App) bool { return reflect.DeepEqual(was, is) },
		func(kind string, a App) AppEvent { return AppEvent{kind, a} })
}

// AppEvents is how a watched list is shown line by line. A later app may be of
// another environment, so the alias says it in full; and one that rolls out now
// will have done so later.
func AppEvents() output.View[AppEvent] {
	var columns []output.Column[App]
	for _, c := range Apps(nil).Columns {
		switch c.Header {
		case "ENV":
			continue
		case "APP":
			c.Text = c.Raw
		case "ROLLOUT":
			c.Wide = false
		}
		columns = append(columns, c)
	}
	return eventView(columns, func(e AppEvent) string { return e.Event }, func(e AppEvent) App { return e.App })
}
