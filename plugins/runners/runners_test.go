package runners

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fal-plugins/fal/pkg/fal/faltest"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/signaltest"
	"github.com/fal-plugins/fal/plugins/internal/termtest"
)

func TestMain(m *testing.M) {
	signaltest.Heed()
	goleak.VerifyTestMain(m)
}

// Ids of the sample runners; two begin alike.
const (
	idA = "4f2a91c0-0000-4000-8000-000000000001"
	idB = "4f2b1207-0000-4000-8000-000000000002"
	idC = "9c1d07aa-0000-4000-8000-000000000003"
	idD = "d0000000-0000-4000-8000-000000000004"
)

func sampleRunners() []faltest.Runner {
	countdown := int32(30)
	return []faltest.Runner{
		{ID: idC, Alias: "checkout", Revision: "rev-1", MachineType: "GPU-H100", State: 8, Uptime: 41, ExpirationCountdown: &countdown},
		{ID: idA, Alias: "checkout", Revision: "rev-1", MachineType: "GPU-H100", State: 0, Uptime: 7980.6, InFlight: 1,
			Metadata: `{"present_in_group": true, "leases": [{"request_id": "req-1", "caller_user_id": "u1", "leased_at_epoch": 1790000000}]}`},
		{ID: idB, Alias: "checkout--staging", Revision: "rev-2", MachineType: "M", State: 0, Uptime: 61, Replacement: 1, Metadata: `{"present_in_group": false}`},
		{ID: idD, Alias: "sd\x1b[31mxl", Revision: "rev-3", MachineType: "XS", State: 42},
	}
}

// term is where the program is run, with the sample runners.
type term struct{ *termtest.Term }

func newTerm(t *testing.T) *term {
	server := faltest.New(t)
	server.SetRunners(sampleRunners()...)
	return &term{termtest.New(t, server, func(now func() time.Time) *cli.App {
		return app(dependencies{connect: session.Open, now: now, poll: time.Millisecond})
	})}
}

func TestTryEverything(t *testing.T) { cli.TryEverything(t, App) }

func TestListJSONContract(t *testing.T) {
	tm := newTerm(t)
	r := tm.Run("list")
	var got struct {
		Runners []map[string]any `json:"runners"`
	}
	dec := json.NewDecoder(strings.NewReader(r.Out))
	if err := dec.Decode(&got); err != nil || r.Code != 0 {
		t.Fatalf("%v: %+v", err, r)
	}
	if strings.Count(r.Out, "\n") != 1 || r.Err != "" {
		t.Errorf("want one line and a quiet stderr: %+v", r)
	}
	keys := []string{"alias", "expiration_countdown", "in_flight_requests", "leases", "lost", "machine_type", "replacement", "revision", "runner_id", "state", "uptime_seconds"}
	var ids []string
	for _, row := range got.Runners {
		if have := slices.Sorted(maps.Keys(row)); !slices.Equal(have, keys) {
			t.Errorf("keys %q, want %q", have, keys)
		}
		ids = append(ids, row["runner_id"].(string))
	}
	// By app, then the oldest first.
	if want := []string{idA, idC, idB, idD}; !slices.Equal(ids, want) {
		t.Errorf("order %q, want %q", ids, want)
	}
	a, c, b, d := got.Runners[0], got.Runners[1], got.Runners[2], got.Runners[3]
	for _, check := range []struct{ got, want any }{
		{a["uptime_seconds"], 7980.0}, {a["expiration_countdown"], nil}, {a["in_flight_requests"], 1.0}, {a["state"], "RUNNING"},
		{c["expiration_countdown"], 30.0}, {c["lost"], false}, {c["replacement"], "NO_REPLACE"},
		{b["alias"], "checkout--staging"}, {b["lost"], true}, {b["replacement"], "WILL_REPLACE"},
		{d["state"], "UNKNOWN(42)"}, {d["alias"], "sd\x1b[31mxl"},
		{a["leases"].([]any)[0].(map[string]any)["request_id"], "req-1"},
		{a["leases"].([]any)[0].(map[string]any)["leased_at"], "2026-09-21T14:13:20Z"},
	} {
		if check.got != check.want {
			t.Errorf("got %v, want %v", check.got, check.want)
		}
	}
}

func TestListTable(t *testing.T) {
	tm := newTerm(t)
	tm.TTY, tm.Width = true, 200
	want := "" +
		"RUNNER                                APP           ENV      STATE                           AGE    IN FLIGHT  MACHINE   REVISION\n" +
		idA + "  checkout               RUNNING                         2h13m          1  GPU-H100  rev-1\n" +
		"  request req-1 from u1 since 2026-09-21T14:13:20Z\n" +
		idC + "  checkout               IDLE                            41s            0  GPU-H100  rev-1\n" +
		idB + "  checkout      staging  RUNNING, lost, to be replaced  1m1s           0  M         rev-2\n" +
		idD + "  sd\\x1b[31mxl           UNKNOWN(42)                     0s             0  XS        rev-3\n"
	r := tm.Run("list")
	if strings.Join(strings.Fields(r.Out), " ") != strings.Join(strings.Fields(want), " ") {
		t.Errorf("table\n%swant\n%s", r.Out, want)
	}
	if !strings.Contains(r.Err, "4 runners: 2 running, 1 idle, 1 unknown(42)\n") {
		t.Errorf("stderr %q", r.Err)
	}
	// On a narrow terminal ids stay whole and lines stay short.
	tm.Width = 100
	for line := range strings.Lines(tm.Run("list").Out) {
		if len(line) > 101 {
			t.Errorf("line too long: %q", line)
		}
	}
	if !strings.Contains(tm.Run("list").Out, idB) {
		t.Error("an id was cut")
	}
}

func TestListFilters(t *testing.T) {
	tests := []struct {
		argv string
		want []string
	}{
		{"list -o name", []string{idA, idC, idB, idD}},
		{"list -o name --state idle", []string{idC}},
		{"list -o name --state IDLE running", []string{idA, idC, idB}},
		{"list -o name --state idle,running", []string{idA, idC, idB}},
		{"list -o name --state all", []string{idA, idC, idB, idD}},
		{"list -o name --app checkout", []string{idA, idC}},
		{"list -o name --app checkout checkout--staging", []string{idA, idC, idB}},
		{"list -o name --app checkout--staging", []string{idB}},
		{"list -o name --app nonesuch", nil},
		{"list -o name --sort age", []string{idD, idC, idB, idA}},
		{"list -o name --sort age:desc", []string{idA, idB, idC, idD}},
		{"list -o name --sort id", []string{idA, idB, idC, idD}},
		{"--state idle list -o name", []string{idC}},
		{"list --jq .runners[0].runner_id", []string{idA}},
		{"list --arg s IDLE --jq .runners[]|select(.state==$s).runner_id", []string{idC}},
		{"list -o jsonl --jq .runner_id", []string{idA, idC, idB, idD}},
	}
	tm := newTerm(t)
	for _, tt := range tests {
		r := tm.Run(strings.Fields(tt.argv)...)
		if got := strings.Fields(r.Out); r.Code != 0 || !slices.Equal(got, tt.want) {
			t.Errorf("%s: exit %d, %q, want %q\n%s", tt.argv, r.Code, got, tt.want, r.Err)
		}
	}
}

func TestListNothing(t *testing.T) {
	tm := newTerm(t)
	tm.Server.SetRunners()
	tm.Want(tm.Run("list"), 0, "{\"runners\":[]}\n", "no runners")
	tm.TTY = true
	tm.Want(tm.Run("list"), 0, "", "no runners")
}

// What the official client sends, field by field.
func TestListRequest(t *testing.T) {
	tm := newTerm(t)
	tm.Run("list")
	tm.Run("list", "--state", "idle", "--app", "x", "--sort", "age")
	tm.Run("list", "--since", "1h")
	tm.Run("list", "--since", "2026-11-21T10:00:00+01:00")
	want := []string{
		`ListRunners {"list_pending":true}`,
		`ListRunners {"list_pending":true}`,
		`ListRunners {"list_pending":true,"start_time":"2026-11-21T11:00:00Z"}`,
		`ListRunners {"list_pending":true,"start_time":"2026-11-21T09:00:00Z"}`,
	}
	if got := tm.Requests(); !slices.Equal(got, want) {
		t.Errorf("requests %q, want %q", got, want)
	}
	if c := tm.Server.Calls()[0]; c.Get("auth-key-id") != "testid" || c.Get("auth-key") != "testsecret" {
		t.Errorf("metadata %v", c.Metadata)
	}
}

// A relative time is the same instant in every time zone.
func TestSinceIsAnInstant(t *testing.T) {
	for _, zone := range []*time.Location{time.UTC, time.FixedZone("Tokyo", 9*3600), time.FixedZone("New York", -5*3600)} {
		tm := newTerm(t)
		tm.Now = tm.Now.In(zone)
		tm.Run("list", "--since", "1h")
		if got := tm.Requests(); len(got) != 1 || !strings.Contains(got[0], `"start_time":"2026-11-21T11:00:00Z"`) {
			t.Errorf("%s: %q", zone, got)
		}
	}
}

func TestListRefuses(t *testing.T) {
	tests := []struct {
		name string
		argv []string
		code int
		err  string
	}{
		{"unknown state", []string{"list", "--state", "runing"}, 2, "did you mean running?"},
		{"second state misspelt", []string{"list", "--state", "idle", "runing"}, 2, `unknown value "runing" for --state`},
		{"unknown time", []string{"list", "--since", "yesteryear"}, 2, "ISO 8601"},
		{"too far back", []string{"list", "--since", "25h"}, 2, "further back than 24 hours"},
		{"in the future", []string{"list", "--since", "2026-11-21T13:00:00Z"}, 2, "in the future"},
		{"unknown sort key", []string{"list", "--sort", "agee"}, 2, "did you mean age?"},
		{"bad jq", []string{"list", "--jq", ".runners["}, 2, "jq"},
		{"jq with a table", []string{"list", "--jq", ".", "-o", "pretty"}, 2, "--jq"},
		{"argument", []string{"list", "x"}, 2, "unexpected argument"},
		{"bad --argjson", []string{"list", "--jq", "$x", "--argjson", "x", "{"}, 2, "argjson"},
		{"unknown profile", []string{"list", "--profile", "nonesuch"}, 2, "nonesuch"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tm := newTerm(t)
			tm.Want(tm.Run(tt.argv...), tt.code, "", tt.err)
			if got := tm.Requests(); len(got) != 0 {
				t.Errorf("%q was sent", got)
			}
		})
	}
	t.Run("a minute of leeway", func(t *testing.T) {
		tm := newTerm(t)
		tm.Run("list", "--since", "2026-11-20T11:59:30Z")
		if len(tm.Requests()) != 1 {
			t.Error("refused")
		}
	})
	t.Run("jq at run time", func(t *testing.T) {
		tm := newTerm(t)
		tm.Want(tm.Run("list", "--jq", `.runners[0].state, error("no")`), 5, "RUNNING\n", "no")
		tm.Want(tm.Run("list", "--jq", `"bye\n" | halt_error(9)`), 9, "", "bye")
	})
}

func TestCredentialsAndAccounts(t *testing.T) {
	t.Run("none", func(t *testing.T) {
		tm := newTerm(t)
		delete(tm.Env, "FAL_KEY")
		tm.Env["FAL_HOME_DIR"] = t.TempDir()
		tm.Want(tm.Run("list"), 4, "", "no credentials\nhint: export FAL_KEY=<id>:<secret>\n")
	})
	t.Run("malformed", func(t *testing.T) {
		tm := newTerm(t)
		tm.Env["FAL_KEY"] = "only-the-s3cret"
		r := tm.Run("list")
		tm.Want(r, 2, "", "malformed key from FAL_KEY")
		if strings.Contains(r.Err, "s3cret") {
			t.Error("the secret was printed")
		}
	})
	t.Run("refused by the service", func(t *testing.T) {
		tm := newTerm(t)
		tm.Server.Script("ListRunners", faltest.Fail(16, "no such key"))
		r := tm.Run("list")
		tm.Want(r, 4, "", "no such key")
		if !strings.Contains(r.Err, "hint: key testid came from FAL_KEY") || strings.Contains(r.Err, "testsecret") {
			t.Errorf("stderr %q", r.Err)
		}
	})
	t.Run("verbose says what is used", func(t *testing.T) {
		tm := newTerm(t)
		r := tm.Run("list", "-v")
		for _, want := range []string{"host " + tm.Server.Host() + " from FAL_GRPC_HOST", "account of key testid from FAL_KEY"} {
			if !strings.Contains(r.Err, want) {
				t.Errorf("stderr %q lacks %q", r.Err, want)
			}
		}
	})
	t.Run("debug redacts", func(t *testing.T) {
		tm := newTerm(t)
		r := tm.Run("list", "--debug")
		if !strings.Contains(r.Err, "ListRunners: OK in ") || !strings.Contains(r.Err, "auth-key: [redacted]") || strings.Contains(r.Err, "testsecret") {
			t.Errorf("stderr %q", r.Err)
		}
	})
	t.Run("team of another account", func(t *testing.T) {
		tm := newTerm(t)
		tm.Server.HandleREST("GET /users/current", jsonAnswer(`{"user_id":"u","nickname":"mine","full_name":"Me"}`))
		tm.Want(tm.Run("list", "--team", "theirs"), 4, "", "belongs to mine, not to team theirs")
		if got := tm.Requests("ListRunners"); len(got) > 0 {
			t.Errorf("%q was sent", got)
		}
		if r := tm.Run("list", "--team", "MINE", "-o", "name"); r.Code != 0 {
			t.Errorf("own team: %+v", r)
		}
	})
}

func TestServiceInTrouble(t *testing.T) {
	t.Run("down", func(t *testing.T) {
		tm := newTerm(t)
		tm.Server.Close()
		tm.Want(tm.Run("list"), 6, "", "connection refused by "+tm.Server.Host())
	})
	t.Run("accepts and never answers", func(t *testing.T) {
		tm := newTerm(t)
		tm.Server.Connections(faltest.Silent)
		tm.Want(tm.Run("list", "--timeout", "100ms"), 6, "", "no answer from "+tm.Server.Host()+" in time")
	})
	t.Run("answers rubbish", func(t *testing.T) {
		tm := newTerm(t)
		tm.Server.Connections(faltest.Garbage)
		tm.Want(tm.Run("list"), 6, "", "does not speak gRPC")
	})
	t.Run("is a web server", func(t *testing.T) {
		tm := newTerm(t)
		tm.Server.Connections(faltest.WebServer)
		tm.Want(tm.Run("list"), 6, "", "does not speak gRPC")
	})
	t.Run("comes back", func(t *testing.T) {
		tm := newTerm(t)
		tm.Server.Script("ListRunners", faltest.Fail(14, "later"), faltest.Fail(14, "later"))
		if r := tm.Run("list", "-o", "name", "--state", "idle"); r.Code != 0 || r.Out != idC+"\n" {
			t.Errorf("%+v", r)
		}
		if n := len(tm.Requests("ListRunners")); n != 3 {
			t.Errorf("%d requests, want 3", n)
		}
	})
	t.Run("as JSON", func(t *testing.T) {
		tm := newTerm(t)
		tm.Server.Script("ListRunners", faltest.Fail(7, "not yours"))
		r := tm.Run("list", "--json")
		var got struct {
			Error struct{ Code, Message string }
		}
		if err := json.Unmarshal([]byte(r.Err), &got); err != nil || got.Error.Code != "permission_denied" || r.Code != 4 {
			t.Errorf("%v: %+v", err, r)
		}
	})
	t.Run("interrupted", func(t *testing.T) {
		tm := newTerm(t)
		tm.Server.Script("ListRunners", faltest.Hang())
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for len(tm.Server.Calls("ListRunners")) == 0 {
				time.Sleep(time.Millisecond)
			}
			cancel()
		}()
		tm.Want(tm.RunContext(ctx, "list"), 130, "", "")
	})
}

func TestStopAndKillRequests(t *testing.T) {
	tm := newTerm(t)
	tm.Want(tm.Run("stop", idA), 0, "stopping "+idA+"\n", "")
	tm.Want(tm.Run("stop", "-r", idC), 0, "stopping "+idC+"\n", "")
	tm.Want(tm.Run("kill", idB), 0, "killed "+idB+"\n", "")
	want := []string{
		`StopRunner {"runner_id":"` + idA + `"}`,
		`StopRunner {"replace_first":true,"runner_id":"` + idC + `"}`,
		`KillRunner {"runner_id":"` + idB + `"}`,
	}
	if got := tm.Requests(); !slices.Equal(got, want) {
		t.Errorf("requests %q, want %q", got, want)
	}
}

func TestStopNames(t *testing.T) {
	tests := []struct {
		name string
		argv string
		code int
		out  string
		err  string
		sent []string
	}{
		{"unique prefix", "stop 9c", 0, "stopping " + idC + "\n", "", []string{idC}},
		{"upper case", "stop 9C1D", 0, "stopping " + idC + "\n", "", []string{idC}},
		{"several, in the order given", "stop 9c " + idA, 0, "stopping " + idC + "\nstopping " + idA + "\n", "", []string{idA, idC}},
		{"the same twice", "stop 9c 9c1d " + idC, 0, "stopping " + idC + "\n", "", []string{idC}},
		{"ambiguous", "stop 4f2", 2, "", `"4f2" is the beginning of 2 runner ids` + "\nhint: " + idA + "  checkout  RUNNING  2h13m\n", nil},
		{"unknown prefix", "stop 0000", 3, "", "runner 0000 not found", nil},
		{"one of two unknown: nothing happens", "stop 9c 0000", 3, "", "runner 0000 not found", nil},
		{"full id in upper case", "stop 9C1D07AA-0000-4000-8000-000000000003", 0, "stopping " + idC + "\n", "", []string{idC}},
		{"dry run of an unknown id", "stop --dry-run 00000000-0000-4000-8000-000000000000", 3, "", "not found", nil},
		{"unknown id", "stop 00000000-0000-4000-8000-000000000000", 3, "", "", []string{"00000000-0000-4000-8000-000000000000"}},
		{"an app", "stop app/checkout", 2, "", "app/checkout is an app, and this command takes a runner\nhint: fal-runners list --app checkout -o name\n", nil},
		{"empty", "stop =", 2, "", "", nil},
		{"none", "stop", 2, "", "no runner is named", nil},
		{"both", "stop 9c --all", 2, "", "not both", nil},
		{"an id before an app", "stop 9c --app checkout", 2, "", "not both\nhint: --app takes one app; for several it is repeated: --app a --app b\n", nil},
		{"an id behind an app", "stop --app checkout 9c --yes", 2, "", "not both\nhint: --app takes one app", nil},
		{"several apps", "stop --app checkout --app=checkout--staging --yes -o name", 0, idA + "\n" + idC + "\n" + idB + "\n", "", []string{idA, idB, idC}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tm := newTerm(t)
			argv := strings.Fields(tt.argv)
			if tt.name == "empty" {
				argv = []string{"stop", ""}
			}
			r := tm.Run(argv...)
			if r.Code != tt.code || r.Out != tt.out || !strings.Contains(r.Err, tt.err) {
				t.Errorf("%+v", r)
			}
			if got := tm.stopped(); !slices.Equal(got, tt.sent) {
				t.Errorf("stopped %q, want %q", got, tt.sent)
			}
		})
	}
}

// stopped are the ids that StopRunner was asked for, sorted.
func (tm *term) stopped() []string {
	var ids []string
	for _, c := range tm.Server.Calls("StopRunner") {
		var request struct {
			RunnerID string `json:"runner_id"`
		}
		if err := json.Unmarshal(c.Request, &request); err != nil {
			tm.T.Fatal(err)
		}
		ids = append(ids, request.RunnerID)
	}
	slices.Sort(ids)
	return ids
}

func TestStopSelected(t *testing.T) {
	t.Run("needs a terminal or --yes", func(t *testing.T) {
		tm := newTerm(t)
		r := tm.Run("stop", "--app", "checkout", "--state", "idle")
		tm.Want(r, 2, "", "1 runner selected and no terminal to ask on\nhint: fal-runners stop --app=checkout --state=idle --yes\n")
		if tm.stopped() != nil {
			t.Error("stopped all the same")
		}
	})
	t.Run("--yes", func(t *testing.T) {
		tm := newTerm(t)
		tm.Want(tm.Run("stop", "--app", "checkout", "--yes"), 0, "stopping "+idA+"\nstopping "+idC+"\n", "")
	})
	t.Run("yes on a terminal", func(t *testing.T) {
		tm := newTerm(t)
		tm.TTY, tm.Stdin = true, "y\n"
		tm.Want(tm.Run("stop", "--state", "idle"), 0, "stopping "+idC+"\n", idC+"  checkout  IDLE  41s\nStop 1 runner? [y/N]")
	})
	t.Run("no on a terminal", func(t *testing.T) {
		tm := newTerm(t)
		tm.TTY, tm.Stdin = true, "n\n"
		tm.Want(tm.Run("stop", "--all"), 1, "", "nothing was stopped")
		if tm.stopped() != nil {
			t.Error("stopped all the same")
		}
	})
	t.Run("dry run", func(t *testing.T) {
		tm := newTerm(t)
		tm.Want(tm.Run("stop", "--state", "idle", "--dry-run"), 0, "would stop "+idC+"\n", "")
		if tm.stopped() != nil {
			t.Error("stopped all the same")
		}
	})
	t.Run("nothing matches", func(t *testing.T) {
		tm := newTerm(t)
		tm.Want(tm.Run("stop", "--state", "setup"), 0, "", "no runners")
	})
	t.Run("the hint is the whole line", func(t *testing.T) {
		tm := newTerm(t)
		r := tm.Run("stop", "-r", "--app", "it's", "--app=checkout", "--profile", "dev", "--timeout=5m", "--json")
		if r.Code != 2 || !strings.Contains(r.Err, "nonesuch") && !strings.Contains(r.Err, "dev") {
			t.Errorf("%+v", r)
		}
		tm.Server.HandleREST("GET /users/current", jsonAnswer(`{"user_id":"u","nickname":"mine","full_name":"Me"}`))
		tm.Server.SetApps(faltest.App{Alias: "it's"})
		r = tm.Run("stop", "-r", "--app", "it's", "--app", "checkout", "--team", "mine", "--timeout=5m")
		tm.Want(r, 2, "", `hint: fal-runners stop --replace --app='it'\''s' --app=checkout --team=mine --timeout=5m --yes`+"\n")
	})
	t.Run("needs stderr to ask on", func(t *testing.T) {
		tm := newTerm(t)
		tm.TTY, tm.Quiet = true, true
		tm.Want(tm.Run("stop", "--all"), 2, "", "no terminal to ask on")
	})
	t.Run("ended while it was asked for", func(t *testing.T) {
		tm := newTerm(t)
		tm.Server.Handle("StopRunner", func(c faltest.Call) faltest.Answer {
			if strings.Contains(string(c.Request), idC) {
				return faltest.Fail(9, "it has already ended")
			}
			return faltest.Reply()
		})
		tm.Want(tm.Run("stop", "--app", "checkout", "--yes"), 0, "stopping "+idA+"\n", "skipped "+idC+": it has ended\n")
	})
	t.Run("another of the selected states is no change", func(t *testing.T) {
		tm := newTerm(t)
		tm.TTY, tm.Stdin = true, "y\n"
		lists := 0
		tm.Server.Handle("ListRunners", func(faltest.Call) faltest.Answer {
			lists++
			return faltest.Reply(`{"runners":[{"runner_id":"` + idC + `","alias":"checkout","state":"` + []string{"IDLE", "RUNNING"}[min(lists-1, 1)] + `"}]}`)
		})
		tm.Want(tm.Run("stop", "--state", "idle", "running"), 0, "stopping "+idC+"\n", "Stop 1 runner?")
	})
	t.Run("those on their way out are left alone", func(t *testing.T) {
		tm := newTerm(t)
		tm.Server.SetRunners(faltest.Runner{ID: idA, Alias: "x", State: 5}, faltest.Runner{ID: idB, Alias: "x", State: 6}, faltest.Runner{ID: idC, Alias: "x", State: 3}, faltest.Runner{ID: idD, Alias: "x", State: 8})
		tm.Want(tm.Run("stop", "--all", "--yes"), 0, "stopping "+idD+"\n", "")
		tm.Server.SetRunners(faltest.Runner{ID: idA, Alias: "x", State: 5}, faltest.Runner{ID: idC, Alias: "x", State: 3})
		tm.Want(tm.Run("kill", "--all", "--yes"), 0, "killed "+idA+"\n", "")
	})
	t.Run("changed while the question stood", func(t *testing.T) {
		tm := newTerm(t)
		tm.TTY = true
		lists := 0
		tm.Server.Handle("ListRunners", func(faltest.Call) faltest.Answer {
			lists++
			state := "IDLE"
			if lists > 1 {
				state = "RUNNING"
			}
			return faltest.Reply(`{"runners":[{"runner_id":"` + idC + `","alias":"checkout","state":"` + state + `"},{"runner_id":"` + idB + `","alias":"checkout","state":"IDLE"}]}`)
		})
		tm.Server.Handle("StopRunner", func(faltest.Call) faltest.Answer { return faltest.Reply() })
		tm.Stdin = "y\n"
		tm.Want(tm.Run("stop", "--state", "idle"), 0, "stopping "+idB+"\n", "skipped "+idC+": it is now RUNNING\n")
	})
}

func TestStopPartialFailure(t *testing.T) {
	tm := newTerm(t)
	const missing = "00000000-0000-4000-8000-000000000000"
	r := tm.Run("stop", idA, missing, idC)
	if r.Code != 1 || r.Out != "stopping "+idA+"\nstopping "+idC+"\n" {
		t.Errorf("%+v", r)
	}
	if !strings.Contains(r.Err, "1 of 3 runners not stopped\n  "+missing+": ") {
		t.Errorf("stderr %q", r.Err)
	}
	r = tm.Run("stop", idB, missing, "--json")
	var got struct {
		Runners []struct {
			RunnerID, Result string
			Error            *string
		}
	}
	if err := json.Unmarshal([]byte(strings.ReplaceAll(r.Out, "runner_id", "RunnerID")), &got); err != nil || len(got.Runners) != 2 {
		t.Fatalf("%v: %+v", err, r)
	}
	if got.Runners[0].Result != "accepted" || got.Runners[1].Result != "failed" || got.Runners[1].Error == nil {
		t.Errorf("%+v", got)
	}
}

// A call that the server may have received is not made again.
func TestStopIsNotRepeated(t *testing.T) {
	tm := newTerm(t)
	tm.Server.Script("StopRunner", faltest.Drop())
	if r := tm.Run("stop", idA); r.Code != 6 {
		t.Errorf("%+v", r)
	}
	if got := tm.stopped(); len(got) != 1 {
		t.Errorf("%d requests, want 1", len(got))
	}
}

func TestStopWait(t *testing.T) {
	t.Run("until it is gone", func(t *testing.T) {
		tm := newTerm(t)
		lists := 0
		tm.Server.Handle("ListRunners", func(faltest.Call) faltest.Answer {
			lists++
			if lists < 4 {
				return faltest.Reply(`{"runners":[{"runner_id":"` + idA + `","state":"DRAINING"}]}`)
			}
			return faltest.Reply()
		})
		tm.Want(tm.Run("stop", "--wait", idA), 0, "stopped "+idA+"\n", "")
		if lists < 4 {
			t.Errorf("looked %d times", lists)
		}
	})
	t.Run("not for ever", func(t *testing.T) {
		tm := newTerm(t)
		tm.Server.Handle("ListRunners", func(faltest.Call) faltest.Answer {
			return faltest.Reply(`{"runners":[{"runner_id":"` + idA + `","state":"DRAINING"}]}`)
		})
		r := tm.Run("stop", "--wait", "--timeout", "200ms", idA)
		tm.Want(r, 1, "stopping "+idA+"\n", "1 runner did not end within 200ms\nhint: fal-runners kill "+idA)
	})
}

// What was done is said, also when time is up.
func TestStopWaitAsJSON(t *testing.T) {
	tm := newTerm(t)
	tm.Server.Handle("ListRunners", func(faltest.Call) faltest.Answer {
		return faltest.Reply(`{"runners":[{"runner_id":"` + idA + `","state":"DRAINING"}]}`)
	})
	r := tm.Run("stop", "--wait", "--timeout", "200ms", idA, "--json")
	if r.Code != 1 || !strings.Contains(r.Out, `"result":"accepted"`) || !strings.Contains(r.Err, `"code":"timeout"`) {
		t.Errorf("%+v", r)
	}
}

// A service that gives up on a request is no deadline of ours.
func TestStopWaitOutlastsTheService(t *testing.T) {
	tm := newTerm(t)
	tm.Server.Handle("ListRunners", func(faltest.Call) faltest.Answer { return faltest.Fail(4, "too slow") })
	if r := tm.Run("stop", "--wait", "--timeout", "1h", idA); r.Code != 6 {
		t.Errorf("%+v", r)
	}
}

// Text of the service does not drive the terminal, wherever it is shown.
func TestErrorsAreSanitized(t *testing.T) {
	const evil = "x\x1b]0;pwned\a\u202ey"
	tm := newTerm(t)
	tm.TTY = true
	tm.Server.Script("ListRunners", faltest.Fail(13, evil))
	outputs := tm.Run("list").Err
	tm.Server.HandleREST("GET /users/current", jsonAnswer(`{"user_id":"u","nickname":"mine\u001b]0;x\u0007","full_name":"Me"}`))
	outputs += tm.Run("list", "--team", "theirs").Err
	if strings.ContainsAny(outputs, "\x1b\a\u202e") || !strings.Contains(outputs, "pwned") {
		t.Errorf("%q", outputs)
	}
}

func TestClosedStdout(t *testing.T) {
	tm := newTerm(t)
	streams, _, _, errout := iostreams.Test()
	streams.Out = failingWriter{io.ErrClosedPipe}
	code := cli.Run(t.Context(), App(), cli.Process{Args: []string{"list"}, Streams: streams, Getenv: tm.Getenv})
	if code != 0 || errout.Len() > 0 {
		t.Errorf("exit %d, stderr %q", code, errout)
	}
}

func jsonAnswer(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, body)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }
