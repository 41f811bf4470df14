package output_test

import (
	"bytes"
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

// runner is a record as a noun of the views has it.
type runner struct {
	ID       string   `json:"runner_id"`
	App      string   `json:"alias"`
	State    string   `json:"state"`
	InFlight int64    `json:"in_flight_requests"`
	Expires  *int64   `json:"expiration_countdown"`
	Uptime   int64    `json:"uptime_seconds"`
	Machine  string   `json:"machine_type"`
	Revision string   `json:"revision"`
	Regions  []string `json:"regions"`
	Ratio    float64  `json:"ratio"`
	Notes    []string `json:"-"`
}

// fastRunner is the same record with an encoding of its own.
type fastRunner struct{ runner }

func (r *fastRunner) AppendJSON(b []byte) []byte {
	b = output.AppendString(append(b, `{"runner_id":`...), r.ID)
	b = output.AppendString(append(b, `,"alias":`...), r.App)
	b = output.AppendString(append(b, `,"state":`...), r.State)
	b = output.AppendInt(append(b, `,"in_flight_requests":`...), r.InFlight)
	b = append(b, `,"expiration_countdown":`...)
	if r.Expires == nil {
		b = append(b, "null"...)
	} else {
		b = output.AppendInt(b, *r.Expires)
	}
	b = output.AppendInt(append(b, `,"uptime_seconds":`...), r.Uptime)
	b = output.AppendString(append(b, `,"machine_type":`...), r.Machine)
	b = output.AppendString(append(b, `,"revision":`...), r.Revision)
	b = output.AppendStrings(append(b, `,"regions":`...), r.Regions)
	b = output.AppendFloat(append(b, `,"ratio":`...), r.Ratio)
	return append(b, '}')
}

func stateStyle(r runner) iostreams.Style {
	switch r.State {
	case "RUNNING":
		return iostreams.Green
	case "FAILED":
		return iostreams.Red | iostreams.Bold
	}
	return iostreams.Plain
}

func runnersView() output.View[runner] {
	return output.View[runner]{
		Key: "runners",
		Columns: []output.Column[runner]{
			{Header: "RUNNER", Key: "runner_id", Text: func(r runner) string { return r.ID }},
			{Header: "APP", Text: func(r runner) string { return r.App }, Rank: 1},
			{Header: "STATE", Text: func(r runner) string { return r.State }, Style: stateStyle},
			{Header: "AGE", Text: func(r runner) string { return fmt.Sprintf("%dm", r.Uptime/60) },
				Raw: func(r runner) string { return strconv.FormatInt(r.Uptime, 10) }, Right: true, Rank: 2},
			{Header: "IN FLIGHT", Text: func(r runner) string { return strconv.FormatInt(r.InFlight, 10) }, Rank: 3},
			{Header: "MACHINE", Text: func(r runner) string { return r.Machine }, Rank: 5},
			{Header: "REVISION", Text: func(r runner) string { return r.Revision }, Rank: 4},
			{Header: "REGIONS", Text: func(r runner) string { return strings.Join(r.Regions, ",") }, Wide: true},
		},
		Name:    func(r runner) string { return r.ID },
		Compare: func(a, b runner) int { return cmp.Compare(a.App, b.App) },
		Sorts: []output.SortKey[runner]{
			{Name: "age", Compare: func(a, b runner) int { return cmp.Compare(a.Uptime, b.Uptime) }},
			{Name: "state", Compare: func(a, b runner) int { return cmp.Compare(a.State, b.State) }},
		},
		Note:    func(rows []runner) string { return fmt.Sprintf("%d runners", len(rows)) },
		Empty:   "no runners",
		Details: func(r runner) []string { return r.Notes },
	}
}

func sampleRunners() []runner {
	left := int64(30)
	return []runner{
		{
			ID: "9c1d07aa-0000-4000-8000-000000000002", App: "checkout", State: "IDLE", Uptime: 41,
			Machine: "GPU-H100", Revision: "66666666-0000-4000-8000-000000000000", Expires: &left,
			Regions: []string{"us-east", "eu-west"}, Ratio: 0.5,
		},
		{
			ID: "4f2a91c0-0000-4000-8000-000000000001", App: "büro:[red]", State: "RUNNING", Uptime: 7980, InFlight: 3,
			Machine: "M", Revision: "<a&b>\x1b[2J\u202e", Ratio: 1e21,
			Notes: []string{"req-1  12s", "req-2  \x1b]0;x\a"},
		},
	}
}

// terminal are the streams of a terminal of the given width, without colour.
func terminal(width int) (s *iostreams.Streams, out, errout *bytes.Buffer) {
	s, _, out, errout = iostreams.Test()
	s.SetTerminal(true, true, true)
	s.SetWidth(width)
	s.SetColor(iostreams.ColorNever)
	return s, out, errout
}

func pipe() (s *iostreams.Streams, out, errout *bytes.Buffer) {
	s, _, out, errout = iostreams.Test()
	return s, out, errout
}

func wantOutput(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\ngot:\n%s\nwant:\n%s", what, got, want)
	}
}
