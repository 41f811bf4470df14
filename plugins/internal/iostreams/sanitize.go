package iostreams

import (
	"strings"
	"unicode/utf8"
)

// Sanitize makes text from elsewhere harmless on a terminal: control
// characters (C0 but tab and newline, DEL, C1), bidirectional overrides and
// isolates, the Unicode line separators and invalid UTF-8 become visible
// escapes such as \x1b and \u202e. Text without any of them is returned as it
// is, without allocation. The result is for reading, not for decoding: a
// backslash stays a backslash.
func Sanitize(s string) string { return sanitize(s, true) }

// SanitizeLine is Sanitize for text that must stay on one line and in its
// column: tabs and newlines become visible too.
func SanitizeLine(s string) string { return sanitize(s, false) }

func sanitize(s string, layout bool) string {
	i := unsafeIndex(s, layout)
	if i < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	for {
		b.WriteString(s[:i])
		if s = s[i:]; s == "" {
			return b.String()
		}
		r, size := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && size == 1 {
			writeHex(&b, 'x', rune(s[0]), 2)
		} else {
			writeVisible(&b, r)
		}
		s = s[size:]
		if i = unsafeIndex(s, layout); i < 0 {
			i = len(s)
		}
	}
}

// unsafeIndex is the index of the first character to be made visible, or -1.
func unsafeIndex(s string, layout bool) int {
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c >= ' ' && c < 0x7f:
			i++
			continue
		case c < utf8.RuneSelf:
			if layout && (c == '\t' || c == '\n') {
				i++
				continue
			}
			return i
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 || IsUnsafe(r) {
			return i
		}
		i += size
	}
	return -1
}

// IsUnsafe reports whether a character may move the cursor, change the
// terminal or reorder what is read: any control character (tab and newline
// too), a bidirectional override or isolate, or a Unicode line separator.
func IsUnsafe(r rune) bool {
	switch {
	case r < ' ', r >= 0x7f && r <= 0x9f:
		return true
	case r < 0x2028:
		return false
	}
	return r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

func writeVisible(b *strings.Builder, r rune) {
	switch {
	case r == '\n':
		b.WriteString(`\n`)
	case r == '\r':
		b.WriteString(`\r`)
	case r == '\t':
		b.WriteString(`\t`)
	case r < utf8.RuneSelf:
		writeHex(b, 'x', r, 2)
	default:
		writeHex(b, 'u', r, 4)
	}
}

func writeHex(b *strings.Builder, kind byte, r rune, digits int) {
	const hex = "0123456789abcdef"
	b.WriteByte('\\')
	b.WriteByte(kind)
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		b.WriteByte(hex[r>>shift&0xf])
	}
}
