package outcome_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/outcome"
)

func TestFailure(t *testing.T) {
	missing := &cli.Error{Code: "not_found", Exit: cli.ExitNotFound, Message: "not there", Hint: []string{"look"}}
	denied := &cli.Error{Exit: cli.ExitAuth, Message: "not yours"}
	names := []string{"a", "b", "c"}
	for _, tt := range []struct {
		name     string
		failures []error
		code     int
		message  string
	}{
		{"none", []error{nil, nil, nil}, 0, ""},
		{"nothing was done", nil, 0, ""},
		{"the only one", []error{missing}, 3, "not there"},
		{"one of several", []error{nil, missing, nil}, 1, "1 of 3 apps not deleted\n  b: not there"},
		{"all for one reason", []error{missing, missing}, 3, "2 of 2 apps not deleted\n  a: not there\n  b: not there"},
		{"all for different ones", []error{missing, denied, missing}, 1, "3 of 3 apps not deleted\n  a: not there\n  b: not yours\n  c: not there"},
	} {
		err := outcome.Failure(outcome.Words{Noun: "app", Done: "deleted"}, names, tt.failures)
		if cli.ExitCode(err) != tt.code || err == nil != (tt.message == "") || err != nil && err.Error() != tt.message {
			t.Errorf("%s: exit %d, %v", tt.name, cli.ExitCode(err), err)
		}
		for _, cause := range tt.failures {
			if cause != nil && !errors.Is(err, cause) {
				t.Errorf("%s: %v is not among the causes", tt.name, cause)
			}
		}
	}
}

func TestFailureKeepsHints(t *testing.T) {
	hinting := func(lines ...string) error { return &cli.Error{Message: "no", Hint: lines} }
	err := outcome.Failure(outcome.Words{Noun: "app", Done: "deleted"}, []string{"a", "b", "c", "d"},
		[]error{hinting("look", "ask"), nil, hinting("look", "1", "2"), hinting("3", "4")})
	var e *cli.Error
	if !errors.As(err, &e) || !slices.Equal(e.Hints(), []string{"look", "ask", "1", "2", "3"}) {
		t.Errorf("%+v", err)
	}
}

// A name or a cause does not add a line, and what has several keeps them.
func TestFailureHasALineForEach(t *testing.T) {
	several := &cli.Error{Message: "first\nof", Lines: []string{"second"}}
	err := outcome.Failure(outcome.Words{Noun: "app", Done: "deleted"}, []string{"a\nb", "c"}, []error{several, errors.New("x\ny")})
	want := []string{"2 of 2 apps not deleted", `  a\nb: first\nof`, "  second", `  c: x\ny`}
	if got := cli.ErrorLines(err); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestJoined(t *testing.T) {
	first := &cli.Error{Code: "timeout", Exit: cli.ExitNotFound, Message: "first", Hint: []string{"wait"}}
	second := errors.New("second")
	if outcome.Joined(nil, nil) != nil || outcome.Joined(first, nil) != error(first) || outcome.Joined(nil, second) != second {
		t.Error("one of them alone was changed")
	}
	err := outcome.Joined(first, second)
	var e *cli.Error
	if !errors.As(err, &e) || e.Code != "timeout" || e.ExitCode() != cli.ExitNotFound || !slices.Equal(e.Hints(), first.Hint) || e.Error() != "first\nsecond" {
		t.Errorf("%+v", err)
	}
	if !errors.Is(err, second) {
		t.Error("the second is lost")
	}
}
