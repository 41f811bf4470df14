package apps

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

// rollingOut makes checkout roll out: one runner of the old revision is left,
// and one is to be replaced by another of the same.
func (tm *term) rollingOut() {
	apps := sampleApps()
	apps[1].Rolling = true
	tm.Server.SetApps(apps...)
	tm.Server.SetRunners(
		faltest.Runner{ID: "r1", Alias: "checkout", Revision: revNew, State: 8},
		faltest.Runner{ID: "r2", Alias: "checkout", Revision: revNew, State: 0, Replacement: 1},
		faltest.Runner{ID: "r3", Alias: "checkout", Revision: revOld, State: 0},
		faltest.Runner{ID: "r4", Alias: "checkout", Revision: revOld, State: 0},
	)
}

func TestStatus(t *testing.T) {
	tm := newTerm(t)
	tm.Want(tm.Run("status", "checkout", "-o", "json"), 0, `{"alias":"checkout","name":"checkout","environment_name":"","revision":"`+revNew+`","status":"settled",`+
		`"is_rolling":false,"active_runners":2,"to_be_replaced":0,"runners":[`+
		`{"revision":"`+revNew+`","current":true,"state":"IDLE","to_be_replaced":false,"count":1},`+
		`{"revision":"`+revNew+`","current":true,"state":"RUNNING","to_be_replaced":false,"count":1}]}`+"\n", "")
	if got, want := tm.Requests(), []string{`ListAliases {}`, `ListAliasRunners {"alias":"checkout","list_pending":true}`}; !slices.Equal(got, want) {
		t.Errorf("requests %q, want %q", got, want)
	}
	tm.Want(tm.Run("status", "checkout", "-o", "pretty"), 0, ""+
		"App       checkout\nRollout   settled\nRevision  "+revNew+"\n\n"+
		"Runners of "+revNew+", current\n  1 IDLE\n  1 RUNNING\n", "")
	tm.Want(tm.Run("status", "checkout", "--env", "staging", "-o", "pretty"), 0, ""+
		"App          checkout\nEnvironment  staging\nRollout      rolling out\nRevision     "+revStaging+"\nRunners      none\n", "")
	tm.rollingOut()
	tm.Want(tm.Run("status", "checkout", "-o", "pretty"), 0, ""+
		"App             checkout\nRollout         rolling out\nRevision        "+revNew+"\nTo be replaced  1 runner\n\n"+
		"Runners of "+revNew+", current\n  1 IDLE\n  1 RUNNING, to be replaced\n\n"+
		"Runners of "+revOld+"\n  2 RUNNING\n", "")
	tm.Want(tm.Run("status", "checkuot"), 3, "", "did you mean checkout?")
}

func TestStatusOfACrash(t *testing.T) {
	for _, argv := range []string{"status checkout --jq .status", "status checkout --jq .status --wait"} {
		tm := newTerm(t)
		tm.Server.SetRunners(faltest.Runner{ID: "r1", Alias: "checkout", Revision: revNew, State: 9})
		r := tm.Run(strings.Fields(argv)...)
		tm.Want(r, 1, "failed\n", "error: app checkout: runners of revision "+revNew+" crash\nhint: fal-apps logs checkout\nhint: fal-apps rollback checkout\n")
	}
	for name, tt := range map[string]struct {
		argv, revision string
		others         []faltest.Runner
		want           string
	}{
		"the old ones serve":    {"status checkout", revNew, []faltest.Runner{{ID: "r2", Alias: "checkout", Revision: revSearch, State: 8}}, "hint: fal-apps set-rev checkout " + revSearch + "\n"},
		"the one before serves": {"status checkout", revNew, []faltest.Runner{{ID: "r2", Alias: "checkout", Revision: revOld, State: 8}}, "hint: fal-apps set-rev checkout " + revOld + "\n"},
		"it crashes too":        {"status checkout", revNew, []faltest.Runner{{ID: "r2", Alias: "checkout", Revision: revOld, State: 9}, {ID: "r3", Alias: "checkout", Revision: revSearch, State: 8}}, "hint: fal-apps set-rev checkout " + revSearch + "\n"},
		"somebody went back":    {"status checkout", revOld, nil, "hint: `fal-apps list-rev checkout` shows the revisions that `fal-apps set-rev` can go to\n"},
		"in the environment":    {"status checkout --env main", revNew, nil, "hint: fal-apps logs checkout --env main\nhint: fal-apps rollback checkout --env main\n"},
		"while it is waited":    {"status checkout --wait", revOld, []faltest.Runner{{ID: "r2", Alias: "checkout", Revision: revNew, State: 0}}, "hint: fal-apps set-rev checkout " + revNew + "\n"},
		"another one starts":    {"status checkout", revNew, []faltest.Runner{{ID: "r2", Alias: "checkout", Revision: revNew, State: 1}}, "hint: fal-apps rollback checkout\n"},
		"both crash":            {"status checkout", revNew, []faltest.Runner{{ID: "r2", Alias: "checkout", Revision: revOld, State: 9}}, "hint: fal-apps logs checkout\n"},
	} {
		tm := newTerm(t)
		tm.Env["FAL_ENV"] = ""
		tm.Server.SetApps(faltest.App{Alias: "checkout", Revision: tt.revision})
		tm.Server.SetRunners(append(tt.others, faltest.Runner{ID: "r1", Alias: "checkout", Revision: tt.revision, State: 9})...)
		if r := tm.Run(strings.Fields(tt.argv)...); r.Code != 1 || !strings.HasSuffix(r.Err, tt.want) {
			t.Errorf("%s: %+v, want %q", name, r, tt.want)
		}
	}
	// One that is on its way out does not count.
	tm := newTerm(t)
	tm.Server.SetRunners(faltest.Runner{ID: "r1", Alias: "checkout", Revision: revOld, State: 9}, faltest.Runner{ID: "r2", Alias: "checkout", Revision: revNew, State: 9, Replacement: 1})
	tm.Want(tm.Run("status", "checkout", "--jq", ".status"), 0, "rolling\n", "")
}

// A runner that crashes is started again and again, and looks like any other
// then: whenever the status is asked for, it is the same.
func TestStatusBetweenTwoTries(t *testing.T) {
	for _, state := range []string{"PENDING", "SETUP", "DOCKER_PULL", "FAILURE_DELAY"} {
		tm := newTerm(t)
		apps := sampleApps()
		apps[1].Rolling = true
		tm.Server.SetApps(apps...)
		old := "old:" + revOld + ":IDLE:WILL_REPLACE "
		tm.looks("ListAliasRunners", old+"a:"+revNew+":"+state, old+"a:"+revNew+":SETUP", old+"a:"+revNew+":FAILURE_DELAY")
		tm.Want(tm.Run("status", "checkout", "--jq", ".status"), 1, "failed\n", "hint: fal-apps set-rev checkout "+revOld+"\n")
	}
	// One that starts for the first time is waited for a moment, and no longer.
	tm := newTerm(t)
	tm.looks("ListAliasRunners", "a:"+revNew+":SETUP")
	tm.Want(tm.Run("status", "checkout", "--jq", ".status"), 0, "rolling\n", "")
	if looks := len(tm.Server.Calls("ListAliasRunners")); looks != 1+lookAgain {
		t.Errorf("%d looks", looks)
	}
	// One that serves is none that crashes.
	tm = newTerm(t)
	tm.looks("ListAliasRunners", "a:"+revNew+":SETUP", "a:"+revNew+":IDLE", "a:"+revNew+":FAILURE_DELAY")
	tm.Want(tm.Run("status", "checkout", "--jq", ".status"), 0, "settled\n", "")
}

// A wait ends when no rollout is under way, and shows the status then.
func TestStatusWaits(t *testing.T) {
	tm := newTerm(t)
	tm.rollingOut()
	var looks atomic.Int32
	tm.Server.Handle("ListAliasRunners", func(faltest.Call) faltest.Answer {
		if looks.Add(1) < 4 {
			return faltest.Reply(fmt.Sprintf(`{"runners": [{"runner_id": "r3", "alias": "checkout", "revision": %q}]}`, revOld))
		}
		settled := sampleApps()
		tm.Server.SetApps(settled...)
		return faltest.Reply(fmt.Sprintf(`{"runners": [{"runner_id": "r1", "alias": "checkout", "revision": %q, "state": "IDLE"}]}`, revNew))
	})
	tm.Want(tm.Run("status", "checkout", "--wait", "--jq", ".status"), 0, "settled\n", "")
	if looks.Load() < 4 {
		t.Errorf("%d looks", looks.Load())
	}
}

// An app whose first runner starts is waited for until it is up or crashes, also
// between two tries. One that wants none is settled.
func TestStatusWaitsForTheFirstRunner(t *testing.T) {
	const starts, crashes, up = "a:" + revNew + ":SETUP", "a:" + revNew + ":FAILURE_DELAY", "a:" + revNew + ":IDLE"
	for _, tt := range []struct {
		name  string
		min   int32
		looks []string
		code  int
		out   string
		err   string
	}{
		{"it comes up", 1, []string{"", "a:" + revNew + ":PENDING", starts, starts, up}, 0, "settled\n", ""},
		{"it crashes", 1, []string{starts, starts, starts, crashes}, 1, "failed\n", "app checkout: revision " + revNew + " crashes, its runner a is in CRASH_BACKOFF\n"},
		{"a request started it", 0, []string{starts, starts, up}, 0, "settled\n", ""},
		{"a request started it in vain", 0, []string{starts, starts, crashes}, 1, "failed\n", "crashes"},
		{"none is wanted", 0, []string{""}, 0, "settled\n", ""},
	} {
		tm := newTerm(t)
		wanted := sampleSettings()
		wanted.MinConcurrency = tt.min
		tm.Server.SetApps(faltest.App{Alias: "checkout", Revision: revNew, Settings: wanted})
		tm.looks("ListAliasRunners", tt.looks...)
		r := tm.Run("status", "checkout", "--wait", "--jq", ".status")
		if r.Code != tt.code || r.Out != tt.out || !strings.Contains(r.Err, tt.err) {
			t.Errorf("%s: %+v", tt.name, r)
		}
	}
}

func TestStatusWaitEnds(t *testing.T) {
	tm := newTerm(t)
	tm.rollingOut()
	tm.Want(tm.Run("status", "checkout", "--wait", "--timeout", "3s"), 1, "", "the rollout of checkout did not end within 3s")
	ctx, cancel := context.WithCancel(t.Context())
	var looks atomic.Int32
	tm.Server.Handle("ListAliasRunners", func(faltest.Call) faltest.Answer {
		if looks.Add(1) == 3 {
			cancel()
		}
		return faltest.Reply(fmt.Sprintf(`{"runners": [{"runner_id": "r3", "alias": "checkout", "revision": %q}]}`, revOld))
	})
	if r := tm.RunContext(ctx, "status", "checkout", "--wait"); r.Code != 130 || r.Out != "" {
		t.Errorf("%+v", r)
	}
}
