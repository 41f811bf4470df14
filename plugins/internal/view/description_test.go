package view

import (
	"encoding/json"
	"io"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

func at(second int) time.Time { return time.Date(2026, 1, 2, 3, 4, second, 5_000_000, time.UTC) }

func descriptions() map[string]RunnerDescription {
	rows := viewRunners()
	event := func(second int, state, reason string) fal.RunnerEvent {
		return fal.RunnerEvent{Time: at(second), State: state, Entered: true, Reason: reason}
	}
	busy := NewRunnerDescription(rows[1].RunnerID, &rows[1], fal.RunnerLife{StartedAt: at(1)}, nil)
	idle := NewRunnerDescription(rows[0].RunnerID, &rows[0], fal.RunnerLife{}, []fal.RunnerEvent{event(1, "PENDING", "asked for"), event(2, "SETUP", "process 42"), event(3, "IDLE", "ready")})
	odd := NewRunnerDescription(rows[2].RunnerID, &rows[2], fal.RunnerLife{StartedAt: at(1)}, []fal.RunnerEvent{event(1, "BAD\x1b[31m", "[red]\x07\nand more"), {Time: at(2), State: "IDLE", Reason: "a note"}})
	crashed := NewRunnerDescription(rows[3].RunnerID, &rows[3], fal.RunnerLife{StartedAt: at(1)}, []fal.RunnerEvent{event(1, "SETUP", "process 42"), event(2, "CRASH_BACKOFF", "exited with code 3; next try in 2s")})
	crashed.CrashLog = LastOutput(rows[3].RunnerID, []fal.LogLine{
		{Time: at(0), Level: "STDOUT", Message: "too old", JSON: []byte(`{}`)},
		{Time: at(1), Level: "STDERR", Message: "Traceback:\n  File \x1b[31mx", JSON: []byte(`{"timestamp":"2026-01-02T03:04:01Z","level":"STDERR","message":"Traceback:\n  File \u001b[31mx"}`)},
		{Time: at(2), Level: "ERROR", Message: "FAILURE_DELAY: exited", JSON: []byte(`{"source":"lifecycle","labels":{"event":"state","state":"FAILURE_DELAY"}}`)},
	}, 1)
	gone := NewRunnerDescription("0a", nil, fal.RunnerLife{StartedAt: at(1), EndedAt: at(41)}, nil)
	return map[string]RunnerDescription{"busy": busy, "idle": idle, "odd": odd, "crashed": crashed, "gone": gone}
}

func TestDescriptionGolden(t *testing.T) {
	for name, d := range descriptions() {
		for _, format := range []output.Format{output.Pretty, output.JSON} {
			for _, terminal := range []bool{false, true} {
				file := "description." + name + "." + string(format)
				if terminal {
					file += ".terminal"
				}
				t.Run(file, func(t *testing.T) {
					streams, _, out, _ := iostreams.Test()
					streams.SetTerminal(terminal, terminal, terminal)
					p := output.New(streams, output.Options{Format: format, Explicit: true})
					text := DescriptionText{Location: time.UTC, Paint: streams.PaintOut}
					if err := output.Object(t.Context(), p, d, func(w io.Writer) error { return text.Write(w, p, d) }); err != nil {
						t.Fatal(err)
					}
					golden(t, file, out.Bytes())
				})
			}
		}
	}
}

// The keys and types of a runner in a list are those of its description.
func TestDescriptionHasTheKeysOfARunner(t *testing.T) {
	decode := func(v any) map[string]any {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var keys map[string]any
		if err := json.Unmarshal(b, &keys); err != nil {
			t.Fatal(err)
		}
		return keys
	}
	for _, row := range viewRunners() {
		d := decode(NewRunnerDescription(row.RunnerID, &row, fal.RunnerLife{}, nil))
		for key, value := range decode(row) {
			if !reflect.DeepEqual(d[key], value) {
				t.Errorf("%s is %v, and %v in a list", key, d[key], value)
			}
		}
	}
	listed := slices.Sorted(maps.Keys(decode(descriptions()["busy"])))
	if gone := slices.Sorted(maps.Keys(decode(descriptions()["gone"]))); !slices.Equal(gone, listed) {
		t.Errorf("keys %q of a runner that is not listed, %q of one that is", gone, listed)
	}
}

func TestCrashed(t *testing.T) {
	for _, tt := range []struct {
		state  string
		events []string
		want   bool
	}{
		{"IDLE", []string{"PENDING", "SETUP", "IDLE"}, false},
		{"IDLE", []string{"SETUP", "CRASH_BACKOFF", "PENDING", "SETUP", "IDLE"}, false},
		{"CRASH_BACKOFF", nil, true},
		{"TERMINATED", nil, false},
		{"TERMINATED", []string{"IDLE", "TERMINATED"}, true},
		{"TERMINATED", []string{"SETUP", "TERMINATED"}, true},
		{"TERMINATED", []string{"CRASH_BACKOFF", "TERMINATED"}, true},
		{"TERMINATED", []string{"IDLE", "DRAINING", "TERMINATING", "TERMINATED"}, false},
		{"TERMINATED", []string{"IDLE", "DRAINING", "TERMINATED"}, false},
		{"TERMINATED", []string{"TERMINATED"}, false},
	} {
		var events []fal.RunnerEvent
		for _, state := range tt.events {
			events = append(events, fal.RunnerEvent{State: state, Entered: true}, fal.RunnerEvent{State: "DRAINING"})
		}
		d := NewRunnerDescription("a", &Runner{State: tt.state}, fal.RunnerLife{}, events)
		if got := d.Crashed(); got != tt.want {
			t.Errorf("%s after %q: %v", tt.state, tt.events, got)
		}
	}
}

func TestLastOutput(t *testing.T) {
	lines := []fal.LogLine{{Message: "a"}, {Message: "b"}, {Message: "c"}}
	for n, want := range map[int][]string{0: nil, 2: {"b", "c"}, 9: {"a", "b", "c"}} {
		var got []string
		for _, l := range LastOutput("r", lines, n) {
			got = append(got, l.Message)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
