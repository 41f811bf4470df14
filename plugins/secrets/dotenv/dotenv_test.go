package dotenv_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/fal-plugins/fal/plugins/secrets/dotenv"
)

func TestParse(t *testing.T) {
	one := func(value string) []dotenv.Assignment {
		return []dotenv.Assignment{{Name: "A", Value: value, Line: 1}}
	}
	differs := func(value string) []dotenv.Assignment {
		return []dotenv.Assignment{{Name: "A", Value: value, Line: 1, Differs: true}}
	}
	for _, tt := range []struct {
		name, text string
		want       []dotenv.Assignment
	}{
		{"nothing", "", nil},
		{"comments and empty lines", "\n# A=1\n \t# B=2\r\n\r\n", nil},
		{"plain", "A=1\n", one("1")},
		{"no line end", "A=1", one("1")},
		{"CRLF", "A=1\r\n", one("1")},
		{"a CR at the end of the file", "A=1\r", one("1")},
		{"byte order mark", "\ufeffA=1", one("1")},
		{"export", "export A=1", one("1")},
		{"export with more blanks", " export \t A = 1 \t", one("1")},
		{"a name export", "export=1", []dotenv.Assignment{{Name: "export", Value: "1", Line: 1}}},
		{"a name export and blanks", "export =1", []dotenv.Assignment{{Name: "export", Value: "1", Line: 1}}},
		{"a name that begins so", "exported=1", []dotenv.Assignment{{Name: "exported", Value: "1", Line: 1}}},
		{"blanks around", "  A  =  b c  ", one("b c")},
		{"other white space is kept", "A=\u00a0b\u2003\v", one("\u00a0b\u2003\v")},
		{"empty", "A=", one("")},
		{"empty and blanks", "A=  ", one("")},
		{"empty in quotes", "A=''", one("")},
		{"equals signs", "A=b=c==", one("b=c==")},
		{"a URL", "A=postgres://u:p%40ss@h:5432/d?a=b&c=#f", one("postgres://u:p%40ss@h:5432/d?a=b&c=#f")},
		{"comment", "A=b # c", one("b")},
		{"comment behind a tab", "A=b\t#c", one("b")},
		{"comment alone", "A= # c", one("")},
		{"a # inside", "A=b#c", one("b#c")},
		{"a # at the beginning", "A=#b", one("#b")},
		{"a # in quotes", "A='b # c' # d", one("b # c")},
		{"quotes inside", `A=b"c"'d'`, one(`b"c"'d'`)},
		{"single quotes", `A=' $b \n "c" '`, one(` $b \n "c" `)},
		{"double quotes", `A=" $b 'c' "`, differs(` $b 'c' `)},
		{"blanks behind quotes", "A='b' \t\r\n", one("b")},
		{"dollars and backticks", "A=$b`c`$(d)", differs("$b`c`$(d)")},
		{"a variable in the middle", "A=b$C/d", differs("b$C/d")},
		{"a command", "A=$(b)", differs("$(b)")},
		{"dollars that begin nothing", "A=$1$$ $", one("$1$$ $")},
		{"backslashes", `A=C:\new\table`, one(`C:\new\table`)},
		{"a backslash at the end of a line", "A=b\\\nB=c", []dotenv.Assignment{{Name: "A", Value: `b\`, Line: 1}, {Name: "B", Value: "c", Line: 2}}},
		{"backslashes in double quotes", `A="b\nc"`, differs(`b\nc`)},
		{"a command in double quotes", `A="$(b)"`, differs(`$(b)`)},
		{"braces", "A=${B}", differs("${B}")},
		{"lines in quotes", "A='-----BEGIN-----\nb==\r\n\n# c\n'\nB=2", []dotenv.Assignment{{Name: "A", Value: "-----BEGIN-----\nb==\r\n\n# c\n", Line: 1}, {Name: "B", Value: "2", Line: 6}}},
		{"lines in double quotes", "\nA=\"b\nc\" #\nB=2", []dotenv.Assignment{{Name: "A", Value: "b\nc", Line: 2}, {Name: "B", Value: "2", Line: 4}}},
		{"a NUL", "A=b\x00c", one("b\x00c")},
		{"twice", "A=1\nA=2", []dotenv.Assignment{{Name: "A", Value: "1", Line: 1}, {Name: "A", Value: "2", Line: 2}}},
		{"names", "_=1\na1_B=2", []dotenv.Assignment{{Name: "_", Value: "1", Line: 1}, {Name: "a1_B", Value: "2", Line: 2}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := dotenv.Parse(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		line       int
		want       string
	}{
		{"no equals sign", "A=1\ncanary", 2, "it is not NAME=VALUE"},
		{"YAML", "A: canary", 1, "NAME=VALUE"},
		{"no name", "=canary", 1, "before = is no name"},
		{"a digit first", "1canary=1", 1, "before = is no name"},
		{"a dash in the name", "can-ary=1", 1, "before = is no name"},
		{"a dot in the name", "A=1\ncanary.b=1", 2, "before = is no name"},
		{"two words", "can ary=1", 1, "NAME=VALUE"},
		{"a letter that is not ASCII", "canaryß=1", 1, "NAME=VALUE"},
		{"export alone", "export A", 1, "NAME=VALUE"},
		{"lines without quotes", "A=-----BEGIN\ncanary+/canary==\n", 2, "NAME=VALUE"},
		{"an open quote", "\nA='canary\n\n", 2, "not closed"},
		{"an open double quote", "A=\"canary'", 1, "not closed"},
		{"text behind a quote", "A='b'canary", 1, "behind the quote"},
		{"an escaped quote", `A="b\"canary"`, 1, "behind the quote"},
		{"a # that is no comment", "A='b'#canary", 1, "behind the quote"},
		{"text behind lines", "A='b\nc'canary", 2, "behind the quote"},
		{"Latin-1", "A=1\nB=canary\xe9", 2, "not UTF-8"},
		{"UTF-16", "\xff\xfeA\x00=\x00", 1, "UTF-16"},
		{"UTF-16, big endian", "\xfe\xff\x00A\x00=", 1, "UTF-16"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := dotenv.Parse(tt.text)
			var refused *dotenv.Error
			if !errors.As(err, &refused) || refused.Line != tt.line || !strings.Contains(refused.Reason, tt.want) || got != nil {
				t.Fatalf("%v, %v", got, err)
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("the text is in the error: %v", err)
			}
		})
	}
}

// Whatever is read stands in the text as it was read, and any value can be
// written so that it is read again.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"A=1", "export A = 'b\r\nc' # d\n", `A="b\"c"`, "A=#b #c\r\nB=\"\n\"", "\ufeffA=\xff", "A='", "A=\x00\r\r\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		found, err := dotenv.Parse(text)
		if err != nil {
			if found != nil {
				t.Errorf("%v and %+v", err, found)
			}
			found = nil
		}
		last := 0
		for _, a := range found {
			if a.Name == "" || strings.ContainsAny(a.Name, "= \t\r\n#'\"") || !strings.Contains(text, a.Value) || !strings.Contains(text, a.Name) {
				t.Errorf("%+v from %q", a, text)
			}
			if a.Line <= last || a.Line > 1+strings.Count(text, "\n") {
				t.Errorf("line %d behind %d of %q", a.Line, last, text)
			}
			last = a.Line
		}
		if !utf8.ValidString(text) {
			return
		}
		for _, quote := range []string{"'", `"`} {
			if strings.Contains(text, quote) {
				continue
			}
			again, err := dotenv.Parse("export B =" + quote + text + quote + "\n")
			if err != nil || len(again) != 1 || again[0].Name != "B" || again[0].Value != text {
				t.Errorf("%q is read as %+v, %v", text, again, err)
			}
		}
	})
}
