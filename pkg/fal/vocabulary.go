package fal

import (
	"fmt"
	"slices"
	"strings"
)

// A vocabulary is what the numbers of a type of the wire are called; they count
// from zero.
type vocabulary[T ~int32] struct {
	what    string // "auth mode"
	names   []string
	unknown string // stands before a number that has no name
}

func (v vocabulary[T]) name(n T) string {
	if n >= 0 && int(n) < len(v.names) {
		return v.names[n]
	}
	return fmt.Sprintf("%s(%d)", v.unknown, int32(n))
}

// parse reads a name in any case.
func (v vocabulary[T]) parse(name string) (T, error) {
	n := slices.IndexFunc(v.names, func(known string) bool { return strings.EqualFold(name, known) })
	if n < 0 {
		return 0, invalid("", "unknown %s %q: want one of %s", v.what, name, strings.Join(v.names, ", "))
	}
	return T(n), nil
}
