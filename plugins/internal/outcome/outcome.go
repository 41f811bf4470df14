// Package outcome sums up what became of the things that one command was asked
// to change:
//
//	failures := make([]error, len(names)) // one for each, nil where it worked
//	…
//	return outcome.Failure(outcome.Words{Noun: "app", Done: "deleted"}, names, failures)
//
// It guarantees that every failure is named with what it befell, that a single
// one keeps its own words, hints and exit code, and that several keep an exit
// code that they agree on, and what they hint at, each once.
package outcome

import (
	"errors"
	"fmt"
	"slices"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// Words are those of a summary: "2 of 3 apps not deleted".
type Words struct {
	Noun string // "app"; its plural has an s
	Done string // "deleted"
}

// Failure is the error of a command whose calls ended as failures say, one for
// each of names; nil when all are nil. A command for one thing gives its error
// as it is. Of several, the exit code is the common one when all failed with
// it, and else that of a failure.
func Failure(w Words, names []string, failures []error) error {
	failed, code := 0, cli.ExitOK
	for _, err := range failures {
		if err == nil {
			continue
		}
		failed++
		switch own := cli.ExitCode(err); {
		case failed == 1:
			code = own
		case own != code:
			code = cli.ExitFailure
		}
	}
	switch {
	case failed == 0:
		return nil
	case len(failures) == 1:
		return failures[0]
	case failed < len(failures):
		code = cli.ExitFailure
	}
	e := &cli.Error{Exit: code, Err: errors.Join(failures...)}
	e.Message = fmt.Sprintf("%d of %s not %s", failed, view.Count(len(failures), w.Noun), w.Done)
	for i, err := range failures {
		if err == nil {
			continue
		}
		for j, line := range cli.ErrorLines(err) {
			if j == 0 {
				line = names[i] + ": " + line
			}
			e.Lines = append(e.Lines, "  "+line)
		}
		e.Hint = addHints(e.Hint, err)
	}
	return e
}

// mostHints bounds the hints of several failures together.
const mostHints = 5

// addHints adds what err hints at and was not said yet.
func addHints(hints []string, err error) []string {
	var hinted interface{ Hints() []string }
	if !errors.As(err, &hinted) {
		return hints
	}
	for _, h := range hinted.Hints() {
		if len(hints) < mostHints && !slices.Contains(hints, h) {
			hints = append(hints, h)
		}
	}
	return hints
}

// Joined is the first error, which decides the exit code and the hints, with
// the words of the second below it. Either may be nil.
func Joined(first, second error) error {
	switch {
	case first == nil:
		return second
	case second == nil:
		return first
	}
	lines := slices.Concat(cli.ErrorLines(first), cli.ErrorLines(second))
	joined := &cli.Error{Exit: cli.ExitCode(first), Message: lines[0], Lines: lines[1:], Err: errors.Join(first, second)}
	var own *cli.Error
	if errors.As(first, &own) {
		joined.Code, joined.Hint = own.Code, own.Hint
	}
	return joined
}
