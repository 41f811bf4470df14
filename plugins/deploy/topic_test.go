package deploy

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// The page on pyproject.toml has every key that is read, none that is not, and
// what is left out of a context.
func TestPyprojectTopic(t *testing.T) {
	var out, errout bytes.Buffer
	streams := &iostreams.Streams{In: strings.NewReader(""), Out: &out, Err: &errout}
	getenv := func(string) string { return "" }
	if code := cli.Run(t.Context(), App(), cli.Process{Args: []string{cli.HelpWord, "pyproject"}, Streams: streams, Getenv: getenv}); code != 0 {
		t.Fatalf("%d: %s", code, errout.String())
	}
	page := out.String()
	sources, err := filepath.Glob("../../pkg/project/*.go")
	if err != nil || len(sources) == 0 {
		t.Fatal(err, sources)
	}
	reads := regexp.MustCompile(`\b(?:t|below)\.(?:text|word|flag|count|port|seconds|texts|words|textOrTexts|table|dictionary|object|get|command)\("([a-z_]+)"`)
	var keys []string
	for _, path := range sources {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range reads.FindAllStringSubmatch(string(text), -1) {
			keys = append(keys, found[1])
		}
		if filepath.Base(path) == "ignore.go" {
			_, list, _ := strings.Cut(string(text), "func defaultIgnore()")
			list, _, _ = strings.Cut(list, "\n}\n")
			ignored := regexp.MustCompile(`"([^"]+)"`).FindAllStringSubmatch(list, -1)
			if len(ignored) < 10 {
				t.Errorf("%q are left out", ignored)
			}
			for _, pattern := range ignored {
				if !mentions(page, pattern[1]) {
					t.Errorf("the page says nothing of %s, which is left out", pattern[1])
				}
			}
		}
	}
	if len(keys) < 45 {
		t.Errorf("%d keys are read: %q", len(keys), keys)
	}
	for _, key := range keys {
		if !mentions(page, key) {
			t.Errorf("the page says nothing of %s", key)
		}
	}
	rows := regexp.MustCompile(`(?m)^  ([a-z_]+(?:, [a-z_]+)*)(?:  |$)`).FindAllStringSubmatch(page, -1)
	if len(rows) < 30 {
		t.Errorf("%d rows in\n%s", len(rows), page)
	}
	for _, row := range rows {
		for key := range strings.SplitSeq(row[1], ", ") {
			if !slices.Contains(keys, key) {
				t.Errorf("the page has %s, which nothing reads", key)
			}
		}
	}
}

// mentions reports whether a word stands in a text, and not as a part of another.
func mentions(text, word string) bool {
	return regexp.MustCompile(`(^|[^A-Za-z0-9_.*])` + regexp.QuoteMeta(word) + `([^A-Za-z0-9_*]|$)`).MatchString(text)
}
