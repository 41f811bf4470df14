package cli

import (
	"fmt"
	"strings"
	"unicode/utf8"

	runewidth "github.com/mattn/go-runewidth"
)

// insertions are the candidates as readline of bash puts them in the place of
// r.text: what was typed stays as it is, the rest is quoted as the line is there.
func (r Request) insertions(found []Candidate) []string {
	// readline begins at a break such as = or : or at an open quote. What stands
	// before that stays in the line.
	head, ok := strings.CutSuffix(r.typed.raw, r.text)
	if !ok {
		return nil
	}
	var lines []string
	var kept []Candidate
	for _, c := range found {
		if line, ok := strings.CutPrefix(r.typed.become(c.Value), head); ok {
			lines, kept = append(lines, line), append(kept, c)
		}
	}
	if len(lines) < 2 {
		return lines
	}
	if r.list {
		return r.listing(lines, kept)
	}
	// readline inserts what all begin with, and may cut an escape in two.
	common, inserted := kept[0].Value, lines[0]
	for i, c := range kept {
		common, inserted = commonPrefix(common, c.Value), commonPrefix(inserted, lines[i])
	}
	if !strings.HasPrefix(common, r.typed.text) {
		return lines
	}
	if whole := strings.TrimPrefix(r.typed.become(common), head); len(whole) < len(inserted) {
		lines = append(lines, whole)
	}
	return lines
}

func commonPrefix(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	for n > 0 && n < len(a) && !utf8.RuneStart(a[n]) {
		n--
	}
	return a[:n]
}

// become is the word, typed so far, as it stands in the line when it has become
// value; without the quote at its end, which readline adds.
func (q quoted) become(value string) string {
	word, open := q.grow(value)
	// readline takes a quote at the end for the one that is missing.
	if mark := quoteMark(open); mark != "" && value != q.text && strings.HasSuffix(word, mark) {
		word += mark
	}
	return word
}

// grow is the word as it stands in the line when it has become value, and the
// quote that is open at its end.
func (q quoted) grow(value string) (word string, open byte) {
	rest, begins := strings.CutPrefix(value, q.text)
	if !begins { // by other capitals
		return escape(0, value), 0
	}
	raw := q.raw
	if q.dangling {
		raw = raw[:len(raw)-1]
	}
	return raw + escape(q.open, rest), q.open
}

// inLine are the candidates as words of the line. With ended, the quote that is
// open has its end.
func (q quoted) inLine(found []Candidate, ended bool) []Candidate {
	words := make([]Candidate, len(found))
	for i, c := range found {
		word, open := q.grow(c.Value)
		if ended {
			word += quoteMark(open)
		}
		words[i] = Candidate{word, c.Description}
	}
	return words
}

func quoteMark(open byte) string {
	switch open {
	case 0:
		return ""
	case '"':
		return `"`
	}
	return "'"
}

// escape writes text as it stands in bash in an open quote, or in none.
func escape(open byte, text string) string {
	var b strings.Builder
	for _, c := range text {
		switch open {
		case '\'':
			if c == '\'' {
				b.WriteString(`'\'`)
			}
		case '"':
			switch c {
			case '"', '\\', '$', '`':
				b.WriteByte('\\')
			case '!': // in double quotes nothing quotes it
				b.WriteString(`"\!"`)
				continue
			}
		case '$':
			if c == '\'' || c == '\\' {
				b.WriteByte('\\')
			}
		default:
			if c < utf8.RuneSelf && needsQuote(c) {
				b.WriteByte('\\')
			}
		}
		b.WriteRune(c)
	}
	return b.String()
}

// listing shows lines with their descriptions, for people to read: readline
// still inserts what all begin with.
func (r Request) listing(lines []string, found []Candidate) []string {
	widest := 0
	for _, l := range lines {
		widest = max(widest, runewidth.StringWidth(l))
	}
	shown := make([]string, len(lines))
	for i, l := range lines {
		shown[i] = l
		d := found[i].Description
		if d == "" {
			continue
		}
		const gap = 4 // "  --" and a space
		if room := r.columns - widest - gap - 2; r.columns > 0 {
			if room < 10 {
				continue
			}
			d = runewidth.Truncate(d, room, "…")
		}
		shown[i] = fmt.Sprintf("%s  -- %s", runewidth.FillRight(l, widest), d)
	}
	return shown
}
