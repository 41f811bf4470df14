package project

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// table reads a table of a pyproject.toml, key by key. What is wrong is noted,
// and read as if it were not there.
type table struct {
	file     *pyproject
	problems *Problems
	path     []string
	values   map[string]any
	read     []string // the keys that were asked for: all that there may be
}

// wrong notes a problem with what is at key, and below it.
func (t *table) wrong(key []string, format string, args ...any) {
	*t.problems = append(*t.problems, t.about(key, format, args...))
}

// about is a problem with what is at key, not noted yet.
func (t *table) about(key []string, format string, args ...any) Problem {
	path := append(slices.Clone(t.path), key...)
	place := t.file.at(path...)
	return Problem{
		File: t.file.shown, Line: place.line, Column: place.column,
		Key: spell(path), Message: fmt.Sprintf(format, args...),
	}
}

// doubt is a notice about what is at key, which may be refused where the app is
// deployed to.
func (t *table) doubt(key []string, format string, args ...any) string {
	return t.about(key, format, args...).String()
}

// mistyped notes that a value has another type than wanted.
func (t *table) mistyped(key []string, want string, value any) {
	t.wrong(key, "must be %s, not %s", want, typeOf(value))
}

// get is the value of a key, which is known from then on.
func (t *table) get(key string) (value any, ok bool) {
	t.read = append(t.read, key)
	value, ok = t.values[key]
	return value, ok
}

func (t *table) has(key string) bool {
	_, ok := t.values[key]
	return ok
}

// finish notes the keys that nothing asked for.
func (t *table) finish() {
	for key := range t.values {
		if !slices.Contains(t.read, key) {
			t.wrong([]string{key}, "unknown key%s", meant(key, t.read))
		}
	}
}

// text is a string that is not empty.
func (t *table) text(key string) *string {
	value, ok := t.get(key)
	if !ok {
		return nil
	}
	s, ok := value.(string)
	switch {
	case !ok:
		t.mistyped([]string{key}, "a string", value)
		return nil
	case strings.TrimSpace(s) == "":
		t.wrong([]string{key}, "must not be empty")
		return nil
	}
	return &s
}

// word is one of a few.
func (t *table) word(key string, words []string) *string {
	s := t.text(key)
	if s == nil || !t.oneOf([]string{key}, *s, words) {
		return nil
	}
	return s
}

func (t *table) oneOf(key []string, word string, words []string) bool {
	if slices.Contains(words, word) {
		return true
	}
	t.wrong(key, "%q is none of %s%s", word, strings.Join(words, ", "), meant(strings.ToLower(word), words))
	return false
}

func (t *table) flag(key string) *bool {
	value, ok := t.get(key)
	if !ok {
		return nil
	}
	b, ok := value.(bool)
	if !ok {
		t.mistyped([]string{key}, "true or false", value)
		return nil
	}
	return &b
}

// count is a number of things, or of seconds.
func (t *table) count(key string) *int { return t.number(key, math.MaxInt32) }

func (t *table) port(key string) *int { return t.number(key, math.MaxUint16) }

func (t *table) number(key string, most int64) *int {
	value, ok := t.get(key)
	if !ok {
		return nil
	}
	n, ok := value.(int64)
	switch {
	case !ok:
		t.mistyped([]string{key}, "a whole number", value)
		return nil
	case n < 0 || n > most:
		t.wrong([]string{key}, "must be from 0 to %d, not %d", most, n)
		return nil
	}
	number := int(n)
	return &number
}

func (t *table) seconds(key string) *time.Duration {
	n := t.count(key)
	if n == nil {
		return nil
	}
	d := time.Duration(*n) * time.Second
	return &d
}

// texts is a list of strings; nil only if there is none.
func (t *table) texts(key string) []string {
	value, ok := t.get(key)
	if !ok {
		return nil
	}
	list, ok := value.([]any)
	if !ok {
		t.mistyped([]string{key}, "a list of strings", value)
		return nil
	}
	return t.strings([]string{key}, list)
}

func (t *table) strings(key []string, list []any) []string {
	texts := make([]string, 0, len(list))
	for i, value := range list {
		s, ok := value.(string)
		if !ok {
			t.mistyped(append(slices.Clone(key), element(i)), "a string", value)
			continue
		}
		texts = append(texts, s)
	}
	return texts
}

// words is a list of some of a few.
func (t *table) words(key string, words []string) []string {
	list := t.texts(key)
	if list == nil {
		return nil
	}
	// An element that is no string has been left out, and the others moved up.
	values, _ := t.values[key].([]any)
	known := make([]string, 0, len(list))
	for i, value := range values {
		if s, ok := value.(string); ok && t.oneOf([]string{key, element(i)}, s, words) {
			known = append(known, s)
		}
	}
	return known
}

// textOrTexts is a string or a list of them. list is nil if there is none.
func (t *table) textOrTexts(key string) (text *string, list []string) {
	value, ok := t.get(key)
	if !ok {
		return nil, nil
	}
	switch value := value.(type) {
	case string:
		return &value, nil
	case []any:
		return nil, t.strings([]string{key}, value)
	}
	t.mistyped([]string{key}, "a string or a list of strings", value)
	return nil, nil
}

// table is the table at key; nil if there is none.
func (t *table) table(key string) *table {
	value, ok := t.get(key)
	if !ok {
		return nil
	}
	return t.below(key, value)
}

func (t *table) below(key string, value any) *table {
	values, ok := value.(map[string]any)
	if !ok {
		t.mistyped([]string{key}, "a table", value)
		return nil
	}
	return &table{file: t.file, problems: t.problems, path: append(slices.Clone(t.path), key), values: values}
}

// dictionary is a table of which each value is a string.
func (t *table) dictionary(key string) map[string]string {
	below := t.table(key)
	if below == nil {
		return nil
	}
	texts := make(map[string]string, len(below.values))
	for name, value := range below.values {
		s, ok := value.(string)
		if !ok {
			below.mistyped([]string{name}, "a string", value)
			continue
		}
		texts[name] = s
	}
	return texts
}

// object is a table that JSON can carry.
func (t *table) object(key string) map[string]any {
	below := t.table(key)
	if below == nil {
		return nil
	}
	before := len(*t.problems)
	below.checkJSON(nil, below.values)
	if len(*t.problems) > before {
		return nil
	}
	return below.values
}

func (t *table) checkJSON(key []string, value any) {
	below := func(part string) []string { return append(slices.Clone(key), part) }
	switch value := value.(type) {
	case map[string]any:
		for name, v := range value {
			t.checkJSON(below(name), v)
		}
	case []any:
		for i, v := range value {
			t.checkJSON(below(element(i)), v)
		}
	case float64:
		if math.IsNaN(value) || math.IsInf(value, 0) {
			t.wrong(key, "%s cannot be sent", strconv.FormatFloat(value, 'g', -1, 64))
		}
	case string, bool, int64:
	default:
		t.wrong(key, "%s cannot be sent; write it as a string", typeOf(value))
	}
}

func typeOf(value any) string {
	switch value.(type) {
	case string:
		return "a string"
	case bool:
		return "true or false"
	case int64:
		return "a whole number"
	case float64:
		return "a number with a fraction"
	case []any:
		return "a list"
	case map[string]any:
		return "a table"
	case time.Time, toml.LocalDateTime, toml.LocalDate, toml.LocalTime:
		return "a date or time"
	}
	return "something else"
}

// sorted is in the order of the files, and of the keys where that says nothing.
func (p Problems) sorted() Problems {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Key, b.Key))
	})
	return p
}
