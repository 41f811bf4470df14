package apps

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

// What is shown is what `fal runners list` shows, of one app.
func TestRunners(t *testing.T) {
	tests := []struct {
		argv string
		want []string
	}{
		{"runners checkout -o name", []string{runnerA, runnerB}},
		{"runners checkout -o name --sort age", []string{runnerB, runnerA}},
		{"runners checkout -o name --state idle", []string{runnerB}},
		{"runners -o name --state idle,running checkout", []string{runnerA, runnerB}},
		{"runners checkout -o name --state all", []string{runnerA, runnerB}},
		{"runners checkout --jq .runners[].state", []string{"RUNNING", "IDLE"}},
		{"runners search -o name", nil},
	}
	for _, tt := range tests {
		t.Run(tt.argv, func(t *testing.T) {
			tm := newTerm(t)
			r := tm.Run(strings.Fields(tt.argv)...)
			if got := strings.Fields(r.Out); r.Code != 0 || !slices.Equal(got, tt.want) {
				t.Errorf("exit %d, %q, want %q\n%s", r.Code, got, tt.want, r.Err)
			}
		})
	}
	t.Run("JSON", func(t *testing.T) {
		tm := newTerm(t)
		tm.Want(tm.Run("runners", "checkout", "--state", "idle"), 0, `{"runners":[{"alias":"checkout","machine_type":"GPU-H100","runner_id":"`+runnerB+
			`","in_flight_requests":0,"expiration_countdown":null,"uptime_seconds":41,"revision":"`+revNew+`","state":"IDLE","replacement":"NO_REPLACE","lost":false,"leases":[]}]}`+"\n", "")
		tm.Want(tm.Run("runners", "search"), 0, `{"runners":[]}`+"\n", "no runners\n")
	})
	t.Run("ended ones need --since", func(t *testing.T) {
		tm := newTerm(t)
		r := tm.Run("runners", "checkout", "--state", "terminated")
		tm.Want(r, 0, `{"runners":[]}`+"\n", "note: runners that have ended are listed with --since")
	})
}

// What the official client sends, field by field.
func TestRunnersRequest(t *testing.T) {
	tests := []struct {
		argv, variable, want string
	}{
		{"runners checkout", "", `{"alias":"checkout","list_pending":true}`},
		{"runners checkout --state idle --sort age", "", `{"alias":"checkout","list_pending":true}`},
		{"runners checkout --since 1h", "", `{"alias":"checkout","list_pending":true,"start_time":"2026-11-21T11:00:00Z"}`},
		{"runners checkout --env staging", "", `{"alias":"checkout--staging","environment_name":"staging","list_pending":true}`},
		{"runners checkout--main", "staging", `{"alias":"checkout","environment_name":"main","list_pending":true}`},
		{"runners checkout--staging --env staging", "", `{"alias":"checkout--staging","environment_name":"staging","list_pending":true}`},
		{"runners checkout", "staging", `{"alias":"checkout--staging","environment_name":"staging","list_pending":true}`},
		{"runners checkout --env main", "staging", `{"alias":"checkout","environment_name":"main","list_pending":true}`},
	}
	for _, tt := range tests {
		tm := newTerm(t)
		tm.Env["FAL_ENV"] = tt.variable
		r := tm.Run(strings.Fields(tt.argv)...)
		if got := tm.Requests(); r.Code != 0 || len(got) != 1 || got[0] != "ListAliasRunners "+tt.want {
			t.Errorf("%s: %q, want %s\n%s", tt.argv, got, tt.want, r.Err)
		}
	}
}

func TestRunnersRefuses(t *testing.T) {
	for argv, want := range map[string]string{
		"runners":                            "APP",
		"runners checkout search":            "unexpected argument",
		"runners checkout --since 25h":       "further back than 24 hours",
		"runners checkout --state asleep":    "asleep",
		"runners checkout --sort agee":       "did you mean age?",
		"runners checkout --interval 1s":     "--interval goes with --watch",
		"runners checkout --watch -o tsv":    "--watch does not print tsv",
		"runners checkout --jq .[":           "jq",
		"runners checkout --profile missing": "missing",
	} {
		tm := newTerm(t)
		tm.Want(tm.Run(strings.Fields(argv)...), 2, "", want)
		if got := tm.Server.Calls(); len(got) != 0 {
			t.Errorf("%s: %+v was sent", argv, got)
		}
	}
	tm := newTerm(t)
	tm.Server.Script("ListAliasRunners", faltest.Fail(5, "app chekout not found"))
	tm.Want(tm.Run("runners", "chekout"), 3, "", "app chekout not found\nhint: did you mean checkout?\n")
	if got := tm.Requests(); len(got) != 2 || got[1] != "ListAliases {}" {
		t.Errorf("requests %q", got)
	}
	tm.Server.Handle("ListAliases", func(faltest.Call) faltest.Answer { return faltest.Fail(5, "environment nowhere not found") })
	tm.Server.Script("ListAliasRunners", faltest.Fail(5, "environment nowhere not found"))
	tm.Want(tm.Run("runners", "checkout--nowhere"), 3, "", "environment nowhere not found\nhint: `fal environments list` shows those that are there\n")
}

func TestRunnersWatch(t *testing.T) {
	tm := newTerm(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex
	answers := []faltest.Answer{
		faltest.Reply(`{"runners":[{"runner_id":"a","alias":"checkout","state":"IDLE"}]}`),
		faltest.Fail(13, "out of order"),
		faltest.Reply(`{"runners":[{"runner_id":"b","alias":"checkout","state":"PENDING"}]}`),
	}
	tm.Server.Handle("ListAliasRunners", func(faltest.Call) faltest.Answer {
		mu.Lock()
		defer mu.Unlock()
		if len(answers) == 0 {
			cancel()
			return faltest.Hang()
		}
		next := answers[0]
		answers = answers[1:]
		return next
	})
	r := tm.RunContext(ctx, "runners", "checkout", "--watch", "--interval", "100ms", "-q", `.event + " " + .runner.runner_id`)
	tm.Want(r, 130, "added a\nadded b\nremoved a\n", "out of order; trying again every 100ms\nnotice: the service answers again\n")
}
