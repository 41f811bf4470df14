package fal_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

func all[T any](t *testing.T, rows iter.Seq2[T, error]) []T {
	t.Helper()
	var list []T
	for row, err := range rows {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, row)
	}
	return list
}

// oddSettings are all different, so that none can be taken for another.
func oddSettings() (faltest.Settings, fal.AppSettings) {
	buffer, perc, delay, request, startup := int32(5), int32(6), int32(7), int32(8), int32(9)
	return faltest.Settings{
			KeepAlive: 1, MinConcurrency: 2, MaxConcurrency: 3, MaxMultiplexing: 4,
			ConcurrencyBuffer: &buffer, ConcurrencyBufferPerc: &perc, ScalingDelay: &delay, RequestTimeout: &request, StartupTimeout: &startup,
			MachineTypes: []string{"GPU-H100", "XS"}, Regions: []string{"us-east"},
		}, fal.AppSettings{
			KeepAlive: time.Second, MinConcurrency: 2, MaxConcurrency: 3, MaxMultiplexing: 4,
			ConcurrencyBuffer: 5, ConcurrencyBufferPerc: 6, ScalingDelay: 7 * time.Second, RequestTimeout: 8 * time.Second, StartupTimeout: 9 * time.Second,
			MachineTypes: []string{"GPU-H100", "XS"}, Regions: []string{"us-east"},
		}
}

func TestListApps(t *testing.T) {
	wire, settings := oddSettings()
	server := faltest.New(t)
	server.SetApps(
		faltest.App{Alias: "search", Revision: "r2", AuthMode: 42},
		faltest.App{Alias: "checkout", Revision: "r1", AuthMode: 2, Settings: wire, ActiveRunners: 10, Rolling: true},
		faltest.App{Alias: "checkout--staging", Revision: "r3", AuthMode: 1, Environment: "staging"},
	)
	ctx, client := newClient(t, server.Options())
	want := []fal.AppInfo{
		{Alias: "search", Revision: "r2", AuthMode: 42},
		{Alias: "checkout", Revision: "r1", AuthMode: fal.AuthShared, AppSettings: settings, ActiveRunners: 10, Rolling: true},
	}
	if diff := cmp.Diff(want, all(t, client.Apps.List(ctx, nil))); diff != "" {
		t.Errorf("apps (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[1:], all(t, client.Apps.List(ctx, &fal.AppsListParams{Filter: "eck"}))); diff != "" {
		t.Errorf("filtered (-want +got):\n%s", diff)
	}
	if got := all(t, client.Apps.List(ctx, &fal.AppsListParams{Filter: "ECK"})); len(got) != 0 {
		t.Errorf("filtered by another case: %v", got)
	}
	o := server.Options()
	o.Environment = "staging"
	ctx, client = newClient(t, o)
	staging := all(t, client.Apps.List(ctx, nil))
	if len(staging) != 1 || staging[0].Environment != "staging" || staging[0].Name() != "checkout" || staging[0].AuthMode != fal.AuthPublic {
		t.Errorf("apps in staging: %+v", staging)
	}
	for app := range client.Apps.List(ctx, nil) {
		if app.Revision != "r3" {
			t.Errorf("listed %+v", app)
		}
		break // a list can be left
	}
}

// What cannot be read ends a list behind what could, and is no app.
func TestUnreadableApps(t *testing.T) {
	server := faltest.New(t)
	broken := []byte("\x0a\x03\x0a\x01a\x0a\x03\x0a\x05a") // the second one is cut off
	server.Script("ListAliases", faltest.Broken(broken))
	server.Script("UpdateApplication", faltest.Broken(broken[5:]))
	ctx, client := newClient(t, server.Options())
	var aliases []string
	var last error
	for app, err := range client.Apps.List(ctx, nil) {
		if last = err; err == nil {
			aliases = append(aliases, app.Alias)
		}
	}
	if !slices.Equal(aliases, []string{"a"}) || !errors.Is(last, fal.ErrInternal) || asError(t, last).Method != "ListAliases" {
		t.Errorf("listed %q, %v", aliases, last)
	}
	if app, err := client.Apps.Scale(ctx, "a", nil); !errors.Is(err, fal.ErrInternal) || app.Alias != "" {
		t.Errorf("scaled %+v, %v", app, err)
	}
}

// An answer without the app is none.
func TestNoAppInTheAnswer(t *testing.T) {
	server := faltest.New(t)
	for _, method := range []string{"UpdateApplication", "SetAlias"} {
		server.Script(method, faltest.Reply(), faltest.Reply(`{"alias_info": {}}`))
	}
	ctx, client := newClient(t, server.Options())
	for range 2 {
		_, scaleErr := client.Apps.Scale(ctx, "a", nil)
		_, setErr := client.Apps.SetRevision(ctx, "a", "r", nil)
		for method, err := range map[string]error{"UpdateApplication": scaleErr, "SetAlias": setErr} {
			if e := asError(t, err); e.Code != fal.CodeInternal || e.Method != method || e.Message != "the answer holds no app" {
				t.Errorf("got %v", err)
			}
		}
	}
}

func TestAppRunners(t *testing.T) {
	server := faltest.New(t)
	server.SetRunners(
		faltest.Runner{ID: "a1", Alias: "checkout--staging", State: 8, Metadata: `{"present_in_group": false}`},
		faltest.Runner{ID: "a2", Alias: "checkout--staging", State: 3},
		faltest.Runner{ID: "a3", Alias: "checkout--staging", State: 77},
		faltest.Runner{ID: "a4", Alias: "checkout", State: 8},
	)
	o := server.Options()
	o.Environment = "staging"
	ctx, client := newClient(t, o)
	want := []fal.Runner{
		{ID: "a1", Alias: "checkout--staging", State: fal.RunnerIdle, Lost: true},
		{ID: "a2", Alias: "checkout--staging", State: fal.RunnerTerminated},
		{ID: "a3", Alias: "checkout--staging", State: 77},
	}
	if diff := cmp.Diff(want, all(t, client.Apps.Runners(ctx, "checkout", nil))); diff != "" {
		t.Errorf("runners (-want +got):\n%s", diff)
	}
	params := &fal.AppsRunnersParams{Since: time.Unix(1700000000, 0), States: []fal.RunnerState{fal.RunnerTerminated, 77}}
	if diff := cmp.Diff(want[1:], all(t, client.Apps.Runners(ctx, "checkout--staging", params))); diff != "" {
		t.Errorf("runners by state (-want +got):\n%s", diff)
	}
	const request = `{"alias":"checkout--staging","environment_name":"staging","list_pending":true,"start_time":"2023-11-14T22:13:20Z"}`
	if got := string(server.Calls()[1].Request); got != request {
		t.Errorf("request %s", got)
	}
	for _, err := range client.Apps.Runners(ctx, "", nil) {
		if !errors.Is(err, fal.ErrInvalidArgument) {
			t.Errorf("runners of no app: %v", err)
		}
	}
}

func TestRevisions(t *testing.T) {
	wire, settings := oddSettings()
	created := time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC)
	server := faltest.New(t)
	server.SetRevisions(
		faltest.Revision{ID: "r1", App: "checkout", CreatedAt: created, Settings: wire, ActiveRunners: 10},
		faltest.Revision{ID: "r2", App: "search"},
		faltest.Revision{ID: "r3", App: "checkout--staging", Environment: "staging"},
	)
	ctx, client := newClient(t, server.Options())
	want := []fal.Revision{{ID: "r1", CreatedAt: created, AppSettings: settings, ActiveRunners: 10}, {ID: "r2"}}
	if diff := cmp.Diff(want, all(t, client.Apps.Revisions(ctx, nil))); diff != "" {
		t.Errorf("revisions (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[1:], all(t, client.Apps.Revisions(ctx, &fal.AppsRevisionsParams{App: "search"}))); diff != "" {
		t.Errorf("revisions of an app (-want +got):\n%s", diff)
	}
	o := server.Options()
	o.Environment = "staging"
	ctx, client = newClient(t, o)
	want = []fal.Revision{{ID: "r3", Environment: "staging"}}
	if diff := cmp.Diff(want, all(t, client.Apps.Revisions(ctx, &fal.AppsRevisionsParams{App: "checkout"}))); diff != "" {
		t.Errorf("revisions in staging (-want +got):\n%s", diff)
	}
	if err := client.Apps.DeleteRevision(ctx, "r3", nil); err != nil {
		t.Fatal(err)
	}
	if err := client.Apps.DeleteRevision(ctx, "r3", nil); !errors.Is(err, fal.ErrNotFound) || asError(t, err).Method != "DeleteApplication" {
		t.Errorf("second delete: %v", err)
	}
}

// A time that is none does not break the list.
func TestTimesOfTheService(t *testing.T) {
	server := faltest.New(t)
	// created_at (13) with -1 nanoseconds, which JSON could not say
	broken := []byte{10, 17, 10, 2, 'r', '1', 106, 11, 16, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}
	server.Script("ListApplications", faltest.Broken(broken))
	ctx, client := newClient(t, server.Options())
	if diff := cmp.Diff([]fal.Revision{{ID: "r1"}}, all(t, client.Apps.Revisions(ctx, nil))); diff != "" {
		t.Error(diff)
	}
}

func TestChangesOfApps(t *testing.T) {
	wire, settings := oddSettings()
	server := faltest.New(t)
	server.SetApps(faltest.App{Alias: "checkout", Revision: "r1", AuthMode: 1, Settings: wire})
	server.SetRevisions(faltest.Revision{ID: "r1"}, faltest.Revision{ID: "r2"})
	ctx, client := newClient(t, server.Options())

	var none time.Duration
	settings.KeepAlive, settings.Regions = none, []string{"eu-west"}
	want := fal.AppInfo{Alias: "checkout", Revision: "r1", AuthMode: fal.AuthPublic, AppSettings: settings}
	got, err := client.Apps.Scale(ctx, "checkout", &fal.AppsScaleParams{KeepAlive: &none, Regions: []string{"eu-west"}})
	if err != nil || !cmp.Equal(want, got) {
		t.Errorf("scale: %v\n%s", err, cmp.Diff(want, got))
	}
	shared := fal.AuthShared
	want.Revision, want.AuthMode = "r2", shared
	got, err = client.Apps.SetRevision(ctx, "checkout", "r2", &fal.AppsSetRevisionParams{AuthMode: &shared})
	if err != nil || !cmp.Equal(want, got) {
		t.Errorf("set revision: %v\n%s", err, cmp.Diff(want, got))
	}
	if got, err = client.Apps.SetRevision(ctx, "new", "r1", nil); err != nil || got.Alias != "new" || got.Revision != "r1" {
		t.Errorf("set revision of a new name: %+v, %v", got, err)
	}
	if err := client.Apps.Rollout(ctx, "checkout", nil); err != nil {
		t.Errorf("rollout: %v", err)
	}
	if got := string(server.Calls("RolloutApplication")[0].Request); got != `{"application_name":"checkout","force":false}` {
		t.Errorf("rollout sends %s", got)
	}
	if revision, err := client.Apps.Delete(ctx, "checkout", nil); err != nil || revision != "r2" {
		t.Errorf("delete: %q, %v", revision, err)
	}
	_, deleteErr := client.Apps.Delete(ctx, "checkout", nil)
	_, scaleErr := client.Apps.Scale(ctx, "checkout", nil)
	_, setErr := client.Apps.SetRevision(ctx, "new", "r9", nil)
	for name, err := range map[string]error{
		"delete": deleteErr, "scale": scaleErr, "set revision": setErr, "rollout": client.Apps.Rollout(ctx, "checkout", nil),
	} {
		if !errors.Is(err, fal.ErrNotFound) {
			t.Errorf("%s of what is not there: %v", name, err)
		}
	}
}

func TestAppGPUs(t *testing.T) {
	const metrics = `{"apps": {
		"acme/checkout": {"gpu_count_by_type": {"GPU-H100": 2, "XS": 1}},
		"acme/checkout--staging": {"gpu_count_by_type": {"GPU-A100": 1}},
		"acme/search": {"gpu_count_by_type": {"GPU-L40": 3}},
		"other/search": {"gpu_count_by_type": {"GPU-L40": 4}},
		"alone": {"gpu_count_by_type": null}}}`
	for name, c := range map[string]struct {
		environment, app string
		want             fal.AppGPUUsage
		err              string
	}{
		"by name":           {"", "checkout", fal.AppGPUUsage{Name: "acme/checkout", ByType: map[string]int{"GPU-H100": 2, "XS": 1}}, ""},
		"in an environment": {"staging", "checkout", fal.AppGPUUsage{Name: "acme/checkout--staging", ByType: map[string]int{"GPU-A100": 1}}, ""},
		"with its suffix":   {"staging", "checkout--staging", fal.AppGPUUsage{Name: "acme/checkout--staging", ByType: map[string]int{"GPU-A100": 1}}, ""},
		"with its owner":    {"", "other/search", fal.AppGPUUsage{Name: "other/search", ByType: map[string]int{"GPU-L40": 4}}, ""},
		"owner and suffix":  {"staging", "acme/checkout", fal.AppGPUUsage{Name: "acme/checkout--staging", ByType: map[string]int{"GPU-A100": 1}}, ""},
		"without an owner":  {"", "alone", fal.AppGPUUsage{Name: "alone"}, ""},
		"of two owners":     {"", "search", fal.AppGPUUsage{}, "GET /applications/metrics: search may be acme/search or other/search"},
		"part of a name":    {"", "heckout", fal.AppGPUUsage{}, ""},
		"no name":           {"", "", fal.AppGPUUsage{}, "GET /applications/metrics: the app's name is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			server := faltest.New(t)
			server.HandleREST("GET /applications/metrics", answer(200, metrics))
			o := server.Options()
			o.Environment = c.environment
			ctx, client := newClient(t, o)
			got, err := client.Apps.GPUs(ctx, c.app, nil)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if c.err == "" && err != nil || c.err != "" && (!errors.Is(err, fal.ErrInvalidArgument) || err.Error() != c.err) {
				t.Errorf("error %v, want %q", err, c.err)
			}
		})
	}
}

// TestWhatMayBeRepeated: reading and setting something to a value is tried
// again when the service is unavailable; what does another thing the second
// time, or may undo what somebody else did, reaches it once.
func TestWhatMayBeRepeated(t *testing.T) {
	calls := map[string]struct {
		method     string
		call       func(context.Context, *fal.Client) error
		repeatable bool
	}{
		"Apps.List":      {"ListAliases", func(ctx context.Context, c *fal.Client) error { return drain(c.Apps.List(ctx, nil)) }, true},
		"Apps.Runners":   {"ListAliasRunners", func(ctx context.Context, c *fal.Client) error { return drain(c.Apps.Runners(ctx, "a", nil)) }, true},
		"Apps.Revisions": {"ListApplications", func(ctx context.Context, c *fal.Client) error { return drain(c.Apps.Revisions(ctx, nil)) }, true},
		"Apps.Scale":     {"UpdateApplication", func(ctx context.Context, c *fal.Client) error { _, err := c.Apps.Scale(ctx, "a", nil); return err }, true},
		"Apps.SetRevision": {"SetAlias", func(ctx context.Context, c *fal.Client) error {
			_, err := c.Apps.SetRevision(ctx, "a", "r", nil)
			return err
		}, false},
		"Apps.Rollout":        {"RolloutApplication", func(ctx context.Context, c *fal.Client) error { return c.Apps.Rollout(ctx, "a", nil) }, false},
		"Apps.Delete":         {"DeleteAlias", func(ctx context.Context, c *fal.Client) error { _, err := c.Apps.Delete(ctx, "a", nil); return err }, false},
		"Apps.DeleteRevision": {"DeleteApplication", func(ctx context.Context, c *fal.Client) error { return c.Apps.DeleteRevision(ctx, "r", nil) }, false},
		"Keys.List":           {"ListUserKeys", func(ctx context.Context, c *fal.Client) error { return drain(c.Keys.List(ctx, nil)) }, true},
		"Keys.Create": {"CreateUserKey", func(ctx context.Context, c *fal.Client) error {
			_, err := c.Keys.Create(ctx, fal.KeyScopeAPI, nil)
			return err
		}, false},
		"Keys.Revoke":       {"RevokeUserKey", func(ctx context.Context, c *fal.Client) error { return c.Keys.Revoke(ctx, "k", nil) }, false},
		"Secrets.List":      {"ListSecrets", func(ctx context.Context, c *fal.Client) error { return drain(c.Secrets.List(ctx, nil)) }, true},
		"Secrets.Set":       {"SetSecret", func(ctx context.Context, c *fal.Client) error { return c.Secrets.Set(ctx, "A", "v", nil) }, true},
		"Secrets.Unset":     {"SetSecret", func(ctx context.Context, c *fal.Client) error { return c.Secrets.Unset(ctx, "A", nil) }, false},
		"Environments.List": {"ListEnvironments", func(ctx context.Context, c *fal.Client) error { return drain(c.Environments.List(ctx, nil)) }, true},
		"Environments.Create": {"CreateEnvironment", func(ctx context.Context, c *fal.Client) error {
			_, err := c.Environments.Create(ctx, "e", nil)
			return err
		}, false},
		"Environments.Delete": {"DeleteEnvironment", func(ctx context.Context, c *fal.Client) error { return c.Environments.Delete(ctx, "e", nil) }, false},
	}
	for name, c := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := faltest.New(t)
			server.SetKeys()
			server.Handle("UpdateApplication", func(faltest.Call) faltest.Answer { return faltest.Reply(`{"alias_info": {"alias": "a"}}`) })
			unavailable := faltest.Fail(fal.CodeUnavailable, "restarting")
			server.Script(c.method, unavailable, faltest.Drop())
			ctx, client := newClient(t, server.Options())
			err := c.call(ctx, client)
			n := len(server.Calls(c.method))
			if c.repeatable && (err != nil || n != 3) {
				t.Errorf("%v after %d calls, want success after 3", err, n)
			}
			if !c.repeatable && (!errors.Is(err, fal.ErrUnavailable) || n != 1) {
				t.Errorf("%v after %d calls, want the first error alone", err, n)
			}
		})
	}
}

func TestModesAndStrategies(t *testing.T) {
	for name, want := range map[string]fal.AuthMode{"private": fal.AuthPrivate, "PUBLIC": fal.AuthPublic, "Shared": fal.AuthShared} {
		if got, err := fal.ParseAuthMode(name); got != want || err != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	for name, want := range map[string]fal.DeploymentStrategy{"recreate": fal.StrategyRecreate, "Rolling": fal.StrategyRolling} {
		if got, err := fal.ParseDeploymentStrategy(name); got != want || err != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	_, modeErr := fal.ParseAuthMode("secret")
	_, strategyErr := fal.ParseDeploymentStrategy("")
	for want, err := range map[string]error{
		`unknown auth mode "secret": want one of private, public, shared`: modeErr,
		`unknown deployment strategy "": want one of recreate, rolling`:   strategyErr,
	} {
		if !errors.Is(err, fal.ErrInvalidArgument) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if got := fal.AuthMode(-7).String() + " " + fal.DeploymentStrategy(2).String(); got != "unknown(-7) unknown(2)" {
		t.Errorf("unknown numbers read %s", got)
	}
}
