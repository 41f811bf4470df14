package alias

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// SyntaxError says where a text is no file of aliases.
type SyntaxError struct {
	Line   int // from 1
	Reason string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// Parse reads the text of a file. The error is a *SyntaxError.
func Parse(text string) (*File, error) {
	f := &File{text: text}
	p := &parser{text: text}
	for {
		p.skip(blankLines)
		if p.at == len(text) {
			return f, nil
		}
		e, err := p.entry()
		if err != nil {
			return nil, err
		}
		if f.index(e.Name) >= 0 {
			return nil, p.failure("%q is set twice", e.Name)
		}
		f.entries = append(f.entries, e)
	}
}

type parser struct {
	text string
	at   int
}

// What skip passes over.
const (
	blanks     = false // inside a line
	blankLines = true  // line ends and comments too
)

func (p *parser) skip(lines bool) {
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == ' ' || c == '\t':
			p.at++
		case lines && c == '\n':
			p.at++
		case lines && c == '\r' && strings.HasPrefix(p.text[p.at:], "\r\n"):
			p.at += 2
		case lines && c == '#':
			p.comment()
		default:
			return
		}
	}
}

func (p *parser) comment() {
	end := strings.IndexByte(p.text[p.at:], '\n')
	if end < 0 {
		end = len(p.text) - p.at
	}
	p.at += end
}

func (p *parser) entry() (e entry, err error) {
	e.start = strings.LastIndexByte(p.text[:p.at], '\n') + 1
	if e.Name, err = p.key(); err != nil {
		return e, err
	}
	p.skip(blanks)
	if !p.take('=') {
		return e, p.failure("= is missing behind %q", e.Name)
	}
	p.skip(blanks)
	if e.Words, err = p.words(); err != nil {
		return e, err
	}
	p.skip(blanks)
	if p.at < len(p.text) && p.text[p.at] == '#' {
		p.comment()
	}
	if rest := p.text[p.at:]; rest != "" && rest[0] != '\n' && !strings.HasPrefix(rest, "\r\n") {
		return e, p.failure("more behind the list of %q", e.Name)
	}
	p.comment() // up to the end of the line
	if p.at < len(p.text) {
		p.at++
	}
	e.end = p.at
	return e, nil
}

func (p *parser) key() (string, error) {
	if quote := p.peek(); quote == '"' || quote == '\'' {
		return p.quoted()
	}
	start := p.at
	for p.at < len(p.text) && isBare(p.text[p.at]) {
		p.at++
	}
	if p.at == start {
		return "", p.failure(`want a line such as idle = ["runners", "list"]`)
	}
	return p.text[start:p.at], nil
}

func isBare(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

func (p *parser) words() ([]string, error) {
	if !p.take('[') {
		return nil, p.failure(`want a list of words such as ["runners", "list"]`)
	}
	var words []string
	for {
		p.skip(blankLines)
		if p.take(']') {
			break
		}
		if quote := p.peek(); quote != '"' && quote != '\'' {
			return nil, p.failure("want a word in quotes, or ]")
		}
		word, err := p.quoted()
		if err != nil {
			return nil, err
		}
		words = append(words, word)
		p.skip(blankLines)
		if !p.take(',') && p.peek() != ']' {
			return nil, p.failure("want a comma or ]")
		}
	}
	if len(words) == 0 {
		return nil, p.failure("an alias stands for one word at least")
	}
	return words, nil
}

// quoted reads a string of one line: "basic" with escapes, 'literal' without.
func (p *parser) quoted() (string, error) {
	quote := p.text[p.at]
	p.at++
	var b strings.Builder
	for p.at < len(p.text) {
		r, size := utf8.DecodeRuneInString(p.text[p.at:])
		switch {
		case r == utf8.RuneError && size == 1:
			return "", p.failure("this is not UTF-8")
		case r == rune(quote):
			p.at++
			return b.String(), nil
		case r < ' ' && r != '\t' || r == 0x7f:
			return "", p.failure("a control character or the end of the line inside quotes")
		case r == '\\' && quote == '"':
			escaped, err := p.escape()
			if err != nil {
				return "", err
			}
			b.WriteRune(escaped)
			continue
		}
		b.WriteRune(r)
		p.at += size
	}
	return "", p.failure("the closing quote is missing")
}

func (p *parser) escape() (rune, error) {
	p.at++
	c := p.peek()
	p.at++
	switch c {
	case 'b':
		return '\b', nil
	case 't':
		return '\t', nil
	case 'n':
		return '\n', nil
	case 'f':
		return '\f', nil
	case 'r':
		return '\r', nil
	case '"', '\\':
		return rune(c), nil
	case 'u', 'U':
		digits := 4
		if c == 'U' {
			digits = 8
		}
		if len(p.text)-p.at < digits {
			break
		}
		code, err := strconv.ParseUint(p.text[p.at:p.at+digits], 16, 32)
		if err != nil || code == 0 || code > utf8.MaxRune || !utf8.ValidRune(rune(code)) {
			break
		}
		p.at += digits
		return rune(code), nil
	}
	p.at = min(p.at, len(p.text))
	return 0, p.failure("an unknown escape behind \\")
}

// peek is the next byte; 0 at the end.
func (p *parser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *parser) take(c byte) bool {
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *parser) failure(format string, args ...any) error {
	return &SyntaxError{Line: strings.Count(p.text[:p.at], "\n") + 1, Reason: fmt.Sprintf(format, args...)}
}

// encode is the line of an alias, without its end.
func encode(name string, words []string) string {
	var b strings.Builder
	if name != "" && !slices.ContainsFunc([]byte(name), func(c byte) bool { return !isBare(c) }) {
		b.WriteString(name)
	} else {
		quote(&b, name)
	}
	b.WriteString(" = [")
	for i, word := range words {
		if i > 0 {
			b.WriteString(", ")
		}
		quote(&b, word)
	}
	b.WriteByte(']')
	return b.String()
}

func quote(b *strings.Builder, word string) {
	b.WriteByte('"')
	for _, r := range word {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
}
