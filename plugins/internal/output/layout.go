package output

import (
	"strings"
	"unicode/utf8"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// layout turns compact JSON into what the stream is to show.
type layout struct {
	indent   bool
	terminal bool // control characters are to be escaped
	color    bool

	key, text, number, word brush
}

// brush is a style as the bytes before and behind a text.
type brush struct{ before, behind string }

func newLayout(streams *iostreams.Streams, indent bool) layout {
	newBrush := func(style iostreams.Style) brush {
		before, behind, _ := strings.Cut(streams.PaintOut(style, "x"), "x")
		return brush{before, behind}
	}
	return layout{
		indent:   indent && streams.OutTerminal(),
		terminal: streams.OutTerminal(),
		color:    streams.OutColor(),
		key:      newBrush(iostreams.Bold | iostreams.Blue),
		text:     newBrush(iostreams.Green),
		number:   newBrush(iostreams.Cyan),
		word:     newBrush(iostreams.Yellow),
	}
}

// plain reports whether compact JSON is shown as it is.
func (l *layout) plain() bool { return !l.indent && !l.terminal && !l.color }

func (l *layout) newline(dst []byte, depth int) []byte {
	if !l.indent {
		return dst
	}
	dst = append(dst, '\n')
	for range depth {
		dst = append(dst, "  "...)
	}
	return dst
}

// openObject starts an object with one key.
func (l *layout) openObject(dst []byte, key string) []byte {
	dst = l.newline(append(dst, '{'), 1)
	dst = l.appendString(dst, AppendString(nil, key), l.key)
	return l.colon(dst)
}

func (l *layout) colon(dst []byte) []byte {
	if l.indent {
		return append(dst, ": "...)
	}
	return append(dst, ':')
}

// append adds compact JSON, which stands at the given depth of the document.
func (l *layout) append(dst, src []byte, depth int) []byte {
	if l.plain() {
		return append(dst, src...)
	}
	var open []byte // the containers around
	key := false
	for i := 0; i < len(src); {
		switch c := src[i]; c {
		case '{', '[':
			closing := c + 2
			if i+1 < len(src) && src[i+1] == closing {
				dst = append(dst, c, closing)
				i += 2
				continue
			}
			open = append(open, c)
			depth++
			dst = l.newline(append(dst, c), depth)
			key = c == '{'
			i++
		case '}', ']':
			open = open[:max(len(open)-1, 0)]
			depth--
			dst = append(l.newline(dst, depth), c)
			i++
		case ',':
			dst = l.newline(append(dst, c), depth)
			key = len(open) > 0 && open[len(open)-1] == '{'
			i++
		case ':':
			dst = l.colon(dst)
			key = false
			i++
		case '"':
			end := stringEnd(src, i)
			if end < 0 {
				return append(dst, src[i:]...)
			}
			b := l.text
			if key {
				b = l.key
			}
			dst = l.appendString(dst, src[i:end], b)
			i = end
		default:
			end := i
			for end < len(src) && src[end] != ',' && src[end] != ']' && src[end] != '}' {
				end++
			}
			b := l.word
			if c == '-' || '0' <= c && c <= '9' {
				b = l.number
			}
			dst = append(dst, b.before...)
			dst = append(dst, src[i:end]...)
			dst = append(dst, b.behind...)
			i = end
		}
	}
	return dst
}

// appendString adds a JSON string. On a terminal the characters that could
// change it are escaped, which leaves the value as it is.
func (l *layout) appendString(dst, raw []byte, b brush) []byte {
	dst = append(dst, b.before...)
	if l.terminal {
		dst = appendVisible(dst, raw)
	} else {
		dst = append(dst, raw...)
	}
	return append(dst, b.behind...)
}

func appendVisible(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		if c := raw[i]; c >= ' ' && c < 0x7f {
			dst = append(dst, c)
			i++
			continue
		}
		r, size := utf8.DecodeRune(raw[i:])
		if r == utf8.RuneError && size == 1 || iostreams.IsUnsafe(r) {
			dst = append(dst, '\\', 'u', hexDigits[r>>12&0xf], hexDigits[r>>8&0xf], hexDigits[r>>4&0xf], hexDigits[r&0xf])
		} else {
			dst = append(dst, raw[i:i+size]...)
		}
		i += size
	}
	return dst
}
