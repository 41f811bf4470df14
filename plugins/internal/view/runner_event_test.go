package view

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

func TestRunnerChanges(t *testing.T) {
	request, at := "req-1", "2026-01-02T03:04:05Z"
	countdown, later := 30, 28
	base := Runner{RunnerID: "a", Alias: "app", State: "IDLE", Revision: "r1", MachineType: "XS", Replacement: "NO_REPLACE", UptimeSeconds: 5, ExpirationCountdown: &countdown,
		Leases: []Lease{{RequestID: &request, LeasedAt: &at}}}
	tests := []struct {
		name   string
		change func(*Runner)
		want   bool
	}{
		{"nothing", func(*Runner) {}, false},
		{"uptime", func(r *Runner) { r.UptimeSeconds, r.uptime = 6, 6*time.Second }, false},
		{"expiration", func(r *Runner) { r.ExpirationCountdown = &later }, false},
		{"no expiration any more", func(r *Runner) { r.ExpirationCountdown = nil }, false},
		{"an equal lease", func(r *Runner) { same := "req-1"; r.Leases = []Lease{{RequestID: &same, LeasedAt: &at}} }, false},
		{"state", func(r *Runner) { r.State = "RUNNING" }, true},
		{"in flight", func(r *Runner) { r.InFlightRequests = 1 }, true},
		{"replacement", func(r *Runner) { r.Replacement = "DID_REPLACE" }, true},
		{"lost", func(r *Runner) { r.Lost = true }, true},
		{"a lease less", func(r *Runner) { r.Leases = nil }, true},
		{"another lease", func(r *Runner) { r.Leases = []Lease{{LeasedAt: &at}} }, true},
		{"machine", func(r *Runner) { r.MachineType = "S" }, true},
		{"revision", func(r *Runner) { r.Revision = "r2" }, true},
	}
	for _, tt := range tests {
		after := base
		tt.change(&after)
		events := RunnerChanges([]Runner{base}, []Runner{after})
		if got := len(events) == 1 && events[0].Event == EventChanged; got != tt.want || len(events) > 1 {
			t.Errorf("%s: %+v", tt.name, events)
		}
	}
}

func TestRunnerChangesOrder(t *testing.T) {
	list := func(ids ...string) []Runner {
		var rows []Runner
		for _, id := range ids {
			rows = append(rows, Runner{RunnerID: id})
		}
		return rows
	}
	words := func(events []RunnerEvent) []string {
		var words []string
		for _, e := range events {
			words = append(words, e.Event+" "+e.Runner.RunnerID)
		}
		return words
	}
	for _, tt := range []struct {
		before, after []Runner
		want          []string
	}{
		{nil, nil, nil},
		{nil, list("b", "a"), []string{"added b", "added a"}},
		{list("a", "b", "c"), list("d", "b"), []string{"added d", "removed a", "removed c"}},
		{list("a", "b"), list("b", "a"), nil},
		{list("a"), nil, []string{"removed a"}},
	} {
		if got := words(RunnerChanges(tt.before, tt.after)); !slices.Equal(got, tt.want) {
			t.Errorf("%v to %v: %q, want %q", tt.before, tt.after, got, tt.want)
		}
	}
}

func TestRunnerEventJSON(t *testing.T) {
	for _, r := range viewRunners() {
		want, err := json.Marshal(map[string]any{"event": EventAdded, "runner": r})
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(RunnerEvent{EventAdded, r})
		if err != nil || string(got) != string(want) {
			t.Errorf("%v: got %s, want %s", err, got, want)
		}
	}
}

func TestRunnerEventsGolden(t *testing.T) {
	for _, format := range []output.Format{output.Pretty, output.Wide, output.JSON, output.JSONL} {
		name := "runner_events." + string(format)
		t.Run(name, func(t *testing.T) {
			streams, _, out, _ := iostreams.Test()
			p := output.New(streams, output.Options{Format: format, Explicit: true})
			s := output.NewStream(p, RunnerEvents(), nil)
			rows := viewRunners()
			for _, e := range RunnerChanges(rows[:1], rows[1:]) {
				if err := s.Write(t.Context(), e); err != nil {
					t.Fatal(err)
				}
			}
			golden(t, name, out.Bytes())
		})
	}
}
