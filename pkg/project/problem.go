package project

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong with a project or a reference to it.
type Problem struct {
	// File is where it is, as people would write it; "" if it is in none.
	File string
	// Line and Column count from 1, Column in characters; 0 if unknown.
	Line, Column int
	// Key is the key it is about, as in "tool.fal.apps.my-app.regions"; "" for
	// none.
	Key string
	// Message says what is wrong, and Hint, if not empty, what to do.
	Message, Hint string
}

// String is the problem on one line, without its hint.
func (p Problem) String() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d", p.Line)
			if p.Column > 0 {
				fmt.Fprintf(&b, ":%d", p.Column)
			}
		}
		b.WriteString(": ")
	}
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// Problems is an error: all that is wrong, in the order of the files.
type Problems []Problem

func (p Problems) Error() string { return strings.Join(p.ErrorLines(), "\n") }

// ErrorLines returns a line for each problem.
func (p Problems) ErrorLines() []string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return lines
}

// Hints returns what to do, each once.
func (p Problems) Hints() []string {
	var hints []string
	seen := map[string]bool{}
	for _, problem := range p {
		if problem.Hint != "" && !seen[problem.Hint] {
			seen[problem.Hint] = true
			hints = append(hints, problem.Hint)
		}
	}
	return hints
}

// ErrorCode returns the code as a word.
func (p Problems) ErrorCode() string { return "bad_project" }

// ExitCode is that of a usage error: the user has to put a file or the
// reference right.
func (p Problems) ExitCode() int { return 2 }

// problem is a single one, outside any file.
func problem(hint, format string, args ...any) Problems {
	return Problems{{Message: fmt.Sprintf(format, args...), Hint: hint}}
}
