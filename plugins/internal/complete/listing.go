package complete

import (
	"strconv"
	"strings"
	"time"
	"unicode"
)

// item is something that has a name.
type item struct {
	Name     string
	Alias    string // of an app: the name with its environment
	App      string // of a runner
	About    string
	Began    int64 // Unix seconds, for its age; 0: not known
	Machines []string
}

// listing is what is kept of a kind.
type listing struct {
	// Listed is when the service listed all; zero: it listed some only.
	Listed time.Time
	Items  []item
}

// encode writes a listing as text, which is read at each Tab and in a fraction
// of the time that JSON takes: a line with the time in Unix nanoseconds, and
// one for each item.
func (l listing) encode() []byte {
	var b []byte
	if !l.Listed.IsZero() {
		b = strconv.AppendInt(b, l.Listed.UnixNano(), 10)
	}
	for _, i := range l.Items {
		b = append(b, '\n')
		for _, field := range []string{i.Name, i.Alias, i.App, i.About} {
			b = append(b, printable(field)...)
			b = append(b, '\t')
		}
		b = strconv.AppendInt(b, i.Began, 10)
		for _, m := range i.Machines {
			b = append(b, '\t')
			b = append(b, printable(m)...)
		}
	}
	return b
}

// printable is text in which nothing is taken for the end of a field.
func printable(text string) string {
	if !strings.ContainsFunc(text, unicode.IsControl) {
		return text
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

// decode reads what encode wrote. ok is false for anything else.
func decode(value []byte) (l listing, ok bool) {
	first, rest, more := strings.Cut(string(value), "\n")
	if first != "" {
		at, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			return listing{}, false
		}
		l.Listed = time.Unix(0, at)
	}
	if !more {
		return l, true
	}
	l.Items = make([]item, 0, strings.Count(rest, "\n")+1)
	for line := range strings.SplitSeq(rest, "\n") {
		f := strings.Split(line, "\t")
		if len(f) < 5 || f[0] == "" || len(l.Items) == most {
			return listing{}, false
		}
		began, err := strconv.ParseInt(f[4], 10, 64)
		if err != nil {
			return listing{}, false
		}
		l.Items = append(l.Items, item{Name: f[0], Alias: f[1], App: f[2], About: f[3], Began: began, Machines: f[5:]})
	}
	return l, true
}
