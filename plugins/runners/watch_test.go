package runners

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fal-plugins/fal/pkg/fal/faltest"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// lists makes the server give one answer after the other, and interrupts the
// command when they are used up.
func (tm *term) lists(answers ...faltest.Answer) context.Context {
	ctx, cancel := context.WithCancel(tm.T.Context())
	tm.T.Cleanup(cancel)
	var mu sync.Mutex
	tm.Server.Handle("ListRunners", func(faltest.Call) faltest.Answer {
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
	return ctx
}

// watched is an answer with runners given as "id state uptime".
func watched(runners ...string) faltest.Answer {
	var infos []string
	for _, r := range runners {
		f := strings.Fields(r)
		infos = append(infos, fmt.Sprintf(`{"runner_id":%q,"alias":"app","state":%q,"uptime":%s}`, f[0], f[1], f[2]))
	}
	return faltest.Reply(`{"runners":[` + strings.Join(infos, ",") + `]}`)
}

// What a watch on a screen begins with, what it ends with, and what each of its
// pictures begins with.
const (
	enterScreen  = "\x1b[?1049h\x1b[?25l"
	leaveScreen  = "\x1b[?25h\x1b[?1049l"
	beginPicture = "\x1b[?2026h\x1b[H"
)

const summarized = `.event + " " + .runner.runner_id + " " + .runner.state`

func TestWatchLines(t *testing.T) {
	answers := []faltest.Answer{
		watched("a IDLE 1", "b PENDING 9"),
		watched("a IDLE 2", "b PENDING 10"),
		watched("a RUNNING 3", "b SETUP 11", "c PENDING 0"),
		watched("c PENDING 1", "a RUNNING 4"),
		watched(),
	}
	t.Run("filtered one by one", func(t *testing.T) {
		tm := newTerm(t)
		r := tm.RunContext(tm.lists(answers...), "list", "-w", "--interval", "100ms", "-q", summarized)
		tm.Want(r, 130, "added b PENDING\nadded a IDLE\nchanged b SETUP\nchanged a RUNNING\nadded c PENDING\nremoved b SETUP\nremoved a RUNNING\nremoved c PENDING\n", "")
	})
	t.Run("JSON", func(t *testing.T) {
		for _, argv := range [][]string{nil, {"--json"}, {"-o", "jsonl"}} {
			tm := newTerm(t)
			r := tm.RunContext(tm.lists(watched("a IDLE 1")), append([]string{"list", "--watch", "--interval=100ms"}, argv...)...)
			tm.Want(r, 130, `{"event":"added","runner":{"alias":"app","machine_type":"","runner_id":"a","in_flight_requests":0,"expiration_countdown":null,"uptime_seconds":1,"revision":"","state":"IDLE","replacement":"NO_REPLACE","lost":false,"leases":[]}}`+"\n", "")
		}
	})
	t.Run("text in a pipe", func(t *testing.T) {
		tm := newTerm(t)
		r := tm.RunContext(tm.lists(watched("a IDLE 1"), watched()), "list", "-w", "--interval", "100ms", "-o", "pretty")
		if lines := strings.Split(r.Out, "\n"); len(lines) != 4 || !strings.HasPrefix(lines[0], "EVENT") || !strings.HasPrefix(lines[1], "added") || !strings.HasPrefix(lines[2], "removed") {
			t.Errorf("%+v", r)
		}
	})
	t.Run("what leaves the selection is removed", func(t *testing.T) {
		tm := newTerm(t)
		r := tm.RunContext(tm.lists(answers...), "list", "-w", "--interval", "100ms", "--state", "idle", "--sort", "id", "-q", summarized)
		tm.Want(r, 130, "added a IDLE\nremoved a IDLE\n", "")
	})
	t.Run("a filter may end it", func(t *testing.T) {
		tm := newTerm(t)
		r := tm.RunContext(tm.lists(answers...), "list", "-w", "--interval", "100ms", "-q", summarized+`, (if .event == "changed" then halt else empty end)`)
		tm.Want(r, 0, "added b PENDING\nadded a IDLE\nchanged b SETUP\n", "")
	})
	t.Run("a filter may fail", func(t *testing.T) {
		tm := newTerm(t)
		tm.Want(tm.RunContext(tm.lists(answers...), "list", "-w", "-q", `error("no")`), 5, "", "no")
	})
}

// What is asked for stays the same, but never reaches back further than the
// service knows.
func TestWatchRequests(t *testing.T) {
	tm := newTerm(t)
	tm.RunContext(tm.lists(watched(), watched()), "list", "-w", "--interval", "100ms", "--since", "2026-11-20T11:59:30Z")
	want := slices.Repeat([]string{`ListRunners {"list_pending":true,"start_time":"2026-11-20T12:00:00Z"}`}, 3)
	if got := tm.Requests(); !slices.Equal(got, want) {
		t.Errorf("requests %q, want %q", got, want)
	}
}

func TestWatchRefuses(t *testing.T) {
	for argv, want := range map[string]string{
		"list --watch -o tsv":                 "--watch does not print tsv",
		"list --watch -o name":                "--watch does not print name",
		"list --watch -o yaml":                "--watch does not print yaml",
		"list --watch -o csv":                 "--output takes pretty, wide, json or jsonl",
		"list --interval 1s":                  "--interval goes with --watch",
		"list --watch --interval 99ms":        "want 100ms or more",
		"list --watch --interval 0s":          "--interval",
		"list --watch --interval 5":           "--interval",
		"list --watch --jq . -o pretty":       "--jq",
		"list --watch --sort agee":            "did you mean age?",
		"list --watch --since 25h":            "further back than 24 hours",
		"list --watch --interval 1s unwanted": "unexpected argument",
	} {
		tm := newTerm(t)
		tm.Want(tm.Run(strings.Fields(argv)...), 2, "", want)
		if got := tm.Requests(); len(got) != 0 {
			t.Errorf("%s: %q was sent", argv, got)
		}
	}
}

func TestWatchInTrouble(t *testing.T) {
	watch := []string{"list", "-w", "--interval", "100ms", "-q", summarized}
	t.Run("away for a while", func(t *testing.T) {
		tm := newTerm(t)
		ctx := tm.lists(watched("a IDLE 1"), faltest.Fail(13, "a\x1bb"), faltest.Fail(13, "worse"), watched("a IDLE 2"), faltest.Fail(13, "again"), watched("a RUNNING 2"))
		r := tm.RunContext(ctx, watch...)
		tm.Want(r, 130, "added a IDLE\nchanged a RUNNING\n", "trying again every 100ms\nnotice: the service answers again\n")
		if strings.Count(r.Err, "trying again") != 2 || strings.Contains(r.Err, "worse") || strings.Contains(r.Err, "\x1b") {
			t.Errorf("stderr %q", r.Err)
		}
	})
	t.Run("never there", func(t *testing.T) {
		tm := newTerm(t)
		tm.Want(tm.RunContext(tm.lists(faltest.Fail(13, "broken")), watch...), 1, "", "broken")
	})
	t.Run("the key is revoked", func(t *testing.T) {
		tm := newTerm(t)
		tm.Want(tm.RunContext(tm.lists(watched("a IDLE 1"), faltest.Fail(16, "no such key")), watch...), 4, "added a IDLE\n", "no such key")
	})
	t.Run("no first answer in time", func(t *testing.T) {
		tm := newTerm(t)
		tm.Want(tm.RunContext(tm.lists(faltest.Hang()), append(watch, "--timeout", "100ms")...), 6, "", "no answer from")
	})
	t.Run("--timeout is for the first answer", func(t *testing.T) {
		tm := newTerm(t)
		var answers []faltest.Answer
		for range 12 {
			answers = append(answers, watched("a IDLE 1"))
		}
		// More than a second of answers; then one that ends it.
		answers = append(answers, watched("a RUNNING 1"), faltest.Fail(16, "enough"))
		r := tm.RunContext(tm.lists(answers...), append(watch, "--timeout", "1s")...)
		tm.Want(r, 4, "added a IDLE\nchanged a RUNNING\n", "enough")
	})
	t.Run("nobody reads any more", func(t *testing.T) {
		tm := newTerm(t)
		ctx := tm.lists(watched("a IDLE 1"))
		streams, _, _, errout := iostreams.Test()
		streams.Out = failingWriter{io.ErrClosedPipe}
		code := cli.Run(ctx, App(), cli.Process{Args: watch, Streams: streams, Getenv: tm.Getenv})
		if code != 0 || errout.Len() > 0 {
			t.Errorf("exit %d, stderr %q", code, errout)
		}
	})
}

func TestWatchScreen(t *testing.T) {
	t.Run("from first to last", func(t *testing.T) {
		tm := newTerm(t)
		tm.TTY, tm.Width = true, 120
		ctx := tm.lists(watched("a IDLE 1"), faltest.Fail(13, "out of order"), watched("a RUNNING 2"), watched())
		r := tm.RunContext(ctx, "list", "-w", "--interval", "100ms")
		if r.Code != 130 || r.Err != "" {
			t.Errorf("exit %d, stderr %q", r.Code, r.Err)
		}
		if !strings.HasPrefix(r.Out, enterScreen) || !strings.HasSuffix(r.Out, leaveScreen) || strings.Count(r.Out, enterScreen) != 1 {
			t.Errorf("the terminal is not left as it was: %q", r.Out)
		}
		pictures := strings.Split(r.Out, beginPicture)[1:]
		for i, want := range [][]string{
			{"every 100ms: 1 runner: 1 idle", "RUNNER", "a ", "IDLE"},
			{"every 100ms: 1 runner: 1 idle", "out of order; trying again", "IDLE"},
			{"every 100ms: 1 runner: 1 running", "RUNNING"},
			{"every 100ms: no runners"},
		} {
			for _, text := range want {
				if len(pictures) != 4 || !strings.Contains(pictures[i], text) {
					t.Fatalf("picture %d of %q lacks %q", i, pictures, text)
				}
			}
		}
	})
	t.Run("JSON is printed line by line", func(t *testing.T) {
		tm := newTerm(t)
		tm.TTY = true
		tm.Want(tm.RunContext(tm.lists(watched("a IDLE 1")), "list", "-w", "--interval", "100ms", "-q", summarized), 130, "added a IDLE\n", "")
	})
	t.Run("where it cannot be drawn", func(t *testing.T) {
		tm := newTerm(t)
		tm.TTY, tm.Env["TERM"] = true, "dumb"
		r := tm.RunContext(tm.lists(watched("a IDLE 1")), "list", "-w", "--interval", "100ms")
		if strings.Contains(r.Out, "\x1b") || !strings.Contains(r.Out, "\nadded") {
			t.Errorf("%+v", r)
		}
	})
}
