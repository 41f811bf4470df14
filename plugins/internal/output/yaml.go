package output

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

func printYAML[T any](ctx context.Context, p *Printer, key string, rows []T) error {
	indent := ""
	p.buf = p.buf[:0]
	if key != "" {
		indent = yamlIndent
		p.buf = append(appendYAMLString(p.buf, key), ':')
		if len(rows) > 0 {
			p.buf = append(p.buf, '\n')
		} else {
			p.buf = append(p.buf, ' ')
		}
	}
	if len(rows) == 0 {
		p.buf = append(p.buf, "[]\n"...)
	}
	for i := range rows {
		if i%checkEvery == 0 {
			if err := context.Cause(ctx); err != nil {
				return err
			}
		}
		var err error
		if p.scratch, err = p.rows.append(p.scratch[:0], &rows[i]); err != nil {
			return err
		}
		p.buf = append(append(p.buf, indent...), "- "...)
		if p.buf, err = appendYAML(p.buf, string(p.scratch), len(indent)+len(yamlIndent)); err != nil {
			return err
		}
		if err := p.write(p.buf); err != nil {
			return err
		}
		p.buf = p.buf[:0]
	}
	return p.write(p.buf)
}

const yamlIndent = "  "

// appendYAML adds compact JSON as a block of YAML 1.2 that YAML 1.1 readers
// understand in the same way: numbers keep their digits, and a string is
// quoted unless it can be nothing but a string. It writes its own YAML, since
// the libraries take a Go value apart, do not keep the digits, and leave some
// strings unquoted that come back as something else (12:30:45, .inf, a tab).
func appendYAML(dst []byte, compact string, indent int) ([]byte, error) {
	c := cursor{s: compact}
	dst, err := c.yaml(dst, indent, true)
	return dst, c.end(err)
}

// yaml adds the value at the cursor with its line end. What is there already
// ends at the column indent when inline, and with "key:" otherwise.
func (c *cursor) yaml(dst []byte, indent int, inline bool) ([]byte, error) {
	var err error
	separate := func() {
		if inline {
			inline = false
			return
		}
		for range indent {
			dst = append(dst, ' ')
		}
	}
	switch kind := c.peek(); {
	case kind == '{' || kind == '[':
		if rest := c.s[c.i:]; len(rest) > 1 && rest[1] == kind+2 {
			c.i += 2
			return append(scalarGap(dst, inline), kind, kind+2, '\n'), nil
		}
		if !inline {
			dst = append(dst, '\n')
		}
		if kind == '{' {
			err = c.members(func(key string) error {
				separate()
				dst = append(appendYAMLString(dst, key), ':')
				dst, err = c.yaml(dst, indent+len(yamlIndent), false)
				return err
			})
			return dst, err
		}
		err = c.elements(func() error {
			separate()
			dst = append(dst, "- "...)
			dst, err = c.yaml(dst, indent+len(yamlIndent), true)
			return err
		})
		return dst, err
	case kind == '"':
		raw, err := c.quoted()
		if err != nil {
			return dst, err
		}
		s, err := unquote(raw)
		if err != nil {
			return dst, err
		}
		return append(appendYAMLString(scalarGap(dst, inline), s), '\n'), nil
	}
	raw := c.literal()
	if raw == "" {
		return dst, errNotJSON
	}
	return append(append(scalarGap(dst, inline), yamlNumber(raw)...), '\n'), nil
}

func scalarGap(dst []byte, inline bool) []byte {
	if inline {
		return dst
	}
	return append(dst, ' ')
}

// yamlNumber gives an exponent the fraction and the sign without which YAML 1.1
// takes it for a string.
func yamlNumber(raw string) string {
	mantissa, exponent, found := strings.Cut(raw, "e")
	if !found {
		mantissa, exponent, found = strings.Cut(raw, "E")
	}
	if !found || raw == "true" || raw == "false" {
		return raw
	}
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	if exponent != "" && exponent[0] != '-' && exponent[0] != '+' {
		exponent = "+" + exponent
	}
	return mantissa + "e" + exponent
}

// appendYAMLString adds a plain scalar where every reader takes it for the
// same string, and a double-quoted one otherwise.
func appendYAMLString(dst []byte, s string) []byte {
	if isPlainYAML(s) {
		return append(dst, s...)
	}
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(dst, `\ufffd`...)
		case r == '"' || r == '\\' || r < ' ':
			dst = appendEscape(dst, byte(r))
		case iostreams.IsUnsafe(r) || r == 0xfeff || r == 0xfffe || r == 0xffff:
			dst = append(dst, '\\', 'u', hexDigits[r>>12&0xf], hexDigits[r>>8&0xf], hexDigits[r>>4&0xf], hexDigits[r&0xf])
		default:
			dst = append(dst, s[i:i+size]...)
		}
		i += size
	}
	return append(dst, '"')
}

// isPlainYAML accepts words of ASCII letters, digits and a few marks that start
// with a letter, but none that a schema gives a meaning to.
func isPlainYAML(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		case i > 0 && ('0' <= c && c <= '9' || strings.IndexByte("_-./+@", c) >= 0):
		case c == ' ' && i > 0 && i < len(s)-1 && s[i-1] != ' ':
		default:
			return false
		}
	}
	switch strings.ToLower(s) {
	case "", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf":
		return false
	}
	return true
}
