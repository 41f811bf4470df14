package config

import (
	"bytes"
	"maps"
	"math"
	"reflect"
	"slices"
	"time"
	"unicode/utf8"
)

// set gives table.key the string value.
func (f *File) set(table, key, value string) error {
	if key == "" || !utf8.ValidString(key) || !utf8.ValidString(value) {
		return errorf(BadValue, "%s of %s: an empty key or text that is not UTF-8 cannot be stored", printable(key), printable(table)).about(f.shown, nil)
	}
	old, exists := f.doc.values[table]
	values, isTable := old.(map[string]any)
	if exists && !isTable {
		return f.unsafe("%s is not a table", printable(table))
	}
	had, exists := values[key]
	if had == any(value) {
		return nil
	}
	want := maps.Clone(values)
	if want == nil {
		want = map[string]any{}
	}
	want[key] = value
	if !exists {
		return f.apply(f.inserted(table, key, value), table, want)
	}
	at, found := find(f.sections, table, key)
	if !found {
		return f.unsafe("%s.%s is a table", printable(table), printable(key))
	}
	return f.apply(splice(f.doc.text, at.entry.value, encodeString(value)), table, want)
}

// inserted returns the text with a new table.key, in the way that the table is
// written already.
func (f *File) inserted(table, key, value string) []byte {
	text := f.doc.text
	assignment := encodeKey(key) + " = " + encodeString(value)
	for _, s := range f.sections {
		if s.array || !slices.Equal(s.path, []string{table}) {
			continue
		}
		after, indent := s.header.to, ""
		if n := len(s.entries); n > 0 {
			last := s.entries[n-1]
			after, indent = last.lines.to, string(text[last.lines.from:last.bytes.from])
		}
		return f.insertLine(after, indent+assignment)
	}
	var dotted *entry
	for i, e := range f.sections[0].entries {
		switch {
		case e.path[0] != table:
		case len(e.path) == 1 && e.inline:
			return insertMember(text, e, assignment)
		default:
			dotted = &f.sections[0].entries[i]
		}
	}
	if dotted != nil {
		head := string(text[dotted.head.from:dotted.head.to])
		return f.insertLine(dotted.lines.to, head+"."+assignment)
	}
	return f.appendTable(text, table, assignment)
}

// insertLine adds a line at offset at, which is the beginning of a line or the
// end of the file.
func (f *File) insertLine(at int, line string) []byte {
	text := f.doc.text
	if at > 0 && text[at-1] != '\n' {
		line = f.lineEnd() + line
	} else {
		line += f.lineEnd()
	}
	return splice(text, span{at, at}, line)
}

func insertMember(text []byte, table entry, assignment string) []byte {
	if n := len(table.members); n > 0 {
		at := table.members[n-1].bytes.to
		return splice(text, span{at, at}, ", "+assignment)
	}
	return splice(text, table.value, "{ "+assignment+" }")
}

func (f *File) appendTable(text []byte, table string, lines ...string) []byte {
	eol := f.lineEnd()
	out := slices.Clone(text)
	if len(out) > 0 {
		if out[len(out)-1] != '\n' {
			out = append(out, eol...)
		}
		if !endsBlank(out) {
			out = append(out, eol...)
		}
	}
	for _, line := range append([]string{"[" + encodeKey(table) + "]"}, lines...) {
		out = append(append(out, line...), eol...)
	}
	return out
}

// lineEnd returns the line end that the file uses.
func (f *File) lineEnd() string {
	if i := bytes.IndexByte(f.doc.text, '\n'); i > 0 && f.doc.text[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// unset removes table.key, if it is there.
func (f *File) unset(table, key string) error {
	values := f.doc.table(table)
	if _, ok := values[key]; !ok {
		return nil
	}
	at, found := find(f.sections, table, key)
	if !found {
		return f.unsafe("%s.%s is a table", printable(table), printable(key))
	}
	want := maps.Clone(values)
	delete(want, key)
	text := splice(f.doc.text, at.removal(f.doc.text), "")
	if len(want) == 0 && !defines(text, table) {
		text = f.appendTable(text, table) // `table.key = …` was all that made it one
	}
	return f.apply(text, table, want)
}

// removal returns the bytes that go with the entry.
func (p place) removal(text []byte) span {
	if p.parent == nil {
		return p.entry.lines
	}
	members := p.parent.members
	switch {
	case p.at+1 < len(members):
		return span{p.entry.bytes.from, members[p.at+1].bytes.from}
	case p.at > 0:
		return span{members[p.at-1].bytes.to, p.entry.bytes.to}
	}
	// The only one: whatever is between the braces.
	return span{p.parent.value.from + 1, p.parent.value.to - 1}
}

// defines reports whether text still has the table.
func defines(text []byte, table string) bool {
	d, err := parseDocument(text, "")
	return err == nil && d.table(table) != nil
}

// create adds an empty table at the end.
func (f *File) create(table string) error {
	return f.apply(f.appendTable(f.doc.text, table), table, map[string]any{})
}

// remove deletes a table with all its tables.
func (f *File) remove(table string) error {
	var gone []span
	for i, s := range f.sections {
		if len(s.path) > 0 && s.path[0] == table {
			last := i+1 < len(f.sections) && f.sections[i+1].path[0] == table
			gone = append(gone, f.sectionExtent(s, last))
			continue
		}
		if len(s.path) > 0 {
			continue
		}
		for _, e := range s.entries {
			if e.path[0] == table {
				gone = append(gone, e.lines)
			}
		}
	}
	return f.apply(cutLines(f.doc.text, gone), table, nil)
}

// sectionExtent returns the bytes of a section: header, entries, what is
// between them, and the comment lines that follow without a gap, such as a key
// commented out. A comment that touches the next header is that one's. When
// the next section goes too, so does everything before it.
func (f *File) sectionExtent(s section, nextGoesToo bool) span {
	if nextGoesToo {
		return span{s.header.from, s.end}
	}
	to := s.header.to
	if n := len(s.entries); n > 0 {
		to = s.entries[n-1].lines.to
	}
	comment := to
	for comment < s.end && !isBlankLine(f.doc.text[comment:]) {
		comment = wholeLines(f.doc.text, span{comment, comment}).to
	}
	if comment < s.end || s.end == len(f.doc.text) {
		to = comment
	}
	return span{s.header.from, to}
}

// cutLines removes spans of whole lines, in order, and the blank lines that
// would be doubled by it.
func cutLines(text []byte, gone []span) []byte {
	var out []byte
	at := 0
	for _, s := range gone {
		out = append(out, text[at:s.from]...)
		at = s.to
		for (len(out) == 0 || endsBlank(out)) && at < len(text) && isBlankLine(text[at:]) {
			at = wholeLines(text, span{at, at}).to
		}
		if at == len(text) {
			for endsBlank(out) {
				out = trimLineEnd(out)
			}
		}
	}
	return append(out, text[at:]...)
}

func isBlankLine(text []byte) bool {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return len(bytes.TrimSpace(line)) == 0
}

// endsBlank reports whether text ends with an empty line.
func endsBlank(text []byte) bool {
	return bytes.HasSuffix(text, []byte("\n")) && bytes.HasSuffix(trimLineEnd(text), []byte("\n"))
}

func trimLineEnd(text []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
}

func splice(text []byte, at span, with string) []byte {
	return slices.Concat(text[:at.from], []byte(with), text[at.to:])
}

// apply takes text as the new content if it means what the file meant, but for
// table, which must now hold want; nil means that the table is gone.
func (f *File) apply(text []byte, table string, want map[string]any) error {
	next, err := parseDocument(text, f.shown)
	if err != nil {
		return f.unsafe("it would not be valid TOML any more")
	}
	expected := maps.Clone(f.doc.values)
	if want == nil {
		delete(expected, table)
	} else {
		expected[table] = want
	}
	if !equal(expected, next.values) {
		return f.unsafe("something else would change with it")
	}
	next.bom = f.doc.bom
	f.doc, f.sections = next, index(next.text)
	return nil
}

func (f *File) unsafe(why string, args ...any) *Error {
	return errorf(UnsafeEdit, "cannot edit %s: "+why, append([]any{f.shown}, args...)...).about(f.shown, nil).
		hint("the file was left as it is: edit it by hand")
}

// equal compares values as TOML means them: not-a-number equals itself, and
// times are equal when the instant and the offset are.
func equal(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && maps.EqualFunc(a, b, equal)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, equal)
	case float64:
		b, ok := b.(float64)
		return ok && (a == b || math.IsNaN(a) && math.IsNaN(b))
	case time.Time:
		b, ok := b.(time.Time)
		if !ok {
			return false
		}
		_, offsetA := a.Zone()
		_, offsetB := b.Zone()
		return a.Equal(b) && offsetA == offsetB
	}
	return reflect.DeepEqual(a, b)
}
