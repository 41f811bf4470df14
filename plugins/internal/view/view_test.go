package view

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

var update = flag.Bool("update", false, "write the golden files")

func sdkRunners() []fal.Runner {
	countdown, negative := 90*time.Second, -3*time.Second
	request := "req-\"1\"\u2028<&>"
	return []fal.Runner{
		{ID: "9c1d07aa-0000-4000-8000-000000000003", Alias: "checkout", Revision: "rev-1", MachineType: "GPU-H100", State: fal.RunnerIdle, Uptime: 41900 * time.Millisecond, ExpirationCountdown: &countdown},
		{ID: "4f2a91c0-0000-4000-8000-000000000001", Alias: "checkout", Revision: "rev-1", MachineType: "GPU-H100", State: fal.RunnerRunning, Uptime: 7980 * time.Second, InFlight: 2,
			Leases: []fal.Lease{{RequestID: &request, CallerUserID: "u1", LeasedAt: time.Date(2026, 1, 2, 3, 4, 5, 999, time.FixedZone("x", 3600))}, {}}},
		{ID: "4f2b1207-0000-4000-8000-000000000002", Alias: "bad[/tag]\x1b[31m\x07--staging", Revision: "rev-2", MachineType: "", State: 42, Replacement: fal.RunnerWillReplace, Lost: true, ExpirationCountdown: &negative, Uptime: 100 * 24 * time.Hour},
		{ID: "d0000000-0000-4000-8000-000000000004", Alias: "[rank0]:fire:", Revision: "rev-3", MachineType: "XS", State: fal.RunnerCrashBackoff, Replacement: fal.RunnerDidReplace, Uptime: 26 * time.Hour},
	}
}

func viewRunners() []Runner {
	var rows []Runner
	for _, r := range sdkRunners() {
		rows = append(rows, NewRunner(r))
	}
	return rows
}

// What scripts and people see of a list, in every format.
func TestRunnersGolden(t *testing.T) {
	for _, format := range output.Formats() {
		for _, terminal := range []bool{false, true} {
			name := "runners." + string(format)
			if terminal {
				name += ".terminal"
			}
			t.Run(name, func(t *testing.T) {
				streams, _, out, errout := iostreams.Test()
				streams.SetTerminal(terminal, terminal, terminal)
				streams.SetWidth(120)
				p := output.New(streams, output.Options{Format: format, Explicit: true})
				rows := viewRunners()
				if err := output.List(t.Context(), p, Runners(rows), rows); err != nil {
					t.Fatal(err)
				}
				golden(t, name, append(out.Bytes(), errout.Bytes()...))
				if terminal && bytes.ContainsAny(out.Bytes(), "\x07") {
					t.Error("a control character reached the terminal")
				}
			})
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// AppendJSON is what encoding/json makes of the same struct.
func TestRunnerAppendJSON(t *testing.T) {
	type plain Runner // without the methods
	for _, r := range viewRunners() {
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		p := plain(r)
		if p.Leases == nil {
			p.Leases = []Lease{}
		}
		if err := enc.Encode(p); err != nil {
			t.Fatal(err)
		}
		if got := string(r.AppendJSON(nil)) + "\n"; got != want.String() {
			t.Errorf("got  %swant %s", got, want.String())
		}
		var back Runner
		if err := json.Unmarshal(r.AppendJSON(nil), &back); err != nil {
			t.Fatal(err)
		}
		if len(r.Leases) == 0 {
			back.Leases = r.Leases
		}
		back.uptime = r.uptime // not in the JSON
		if !reflect.DeepEqual(back, r) {
			t.Errorf("got back %+v of %+v", back, r)
		}
	}
}

func TestAge(t *testing.T) {
	for seconds, want := range map[int]string{
		-5: "0s", 0: "0s", 41: "41s", 59: "59s", 60: "1m", 61: "1m1s", 3599: "59m59s", 3600: "1h", 7980: "2h13m",
		7981: "2h13m", 86399: "23h59m", 86400: "1d", 93600: "1d2h", 100 * 86400: "100d", 100*86400 + 7200: "100d",
	} {
		if got := Age(seconds); got != want {
			t.Errorf("Age(%d) = %s, want %s", seconds, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0 runners", 1: "1 runner", 2: "2 runners"} {
		if got := Count(n, "runner"); got != want {
			t.Errorf("Count(%d) = %s", n, got)
		}
	}
}
