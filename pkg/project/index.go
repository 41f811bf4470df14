package project

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2/unstable"
)

// indexer collects the places of a document.
type indexer struct {
	text   []byte
	starts []int // of lines
	places map[string]position
	apps   []string
}

// index finds where each table, key and element of an array stands, as far as
// text is TOML, and the names of the apps in their order.
func index(text []byte) (places map[string]position, apps []string) {
	x := indexer{text: text, starts: []int{0}, places: map[string]position{}}
	for i, c := range text {
		if c == '\n' {
			x.starts = append(x.starts, i+1)
		}
	}
	var p unstable.Parser
	p.Reset(text)
	var table []string
	for p.NextExpression() {
		switch node := p.Expression(); node.Kind {
		case unstable.Table, unstable.ArrayTable:
			table = x.key(nil, node.Key())
		case unstable.KeyValue:
			x.value(x.key(table, node.Key()), node.Value())
		}
	}
	return x.places, x.apps
}

// key notes the parts of a key below parent, and returns the whole path.
func (x *indexer) key(parent []string, parts unstable.Iterator) []string {
	path := slices.Clone(parent)
	for parts.Next() {
		path = append(path, string(parts.Node().Data))
		x.note(path, parts.Node())
		if len(path) == 4 && slices.Equal(path[:3], appsPath()) && !slices.Contains(x.apps, path[3]) {
			x.apps = append(x.apps, path[3])
		}
	}
	return path
}

func (x *indexer) value(path []string, value *unstable.Node) {
	switch value.Kind {
	case unstable.InlineTable:
		for it := value.Children(); it.Next(); {
			if node := it.Node(); node.Kind == unstable.KeyValue {
				x.value(x.key(path, node.Key()), node.Value())
			}
		}
	case unstable.Array:
		i := 0
		for it := value.Children(); it.Next(); {
			if it.Node().Kind == unstable.Comment {
				continue
			}
			below := append(slices.Clone(path), element(i))
			x.note(below, it.Node())
			x.value(below, it.Node())
			i++
		}
	}
}

func (x *indexer) note(path []string, node *unstable.Node) {
	offset, ok := x.start(node)
	if !ok {
		return
	}
	key := join(path...)
	if _, ok := x.places[key]; ok {
		return
	}
	line, found := slices.BinarySearch(x.starts, offset)
	if !found {
		line--
	}
	x.places[key] = position{line + 1, utf8.RuneCount(x.text[x.starts[line]:offset]) + 1}
}

// start is where a node begins. One that holds others does not know, and
// begins with the bracket before them.
func (x *indexer) start(node *unstable.Node) (offset int, ok bool) {
	if node.Raw.Length > 0 {
		return int(node.Raw.Offset), true
	}
	below := node.Children()
	if node.Kind == unstable.KeyValue {
		below = node.Key()
	}
	if !below.Next() {
		return 0, false
	}
	if offset, ok = x.start(below.Node()); !ok {
		return 0, false
	}
	before := bytes.TrimRight(x.text[:offset], " \t\r\n")
	if n := len(before); n > 0 && (before[n-1] == '[' || before[n-1] == '{') {
		return n - 1, true
	}
	return offset, true
}
