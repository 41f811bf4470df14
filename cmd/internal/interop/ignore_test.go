//go:build interop && unix

package interop

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// ignoreSets are .dockerignore files whose meaning is compared over a tree.
func ignoreSets() [][]string {
	return [][]string{
		{".git", "*.pyc", "__pycache__"},
		{"*"}, {"**"}, {"**/"}, {"*/"}, {"/*"}, {"*.txt"}, {"a"}, {"/a"}, {"a/"}, {"/a/"}, {"a/b"}, {"a/*"}, {"a/**"}, {"**/b"}, {"**/b/"},
		{"a/**/c"}, {"**/a/**"}, {"?"}, {"?b"}, {"[ab]"}, {"[!ab]"}, {"[^ab]"}, {"[a-b]*"}, {"[]]"}, {"[[]x"}, {"[x"}, {`\[x`}, {`a\b`}, {`\*`}, {"b*/c"},
		{"a b"}, {"é*"}, {"**.txt"}, {"a**c"}, {"./a"}, {"a//b"}, {"a/./b"}, {"b/c.txt", "/a/c"}, {".*"}, {"#a"}, {`\#a`},
	}
}

var ignoreTree = []string{
	"a/a", "a/b/c", "a/b/c.txt", "a/c", "a/x/y/c", "ab", "b", "b.txt", "ba/c", "c/a/b", "c/a.txt", "é.txt", ".git/config", ".hidden",
	"x/__pycache__/m.pyc", "m.pyc", "[x", "]", "[", "a b/c", "#a", "*", "n/[ab]/z",
}

// TestIgnore compares patterns with pathspec, which the official client turns
// them into regular expressions with: the expressions, for many patterns, and
// the files that go up, for some.
func TestIgnore(t *testing.T) {
	python := commandIn(filepath.Dir(filepath.Dir(official(t))), "python")
	bin := build(t, "fal-deploy")
	var patterns []string
	for _, set := range ignoreSets() {
		patterns = append(patterns, set...)
	}
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same patterns each time
	alphabet := []string{"a", "b", "*", "**", "?", "/", "/", "[", "]", "!", "^", "-", ".", `\`, "#", " ", "é", "$", "+", "~"}
	for range 3000 {
		var b strings.Builder
		for range 1 + random.IntN(9) {
			b.WriteString(alphabet[random.IntN(len(alphabet))])
		}
		patterns = append(patterns, b.String())
	}
	theirs := translated(t, python, patterns)

	var valid []string
	var want []string
	for i, pattern := range patterns {
		stripped := strings.TrimSpace(pattern)
		if theirs[i] == nil || stripped != pattern || strings.HasPrefix(stripped, "#") {
			continue // refused, or no line of a file
		}
		valid = append(valid, pattern)
		if *theirs[i] != "" {
			want = append(want, *theirs[i])
		}
	}
	if len(want) < 1000 {
		t.Fatalf("only %d of %d patterns are valid", len(want), len(patterns))
	}
	got, _ := ignored(t, bin, valid)
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("expression %d of %d is %q, want %q of %d", i, len(got), slices.Concat(got, []string{""})[min(i, len(got))], slices.Concat(want, []string{""})[min(i, len(want))], len(want))
		}
	}
	for _, set := range ignoreSets() {
		expressions, files := ignored(t, bin, set)
		if want := remaining(t, python, expressions); !slices.Equal(files, want) {
			t.Errorf("with %q\n%q go up, want\n%q", set, files, want)
		}
	}
}

// translated is what pathspec makes of patterns; nil for one that it refuses,
// or that Python cannot read then.
func translated(t *testing.T, python string, patterns []string) []*string {
	t.Helper()
	var expressions []*string
	ask(t, python, `
import json, re, sys
from pathspec.patterns.gitwildmatch import GitWildMatchPattern
def one(pattern):
    try:
        expression, _ = GitWildMatchPattern.pattern_to_regex(pattern)
        re.compile(expression or "")
        return expression or ""
    except (ValueError, re.error):
        return None
print(json.dumps([one(p) for p in json.load(open(sys.argv[1]))]))
`, patterns, &expressions)
	return expressions
}

// remaining is what the official client leaves of ignoreTree.
func remaining(t *testing.T, python string, expressions []string) []string {
	t.Helper()
	var files []string
	ask(t, python, `
import json, re, sys
asked = json.load(open(sys.argv[1]))
patterns = [re.compile(e) for e in asked["expressions"]]
print(json.dumps([p for p in asked["paths"] if not any(e.search(p) for e in patterns)]))
`, map[string]any{"expressions": expressions, "paths": ignoreTree}, &files)
	slices.Sort(files)
	return files
}

func ask(t *testing.T, python, script string, question, answer any) {
	t.Helper()
	text, err := json.Marshal(question)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "question.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	said := newSession(t).succeed(t, python, "-W", "ignore", "-c", script, file).stdout
	if err := json.Unmarshal([]byte(said), answer); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
}

// ignored deploys a Dockerfile over ignoreTree with our program, and returns the
// expressions and the files, sorted, that were sent.
func ignored(t *testing.T, bin string, patterns []string) (expressions, files []string) {
	t.Helper()
	expressions = []string{}
	dir := t.TempDir()
	dockerfile := filepath.Join(dir, "outside", "Dockerfile")
	writeInto(t, filepath.Join(dir, "context", "pyproject.toml"), fmt.Sprintf("[tool.fal.apps.it]\nimage = { dockerfile = %q }\n", dockerfile))
	writeInto(t, filepath.Join(dir, "context", ".dockerignore"), strings.Join(patterns, "\n")+"\n")
	writeInto(t, dockerfile, "FROM scratch\nCOPY . /\n")
	for _, name := range ignoreTree {
		writeInto(t, filepath.Join(dir, "context", name), name)
	}
	for _, call := range deployed(t, filepath.Join(dir, "context"), "python3", []string{filepath.Join(bin, "fal-deploy"), "it"}) {
		if call.Method != "BuildEnvironment" {
			continue
		}
		sent, _ := call.Request["files"].([]any)
		for _, file := range sent {
			if name := path(file); name != "pyproject.toml" && name != ".dockerignore" {
				files = append(files, name)
			}
		}
		environment, _ := call.Request["environments"].([]any)[0].(map[string]any)
		configuration, _ := environment["configuration"].(map[string]any)
		image, _ := configuration["image"].(map[string]any)
		list, _ := image["docker_ignore"].([]any)
		for _, expression := range list {
			expressions = append(expressions, fmt.Sprint(expression))
		}
	}
	slices.Sort(files)
	return expressions, files
}

func writeInto(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
