package config

import (
	"bytes"
	"slices"

	"github.com/pelletier/go-toml/v2/unstable"
)

// span is a range of bytes.
type span struct{ from, to int }

// entry is a `key = value` and where it stands.
type entry struct {
	path  []string // from the top of the document
	head  span     // the first part of the key as written, with its quotes
	bytes span     // from the first byte of the key to the last of the value
	value span
	lines span // the whole lines, line end included; unset inside an inline table

	inline  bool    // the value is an inline table
	members []entry // of the inline table
}

// section is what follows a table header up to the next one. The first section
// of a document is the root, without a header.
type section struct {
	path    []string
	array   bool // [[…]]
	header  span // the whole line, line end included; empty for the root
	entries []entry
	end     int // where the next section's header line, or the file, begins or ends
}

// index finds the places of a document. text must be valid TOML.
func index(text []byte) []section {
	sections := []section{{}}
	var p unstable.Parser
	p.Reset(text)
	for p.NextExpression() {
		node := p.Expression()
		current := &sections[len(sections)-1]
		switch node.Kind {
		case unstable.KeyValue:
			e := readEntry(text, node, current.path)
			e.lines = wholeLines(text, e.bytes)
			current.entries = append(current.entries, e)
		case unstable.Table, unstable.ArrayTable:
			path, _, last := readKey(node.Key())
			line := wholeLines(text, last)
			current.end = line.from
			sections = append(sections, section{path: path, array: node.Kind == unstable.ArrayTable, header: line})
		}
	}
	sections[len(sections)-1].end = len(text)
	return sections
}

func readEntry(text []byte, node *unstable.Node, parent []string) entry {
	path, first, last := readKey(node.Key())
	e := entry{
		path:  append(slices.Clone(parent), path...),
		head:  first,
		bytes: toSpan(node.Raw),
	}
	e.value = span{last.to, e.bytes.to}
	for e.value.from < e.value.to && bytes.IndexByte([]byte(" \t="), text[e.value.from]) >= 0 {
		e.value.from++
	}
	if node.Value().Kind == unstable.InlineTable {
		e.inline = true
		for it := node.Value().Children(); it.Next(); {
			if it.Node().Kind == unstable.KeyValue {
				e.members = append(e.members, readEntry(text, it.Node(), e.path))
			}
		}
	}
	return e
}

func readKey(parts unstable.Iterator) (path []string, first, last span) {
	for parts.Next() {
		n := parts.Node()
		last = toSpan(n.Raw)
		if path == nil {
			first = last
		}
		path = append(path, string(n.Data))
	}
	return path, first, last
}

func toSpan(r unstable.Range) span { return span{int(r.Offset), int(r.Offset + r.Length)} }

// wholeLines returns the lines that s lies in, with the last one's line end.
func wholeLines(text []byte, s span) span {
	from := bytes.LastIndexByte(text[:s.from], '\n') + 1
	to := len(text)
	if i := bytes.IndexByte(text[s.to:], '\n'); i >= 0 {
		to = s.to + i + 1
	}
	return span{from, to}
}

// place is where a value stands: an entry, and the inline table around it when
// it is in one.
type place struct {
	entry  entry
	parent *entry
	at     int // the entry's position among the members of parent
}

// find returns the place of the value at path, if one `key = value` gives it.
func find(sections []section, path ...string) (place, bool) {
	for _, s := range sections {
		for i := range s.entries {
			if p, ok := findIn(place{entry: s.entries[i]}, path); ok {
				return p, true
			}
		}
	}
	return place{}, false
}

func findIn(p place, path []string) (place, bool) {
	if slices.Equal(p.entry.path, path) {
		return p, true
	}
	for i, m := range p.entry.members {
		parent := p.entry
		if found, ok := findIn(place{entry: m, parent: &parent, at: i}, path); ok {
			return found, true
		}
	}
	return place{}, false
}
