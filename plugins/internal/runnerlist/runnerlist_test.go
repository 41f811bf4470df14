package runnerlist

import (
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

func TestMatch(t *testing.T) {
	const (
		a    = "4f2a91c0-0000-4000-8000-000000000001"
		b    = "4f2b1207-0000-4000-8000-000000000002"
		none = "ffffffff-ffff-4fff-8fff-ffffffffffff"
	)
	rows := []view.Runner{{RunnerID: a, Alias: "checkout", State: "IDLE", UptimeSeconds: 61}, {RunnerID: b, Alias: "check\x1bout", State: "RUNNING"}, {RunnerID: "Old"}}
	tests := []struct {
		id   string
		want view.Runner
		code int
		err  string
	}{
		{a, rows[0], 0, ""},
		{strings.ToUpper(a), rows[0], 0, ""},
		{"4f2a", rows[0], 0, ""},
		{"4F2B", rows[1], 0, ""},
		{"Ol", rows[2], 0, ""},
		{"Old", rows[2], 0, ""},
		{none, view.Runner{RunnerID: none}, 0, ""},
		{strings.ToUpper(none), view.Runner{RunnerID: none}, 0, ""},
		{"4f2", view.Runner{}, cli.ExitUsage, `"4f2" is the beginning of 2 runner ids`},
		{"5", view.Runner{}, cli.ExitNotFound, "runner 5 not found"},
		{"app/checkout", view.Runner{}, cli.ExitUsage, "app/checkout is an app"},
	}
	for _, tt := range tests {
		got, err := Match(tt.id, rows)
		if got.RunnerID != tt.want.RunnerID || got.State != tt.want.State {
			t.Errorf("%s: %+v, want %+v", tt.id, got, tt.want)
		}
		if (err == nil) != (tt.err == "") || err != nil && (cli.ExitCode(err) != tt.code || !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("%s: %v, want %d %q", tt.id, err, tt.code, tt.err)
		}
	}
}

// Of many that could be meant some are shown, and none of them drives a
// terminal.
func TestMatchShowsWhatCouldBeMeant(t *testing.T) {
	rows := slices.Repeat([]view.Runner{{RunnerID: "a\x1b", Alias: "app", State: "IDLE", UptimeSeconds: 61}}, 12)
	_, err := Match("A", rows)
	var e *cli.Error
	if !errors.As(err, &e) || len(e.Hint) != 11 || e.Hint[0] != `a\x1b  app  IDLE  1m1s` || e.Hint[10] != "and 2 more" {
		t.Errorf("%+v", err)
	}
}

func TestIsFullID(t *testing.T) {
	for id, want := range map[string]bool{
		"4f2a91c0-0000-4000-8000-000000000001":   true,
		"4F2A91C0-0000-4000-8000-00000000000A":   true,
		"4f2a91c0-0000-4000-8000-00000000000":    false,
		"4f2a91c0-0000-4000-8000-0000000000011":  false,
		"4f2a91c00-000-4000-8000-000000000001":   false,
		"4f2a91cg-0000-4000-8000-000000000001":   false,
		"4f2a91c0000000400080000000000000000001": false,
		"":                                       false,
	} {
		if got := IsFullID(id); got != want {
			t.Errorf("%q: %t", id, got)
		}
	}
}

func TestParseStates(t *testing.T) {
	for _, tt := range []struct {
		words []string
		want  []fal.RunnerState
	}{
		{nil, nil},
		{[]string{"idle", "running"}, []fal.RunnerState{fal.RunnerIdle, fal.RunnerRunning}},
		{[]string{"idle", "all"}, nil},
	} {
		if got, err := ParseStates(tt.words); err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%q: %v, %v", tt.words, got, err)
		}
	}
	for _, word := range stateNames {
		if _, err := ParseStates([]string{word}); err != nil {
			t.Errorf("%s: %v", word, err)
		}
	}
	if _, err := ParseStates([]string{"asleep"}); cli.ExitCode(err) != cli.ExitUsage {
		t.Errorf("%v", err)
	}
}

func TestOfApps(t *testing.T) {
	broken := errors.New("broken")
	var runners iter.Seq2[fal.Runner, error] = func(yield func(fal.Runner, error) bool) {
		for _, alias := range []string{"a", "b", "a--staging", "a"} {
			if !yield(fal.Runner{Alias: alias}, nil) {
				return
			}
		}
		yield(fal.Runner{}, broken)
	}
	for _, tt := range []struct {
		apps []string
		want string
	}{
		{nil, "a b a--staging a"},
		{[]string{"a"}, "a a"},
		{[]string{"b", "a--staging"}, "b a--staging"},
		{[]string{"c"}, ""},
	} {
		var got []string
		var failed error
		for r, err := range OfApps(runners, tt.apps) {
			if failed = err; err == nil {
				got = append(got, r.Alias)
			}
		}
		if strings.Join(got, " ") != tt.want || !errors.Is(failed, broken) {
			t.Errorf("%q: %q, %v", tt.apps, got, failed)
		}
		for range OfApps(runners, tt.apps) {
			break
		}
	}
}
