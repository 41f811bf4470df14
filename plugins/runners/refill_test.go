package runners

import (
	"strings"
	"testing"

	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

// Before a question, and in a dry run, it is said what min_concurrency will
// start again.
func TestStopNotesRefill(t *testing.T) {
	const (
		checkout = "note: min_concurrency of checkout is 1: one will be started again\n"
		staging  = "note: min_concurrency of checkout--staging is 1: one will be started again\n"
	)
	apps := func(minimum int32) []faltest.App {
		return []faltest.App{
			{Alias: "checkout", Settings: faltest.Settings{MinConcurrency: minimum}},
			{Alias: "sd\x1b[31mxl", Settings: faltest.Settings{}},
			{Alias: "idle", Settings: faltest.Settings{MinConcurrency: 5}},
			{Alias: "checkout--staging", Environment: "staging", Settings: faltest.Settings{MinConcurrency: 1}},
		}
	}
	tests := []struct {
		argv    string
		minimum int32
		notes   string
	}{
		{"stop --app checkout", 1, checkout},
		{"stop --app checkout", 2, "note: min_concurrency of checkout is 2: 2 will be started again\n"},
		{"stop --app checkout", 7, "note: min_concurrency of checkout is 7: 2 will be started again\n"},
		{"stop --app checkout", 0, ""},
		{"stop --state idle", 1, ""}, // another one is left
		{"stop --state idle", 2, "note: min_concurrency of checkout is 2: one will be started again\n"},
		{"stop --all", 1, checkout + staging},
		{"stop --app checkout--staging", 1, staging},
		{"stop --app checkout --dry-run", 1, checkout},
		{"stop --replace --app checkout", 1, ""},
		{"kill --app checkout", 1, ""},
		{"stop --app checkout --yes", 1, ""},
		{"stop 4f2a", 1, ""},
		{"stop 4f2a --dry-run", 1, ""},
	}
	for _, tt := range tests {
		t.Run(tt.argv, func(t *testing.T) {
			tm := newTerm(t)
			tm.Server.SetApps(apps(tt.minimum)...)
			tm.TTY, tm.Stdin = true, "n\n"
			r := tm.Run(strings.Fields(tt.argv)...)
			var notes strings.Builder
			for line := range strings.Lines(r.Err) {
				if strings.HasPrefix(line, "note: ") {
					notes.WriteString(line)
				}
			}
			if notes.String() != tt.notes {
				t.Errorf("%q, want %q", notes.String(), tt.notes)
			}
			if before, _, asked := strings.Cut(r.Err, "? [y/N]"); asked && strings.Count(before, "note: ") != strings.Count(tt.notes, "note: ") {
				t.Errorf("a note behind the question: %q", r.Err)
			}
			if asked := len(tm.Server.Calls("ListAliases")) > 0; asked != (tt.notes != "" || tt.minimum == 0 || tt.argv == "stop --state idle") {
				t.Errorf("asked for apps: %t", asked)
			}
		})
	}
}

// Who cannot be told is asked all the same, and nothing is said about it.
func TestStopWithoutNotes(t *testing.T) {
	for name, answer := range map[string]faltest.Answer{
		"refused":   faltest.Fail(7, "no apps for this key"),
		"no answer": faltest.Hang(),
	} {
		t.Run(name, func(t *testing.T) {
			tm := newTerm(t)
			tm.Server.Handle("ListAliases", func(faltest.Call) faltest.Answer { return answer })
			tm.TTY, tm.Stdin = true, "y\n"
			r := tm.Run("stop", "--state", "idle")
			tm.Want(r, 0, "stopping "+idC+"\n", idC+"  checkout  IDLE  41s\nStop 1 runner? [y/N]")
		})
	}
}
