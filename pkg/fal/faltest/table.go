package faltest

import (
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"
)

// A table holds what a test gave to be served, once it gave anything.
type table[T any] struct {
	mu   sync.Mutex
	set  bool
	rows []T
}

func (t *table[T]) replace(rows []T) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.set, t.rows = true, slices.Clone(rows)
}

// list is a copy of the rows; false if none were ever given.
func (t *table[T]) list() ([]T, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.rows), t.set
}

// change changes the first row that matches; false if there is none.
func (t *table[T]) change(match func(T) bool, change func(*T)) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.IndexFunc(t.rows, match)
	if i >= 0 {
		change(&t.rows[i])
	}
	return i >= 0
}

// remove takes the first row that matches away; false if there is none.
func (t *table[T]) remove(match func(T) bool) (removed T, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.IndexFunc(t.rows, match)
	if i < 0 {
		return removed, false
	}
	removed = t.rows[i]
	t.rows = slices.Delete(t.rows, i, i+1)
	return removed, true
}

func (t *table[T]) add(row T) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows = append(t.rows, row)
}

// messages are the rows that match, as the wire has them.
func messages[T any, W proto.Message](rows []T, match func(T) bool, convert func(T) W) []W {
	var out []W
	for _, row := range rows {
		if match(row) {
			out = append(out, convert(row))
		}
	}
	return out
}

func every[T any](T) bool { return true }

// sameEnvironment: an environment that is not named is "main".
func sameEnvironment(a, b string) bool {
	return a == b || a+b == "main"
}

// optional is a text that is not sent when it is empty.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func one(m proto.Message) []proto.Message { return []proto.Message{m} }
