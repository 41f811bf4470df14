package runners

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

// life makes the server tell of a runner's life, its events, and its log, each
// as JSON.
func (tm *term) life(id, span, events, lines string) {
	tm.Server.HandleREST("GET /runners/"+id, jsonAnswer(span))
	tm.Server.HandleREST("POST /logs/history", func(w http.ResponseWriter, r *http.Request) {
		items := lines
		if r.URL.Query().Get("source") == "lifecycle" {
			items = events
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"items":[`+items+`],"next_until":null}`)
	})
}

const crashEvents = `{"timestamp":"2026-11-21T11:59:02Z","level":"ERROR","message":"x","source":"lifecycle","labels":{"event":"state","state":"FAILURE_DELAY","reason":"exited with code 3"}},
	{"timestamp":"2026-11-21T11:59:01Z","level":"INFO","message":"x","source":"lifecycle","labels":{"event":"state","state":"SETUP","reason":"process 42"}}`

func TestDescribe(t *testing.T) {
	t.Run("a runner at work", func(t *testing.T) {
		tm := newTerm(t)
		tm.TTY = true
		tm.life(idA, `{"started_at":"2026-11-21T10:00:00Z","ended_at":null}`, "", "")
		r := tm.Run("describe", "4f2a")
		for _, want := range []string{"Runner     " + idA + "\n", "App        checkout\n", "State      RUNNING\n", "Uptime     2h13m\n", "\n1 lease\n  request req-1 from u1 since 2026-09-21T14:13:20Z\n"} {
			if !strings.Contains(r.Out, want) || r.Code != 0 || r.Err != "" {
				t.Errorf("%+v lacks %q", r, want)
			}
		}
		if strings.Contains(r.Out, "Events") || strings.Contains(r.Out, "End of the log") {
			t.Errorf("empty sections: %s", r.Out)
		}
	})
	t.Run("one that crashed", func(t *testing.T) {
		tm := newTerm(t)
		tm.Server.SetRunners(faltest.Runner{ID: idC, Alias: "checkout", State: 9})
		var lines []string
		for i := range 30 { // newest first, as the control plane sends them
			lines = append(lines, fmt.Sprintf(`{"timestamp":"2026-11-21T11:59:01.%06dZ","level":"STDERR","message":"line %d","source":"stderr"}`, 30-i, 30-i))
		}
		tm.life(idC, `{"started_at":"2026-11-21T11:59:00Z","ended_at":null}`, crashEvents, strings.SplitAfter(crashEvents, "\n")[0]+strings.Join(lines, ","))
		r := tm.Run("get", "9C1D")
		var got struct {
			State    string
			Events   []struct{ Time, State, Reason string }
			CrashLog []struct {
				Message  string
				RunnerID string `json:"runner_id"`
			} `json:"crash_log"`
		}
		if err := json.Unmarshal([]byte(r.Out), &got); err != nil || r.Code != 0 {
			t.Fatalf("%v: %+v", err, r)
		}
		if n := len(got.Events); n != 2 || got.Events[1].State != "CRASH_BACKOFF" || got.Events[1].Time != "2026-11-21T11:59:02Z" || got.Events[0].Reason != "process 42" {
			t.Errorf("events %+v", got.Events)
		}
		if n := len(got.CrashLog); n != crashLines || got.CrashLog[n-1].Message != "line 30" || got.CrashLog[0].Message != "line 11" || got.CrashLog[0].RunnerID != idC {
			t.Errorf("log %+v", got.CrashLog)
		}
		if calls := tm.Server.Calls("POST /logs/history"); len(calls) != 2 {
			t.Errorf("%d requests for the log, want 2", len(calls))
		}
	})
	t.Run("one that ended long ago", func(t *testing.T) {
		tm := newTerm(t)
		const id = "aaaaaaaa-0000-4000-8000-000000000001"
		tm.life(id, `{"started_at":"2026-11-01T10:00:00Z","ended_at":"2026-11-01T10:01:00Z"}`, "", "")
		r := tm.Run("describe", strings.ToUpper(id), "-q", ".runner_id, .state, .alias, .uptime_seconds, .ended_at")
		tm.Want(r, 0, id+"\nTERMINATED\nnull\n60\n2026-11-01T10:01:00Z\n", "")
	})
	t.Run("listed, and known nowhere else", func(t *testing.T) {
		tm := newTerm(t)
		tm.Want(tm.Run("describe", idB, "-q", ".alias, .started_at, .events"), 0, "checkout--staging\nnull\n[]\n", "")
	})
	t.Run("those that ended within a day are looked for", func(t *testing.T) {
		tm := newTerm(t)
		tm.Run("describe", "9c")
		if got := tm.Requests("ListRunners"); len(got) != 1 || !strings.Contains(got[0], `"start_time":"2026-11-20T12:00:00Z"`) {
			t.Errorf("%q", got)
		}
	})
}

func TestDescribeRefuses(t *testing.T) {
	for _, tt := range []struct {
		argv string
		code int
		err  string
	}{
		{"describe", 2, "ID is missing"},
		{"describe 9c 4f", 2, "unexpected argument"},
		{"describe 4f2", 2, `"4f2" is the beginning of 2 runner ids`},
		{"describe 0000", 3, "runner 0000 not found"},
		{"describe 00000000-0000-4000-8000-000000000000", 3, "runner 00000000-0000-4000-8000-000000000000 not found"},
		{"describe 9c -o name", 2, "name"},
	} {
		tm := newTerm(t)
		tm.Want(tm.Run(strings.Fields(tt.argv)...), tt.code, "", tt.err)
	}
	t.Run("part of the service fails", func(t *testing.T) {
		tm := newTerm(t)
		tm.life(idC, `{"started_at":null,"ended_at":null}`, "", "")
		tm.Server.HandleREST("GET /runners/"+idA, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
		tm.Want(tm.Run("describe", idA), 4, "", "forbidden")
	})
}
