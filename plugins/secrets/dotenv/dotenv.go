// Package dotenv reads .env files for programs to which their values are
// secrets: what is written is what is read, byte for byte, or it is an error.
//
//	assignments, err := dotenv.Parse(text)
//	for _, a := range assignments {
//		use(a.Name, a.Value)
//	}
//
// There is no standard for such files. This is the dialect:
//
//   - The text is UTF-8; a byte order mark in front of it is left out. Lines
//     end with LF or CRLF. Blanks are spaces and tabs.
//   - A line is empty, a comment that begins with #, or NAME=VALUE, also behind
//     the word export. A name is an ASCII letter or underscore, then letters,
//     digits and underscores. Blanks around the name and behind the = do not
//     count.
//   - VALUE without quotes goes to the end of the line, or to a # behind a
//     blank, and blanks at its end are left out. A # behind anything else is
//     part of it, as in `abc#1`, and so are quotes that do not begin it.
//   - VALUE in '…' or "…" goes to the next quote of its kind, over line ends if
//     need be. Behind it there may be blanks, and then a comment.
//   - Nothing is expanded and nothing is unescaped: $, backticks and
//     backslashes stand for themselves, between double quotes too. Other
//     readers differ there, see [Assignment.Differs].
//   - An empty value is one. A name may come twice: that is for the caller to
//     judge.
//
// Errors have the number of a line and never a part of the text.
package dotenv

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// An Assignment is one NAME=VALUE.
type Assignment struct {
	Name, Value string
	Line        int // of the name, from 1
	// Differs says that readers of other dialects may find another value: it
	// holds ${, or but for single quotes a $ before a name or (, or between
	// double quotes a backslash.
	Differs bool
}

// An Error is a text that is not in the dialect.
type Error struct {
	Line   int // from 1
	Reason string
}

func (e *Error) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// Parse reads all assignments in their order. Its errors are of type *[Error].
func Parse(text string) ([]Assignment, error) {
	if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
		return nil, &Error{1, "the text is UTF-16, and UTF-8 is wanted"}
	}
	if i := invalidUTF8(text); i >= 0 {
		return nil, &Error{1 + strings.Count(text[:i], "\n"), "it is not UTF-8"}
	}
	p := &parser{rest: strings.TrimPrefix(text, "\ufeff"), line: 1}
	var found []Assignment
	for p.rest != "" {
		a, ok, err := p.next()
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, a)
		}
	}
	return found, nil
}

func invalidUTF8(text string) int {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

const blanks = " \t"

type parser struct {
	rest string
	line int // the first one of rest
}

func (p *parser) fail(reason string) error { return &Error{p.line, reason} }

// next reads a line, and those over which a quoted value goes; false when
// there is no assignment.
func (p *parser) next() (Assignment, bool, error) {
	p.rest = strings.TrimLeft(p.rest, blanks)
	if line := p.peek(); line == "" || line[0] == '#' {
		p.skip()
		return Assignment{}, false, nil
	}
	p.export()
	a := Assignment{Line: p.line, Name: name(p.rest)}
	behind, ok := strings.CutPrefix(strings.TrimLeft(p.rest[len(a.Name):], blanks), "=")
	switch line := p.peek(); {
	case ok && a.Name != "":
	case strings.Contains(line, "="):
		return a, false, p.fail("what stands before = is no name: in NAME=VALUE, a name is a letter or underscore, then letters, digits and underscores")
	default:
		return a, false, p.fail("it is not NAME=VALUE")
	}
	p.rest = strings.TrimLeft(behind, blanks)
	if p.rest != "" && (p.rest[0] == '\'' || p.rest[0] == '"') {
		err := p.quoted(&a)
		return a, err == nil, err
	}
	// The blanks are looked at again: a # behind them is a comment, and one
	// behind the = is not.
	value := (&parser{rest: behind}).peek()
	a.Value = strings.Trim(value[:comment(value)], blanks)
	a.Differs = expandable(a.Value)
	p.skip()
	return a, true, nil
}

// peek is the rest of the line without its end.
func (p *parser) peek() string {
	line, _, _ := strings.Cut(p.rest, "\n")
	return strings.TrimSuffix(line, "\r")
}

// skip leaves the line.
func (p *parser) skip() {
	_, p.rest, _ = strings.Cut(p.rest, "\n")
	p.line++
}

// export leaves out the word in front of a name, and not the name itself.
func (p *parser) export() {
	behind, ok := strings.CutPrefix(p.rest, "export")
	if trimmed := strings.TrimLeft(behind, blanks); ok && trimmed != behind && !strings.HasPrefix(trimmed, "=") {
		p.rest = trimmed
	}
}

func (p *parser) quoted(a *Assignment) error {
	quote := p.rest[:1]
	value, behind, ok := strings.Cut(p.rest[1:], quote)
	if !ok {
		return p.fail("the quote that begins the value is not closed")
	}
	a.Value = value
	a.Differs = strings.Contains(value, "${") || quote == `"` && (strings.Contains(value, `\`) || expandable(value))
	p.rest = behind
	p.line += strings.Count(value, "\n")
	line := p.peek()
	if strings.Trim(line[:comment(line)], blanks) != "" {
		return p.fail("there is more behind the quote that closes the value")
	}
	p.skip()
	return nil
}

// expandable reports whether there is a $ that others take for the beginning of
// a variable or a command.
func expandable(value string) bool {
	for i := range len(value) - 1 {
		if next := value[i+1:]; value[i] == '$' && (strings.HasPrefix(next, "{") || strings.HasPrefix(next, "(") || name(next) != "") {
			return true
		}
	}
	return false
}

// name is the name that s begins with, or "".
func name(s string) string {
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '_', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		case i > 0 && c >= '0' && c <= '9':
		default:
			return s[:i]
		}
	}
	return s
}

// comment is the index of the # behind a blank, or else of the end.
func comment(line string) int {
	for i := 1; i < len(line); i++ {
		if line[i] == '#' && strings.Contains(blanks, line[i-1:i]) {
			return i
		}
	}
	return len(line)
}
