package apps

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

// appKeys are those of the official client, and then ours.
var appKeys = []string{
	"active_runners", "alias", "auth_mode", "concurrency_buffer", "concurrency_buffer_perc", "environment_name", "is_rolling", "keep_alive",
	"machine_types", "max_concurrency", "max_multiplexing", "min_concurrency", "name", "request_timeout", "revision", "scaling_delay",
	"startup_timeout", "valid_regions",
}

func TestListJSONContract(t *testing.T) {
	tm := newTerm(t)
	r := tm.Run("list")
	var got struct {
		Apps []map[string]any `json:"apps"`
	}
	if err := json.Unmarshal([]byte(r.Out), &got); err != nil || r.Code != 0 {
		t.Fatalf("%v: %+v", err, r)
	}
	if strings.Count(r.Out, "\n") != 1 || r.Err != "" {
		t.Errorf("want one line and a quiet stderr: %+v", r)
	}
	var aliases []string
	for _, row := range got.Apps {
		if have := slices.Sorted(maps.Keys(row)); !slices.Equal(have, appKeys) {
			t.Errorf("keys %q, want %q", have, appKeys)
		}
		aliases = append(aliases, row["alias"].(string))
	}
	if want := []string{"checkout", "sd\x1b[31mxl", "search"}; !slices.Equal(aliases, want) {
		t.Fatalf("order %q, want %q", aliases, want)
	}
	checkout, odd, search := got.Apps[0], got.Apps[1], got.Apps[2]
	for _, check := range []struct{ got, want any }{
		{checkout["auth_mode"], "private"}, {checkout["keep_alive"], 10.0}, {checkout["min_concurrency"], 1.0}, {checkout["request_timeout"], 3600.0},
		{checkout["revision"], revNew}, {checkout["environment_name"], ""}, {checkout["active_runners"], 2.0}, {checkout["is_rolling"], false},
		{len(checkout["valid_regions"].([]any)), 2}, {checkout["name"], "checkout"},
		// What is not sent is 0, as in the official client.
		{search["auth_mode"], "public"}, {search["request_timeout"], 0.0}, {search["scaling_delay"], 0.0}, {len(search["valid_regions"].([]any)), 0},
		{odd["auth_mode"], "unknown(9)"},
	} {
		if check.got != check.want {
			t.Errorf("got %v, want %v", check.got, check.want)
		}
	}
}

func TestListEnvironment(t *testing.T) {
	for name, tt := range map[string]struct {
		argv    string
		env     string
		request string
		out     string
	}{
		"none":         {"list -o name", "", `ListAliases {}`, "checkout\nsd\x1b[31mxl\nsearch\n"},
		"by flag":      {"list -o name --env staging", "", `ListAliases {"environment_name":"staging"}`, "checkout--staging\n"},
		"by variable":  {"list -o name", "staging", `ListAliases {"environment_name":"staging"}`, "checkout--staging\n"},
		"main by flag": {"list -o name --env main", "staging", `ListAliases {"environment_name":"main"}`, "checkout\nsd\x1b[31mxl\nsearch\n"},
		"a table shows the two apart": {"list -o pretty --env staging", "", `ListAliases {"environment_name":"staging"}`, "" +
			"APP       ENV      RUNNERS  ROLLOUT    MIN  MAX  MACHINE   AUTH    REVISION\n" +
			"checkout  staging        1  under way    0    2  GPU-H100  shared  " + revStaging + "\n"},
		"programs get the alias": {"list -o csv --env staging", "", `ListAliases {"environment_name":"staging"}`, "" +
			"app,env,active_runners,is_rolling,min_concurrency,max_concurrency,machine_types,auth_mode,revision,max_multiplexing,concurrency_buffer,concurrency_buffer_perc,scaling_delay,keep_alive,request_timeout,startup_timeout,valid_regions\n" +
			"checkout--staging,staging,1,true,0,2,GPU-H100,shared," + revStaging + ",1,0,0,0,10,3600,600,\n"},
	} {
		t.Run(name, func(t *testing.T) {
			tm := newTerm(t)
			tm.Env["FAL_ENV"] = tt.env
			tm.Want(tm.Run(strings.Fields(tt.argv)...), 0, tt.out, "")
			want := []string{tt.request}
			if strings.Contains(tt.out, "ROLLOUT") {
				want = append(want, `ListRunners {"list_pending":true}`)
			}
			if got := tm.Requests(); !slices.Equal(got, want) {
				t.Errorf("requests %q, want %q", got, want)
			}
		})
	}
}

// TestListTellsWhatStatusTells has runners of an app crash: of one that rolls out, and
// of one that did not come up at all.
func TestListTellsWhatStatusTells(t *testing.T) {
	const app = `{"aliases":[{"alias":"checkout","revision":"new","min_concurrency":1,"max_concurrency":2,"is_rolling":%t,"active_runners":%d,"machine_types":["XS"]}]}`
	for _, tt := range []struct {
		rolling               bool
		active                int
		runners, list, status string
	}{
		{true, 1, "a:old:IDLE b:new:FAILURE_DELAY", "failed", "failed"},
		{false, 0, "b:new:FAILURE_DELAY", "failed", "failed"},
		{true, 1, "a:old:IDLE:WILL_REPLACE b:new:SETUP", "under way", "rolling"},
		{false, 0, "b:new:IDLE:WILL_REPLACE", "under way", "rolling"},
		{false, 0, "b:new:PENDING", "under way", "rolling"},
		{false, 1, "b:new:IDLE", "", "settled"},
	} {
		tm := newTerm(t)
		tm.Server.Handle("ListAliases", func(faltest.Call) faltest.Answer { return faltest.Reply(fmt.Sprintf(app, tt.rolling, tt.active)) })
		tm.looks("ListRunners", tt.runners)
		tm.looks("ListAliasRunners", tt.runners)
		if got := tm.Run("list", "-o", "wide").Out; tt.list == "" && (strings.Contains(got, "failed") || strings.Contains(got, "under way")) || !strings.Contains(got, tt.list) {
			t.Errorf("%s: the list has\n%s, want %q", tt.runners, got, tt.list)
		}
		if got := tm.Run("status", "checkout", "-q", ".status").Out; got != tt.status+"\n" {
			t.Errorf("%s: the status is %s", tt.runners, got)
		}
		before := len(tm.Server.Calls("ListRunners"))
		tm.Run("list", "-o", "json")
		if len(tm.Server.Calls("ListRunners")) != before {
			t.Error("runners are looked at for programs, which are not told")
		}
	}
}

func TestListTable(t *testing.T) {
	tm := newTerm(t)
	tm.TTY, tm.Width = true, 200
	tm.Want(tm.Run("list"), 0, ""+
		"APP           RUNNERS  MIN  MAX  MACHINE   AUTH        REVISION\n"+
		"checkout            2    1    8  GPU-H100  private     "+revNew+"\n"+
		`sd\x1b[31mxl        0    0    2  XS S      unknown(9)  `+revSearch+"\n"+
		"search              0    0    2  XS S      public      "+revSearch+"\n",
		"3 apps, 2 runners\n")
	// The narrower the terminal, the less is shown, and nothing is cut.
	for width, want := range map[int]string{
		85: "APP           RUNNERS  MIN  MAX  MACHINE   REVISION\n",
		60: "APP           RUNNERS  REVISION\n",
		40: "APP           RUNNERS\n",
		10: "APP\n",
	} {
		tm.Width = width
		if r := tm.Run("list"); !strings.HasPrefix(r.Out, want) || !strings.Contains(r.Out, "checkout") {
			t.Errorf("at %d columns\n%swant\n%s", width, r.Out, want)
		}
	}
	if r := tm.Run("list", "-o", "wide"); !strings.Contains(r.Out, "us-east eu-west") || !strings.Contains(r.Out, "1h ") {
		t.Errorf("wide\n%s", r.Out)
	}
}

func TestListFilters(t *testing.T) {
	for _, tt := range []struct {
		argv string
		want string
	}{
		{"--filter heck", "checkout"},
		{"--filter staging --env staging", "checkout--staging"},
		{"--filter nonesuch", ""},
		{"--regions us-east", "checkout"},
		{"--regions us-west eu-west", "checkout"},
		{"--regions us-west,eu-west", "checkout"},
		{"--regions us-west", ""},
		{"--sort runners:desc --filter c", "checkout search"},
		{"--sort runners --filter c", "search checkout"},
		{"--sort-by-runners --filter c", "search checkout"},
		{"--sort name:desc --filter c", "search checkout"},
		{"--sort max --filter c", "search checkout"},
		{"--sort auth --filter c", "checkout search"},
	} {
		tm := newTerm(t)
		want := strings.ReplaceAll(tt.want, " ", "\n")
		errout := ""
		if want == "" {
			errout = "no apps\n"
		} else {
			want += "\n"
		}
		r := tm.Run(append([]string{"list", "-o", "name"}, strings.Fields(tt.argv)...)...)
		if r.Code != 0 || r.Out != want || r.Err != errout {
			t.Errorf("%s: %+v, want %q", tt.argv, r, want)
		}
	}
}

func TestListRefuses(t *testing.T) {
	for argv, want := range map[string]string{
		"list --sort size":                                       "unknown sort key",
		"list --sort name --sort-by-runners":                     "contradict each other",
		"list --regions nowhere":                                 "nowhere",
		"list --filter=":                                         "it is empty",
		"list --interval 5s":                                     "--interval goes with --watch",
		"list --watch -o csv":                                    "--watch does not print csv",
		"list checkout":                                          "unexpected argument",
		"list --watch --interval 1ms":                            "100ms or more",
		"describe":                                               "APP is missing",
		"describe checkout search":                               "unexpected argument",
		"status checkout -o name":                                "no names to print",
		"status":                                                 "APP is missing",
		"list-rev --sort size":                                   "unknown sort key",
		"scale checkout":                                         "no setting is given",
		"scale --min-concurrency 1":                              "APP is missing",
		"scale checkout --keep-alive 1.5s":                       "want whole seconds",
		"scale checkout --keep-alive=-1":                         "want 0 to",
		"scale checkout --keep-alive soon":                       "want seconds",
		"scale checkout --keep-alive 99999999999":                "want 0 to",
		"scale checkout --keep-alive 50000d":                     "want 0 to",
		"scale checkout --min-concurrency 99999999999":           "want 0 to",
		"scale checkout --min-concurrency=-1":                    "want 0 to",
		"scale checkout --machine-types=":                        "it is empty",
		"scale checkout --min-concurrency 3 --max-concurrency 2": "--min-concurrency 3 is above --max-concurrency 2",
		"scale checkout search--staging --keep-alive 1":          "not in the same environment",
	} {
		tm := newTerm(t)
		r := tm.Run(strings.Fields(argv)...)
		if r.Code != 2 || r.Out != "" || !strings.Contains(r.Err, want) {
			t.Errorf("%s: %+v, want %q", argv, r, want)
		}
		if got := tm.Requests(); len(got) > 0 {
			t.Errorf("%s: requests %q", argv, got)
		}
	}
}

func TestListWatch(t *testing.T) {
	tm := newTerm(t)
	var looks atomic.Int32
	tm.Server.Handle("ListAliases", func(faltest.Call) faltest.Answer {
		if looks.Add(1) == 1 {
			return faltest.Reply(`{"aliases": [{"alias": "a"}, {"alias": "b", "active_runners": 1}]}`)
		}
		return faltest.Reply(`{"aliases": [{"alias": "c"}, {"alias": "b", "active_runners": 2}]}`)
	})
	r := tm.Run("list", "--watch", "--interval", "100ms", "--jq", `"\(.event) \(.app.alias) \(.app.active_runners)", (select(.event == "removed") | halt)`)
	tm.Want(r, 0, "added a 0\nadded b 1\nchanged b 2\nadded c 0\nremoved a 0\n", "")
}

func TestListFails(t *testing.T) {
	tm := newTerm(t)
	tm.Server.Handle("ListAliases", func(faltest.Call) faltest.Answer { return faltest.Fail(fal.CodePermissionDenied, "not for you") })
	tm.Want(tm.Run("list"), 4, "", "not for you")
	tm = newTerm(t)
	tm.Server.Handle("ListAliases", func(faltest.Call) faltest.Answer { return faltest.Hang() })
	started := time.Now()
	tm.Want(tm.Run("list", "--timeout", "200ms"), 6, "", "in time")
	if waited := time.Since(started); waited < 150*time.Millisecond {
		t.Errorf("gave up after %s", waited)
	}
}
