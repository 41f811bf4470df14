package apps

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fal-plugins/fal/pkg/fal/faltest"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/signaltest"
)

func TestMain(m *testing.M) {
	signaltest.Heed()
	goleak.VerifyTestMain(m)
}

func TestTryEverything(t *testing.T) { cli.TryEverything(t, App) }

// Ids of the sample revisions and runners.
const (
	revNew     = "66666666-0000-4000-8000-000000000001"
	revOld     = "55555555-0000-4000-8000-000000000002"
	revStaging = "44444444-0000-4000-8000-000000000003"
	revSearch  = "33333333-0000-4000-8000-000000000004"
	runnerA    = "4f2a91c0-0000-4000-8000-000000000001"
	runnerB    = "4f2b1207-0000-4000-8000-000000000002"
)

func sampleSettings() faltest.Settings {
	return faltest.Settings{KeepAlive: 10, MinConcurrency: 0, MaxConcurrency: 2, MaxMultiplexing: 1, MachineTypes: []string{"GPU-H100"},
		RequestTimeout: new(int32(3600)), StartupTimeout: new(int32(600))}
}

func sampleApps() []faltest.App {
	large := sampleSettings()
	large.MinConcurrency, large.MaxConcurrency, large.Regions = 1, 8, []string{"us-east", "eu-west"}
	bare := faltest.Settings{KeepAlive: 10, MaxConcurrency: 2, MaxMultiplexing: 1, MachineTypes: []string{"XS", "S"}}
	return []faltest.App{
		{Alias: "search", Revision: revSearch, AuthMode: 1, Settings: bare},
		{Alias: "checkout", Revision: revNew, AuthMode: 0, Settings: large, ActiveRunners: 2},
		{Alias: "checkout--staging", Revision: revStaging, AuthMode: 2, Settings: sampleSettings(), ActiveRunners: 1, Environment: "staging", Rolling: true},
		{Alias: "sd\x1b[31mxl", Revision: revSearch, AuthMode: 9, Settings: bare},
	}
}

func sampleRevisions() []faltest.Revision {
	at := func(day int) time.Time { return time.Date(2026, 11, day, 9, 12, 0, 123_456_000, time.UTC) }
	return []faltest.Revision{
		{ID: revOld, App: "checkout", CreatedAt: at(20), Settings: sampleSettings()},
		{ID: revNew, App: "checkout", CreatedAt: at(21), Settings: sampleSettings(), ActiveRunners: 2},
		{ID: revStaging, App: "checkout--staging", CreatedAt: at(19), Settings: sampleSettings(), ActiveRunners: 1, Environment: "staging"},
		{ID: revSearch, App: "search", CreatedAt: at(18), Settings: sampleSettings()},
	}
}

func sampleRunners() []faltest.Runner {
	return []faltest.Runner{
		{ID: runnerA, Alias: "checkout", Revision: revNew, MachineType: "GPU-H100", State: 0, Uptime: 7980, InFlight: 1},
		{ID: runnerB, Alias: "checkout", Revision: revNew, MachineType: "GPU-H100", State: 8, Uptime: 41},
	}
}

// term is a command at a terminal, or in pipes, against a recording server.
type term struct {
	t      *testing.T
	server *faltest.Server
	env    map[string]string
	stdin  string
	tty    bool
	quiet  bool // stderr is no terminal all the same
	width  int
	now    time.Time
}

type result struct {
	code     int
	out, err string
}

func newTerm(t *testing.T) *term {
	server := faltest.New(t)
	server.SetApps(sampleApps()...)
	server.SetRevisions(sampleRevisions()...)
	server.SetRunners(sampleRunners()...)
	return &term{t: t, server: server, now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), env: map[string]string{
		"FAL_KEY": "testid:testsecret", "FAL_GRPC_HOST": server.Host(), "FAL_REST_HOST": server.Host(), "FAL_CONFIG_PATH": t.TempDir() + "/config.toml",
	}}
}

func (tm *term) run(argv ...string) result {
	tm.t.Helper()
	return tm.runContext(tm.t.Context(), argv...)
}

func (tm *term) runContext(ctx context.Context, argv ...string) result {
	tm.t.Helper()
	streams, in, out, errout := iostreams.Test()
	in.WriteString(tm.stdin)
	getenv := func(name string) string { return tm.env[name] }
	streams.SetEnv(getenv)
	streams.SetTerminal(tm.tty, tm.tty, tm.tty && !tm.quiet)
	if tm.width > 0 {
		streams.SetWidth(tm.width)
	}
	streams.SetColor(iostreams.ColorNever)
	d := dependencies{connect: session.Open, now: func() time.Time { return tm.now }, poll: time.Millisecond}
	code := cli.Run(ctx, app(d), cli.Process{Args: argv, Streams: streams, Getenv: getenv})
	return result{code, out.String(), errout.String()}
}

// want is exactly out on stdout, and errout somewhere on stderr, which is
// empty for "".
func (tm *term) want(r result, code int, out, errout string) {
	tm.t.Helper()
	if r.code != code {
		tm.t.Errorf("exit %d, want %d\nstdout %s\nstderr %s", r.code, code, r.out, r.err)
	}
	if r.out != out {
		tm.t.Errorf("stdout\n%swant\n%s", r.out, out)
	}
	if errout == "" && r.err != "" || !strings.Contains(r.err, errout) {
		tm.t.Errorf("stderr %q, want %q", r.err, errout)
	}
}

// requests are the calls that the server got, one a line.
func (tm *term) requests(methods ...string) []string {
	var lines []string
	for _, c := range tm.server.Calls(methods...) {
		var compact bytes.Buffer
		if err := json.Compact(&compact, c.Request); err != nil {
			tm.t.Fatal(err)
		}
		lines = append(lines, c.Method+" "+compact.String())
	}
	return lines
}

// object decodes the one JSON document of a result.
func (tm *term) object(r result) map[string]any {
	tm.t.Helper()
	var got map[string]any
	if err := json.Unmarshal([]byte(r.out), &got); err != nil || r.code != 0 {
		tm.t.Fatalf("%v: %+v", err, r)
	}
	return got
}
