package config

import (
	"fmt"
	"strings"
)

// encodeString writes s as a basic string, on one line and readable by every
// TOML 1.0 parser. s must be valid UTF-8.
func encodeString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// encodeKey writes one part of a key, bare where TOML allows it.
func encodeKey(s string) string {
	for i := range len(s) {
		if !isBareKeyChar(s[i]) {
			return encodeString(s)
		}
	}
	if s == "" {
		return `""`
	}
	return s
}
