package cli

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// roffText writes text so that roff prints it as it is: nothing in it is read
// as a request or an escape, a hyphen stays the one that a shell knows, and
// quotes stay straight. Line ends and tabs become blanks, and what else can
// not be printed U+FFFD.
func roffText(text string) string {
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == '\\':
			b.WriteString(`\e`)
		case r == '-':
			b.WriteString(`\-`)
		case r == '\'':
			b.WriteString(`\(aq`)
		case r == '"':
			b.WriteString(`\(dq`)
		case r == '`':
			b.WriteString(`\(ga`)
		case r == '^':
			b.WriteString(`\(ha`)
		case r == '~':
			b.WriteString(`\(ti`)
		case r == '.' && i == 0:
			b.WriteString(`\&.`)
		case r == '\n' || r == '\t':
			b.WriteByte(' ')
		case r < ' ' || r >= 0x7f && r < 0xa0:
			fmt.Fprintf(&b, `\[u%04X]`, utf8.RuneError)
		case r > '~':
			fmt.Fprintf(&b, `\[u%04X]`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func roffBold(text string) string   { return `\fB` + roffText(text) + `\fR` }
func roffItalic(text string) string { return `\fI` + roffText(text) + `\fR` }

// roffProse is roffText with what stands between backticks in bold.
func roffProse(text string) string {
	var b strings.Builder
	for {
		before, rest, opened := strings.Cut(text, "`")
		code, after, closed := strings.Cut(rest, "`")
		if !opened || !closed || code == "" {
			b.WriteString(roffText(text))
			return b.String()
		}
		if before != "" {
			b.WriteString(roffText(before))
		}
		b.WriteString(roffBold(code))
		text = after
	}
}

// manWriter writes the man macros.
type manWriter struct{ bytes.Buffer }

// macro writes a line such as .SH "NAME"; its arguments are plain text.
func (w *manWriter) macro(name string, args ...string) {
	w.WriteString("." + name)
	for _, a := range args {
		w.WriteString(` "` + roffText(a) + `"`)
	}
	w.WriteByte('\n')
}

// fill writes prose that is escaped already, in short lines.
func (w *manWriter) fill(prose string) {
	for _, l := range wrapLines(prose, 76) {
		if l == "" {
			continue
		}
		if l[0] == '.' || l[0] == '\'' {
			l = `\&` + l
		}
		w.WriteString(l + "\n")
	}
}

// paragraphs writes prose whose paragraphs an empty line separates.
func (w *manWriter) paragraphs(prose string) {
	first := true
	for p := range strings.SplitSeq(prose, "\n\n") {
		if strings.TrimSpace(p) == "" {
			continue
		}
		if !first {
			w.macro("PP")
		}
		first = false
		w.fill(roffProse(p))
	}
}

// items writes a list of terms, escaped already, and what is said of each.
func (w *manWriter) items(rows [][2]string) {
	for _, r := range rows {
		w.macro("TP")
		w.WriteString(r[0] + "\n")
		if strings.TrimSpace(r[1]) == "" {
			w.WriteString("\\&\n")
			continue
		}
		w.fill(roffProse(r[1]))
	}
}

// verbatim writes lines as they stand.
func (w *manWriter) verbatim(lines ...string) {
	w.macro("PP")
	w.macro("RS", "4")
	w.macro("nf")
	for _, l := range lines {
		w.WriteString(roffText(l) + "\n")
	}
	w.macro("fi")
	w.macro("RE")
}
