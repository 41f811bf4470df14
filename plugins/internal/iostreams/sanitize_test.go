package iostreams_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

func TestSanitize(t *testing.T) {
	tests := []struct{ in, text, line string }{
		{"", "", ""},
		{"plain [red]bold[/red] :fire: \\[a-z]", "plain [red]bold[/red] :fire: \\[a-z]", "plain [red]bold[/red] :fire: \\[a-z]"},
		{"日本 é 😀 e\u0301", "日本 é 😀 e\u0301", "日本 é 😀 e\u0301"},
		{"a\tb\nc", "a\tb\nc", `a\tb\nc`},
		{"50%\rdone\r\n", "50%\\rdone\\r\n", `50%\rdone\r\n`},
		{"\x1b[31mred\x1b]0;title\a", `\x1b[31mred\x1b]0;title\x07`, `\x1b[31mred\x1b]0;title\x07`},
		{"\x00\x7f\b", `\x00\x7f\x08`, `\x00\x7f\x08`},
		{"c1 \u009b2J\u0085", `c1 \u009b2J\u0085`, `c1 \u009b2J\u0085`},
		{"bad \x9b\xff\xc3", `bad \x9b\xff\xc3`, `bad \x9b\xff\xc3`},
		{"bidi \u202egnp.exe\u202c \u2066x\u2069", `bidi \u202egnp.exe\u202c \u2066x\u2069`, `bidi \u202egnp.exe\u202c \u2066x\u2069`},
		{"lines \u2028\u2029", `lines \u2028\u2029`, `lines \u2028\u2029`},
		{"\ufffd is valid", "\ufffd is valid", "\ufffd is valid"},
		{"\x1b", `\x1b`, `\x1b`},
	}
	for _, test := range tests {
		if got := iostreams.Sanitize(test.in); got != test.text {
			t.Errorf("Sanitize(%q) = %q, want %q", test.in, got, test.text)
		}
		if got := iostreams.SanitizeLine(test.in); got != test.line {
			t.Errorf("SanitizeLine(%q) = %q, want %q", test.in, got, test.line)
		}
	}
}

func TestSanitizeCleanTextIsFree(t *testing.T) {
	text := strings.Repeat("a clean line of text, müßig\t\n", 100)
	if n := testing.AllocsPerRun(10, func() { iostreams.Sanitize(text) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzSanitize(f *testing.F) {
	for _, s := range []string{"", "a\tb\n", "\x1b[2J", "\u202e", "\xff\xfe", "é\u009b", "\xed\xa0\x80"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		check := func(got string, allowed string) {
			if !utf8.ValidString(got) {
				t.Errorf("%q became invalid: %q", s, got)
			}
			for _, r := range got {
				if iostreams.IsUnsafe(r) && !strings.ContainsRune(allowed, r) {
					t.Errorf("%q became %q, which has %U", s, got, r)
				}
			}
		}
		text, line := iostreams.Sanitize(s), iostreams.SanitizeLine(s)
		check(text, "\t\n")
		check(line, "")
		if again := iostreams.Sanitize(text); again != text {
			t.Errorf("%q: %q, sanitized again %q", s, text, again)
		}
	})
}
