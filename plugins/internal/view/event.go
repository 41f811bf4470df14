package view

import (
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

// The events of a watched list.
const (
	EventAdded   = "added"
	EventChanged = "changed"
	EventRemoved = "removed"
)

// changes says what became of the rows of one list in the next: those of the
// next in its order, then those that are there no more, as they were.
func changes[T, E any](before, after []T, id func(T) string, same func(was, is T) bool, event func(kind string, row T) E) []E {
	known := make(map[string]T, len(before))
	for _, row := range before {
		known[id(row)] = row
	}
	var events []E
	for _, row := range after {
		was, ok := known[id(row)]
		switch {
		case !ok:
			events = append(events, event(EventAdded, row))
		case !same(was, row):
			events = append(events, event(EventChanged, row))
		}
		delete(known, id(row))
	}
	for _, row := range before {
		if _, gone := known[id(row)]; gone {
			events = append(events, event(EventRemoved, row))
		}
	}
	return events
}

// eventView is how a watched list is shown line by line: what happened, and
// then the columns of the list.
func eventView[T, E any](columns []output.Column[T], kind func(E) string, row func(E) T) output.View[E] {
	v := output.View[E]{Key: "events", Columns: []output.Column[E]{{Header: "EVENT", Width: len(EventChanged), Text: kind}}}
	for _, c := range columns {
		v.Columns = append(v.Columns, ofEvent(c, row))
	}
	return v
}

func ofEvent[T, E any](c output.Column[T], row func(E) T) output.Column[E] {
	of := output.Column[E]{Header: c.Header, Key: c.Key, Right: c.Right, Wide: c.Wide, Width: c.Width, Rank: c.Rank}
	of.Text = func(e E) string { return c.Text(row(e)) }
	if c.Raw != nil {
		of.Raw = func(e E) string { return c.Raw(row(e)) }
	}
	if c.Style != nil {
		of.Style = func(e E) iostreams.Style { return c.Style(row(e)) }
	}
	return of
}
