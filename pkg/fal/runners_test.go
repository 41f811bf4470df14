package fal_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newClient is a client of the server, with a deadline far beyond what a busy
// machine needs.
func newClient(t *testing.T, o fal.Options) (context.Context, *fal.Client) {
	t.Helper()
	client, err := fal.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx, client
}

func collect(ctx context.Context, client *fal.Client, params *fal.RunnersListParams) ([]fal.Runner, error) {
	var runners []fal.Runner
	for r, err := range client.Runners.List(ctx, params) {
		if err != nil {
			return runners, err
		}
		runners = append(runners, r)
	}
	return runners, nil
}

// TestRequestsOfTheOfficialClient compares what is sent with what the official
// client sent for the same command.
func TestRequestsOfTheOfficialClient(t *testing.T) {
	data, err := os.ReadFile("testdata/runners.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Argv     []string
		Method   string
		Metadata map[string]string
		Request  map[string]any
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(fmt.Sprint(c.Argv[1:]), func(t *testing.T) {
			server := faltest.New(t)
			ctx, client := newClient(t, server.Options())
			var err error
			id, _ := c.Request["runner_id"].(string)
			switch c.Method {
			case "ListRunners":
				params := &fal.RunnersListParams{}
				if since, ok := c.Request["start_time"].(string); ok {
					if params.Since, err = time.Parse(time.RFC3339Nano, since); err != nil {
						t.Fatal(err)
					}
				}
				_, err = collect(ctx, client, params)
			case "StopRunner":
				replace, _ := c.Request["replace_first"].(bool)
				err = client.Runners.Stop(ctx, id, &fal.RunnersStopParams{ReplaceFirst: replace})
			case "KillRunner":
				err = client.Runners.Kill(ctx, id, nil)
			default:
				t.Fatalf("no test for %s", c.Method)
			}
			if err != nil {
				t.Fatal(err)
			}
			calls := server.Calls()
			if len(calls) != 1 || calls[0].Method != c.Method {
				t.Fatalf("calls %+v, want one of %s", calls, c.Method)
			}
			var got map[string]any
			if err := json.Unmarshal(calls[0].Request, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.Request, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
			for name, value := range c.Metadata {
				if got := calls[0].Get(name); got != value {
					t.Errorf("metadata %s: %q, want %q", name, got, value)
				}
			}
		})
	}
}

func TestListRunners(t *testing.T) {
	server := faltest.New(t)
	countdown := int32(-3)
	server.SetRunners(
		faltest.Runner{
			ID: "a1", Alias: "checkout--staging", Revision: "r1", MachineType: "GPU-H100", State: 8, Replacement: 1,
			Uptime: 90.5, ExpirationCountdown: &countdown, InFlight: 2,
			Metadata: `{"present_in_group": false, "region": "eu", "leases": [
				{"request_id": "q1", "caller_user_id": "u1", "leased_at_epoch": 1700000000.25},
				{"request_id": null, "caller_user_id": "u2", "leased_at_epoch": "1700000001"},
				{"request_id": 17}]}`,
		},
		faltest.Runner{ID: "a2", Alias: "checkout", State: 3},
		faltest.Runner{ID: "a3", Alias: "search", State: 42, Replacement: 9},
	)
	ctx, client := newClient(t, server.Options())
	got, err := collect(ctx, client, nil)
	if err != nil {
		t.Fatal(err)
	}
	left, q1, q3 := -3*time.Second, "q1", "17"
	want := []fal.Runner{
		{
			ID: "a1", Alias: "checkout--staging", Revision: "r1", MachineType: "GPU-H100", State: fal.RunnerIdle, Replacement: fal.RunnerWillReplace,
			Uptime: 90500 * time.Millisecond, ExpirationCountdown: &left, InFlight: 2, Lost: true,
			Leases: []fal.Lease{
				{RequestID: &q1, CallerUserID: "u1", LeasedAt: time.Unix(1700000000, 250_000_000).UTC()},
				{CallerUserID: "u2", LeasedAt: time.Unix(1700000001, 0).UTC()},
				{RequestID: &q3},
			},
		},
		{ID: "a2", Alias: "checkout", State: fal.RunnerTerminated},
		{ID: "a3", Alias: "search", State: 42, Replacement: 9},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("runners (-want +got):\n%s", diff)
	}
	if app, env := got[0].App(), got[0].Environment(); app != "checkout" || env != "staging" {
		t.Errorf("app %q in environment %q, want checkout in staging", app, env)
	}
}

func TestListRunnersFilters(t *testing.T) {
	server := faltest.New(t)
	server.SetRunners(
		faltest.Runner{ID: "main-idle", Alias: "checkout", State: 8},
		faltest.Runner{ID: "main-dead", Alias: "checkout", State: 3},
		faltest.Runner{ID: "main-terminated", Alias: "checkout", State: 7},
		faltest.Runner{ID: "staging-idle", Alias: "checkout--staging", State: 8},
		faltest.Runner{ID: "other", Alias: "search", State: 99},
	)
	for name, c := range map[string]struct {
		environment string
		params      fal.RunnersListParams
		want        []string
	}{
		"state":                  {params: fal.RunnersListParams{States: []fal.RunnerState{fal.RunnerIdle}}, want: []string{"main-idle", "staging-idle"}},
		"terminated":             {params: fal.RunnersListParams{States: []fal.RunnerState{fal.RunnerTerminated}}, want: []string{"main-dead", "main-terminated"}},
		"its old number":         {params: fal.RunnersListParams{States: []fal.RunnerState{3}}, want: []string{"main-dead", "main-terminated"}},
		"unknown number":         {params: fal.RunnersListParams{States: []fal.RunnerState{99, 8}}, want: []string{"main-idle", "staging-idle", "other"}},
		"app":                    {params: fal.RunnersListParams{App: "checkout"}, want: []string{"main-idle", "main-dead", "main-terminated"}},
		"app in main":            {environment: "main", params: fal.RunnersListParams{App: "checkout"}, want: []string{"main-idle", "main-dead", "main-terminated"}},
		"app in staging":         {environment: "staging", params: fal.RunnersListParams{App: "checkout"}, want: []string{"staging-idle"}},
		"alias":                  {params: fal.RunnersListParams{App: "checkout--staging"}, want: []string{"staging-idle"}},
		"alias from elsewhere":   {environment: "dev", params: fal.RunnersListParams{App: "checkout--staging"}, want: []string{"staging-idle"}},
		"app and state":          {params: fal.RunnersListParams{App: "checkout", States: []fal.RunnerState{fal.RunnerIdle}}, want: []string{"main-idle"}},
		"part of a name is none": {params: fal.RunnersListParams{App: "check"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := server.Options()
			o.Environment = c.environment
			ctx, client := newClient(t, o)
			runners, err := collect(ctx, client, &c.params)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range runners {
				got = append(got, r.ID)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("listed %q, want %q", got, c.want)
			}
		})
	}
}

func TestListRunnersCanBeLeftAndRepeated(t *testing.T) {
	server := faltest.New(t)
	server.SetRunners(faltest.Runner{ID: "a"}, faltest.Runner{ID: "b"})
	ctx, client := newClient(t, server.Options())
	list := client.Runners.List(ctx, nil)
	for range 2 {
		for r, err := range list {
			if err != nil || r.ID != "a" {
				t.Fatalf("first runner %q, %v", r.ID, err)
			}
			break
		}
	}
	if n := len(server.Calls("ListRunners")); n != 2 {
		t.Errorf("%d calls for two ranges, want 2", n)
	}
}

func TestListNoRunners(t *testing.T) {
	ctx, client := newClient(t, faltest.New(t).Options())
	runners, err := collect(ctx, client, nil)
	if err != nil || len(runners) != 0 {
		t.Errorf("listed %v, %v; want nothing", runners, err)
	}
}

func TestStopAndKill(t *testing.T) {
	server := faltest.New(t)
	server.SetRunners(faltest.Runner{ID: "a", State: 8}, faltest.Runner{ID: "b"})
	ctx, client := newClient(t, server.Options())
	if err := client.Runners.Stop(ctx, "a", nil); err != nil {
		t.Fatal(err)
	}
	if err := client.Runners.Kill(ctx, "b", nil); err != nil {
		t.Fatal(err)
	}
	for _, r := range server.Runners() {
		if r.State != 7 {
			t.Errorf("runner %s is in state %d, want 7", r.ID, r.State)
		}
	}
	if got := string(server.Calls("StopRunner")[0].Request); got != `{"runner_id":"a"}` {
		t.Errorf("request %s", got)
	}
	err := client.Runners.Kill(ctx, "c", nil)
	var failed *fal.Error
	if !errors.Is(err, fal.ErrNotFound) || !errors.As(err, &failed) || failed.Message != "runner c not found" || failed.Method != "KillRunner" {
		t.Errorf("kill of an unknown runner: %#v", err)
	}
}

func TestInvalidArgumentsAreNotSent(t *testing.T) {
	server := faltest.New(t)
	ctx, client := newClient(t, server.Options())
	_, listErr := collect(ctx, client, &fal.RunnersListParams{Since: time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)})
	for name, err := range map[string]error{
		"stop of no id":  client.Runners.Stop(ctx, "", nil),
		"kill of no id":  client.Runners.Kill(ctx, "", nil),
		"since far away": listErr,
	} {
		if !errors.Is(err, fal.ErrInvalidArgument) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if calls := server.Calls(); len(calls) != 0 {
		t.Errorf("sent %v", calls)
	}
}

func TestRunnerStateSaysWhatARunnerDoes(t *testing.T) {
	for name, want := range map[string][2]bool{ // takes requests, is on its way out
		"pending": {}, "docker_pull": {}, "setup": {}, "crash_backoff": {},
		"running": {true, false}, "idle": {true, false},
		"draining": {false, true}, "terminating": {false, true}, "terminated": {false, true},
	} {
		state, err := fal.ParseRunnerState(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]bool{state.Serves(), state.Leaving()}; got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}
