package project

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestPythonExpression(t *testing.T) {
	for pattern, want := range map[string]string{
		".git":          `^(?:.+/)?\.git(?:(?P<ps_d>/).*)?$`,
		"Dockerfile.*":  `^(?:.+/)?Dockerfile\.[^/]*(?:(?P<ps_d>/).*)?$`,
		"*.md":          `^(?:.+/)?[^/]*\.md(?:(?P<ps_d>/).*)?$`,
		"/top":          `^top(?:(?P<ps_d>/).*)?$`,
		"a/b":           `^a/b(?:(?P<ps_d>/).*)?$`,
		"dir/":          `^(?:.+/)?dir(?P<ps_d>/).*$`,
		"**":            `^[^/]+(?:/.*)?$`,
		"**/":           `^.+(?P<ps_d>/).*$`,
		"**/**/a":       `^(?:.+/)?a(?:(?P<ps_d>/).*)?$`,
		"a/**":          `^a/.*$`,
		"a/**/b":        `^a(?:/.+)?/b(?:(?P<ps_d>/).*)?$`,
		"*":             `^(?:.+/)?[^/]+(?:(?P<ps_d>/).*)?$`,
		"a/*":           `^a/[^/]+(?:(?P<ps_d>/).*)?$`,
		"!keep":         `^(?:.+/)?keep(?:(?P<ps_d>/).*)?$`,
		`\!bang`:        `^(?:.+/)?!bang(?:(?P<ps_d>/).*)?$`,
		`\#hash`:        `^(?:.+/)?\#hash(?:(?P<ps_d>/).*)?$`,
		"a?c":           `^(?:.+/)?a[^/]c(?:(?P<ps_d>/).*)?$`,
		"[!a-c]x":       `^(?:.+/)?[^a-c]x(?:(?P<ps_d>/).*)?$`,
		"[]x]":          `^(?:.+/)?[]x](?:(?P<ps_d>/).*)?$`,
		"[open":         `^(?:.+/)?\[open(?:(?P<ps_d>/).*)?$`,
		`name\ `:        `^(?:.+/)?name\ (?:(?P<ps_d>/).*)?$`,
		"  spaced name": `^(?:.+/)?spaced\ name(?:(?P<ps_d>/).*)?$`,
		"":              "", "# comment": "", "/": "", "!": "", `end\`: "",
	} {
		if got := pythonExpression(pattern); got != want {
			t.Errorf("%q: %s, want %s", pattern, got, want)
		}
	}
}

func TestIgnoring(t *testing.T) {
	for _, test := range []struct {
		patterns string
		out, in  []string
	}{
		{"*.md !README.md", []string{"a.md", "d/e/f.md"}, []string{"README.md", "d/README.md", "a.mdx"}},
		{"!README.md *.md", []string{"README.md"}, nil},
		{"build/", []string{"build/x", "a/build/y/z"}, []string{"build", "rebuild/x"}},
		{"/build", []string{"build", "build/x"}, []string{"a/build"}},
		{"a/**/z", []string{"a/z", "a/b/z", "a/b/c/z/deep"}, []string{"z", "b/a/z"}},
		{"* !/src /src/secret", []string{"x", "src/secret", "y/src"}, []string{"src/x", "src/a/b"}},
		{"[!a]x", []string{"bx"}, []string{"ax"}},
		{"[[:alpha:]", nil, []string{"x"}},
		{"", nil, []string{"x", ".git/config"}},
	} {
		ignored := ignoring(strings.Fields(test.patterns)).file
		for _, path := range test.out {
			if !ignored(path) {
				t.Errorf("%q lets %q in", test.patterns, path)
			}
		}
		for _, path := range test.in {
			if ignored(path) {
				t.Errorf("%q keeps %q out", test.patterns, path)
			}
		}
	}
}

// A folder is left out whole only if everything that can be in it is.
func TestIgnoringFolders(t *testing.T) {
	for _, test := range []struct {
		patterns  string
		whole, in []string
	}{
		{"pgdata", []string{"pgdata", "a/pgdata", "pgdata/x"}, []string{"a", "pg"}},
		{"pgdata/", []string{"pgdata", "a/pgdata/x"}, []string{"a"}},
		{"/a/b/", []string{"a/b"}, []string{"a", "b", "x/a/b"}},
		{"*", []string{"a"}, nil},
		{"a/*", []string{"a/b"}, []string{"a"}},
		{"d[!a]", []string{"db"}, []string{"d"}},
		{"a !a/keep", nil, []string{"a", "a/keep"}},
		{"!a/keep a", []string{"a"}, []string{"b"}},
		{"", nil, []string{"a"}},
	} {
		folder := ignoring(strings.Fields(test.patterns)).folder
		for _, path := range test.whole {
			if !folder(path) {
				t.Errorf("%q has something of %q", test.patterns, path)
			}
		}
		for _, path := range test.in {
			if folder(path) {
				t.Errorf("%q has nothing of %q", test.patterns, path)
			}
		}
	}
	var expressions []*regexp.Regexp
	for _, text := range []string{`^data/`, `cache`, `^tail/$`, `end\b`} {
		expressions = append(expressions, regexp.MustCompile(text))
	}
	out := matching(expressions)
	for path, want := range map[string]bool{"data": true, "x/cache": true, "cached/x": true, "tail": false, "end": false, "x/data": false} {
		if out.folder(path) != want {
			t.Errorf("%s: want %v", path, want)
		}
	}
	if !out.file("end") || !out.file("tail/") || out.file("data") {
		t.Error("files are not kept out as the expressions say")
	}
}

func TestIgnorePatterns(t *testing.T) {
	dir := t.TempDir()
	if got, err := ignorePatterns(dir); err != nil || !slices.Equal(got, defaultIgnore()) {
		t.Errorf("without a file: %q, %v", got, err)
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, ".dockerignore"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("# comment\r\n\r\n  *.bin  \r!keep.bin\n")
	if got, err := ignorePatterns(dir); err != nil || !slices.Equal(got, []string{"*.bin", "!keep.bin"}) {
		t.Errorf("%q, %v", got, err)
	}
	write("")
	if got, err := ignorePatterns(dir); err != nil || len(got) != 0 {
		t.Errorf("an empty file: %q, %v", got, err)
	}
	for _, bad := range []string{"x\n[z-a]\n", "a\n!\n", "a\nb\\\n"} {
		write(bad)
		if _, err := ignorePatterns(dir); err == nil || !strings.Contains(err.Error(), ".dockerignore:2:") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzGlob(f *testing.F) {
	for _, seed := range []string{"*.md", "!a/**/b/", "[!]]x", `\`, "**/", "//", "[[:alpha:]]", "é?\x00"} {
		f.Add(seed, "a/b.md")
	}
	f.Fuzz(func(t *testing.T, pattern, path string) {
		expression := pythonExpression(pattern)
		if checkPattern(pattern) != nil {
			return
		}
		if expression != "" && (expression[0] != '^' || expression[len(expression)-1] != '$') {
			t.Errorf("%q: %q", pattern, expression)
		}
		g, err := parseGlob(pattern)
		if err != nil || g.segments == nil {
			return
		}
		// Where both dialects read the expression alike, both mean the same.
		if !strings.Contains(pattern, "[") {
			other, err := regexp.Compile(expression)
			if err != nil {
				t.Fatalf("%q: %v", pattern, err)
			}
			mine, _ := g.compile()
			if mine.MatchString(path) != other.MatchString(path) {
				t.Errorf("%q and %q", pattern, path)
			}
		}
	})
}
