package cli

import (
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// readRoff is what roff prints for escaped text: the other direction, written
// from its manual.
func readRoff(t *testing.T, text string) string {
	t.Helper()
	var b strings.Builder
	known := map[string]string{"aq": "'", "dq": `"`, "ga": "`", "ha": "^", "ti": "~"}
	for text != "" {
		before, rest, ok := strings.Cut(text, `\`)
		b.WriteString(before)
		if !ok {
			break
		}
		if rest == "" {
			t.Fatal("a backslash at the end")
		}
		switch rest[0] {
		case 'e':
			b.WriteByte('\\')
		case '-':
			b.WriteByte('-')
		case '&':
		case 'f':
			if len(rest) < 2 || !strings.Contains("BIR", rest[1:2]) {
				t.Fatalf("unknown font in %q", rest)
			}
			rest = rest[1:]
		case '(':
			if len(rest) < 3 || known[rest[1:3]] == "" {
				t.Fatalf("unknown character in %q", rest)
			}
			b.WriteString(known[rest[1:3]])
			rest = rest[2:]
		case '[':
			name, after, ok := strings.Cut(rest[1:], "]")
			n, err := strconv.ParseUint(strings.TrimPrefix(name, "u"), 16, 32)
			if !ok || err != nil || len(name) < 5 {
				t.Fatalf("unknown character in %q", rest)
			}
			b.WriteRune(rune(n))
			text = after
			continue
		default:
			t.Fatalf("unknown escape in %q", rest)
		}
		text = rest[1:]
	}
	return b.String()
}

// printable is the text that a page can show.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.Is(unicode.Cc, r):
			return utf8.RuneError
		}
		return r
	}, text)
}

var roffTexts = []string{
	"", ".SH evil", "'br", `a\b \fB\n[x] \*(xx \e`, `--flag-name -x 'it''s' "quoted" ^~` + "`", "…→ é 😀", "a\n.b\n'c\x1b[31m\x00\x7f\u0085",
	"\xff\xfe", ". ", "...", `.\" comment`, "\t.TH", "`--jq`", "a `b` c `", "``x``", " .x",
}

func TestRoffText(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{".SH evil", `\&.SH evil`},
		{`it's "a" \n --x`, `it\(aqs \(dqa\(dq \en \-\-x`},
		{"…", `\[u2026]`},
		{"😀", `\[u1F600]`},
		{"a\x1bb", `a\[uFFFD]b`},
	} {
		if got := roffText(tt.in); got != tt.want {
			t.Errorf("roffText(%q) is %s, want %s", tt.in, got, tt.want)
		}
	}
	if got, want := roffProse("see `fal --x`, `.y` and ` alone"), `see \fBfal \-\-x\fR, \fB\&.y\fR and \(ga alone`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Whatever a declaration says, a page shows it and obeys nothing of it.
func FuzzRoff(f *testing.F) {
	for _, text := range roffTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		escaped := roffText(text)
		if got := readRoff(t, escaped); got != printable(text) {
			t.Errorf("%q became %q by way of %s", text, got, escaped)
		}
		w := &manWriter{}
		w.paragraphs(text)
		w.items([][2]string{{roffBold(text), text}})
		w.verbatim(text)
		w.macro("SH", text)
		checkRoff(t, w.Bytes())
		var shown strings.Builder
		w = &manWriter{}
		w.fill(roffText(text))
		for l := range strings.Lines(w.String()) {
			shown.WriteString(readRoff(t, l))
		}
		if got, want := strings.Fields(shown.String()), strings.Fields(printable(text)); strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%q is filled as %q", text, got)
		}
	})
}

// checkRoff holds a page to the few forms of lines that we write.
func checkRoff(t *testing.T, page []byte) {
	t.Helper()
	args := map[string]int{"TH": 5, "SH": 1, "SS": 1, "PP": 0, "TP": 0, "RS": 1, "RE": 0, "nf": 0, "fi": 0, "br": 0, "nh": 0, "ad": 1}
	open := 0
	for l := range strings.Lines(string(page)) {
		l = strings.TrimSuffix(l, "\n")
		if strings.ContainsFunc(l, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("the line %q is not ASCII", l)
		}
		switch {
		case strings.HasPrefix(l, `.\"`):
		case strings.HasPrefix(l, "'"):
			t.Errorf("%q is read as a request", l)
		case strings.HasPrefix(l, "."):
			name, rest, _ := strings.Cut(l[1:], " ")
			n, known := args[name]
			quotes := strings.Count(rest, `"`)
			given := quotes / 2
			if name == "ad" { // of roff itself, which takes no quotes
				given = len(strings.Fields(rest))
			}
			if !known || quotes%2 != 0 || given != n {
				t.Errorf("the request %q", l)
			}
			readRoff(t, rest)
			switch name {
			case "RS", "nf":
				open++
			case "RE", "fi":
				open--
			}
			if open < 0 || open > 2 {
				t.Errorf("%q ends what was not begun", l)
			}
		default:
			readRoff(t, l)
		}
	}
	if open != 0 {
		t.Error("an indentation is not ended")
	}
}
