package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
)

// syntaxError says where text is not TOML and shows the line with everything
// masked that may be part of a key. err is not kept as the cause, since it
// carries the lines around the place as they are.
func syntaxError(text []byte, shown string, err error) *Error {
	var de *toml.DecodeError
	if !errors.As(err, &de) {
		return errorf(Syntax, "%s: not valid TOML", shown).about(shown, nil)
	}
	row, col := de.Position()
	line := lineAt(text, row)
	if col = min(col, len(line)+1); col < 1 {
		col = 1
	}
	col = utf8.RuneCount(line[:col-1]) + 1

	masked, caret := window([]rune(maskLine(string(line))), col-1)
	number := fmt.Sprint(row)
	return (&Error{
		Code:   Syntax,
		Line:   row,
		Column: col,
		Message: fmt.Sprintf("%s:%d:%d: %s\n  %s | %s\n  %s | %s^",
			shown, row, col, describeSyntax(de.Error()),
			number, masked, strings.Repeat(" ", len(number)), strings.Repeat(" ", caret)),
	}).about(shown, nil).hint("the file was left as it is; letters of values are shown as *")
}

func lineAt(text []byte, row int) []byte {
	for ; row > 1; row-- {
		_, rest, ok := bytes.Cut(text, []byte("\n"))
		if !ok {
			return nil
		}
		text = rest
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r"))
}

// window cuts a long line to what surrounds position at, and returns the
// position in what is left.
func window(line []rune, at int) (string, int) {
	const before, after = 60, 40
	if to := at + after; to < len(line) {
		line = line[:to]
	}
	if from := at - before; from > 0 && from <= len(line) {
		line, at = line[from:], before
	}
	return string(line), at
}

// maskLine replaces every character of a line that may belong to a secret,
// one for one. A file that does not parse gives no hold for telling values
// from names, so only the words we know and the name in a table's header stay.
func maskLine(line string) string {
	visible := visiblePrefix(line)
	var b strings.Builder
	b.WriteString(line[:visible])
	for _, r := range line[visible:] {
		switch r {
		case ' ', '"', '\'', '=', '[', ']', '{', '}', ',', '#':
			b.WriteRune(r)
		case '\t':
			b.WriteByte(' ')
		default:
			b.WriteByte('*')
		}
	}
	return b.String()
}

// visiblePrefix returns how many bytes of line are certainly no value.
func visiblePrefix(line string) int {
	body := strings.TrimLeft(line, " ")
	indent := len(line) - len(body)
	if strings.HasPrefix(body, "[") {
		end := 1
		for end < len(body) && isHeaderChar(body[end]) {
			end++
		}
		if end == len(body) || body[end] == ']' {
			return indent + end
		}
		return indent
	}
	end := 0
	for end < len(body) && isBareKeyChar(body[end]) {
		end++
	}
	switch body[:end] {
	case profileKey, profileHost, profileLocalHost, internalTeam, internalChoice, settingCheckUpdates:
		return indent + end
	}
	return indent
}

func isHeaderChar(c byte) bool { return isBareKeyChar(c) || c == '.' || c == ' ' || c == '[' }

func isBareKeyChar(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

// describeSyntax returns the parser's message without the characters of the
// file that it repeats.
func describeSyntax(message string) string {
	message = strings.TrimPrefix(message, "toml: ")
	message, _, _ = strings.Cut(message, ": strconv.")
	if head, tail, ok := strings.Cut(message, " U+"); ok {
		// "U+0061 'a' at …": the code point is followed by the character
		// in quotes when it can be printed.
		_, tail, _ = strings.Cut(tail, " ")
		if strings.HasPrefix(tail, "'") {
			_, tail, _ = strings.Cut(tail[1:], "' ")
		}
		head = strings.TrimSuffix(strings.TrimSuffix(head, " but got"), ":")
		message = strings.TrimSpace(head + " " + tail)
	}
	if strings.ContainsAny(message, ":\n") {
		return "not valid TOML"
	}
	return printable(message)
}
