package output

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/suggest"
)

// View describes how records of one kind are shown.
type View[T any] struct {
	// Key is the name of the list in the JSON object, and the plural noun:
	// "runners". Empty makes the JSON document a bare array.
	Key string
	// Columns in their order from left to right.
	Columns []Column[T]
	// Name is the argument that other commands take for the record; nil makes
	// the format name a usage error, and a record with an empty one is left out
	// of it.
	Name func(T) string
	// Compare is the default order; nil keeps that of the rows.
	Compare func(a, b T) int
	// Sorts are the keys of --sort.
	Sorts []SortKey[T]
	// Note is a summary of the rows for people, written to stderr behind a
	// table on a terminal; nil or "" for none.
	Note func([]T) string
	// Empty is written to stderr when there are no rows: "no runners".
	Empty string
	// Details are lines under a row of a table; nil or none for most rows.
	Details func(T) []string
}

// Column is one column of a table and one field of TSV and CSV.
type Column[T any] struct {
	Header string         // of the table, in capitals: "IN FLIGHT"
	Key    string         // of TSV and CSV; default: the header as in_flight
	Text   func(T) string // for people: "2h13m"
	Raw    func(T) string // for TSV and CSV: "7980"; default: Text
	Style  func(T) iostreams.Style
	Right  bool // aligned to the right
	Wide   bool // left out of pretty
	Width  int  // the least, for a table whose later rows are not known yet
	// Rank is how easily the column is done without: on a terminal that is too
	// narrow, pretty leaves out the highest first, of equals the rightmost. A
	// column of rank 0 is never left out.
	Rank int
}

// SortKey is a value of --sort.
type SortKey[T any] struct {
	Name    string
	Compare func(a, b T) int
}

// SortNames are the values of --sort for help and completion.
func (v View[T]) SortNames() []string {
	names := make([]string, 0, len(v.Sorts))
	for _, key := range v.Sorts {
		names = append(names, key.Name)
	}
	return names
}

// ParseSort reads KEY, KEY:asc or KEY:desc into the order to set as the view's
// Compare; "" is the default order. Records that are equal under the key keep
// the default order. An unknown key is a usage error that lists the keys.
func ParseSort[T any](view View[T], key string) (func(a, b T) int, error) {
	if key == "" {
		return view.Compare, nil
	}
	name, direction, directed := strings.Cut(key, ":")
	if directed && direction != "asc" && direction != "desc" {
		return nil, &usageError{message: fmt.Sprintf("unknown sort direction %q in %q: use asc or desc", direction, key)}
	}
	i := slices.IndexFunc(view.Sorts, func(k SortKey[T]) bool { return strings.EqualFold(k.Name, name) })
	if i < 0 {
		err := &usageError{message: fmt.Sprintf("unknown sort key %q: use %s", name, strings.Join(view.SortNames(), ", "))}
		if near := suggest.Nearest(strings.ToLower(name), view.SortNames()); near != "" {
			err.hints = []string{"did you mean " + near + "?"}
		}
		return nil, err
	}
	compare, fallback := view.Sorts[i].Compare, view.Compare
	return func(a, b T) int {
		order := compare(a, b)
		if direction == "desc" {
			order = -order
		}
		if order == 0 && fallback != nil {
			return fallback(a, b)
		}
		return order
	}, nil
}

// sortRows orders rows in place, equal ones as they were. Indices are sorted
// rather than rows, which may be large, and rows are then moved once.
func sortRows[T any](rows []T, compare func(a, b T) int) {
	if compare == nil || slices.IsSortedFunc(rows, compare) {
		return
	}
	order := make([]int32, len(rows))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(i, j int32) int {
		return cmp.Or(compare(rows[i], rows[j]), cmp.Compare(i, j))
	})
	const moved = -1
	for start := range order {
		if order[start] == moved {
			continue
		}
		first, to := rows[start], start
		for {
			from := int(order[to])
			order[to] = moved
			if from == start {
				rows[to] = first
				break
			}
			rows[to] = rows[from]
			to = from
		}
	}
}

// columns are those of the table in the given format.
func (v View[T]) columns(format Format) []Column[T] {
	if format != Pretty {
		return v.Columns
	}
	return slices.DeleteFunc(slices.Clone(v.Columns), func(c Column[T]) bool { return c.Wide })
}

func (c Column[T]) key() string {
	if c.Key != "" {
		return c.Key
	}
	return strings.ReplaceAll(strings.ToLower(c.Header), " ", "_")
}

func (c Column[T]) raw(row T) string {
	if c.Raw != nil {
		return c.Raw(row)
	}
	return c.Text(row)
}
