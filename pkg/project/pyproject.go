package project

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
)

const (
	pyprojectName = "pyproject.toml"

	// Far above what a person writes; it keeps a wrong path from being read
	// into memory.
	maxPyproject = 4 << 20
)

// position is where something stands in a file, from 1; Column in characters.
type position struct{ line, column int }

// pyproject is a pyproject.toml: what it means, and where it says so.
type pyproject struct {
	path   string // absolute
	shown  string
	values map[string]any
	places map[string]position // by joined path
	apps   []string            // of [tool.fal.apps], in the file's order
}

// readPyproject reads the file at path, called shown in problems.
func readPyproject(path, shown string) (*pyproject, error) {
	text, err := readText(path, shown)
	if err != nil {
		return nil, err
	}
	return parsePyproject(text, path, shown)
}

func parsePyproject(text []byte, path, shown string) (*pyproject, error) {
	p := &pyproject{path: path, shown: shown, values: map[string]any{}}
	if err := toml.Unmarshal(text, &p.values); err != nil {
		return nil, syntaxProblem(text, shown, err)
	}
	p.places, p.apps = index(text)
	apps := tableIn(p.values, appsPath()...)
	// A list of tables has tables below it too.
	p.apps = slices.DeleteFunc(p.apps, func(name string) bool { _, ok := apps[name]; return !ok })
	return p, nil
}

// noApps is the problem with what stands where the table of the apps should,
// or a table above it; nil where there is none at all.
func (p *pyproject) noApps() Problems {
	var problems Problems
	below := &table{file: p, problems: &problems, values: p.values}
	for _, part := range appsPath() {
		if below = below.table(part); below == nil {
			break
		}
	}
	return problems
}

// tableIn is the table at path; nil if there is none.
func tableIn(values map[string]any, path ...string) map[string]any {
	for _, part := range path {
		values, _ = values[part].(map[string]any)
	}
	return values
}

// readText reads a regular file of at most maxPyproject bytes.
func readText(path, shown string) ([]byte, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, unreadable(shown, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxPyproject+1))
	if err != nil {
		return nil, unreadable(shown, err)
	}
	if len(text) > maxPyproject {
		return nil, Problems{{File: shown, Message: fmt.Sprintf("cannot be read: larger than %d MiB", maxPyproject>>20)}}
	}
	return bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), nil
}

func unreadable(shown string, err error) Problems {
	var at *os.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return Problems{{File: shown, Message: "cannot be read: " + err.Error()}}
}

// syntaxProblem says where text is not TOML. It shows nothing of the line,
// which may have a password in it.
func syntaxProblem(text []byte, shown string, err error) Problems {
	p := Problem{File: shown, Message: "not valid TOML"}
	var at *toml.DecodeError
	if errors.As(err, &at) {
		p.Line, p.Column = at.Position()
		lines := bytes.SplitN(text, []byte("\n"), p.Line+1)
		if p.Line > 0 && p.Line <= len(lines) {
			before := lines[p.Line-1]
			p.Column = utf8.RuneCount(before[:min(max(p.Column-1, 0), len(before))]) + 1
		}
		p.Message += describe(at.Error())
	}
	return Problems{p}
}

// describe is the parser's message without what it repeats of the file.
func describe(message string) string {
	message = strings.TrimPrefix(message, "toml: ")
	message, _, _ = strings.Cut(message, ": strconv.")
	message, _, _ = strings.Cut(message, " U+")
	if message == "" || strings.Contains(message, "\n") {
		return ""
	}
	return ": " + strings.TrimSuffix(strings.TrimRight(message, ": "), " but got")
}

// hasFal says whether there is a [tool.fal].
func (p *pyproject) hasFal() bool { return hasFal(p.places) }

func hasFal(places map[string]position) bool {
	_, ok := places[join("tool", "fal")]
	return ok
}

// at is the place of the nearest that the file has of path, from the end.
func (p *pyproject) at(path ...string) position {
	for ; len(path) > 0; path = path[:len(path)-1] {
		if place, ok := p.places[join(path...)]; ok {
			return place
		}
	}
	return position{}
}

// join makes one key of a path: parts may have dots, but no NUL.
func join(path ...string) string { return strings.Join(path, "\x00") }

// element is the path's part for the i-th element of an array.
func element(i int) string { return "[" + strconv.Itoa(i) + "]" }

// spell writes a path as TOML does.
func spell(path []string) string {
	var b strings.Builder
	for i, part := range path {
		if strings.HasPrefix(part, "[") {
			b.WriteString(part)
			continue
		}
		if i > 0 {
			b.WriteByte('.')
		}
		if part == "" || strings.ContainsFunc(part, func(r rune) bool { return !isBare(r) }) {
			part = strconv.Quote(part)
		}
		b.WriteString(part)
	}
	return b.String()
}

func isBare(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
}

func appsPath() []string { return []string{"tool", "fal", "apps"} }
