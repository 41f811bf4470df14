package view

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

const (
	revisionNew = "66666666-0000-4000-8000-000000000001"
	revisionOld = "55555555-0000-4000-8000-000000000002"
)

func sdkApps() []fal.AppInfo {
	settings := fal.AppSettings{KeepAlive: 10 * time.Second, MinConcurrency: 1, MaxConcurrency: 8, MaxMultiplexing: 4, ConcurrencyBuffer: 2, ConcurrencyBufferPerc: 50,
		ScalingDelay: 90 * time.Second, RequestTimeout: time.Hour, StartupTimeout: 10 * time.Minute, MachineTypes: []string{"GPU-H100", "GPU-A100"}, Regions: []string{"us-east", "eu-west"}}
	return []fal.AppInfo{
		{Alias: "search", Revision: revisionOld, AuthMode: fal.AuthPublic},
		{Alias: "checkout--staging", Revision: revisionNew, AuthMode: fal.AuthShared, AppSettings: settings, ActiveRunners: 3, Environment: "staging", Rolling: true},
		{Alias: "checkout", Revision: revisionNew, AuthMode: fal.AuthPrivate, AppSettings: settings, ActiveRunners: 2, Environment: "main"},
		{Alias: "bad[/tag]\x1b[31m\x07 \"<&>\u2028", Revision: "rev", AuthMode: 42, AppSettings: fal.AppSettings{MachineTypes: []string{"[red]\x1b"}}},
	}
}

func viewApps() []App {
	var rows []App
	for _, a := range sdkApps() {
		rows = append(rows, NewApp(a))
	}
	return rows
}

func sdkRevisions() []fal.Revision {
	at := time.Date(2026, 11, 20, 9, 12, 0, 0, time.UTC)
	settings := sdkApps()[1].AppSettings
	return []fal.Revision{
		{ID: revisionOld, CreatedAt: at, AppSettings: settings},
		{ID: revisionNew, CreatedAt: at.Add(24*time.Hour + 5*time.Millisecond), AppSettings: settings, ActiveRunners: 2, Environment: "staging"},
		{ID: "rev\x1b[31m", AppSettings: fal.AppSettings{}},
	}
}

// printed is what a list looks like in a format, in a pipe or on a terminal.
func printed[T any](t *testing.T, format output.Format, terminal bool, v output.View[T], rows []T) []byte {
	t.Helper()
	streams, _, out, errout := iostreams.Test()
	streams.SetTerminal(terminal, terminal, terminal)
	streams.SetWidth(160)
	p := output.New(streams, output.Options{Format: format, Explicit: true})
	if err := output.List(t.Context(), p, v, slices.Clone(rows)); err != nil {
		t.Fatal(err)
	}
	if terminal && bytes.ContainsAny(out.Bytes(), "\x07") {
		t.Error("a control character reached the terminal")
	}
	return append(out.Bytes(), errout.Bytes()...)
}

func eachFormat(t *testing.T, noun string, check func(t *testing.T, name string, format output.Format, terminal bool)) {
	for _, format := range output.Formats() {
		for _, terminal := range []bool{false, true} {
			name := noun + "." + string(format)
			if terminal {
				name += ".terminal"
			}
			t.Run(name, func(t *testing.T) { check(t, name, format, terminal) })
		}
	}
}

func TestAppsGolden(t *testing.T) {
	rows := viewApps()
	eachFormat(t, "apps", func(t *testing.T, name string, format output.Format, terminal bool) {
		golden(t, name, printed(t, format, terminal, Apps(rows), rows))
	})
	// Without an environment and a rollout there are no columns for them.
	golden(t, "apps.main.pretty", printed(t, output.Pretty, false, Apps(rows[2:]), rows[2:]))
}

func TestRevisionsGolden(t *testing.T) {
	rows := NewRevisions(sdkRevisions(), sdkApps())
	eachFormat(t, "revisions", func(t *testing.T, name string, format output.Format, terminal bool) {
		golden(t, name, printed(t, format, terminal, Revisions(time.UTC), rows))
	})
}

func appDescriptions() map[string]AppDescription {
	apps := sdkApps()
	runners := []fal.Runner{{ID: "a", State: fal.RunnerRunning}, {ID: "b", State: fal.RunnerRunning}, {ID: "c", State: fal.RunnerCrashBackoff}, {ID: "d", State: fal.RunnerTerminated}}
	many := sdkRevisions()
	for i := range 5 {
		many = append(many, fal.Revision{ID: fmt.Sprint("older-", i), CreatedAt: many[0].CreatedAt.AddDate(0, 0, -i)})
	}
	return map[string]AppDescription{
		"whole": NewAppDescription(apps[1], runners, many, apps),
		"bare":  NewAppDescription(apps[0], nil, nil, apps),
		"odd":   NewAppDescription(apps[3], nil, sdkRevisions()[2:], apps),
	}
}

func TestAppDescriptionGolden(t *testing.T) {
	for name, d := range appDescriptions() {
		goldenObject(t, "app_description."+name, d, func(w io.Writer, p *output.Printer) error { return d.WriteText(w, p, time.UTC) })
	}
}

// goldenObject holds a single record in the formats that differ.
func goldenObject[T any](t *testing.T, noun string, value T, write func(io.Writer, *output.Printer) error) {
	for _, format := range []output.Format{output.Pretty, output.JSON} {
		for _, terminal := range []bool{false, true} {
			name := noun + "." + string(format)
			if terminal {
				name += ".terminal"
			}
			t.Run(name, func(t *testing.T) {
				streams, _, out, _ := iostreams.Test()
				streams.SetTerminal(terminal, terminal, terminal)
				p := output.New(streams, output.Options{Format: format, Explicit: true})
				if err := output.Object(t.Context(), p, value, func(w io.Writer) error { return write(w, p) }); err != nil {
					t.Fatal(err)
				}
				golden(t, name, out.Bytes())
			})
		}
	}
}

func keysOf(t *testing.T, v any) map[string]any {
	t.Helper()
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

// The keys and types of an app in a list are those of its description.
func TestAppDescriptionHasTheKeysOfAnApp(t *testing.T) {
	for _, a := range sdkApps() {
		d := keysOf(t, NewAppDescription(a, nil, nil, nil))
		for key, value := range keysOf(t, NewApp(a)) {
			if !reflect.DeepEqual(d[key], value) {
				t.Errorf("%s is %v, and %v in a list", key, d[key], value)
			}
		}
	}
	whole := slices.Sorted(maps.Keys(keysOf(t, appDescriptions()["whole"])))
	if bare := slices.Sorted(maps.Keys(keysOf(t, appDescriptions()["bare"]))); !slices.Equal(bare, whole) {
		t.Errorf("keys %q of a bare one, %q of a whole one", bare, whole)
	}
}

// AppendJSON is what encoding/json makes of the same struct.
func TestAppAppendJSON(t *testing.T) {
	type plain App // without the methods
	for _, a := range viewApps() {
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(plain(a)); err != nil {
			t.Fatal(err)
		}
		if got := string(a.AppendJSON(nil)) + "\n"; got != want.String() {
			t.Errorf("got  %swant %s", got, want.String())
		}
		var back App
		if err := json.Unmarshal(a.AppendJSON(nil), &back); err != nil || !reflect.DeepEqual(back, a) {
			t.Errorf("%v: got back %+v of %+v", err, back, a)
		}
	}
}

func TestAppChanges(t *testing.T) {
	rows := viewApps()
	moved := rows[1]
	moved.Revision = "rev-2"
	var got []string
	for _, e := range AppChanges(rows[:2], []App{moved, rows[2]}) {
		got = append(got, e.Event+" "+e.App.Alias+" "+e.App.Revision)
	}
	if want := []string{"changed checkout--staging rev-2", "added checkout " + revisionNew, "removed search " + revisionOld}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if again := AppChanges(rows, viewApps()); len(again) > 0 {
		t.Errorf("nothing has changed, and yet %+v", again)
	}
}

func TestAppEventsGolden(t *testing.T) {
	events := AppChanges(nil, viewApps())
	for _, format := range []output.Format{output.JSONL, output.Pretty, output.Wide} {
		name := "app_events." + string(format)
		t.Run(name, func(t *testing.T) { golden(t, name, printed(t, format, false, AppEvents(), events)) })
	}
}

func TestLength(t *testing.T) {
	for seconds, want := range map[int]string{0: "0s", 1: "1s", 90: "1m30s", 3600: "1h", 3661: "1h1m1s", 86400: "1d", 90061: "1d1h1m1s", -5: "-5s", 1<<31 - 1: "24855d3h14m7s"} {
		got := Length(seconds)
		if got != want {
			t.Errorf("Length(%d) = %s, want %s", seconds, got, want)
		}
		if d, err := cli.ParseDuration(got); seconds > 0 && (err != nil || d != time.Duration(seconds)*time.Second) {
			t.Errorf("%s is read back as %s, %v", got, d, err)
		}
	}
}

func TestCreatedAt(t *testing.T) {
	for want, at := range map[string]time.Time{
		"":                                 {},
		"2026-11-21 18:30:00+00:00":        time.Date(2026, 11, 21, 19, 30, 0, 999, time.FixedZone("x", 3600)),
		"2026-01-02 03:04:05.678901+00:00": time.Date(2026, 1, 2, 3, 4, 5, 678901999, time.UTC),
		"2026-01-02 03:04:05.000010+00:00": time.Date(2026, 1, 2, 3, 4, 5, 10_000, time.UTC),
	} {
		if got := createdAt(at); got != want {
			t.Errorf("createdAt(%s) = %q, want %q", at, got, want)
		}
	}
}
