package apps

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

const runnerStaging = "57a61a60-0000-4000-8000-000000000003"

// logTerm is a terminal where the runners of checkout have written a line a
// minute each, from 11:00 on, and that of staging one.
func logTerm(t *testing.T) *term {
	tm := newTerm(t)
	tm.Server.SetRunners(append(sampleRunners(), faltest.Runner{ID: runnerStaging, Alias: "checkout--staging", State: 8})...)
	start := tm.Now.Add(-time.Hour)
	a, b, staging := tm.Server.AddLog(runnerA, start, faltest.Dialect{}), tm.Server.AddLog(runnerB, start, faltest.Dialect{}), tm.Server.AddLog(runnerStaging, start, faltest.Dialect{})
	for i := range 4 {
		at := start.Add(time.Duration(i) * time.Minute)
		a.Write(at, []string{"INFO", "ERROR"}[i%2], fmt.Sprintf("a%d", i))
		b.Write(at.Add(time.Second), "STDOUT", fmt.Sprintf("b%d", i))
	}
	staging.Write(start, "INFO", "s0")
	return tm
}

// messages are the last words of the lines.
func messages(text string) string {
	var last []string
	for line := range strings.Lines(text) {
		if fields := strings.Fields(line); len(fields) > 0 {
			last = append(last, fields[len(fields)-1])
		}
	}
	return strings.Join(last, " ")
}

func TestLogs(t *testing.T) {
	tests := []struct {
		argv, variable, want string
	}{
		{"logs checkout", "", "a0 b0 a1 b1 a2 b2 a3 b3"},
		{"log checkout -n 3", "", "b2 a3 b3"},
		{"logs checkout -n +2", "", "a0 b0"},
		{"logs checkout --level error", "", "a1 a3"},
		{"logs checkout --since 58m --grep ^b", "", "b2 b3"},
		{"logs checkout --env staging", "", "s0"},
		{"logs checkout--staging", "", "s0"},
		{"logs checkout--staging --env staging", "", "s0"},
		{"logs checkout", "staging", "s0"},
		{"logs checkout --env main -n 1", "staging", "b3"},
		{"logs checkout --search a2", "", "a2"},
	}
	for _, tt := range tests {
		t.Run(tt.argv, func(t *testing.T) {
			tm := logTerm(t)
			tm.Env["FAL_ENV"] = tt.variable
			r := tm.Run(strings.Fields(tt.argv)...)
			if r.Code != 0 || messages(r.Out) != tt.want || r.Err != "" {
				t.Errorf("exit %d, %q, want %q\n%s", r.Code, messages(r.Out), tt.want, r.Err)
			}
		})
	}
	t.Run("text names the runner", func(t *testing.T) {
		tm := logTerm(t)
		tm.Want(tm.Run("logs", "checkout", "-n", "1"), 0, "11:03:01.000 4f2b1207 STDOUT  b3\n", "")
	})
	t.Run("JSON", func(t *testing.T) {
		tm := logTerm(t)
		tm.Want(tm.Run("logs", "checkout", "-n", "1", "--json"), 0,
			`{"logs":[{"level":"STDOUT","message":"b3","timestamp":"2026-11-21T11:03:01Z","runner_id":"`+runnerB+`"}]}`+"\n", "")
	})
}

func TestLogsRefused(t *testing.T) {
	for argv, want := range map[string]struct {
		code    int
		message string
	}{
		"logs":                             {2, "APP"},
		"logs checkout -n -2":              {2, "want N for the newest lines"},
		"logs checkout -n +3 -f":           {2, "--lines +N"},
		"logs checkout --no-reconnect":     {2, "--follow"},
		"logs checkout --grep (":           {2, `--grep "("`},
		"logs checkout -o name":            {2, "name"},
		"logs search":                      {3, "no runners of app search\nhint: `fal-apps list` shows the apps\n"},
		"logs search --env main":           {3, "no runners of app search\nhint: `fal-apps list --env main` shows the apps\n"},
		"logs search --env staging":        {3, "app search not found in environment staging\nhint: `fal-apps list --env staging` shows"},
		"logs serch":                       {3, "app serch not found\nhint: did you mean search?\n"},
		"logs search--staging --json":      {3, `"code":"not_found"`},
		"logs checkout --env main--x --xx": {2, "xx"},
	} {
		t.Run(argv, func(t *testing.T) {
			tm := logTerm(t)
			r := tm.Run(strings.Fields(argv)...)
			if r.Code != want.code || r.Out != "" || !strings.Contains(r.Err, want.message) {
				t.Errorf("exit %d, want %d with %q\n%s%s", r.Code, want.code, want.message, r.Out, r.Err)
			}
			if calls := tm.Server.Calls(); want.code == 2 && len(calls) > 0 {
				t.Errorf("asked %+v", calls)
			}
		})
	}
}

// A follow of an app waits for its runners, and is ended from outside.
func TestLogsFollow(t *testing.T) {
	tm := logTerm(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	tm.Server.Handle("ListRunners", func(faltest.Call) faltest.Answer {
		if len(tm.Server.Calls("ListRunners")) > 2 {
			cancel()
		}
		return faltest.Reply()
	})
	tm.Want(tm.RunContext(ctx, "logs", "checkout", "-f", "--env", "staging"), 130, "", "checkout in environment staging has no runners now\n")
}
