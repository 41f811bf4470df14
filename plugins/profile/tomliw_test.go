package profile

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// tomliW is a file as tomli-w writes it, with which the official client does:
// tables in tables, lists over several lines, and values that no client knows.
const tomliW = `check_updates = false
more = [
    "a",
    1.5,
    { x = 1 },
]

[__internal__]
team = "acme"
profile = "prod"

[prod]
key = "7d1e:c4n4ry-0123456789abcdef"
host = "api.example.com"
note = "ä \"quoted\" \\ 	\u007f"
since = 2026-01-02 03:04:05.006789+02:00
list = [
    { x = 1 },
    { y = { z = 2 } },
]

[prod.limits]
a = 1

[prod.limits.deep]
b = [
    1,
    2,
    [
        3,
    ],
]

["name with spaces"]
key = "other:c4n4ry-fedcba9876543210"

[empty]

[text]
long = "one\ntwo\r\nthree"
nan = nan
big = 9007199254740993
long_list = [
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
]
`

// Whatever is edited, every other line of the official client's stays as it is.
func TestFileOfTomliW(t *testing.T) {
	for _, tt := range []struct {
		argv           string
		removed, added []string
	}{
		{"set empty", []string{`profile = "prod"`}, []string{`profile = "empty"`}},
		{"unset", []string{`profile = "prod"`}, nil},
		{"create ci --no-set", nil, []string{"[ci]"}},
		{"host 127.0.0.1:5005", []string{`host = "api.example.com"`}, []string{`local_host = "127.0.0.1:5005"`}},
		{"host api.other.example", []string{`host = "api.example.com"`}, []string{`host = "api.other.example"`}},
		{"host api.other.example --profile text", nil, []string{`host = "api.other.example"`}},
		{"key --no-verify", []string{`key = "7d1e:c4n4ry-0123456789abcdef"`}, []string{`key = "` + someKey + `"`}},
		{"key --no-verify empty", nil, []string{`key = "` + someKey + `"`}},
		{"delete empty", []string{"[empty]"}, nil},
		{"delete name\x00with\x00spaces", []string{`["name with spaces"]`, `key = "other:c4n4ry-fedcba9876543210"`}, nil},
	} {
		t.Run(tt.argv, func(t *testing.T) {
			tm := newTerm(t, tomliW)
			tm.Stdin = someKey
			words := strings.Fields(tt.argv)
			for i := range words {
				words[i] = strings.ReplaceAll(words[i], "\x00", " ")
			}
			if r := tm.Run(words...); r.Code != 0 {
				t.Fatalf("%+v", r)
			}
			after, err := os.ReadFile(tm.Config)
			if err != nil {
				t.Fatal(err)
			}
			was, is := without(t, tomliW, tt.removed), without(t, string(after), tt.added)
			if !slices.Equal(was, is) {
				t.Errorf("got\n%s", after)
			}
		})
	}
}

// without are the lines of a text that are not blank, less one of each of the
// given ones.
func without(t *testing.T, text string, lines []string) []string {
	t.Helper()
	rest := strings.Split(text, "\n")
	for _, line := range lines {
		at := slices.Index(rest, line)
		if at < 0 {
			t.Errorf("no line %q in\n%s", line, text)
			continue
		}
		rest = slices.Delete(rest, at, at+1)
	}
	return slices.DeleteFunc(rest, func(line string) bool { return line == "" })
}
