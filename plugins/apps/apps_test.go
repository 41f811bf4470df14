package apps

import (
	"encoding/json"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fal-plugins/fal/pkg/fal/faltest"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/signaltest"
	"github.com/fal-plugins/fal/plugins/internal/termtest"
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

// term is where the program is run, with the sample apps.
type term struct{ *termtest.Term }

type result = termtest.Result

func newTerm(t *testing.T) *term {
	server := faltest.New(t)
	server.SetApps(sampleApps()...)
	server.SetRevisions(sampleRevisions()...)
	server.SetRunners(sampleRunners()...)
	return &term{termtest.New(t, server, func(now func() time.Time) *cli.App {
		return app(dependencies{connect: session.Open, now: now, poll: time.Millisecond})
	})}
}

// object decodes the one JSON document of a result.
func (tm *term) object(r result) map[string]any {
	tm.T.Helper()
	var got map[string]any
	if err := json.Unmarshal([]byte(r.Out), &got); err != nil || r.Code != 0 {
		tm.T.Fatalf("%v: %+v", err, r)
	}
	return got
}
