package runners

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/fal/faltest"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/session"
)

// logTerm is a terminal with logs of the sample runners; idA and idC are of
// checkout. It is 12:00, and they started an hour ago.
func logTerm(t *testing.T) (*term, *faltest.Log, *faltest.Log) {
	tm := newTerm(t)
	start := tm.Now.Add(-time.Hour)
	a, c := tm.Server.AddLog(idA, start, faltest.Dialect{}), tm.Server.AddLog(idC, start, faltest.Dialect{})
	for i := range 20 {
		at := start.Add(time.Duration(i) * time.Minute)
		a.Write(at, []string{"INFO", "STDERR", "debug", "WARNING"}[i%4], fmt.Sprintf("a%d", i))
		c.Write(at.Add(time.Second), "STDOUT", fmt.Sprintf("c%d", i))
	}
	return tm, a, c
}

// words are the last words of the lines.
func words(text string) string {
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
		argv string
		want string
	}{
		{"logs 4f2a -n 3", "a17 a18 a19"},
		{"log " + idA + " --lines 3", "a17 a18 a19"},
		{"logs 4f2a -n3 --search a1", "a17 a18 a19"},
		{"logs 4f2a -n +3", "a0 a1 a2"},
		{"logs 4f2a -n +2 --level error", "a1 a5"},
		{"logs 4f2a -n 0", ""},
		{"logs 4f2a -n +0", ""},
		{"logs 4f2a -n 2 --level error", "a13 a17"},
		{"logs 4f2a --level warning --since 55m", "a5 a7 a9 a11 a13 a15 a17 a19"},
		{"logs 4f2a -n 2 --grep ^a.$", "a8 a9"},
		{"logs 4f2a --grep a1[0-2]", "a10 a11 a12"},
		{"logs 4f2a --search a19", "a19"},
		{"logs 4f2a --since 2026-11-21T11:02:00Z --until 2026-11-21T11:04:00Z", "a2 a3"},
		{"logs 4f2a --until 2026-11-21T11:02:00Z --since 2026-11-21T11:04:00Z", "a2 a3"},
		{"logs 4f2a --since 1d --until 58m", "a0 a1"},
		{"logs 9c1d --since 5m -n 3", ""},
		{"logs app/checkout -n 4", "a18 c18 a19 c19"},
		{"logs app/checkout -n +3", "a0 c0 a1"},
		{"logs app/checkout --since 42m", "a18 c18 a19 c19"},
		{"logs app/checkout --since 42m --grep c", "c18 c19"},
	}
	for _, tt := range tests {
		t.Run(tt.argv, func(t *testing.T) {
			tm, _, c := logTerm(t)
			c.End(tm.Now.Add(-30 * time.Minute))
			r := tm.Run(strings.Fields(tt.argv)...)
			if r.Code != 0 || words(r.Out) != tt.want {
				t.Errorf("exit %d, %q, want %q\n%s", r.Code, words(r.Out), tt.want, r.Err)
			}
			if (tt.want == "") != strings.Contains(r.Err, "no log lines") {
				t.Errorf("stderr %q", r.Err)
			}
		})
	}
}

func TestLogsRefused(t *testing.T) {
	for argv, want := range map[string]struct {
		code    int
		message string
	}{
		"logs":                          {2, "ID"},
		"logs 4f2a -n -2":               {2, "want N for the newest lines"},
		"logs 4f2a --lines=-2":          {2, "want N for the newest lines"},
		"logs 4f2a -n ten":              {2, "want N"},
		"logs 4f2a -n ++1":              {2, "want N"},
		"logs 4f2a -n +3 -f":            {2, "--lines +N"},
		"logs 4f2a --no-reconnect":      {2, "--follow"},
		"logs 4f2a --grep (":            {2, `--grep "("`},
		"logs 4f2a --level loud":        {2, "loud"},
		"logs 4f2a --since soon":        {2, "--since"},
		"logs 4f2a -o name":             {2, "name"},
		"logs app/":                     {2, "app/NAME"},
		"logs 4f2":                      {2, "the beginning of 2 runner ids"},
		"logs ffff":                     {3, "runner ffff not found"},
		"logs " + strings.ToUpper(idB):  {3, "not found"},
		"logs app/nonesuch":             {3, "no runners of app nonesuch"},
		"logs app/check":                {3, "no runners of app check"},
		"logs 4f2a --jq .[ --follow":    {2, "jq"},
		"logs 4f2a -o table --follow":   {2, "table"},
		"logs " + idB + " --json -n 10": {3, `"code":"not_found"`},
	} {
		t.Run(argv, func(t *testing.T) {
			tm, _, _ := logTerm(t)
			r := tm.Run(strings.Fields(argv)...)
			if r.Code != want.code || r.Out != "" || !strings.Contains(r.Err, want.message) {
				t.Errorf("exit %d, want %d with %q\n%s%s", r.Code, want.code, want.message, r.Out, r.Err)
			}
			if calls := tm.Server.Calls(); want.code == 2 && !strings.HasSuffix(argv, "4f2") && len(calls) > 0 {
				t.Errorf("asked %+v", calls)
			}
		})
	}
}

// The newest lines cost three round trips, whatever there is.
func TestLogsTailRoundTrips(t *testing.T) {
	tm, log, _ := logTerm(t)
	for i := range 30000 {
		log.Write(tm.Now.Add(-30*time.Minute).Add(time.Duration(i)*time.Millisecond), "INFO", strconv.Itoa(i))
	}
	r := tm.Run("logs", "4f2a", "-n", "10")
	if r.Code != 0 || strings.Count(r.Out, "\n") != 10 || len(tm.Server.Calls()) > 3 {
		t.Errorf("%+v after %d round trips", r, len(tm.Server.Calls()))
	}
	if page := tm.Server.Calls("POST /logs/history"); len(page) != 1 || page[0].Query.Get("page_size") != "10" {
		t.Errorf("%+v", page)
	}
}

func TestLogsJSON(t *testing.T) {
	tm, log, _ := logTerm(t)
	log.WriteJSON(tm.Now.Add(-time.Minute), `{"timestamp": "2026-11-21T11:59:00Z", "level": "INFO", "message": "[rank0]: \u001b[31m<b>\u001b[0m", "labels": {"n": 1.0}}`)
	r := tm.Run("logs", "4f2a", "-n", "2", "--json")
	tm.Want(r, 0, `{"logs":[{"level":"WARNING","message":"a19","timestamp":"2026-11-21T11:19:00Z","runner_id":"`+idA+`"},`+
		`{"timestamp":"2026-11-21T11:59:00Z","level":"INFO","message":"[rank0]: \u001b[31m<b>\u001b[0m","labels":{"n":1.0},"runner_id":"`+idA+`"}]}`+"\n", "")
	tm.Want(tm.Run("logs", "4f2a", "--json", "--search", "zzz"), 0, `{"logs":[]}`+"\n", "no log lines")
	tm.Want(tm.Run("logs", "4f2a", "-n", "1", "--jq", ".logs[].labels.n"), 0, "1.0\n", "")
	tm.Want(tm.Run("logs", "4f2a", "-n", "2", "-o", "jsonl", "--jq", ".level"), 0, "WARNING\nINFO\n", "")
	tm.Want(tm.Run("logs", "4f2a", "-n", "1", "-o", "tsv"), 0, "timestamp\trunner_id\tlevel\tmessage\n2026-11-21T11:59:00.000000Z\t"+idA+"\tINFO\t[rank0]: \x1b[31m<b>\x1b[0m\n", "")
}

func TestLogsYAML(t *testing.T) {
	tm, _, _ := logTerm(t)
	tm.Want(tm.Run("logs", "4f2a", "-n", "1", "-o", "yaml"), 0, "logs:\n  - level: WARNING\n    message: a19\n    timestamp: \"2026-11-21T11:19:00Z\"\n    runner_id: \""+idA+"\"\n", "")
	tm.Want(tm.Run("logs", "4f2a", "-n", "0", "-o", "yaml"), 0, "logs: []\n", "no log lines")
}

func TestFollowRunner(t *testing.T) {
	tests := []struct {
		argv, want string
	}{
		{"logs 4f2a -f", "late end"},
		{"logs 4f2a -f -n 2", "a19 late end"},
		{"logs 4f2a -f -n 0", "end"},
		{"logs 4f2a -f --since 43m", "a17 a18 a19 late end"},
		{"logs 4f2a -f -n 3 --level error", "a9 a13 a17 end"},
		{"logs 4f2a -f --grep e$", "late"},
		{"logs 4f2a -f --search late", "late"},
	}
	for _, tt := range tests {
		t.Run(tt.argv, func(t *testing.T) {
			tm, log, _ := logTerm(t)
			log.Write(tm.Now.Add(-30*time.Second), "INFO", "late")
			var ending sync.WaitGroup
			ending.Go(func() {
				for t.Context().Err() == nil && len(tm.Server.Calls("POST /logs/stream")) == 0 {
					time.Sleep(time.Millisecond)
				}
				log.Write(tm.Now, "ERROR", "end")
				runners := tm.Server.Runners()
				runners[slices.IndexFunc(runners, func(r faltest.Runner) bool { return r.ID == idA })].State = 9
				tm.Server.SetRunners(runners...)
				log.End(tm.Now)
			})
			r := tm.Run(strings.Fields(tt.argv)...)
			ending.Wait()
			if r.Code != 0 || words(r.Out) != tt.want {
				t.Errorf("exit %d, %q, want %q", r.Code, words(r.Out), tt.want)
			}
			if want := idA + " ended: CRASH_BACKOFF\n"; r.Err != want {
				t.Errorf("stderr %q, want %q", r.Err, want)
			}
		})
	}
}

func TestFollowOfAnEndedRunner(t *testing.T) {
	tm, log, _ := logTerm(t)
	log.End(tm.Now.Add(-41 * time.Minute))
	r := tm.Run("logs", idA, "-f", "--json")
	if want := `{"level":"STDERR","message":"a18","timestamp":"2026-11-21T11:18:00Z","runner_id":"` + idA + `"}`; r.Code != 0 || !strings.Contains(strings.Replace(r.Out, "debug", "STDERR", 1), want) {
		t.Errorf("%+v", r)
	}
	if strings.Count(r.Out, "\n") != 2 {
		t.Errorf("%q", r.Out)
	}
}

func TestFollowWithoutReconnection(t *testing.T) {
	tm, _, _ := logTerm(t)
	go func() {
		for t.Context().Err() == nil && len(tm.Server.Calls("POST /logs/stream")) == 0 {
			time.Sleep(time.Millisecond)
		}
		tm.Server.Close()
	}()
	r := tm.Run("logs", idA, "-f", "--no-reconnect")
	if r.Code != 6 {
		t.Errorf("%+v", r)
	}
}

// running is a command that goes on while its output is looked at.
type running struct {
	t        *testing.T
	mu       sync.Mutex
	out, err bytes.Buffer
	stop     context.CancelFunc
	code     chan int
}

type lockedWriter struct {
	r *running
	b *bytes.Buffer
}

func (w lockedWriter) Write(p []byte) (int, error) {
	w.r.mu.Lock()
	defer w.r.mu.Unlock()
	return w.b.Write(p)
}

func (tm *term) start(argv ...string) *running {
	r := &running{t: tm.T, code: make(chan int, 1)}
	streams, _, _, _ := iostreams.Test()
	streams.Out, streams.Err = io.Writer(lockedWriter{r, &r.out}), io.Writer(lockedWriter{r, &r.err})
	ctx, cancel := context.WithCancel(tm.T.Context())
	r.stop = cancel
	d := dependencies{connect: session.Open, now: func() time.Time { return tm.Now }, poll: 5 * time.Millisecond}
	go func() { r.code <- cli.Run(ctx, app(d), cli.Process{Args: argv, Streams: streams, Getenv: tm.Getenv}) }()
	return r
}

// await waits until both outputs hold the texts.
func (r *running) await(out, errout string) {
	r.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		r.mu.Lock()
		o, e := r.out.String(), r.err.String()
		r.mu.Unlock()
		if strings.Contains(o, out) && strings.Contains(e, errout) {
			return
		}
		if time.Now().After(end) {
			r.t.Fatalf("waited in vain for %q and %q\n%s%s", out, errout, o, e)
		}
	}
}

func TestFollowApp(t *testing.T) {
	tm, a, c := logTerm(t)
	r := tm.start("logs", "app/checkout", "-f", "-n", "3")
	r.await("c19", "")
	a.Write(tm.Now, "INFO", "a-live")
	c.Write(tm.Now, "INFO", "c-live")
	r.await("4f2a91c0 INFO    a-live", "")
	r.await("9c1d07aa INFO    c-live", "")

	// One more comes, another one goes.
	const idE = "e0000000-0000-4000-8000-000000000005"
	e := tm.Server.AddLog(idE, tm.Now, faltest.Dialect{})
	e.Write(tm.Now.Add(time.Second), "INFO", "e-first")
	tm.Server.SetRunners(append(tm.Server.Runners(), faltest.Runner{ID: idE, Alias: "checkout", State: 1})...)
	r.await("e0000000 INFO    e-first", "e0000000 joined\n")
	runners := tm.Server.Runners()
	runners[slices.IndexFunc(runners, func(r faltest.Runner) bool { return r.ID == idA })].State = 7
	tm.Server.SetRunners(runners...)
	a.Write(tm.Now.Add(time.Second), "INFO", "a-last")
	a.End(tm.Now.Add(2 * time.Second))
	r.await("4f2a91c0 INFO    a-last", "4f2a91c0 ended: TERMINATED\n")
	c.Write(tm.Now.Add(time.Minute), "INFO", "c-still")
	r.await("9c1d07aa INFO    c-still", "")
	r.stop()
	if code := <-r.code; code != 130 {
		t.Errorf("exit %d", code)
	}
	got := words(r.out.String())
	for _, word := range []string{"a-live", "c-live", "e-first", "a-last", "c-still", "c19"} {
		if strings.Count(got, word) != 1 {
			t.Errorf("%s is not there once: %s", word, got)
		}
	}
	if !strings.HasPrefix(got, "c18 a19 c19 ") || strings.Count(r.err.String(), "\n") != 2 {
		t.Errorf("%s\n%s", got, r.err.String())
	}
}

// An app without runners is waited for, and no more runners are followed at
// once than there may be open streams.
func TestFollowAppIsBounded(t *testing.T) {
	const openStreams = 64
	tm, _, _ := logTerm(t)
	r := tm.start("logs", "app/big", "-f")
	r.await("", "big has no runners now\n")
	var runners []faltest.Runner
	logs := map[string]*faltest.Log{}
	for i := range openStreams + 2 {
		id := fmt.Sprintf("%08d-0000-4000-8000-000000000000", i)
		logs[id] = tm.Server.AddLog(id, tm.Now, faltest.Dialect{})
		logs[id].Write(tm.Now, "INFO", "from-"+id[:8])
		runners = append(runners, faltest.Runner{ID: id, Alias: "big"})
	}
	tm.Server.SetRunners(runners...)
	r.await("", fmt.Sprintf("2 runners more: %d are followed at once\n", openStreams))
	for i := range openStreams {
		r.await("from-"+runners[i].ID[:8], "")
	}
	if n := len(tm.Server.Calls("POST /logs/stream")); n != openStreams {
		t.Errorf("%d streams", n)
	}
	for i := range 2 {
		logs[runners[i].ID].End(tm.Now)
	}
	r.await("from-00000064", "")
	r.await("from-00000065", "00000000 ended: ")
	r.stop()
	if code := <-r.code; code != 130 {
		t.Errorf("exit %d", code)
	}
}

// A hundred thousand lines come out as one document, in order.
func TestLogsOfAnyLength(t *testing.T) {
	tm, log, _ := logTerm(t)
	const lines = 100_000
	for i := range lines {
		log.Write(tm.Now.Add(-30*time.Minute).Add(time.Duration(i)*time.Millisecond), "INFO", "n"+strconv.Itoa(i))
	}
	r := tm.Run("logs", "4f2a", "--json", "--since", "30m", "--until", "now")
	var got struct {
		Logs []struct{ Message string }
	}
	if err := json.Unmarshal([]byte(r.Out), &got); err != nil || r.Code != 0 || len(got.Logs) != lines {
		t.Fatalf("exit %d, %d lines, %v: %s", r.Code, len(got.Logs), err, r.Err)
	}
	for i, l := range got.Logs {
		if l.Message != "n"+strconv.Itoa(i) {
			t.Fatalf("line %d is %q", i, l.Message)
		}
	}
}

// What happens to the connection is told, and no line is missing for it.
func TestFollowTellsThatItWasAway(t *testing.T) {
	tm, log, _ := logTerm(t)
	r := tm.start("logs", idA, "-f", "-n", "1")
	r.await("a19", "")
	log.Write(tm.Now, "INFO", "first")
	r.await("first", "")
	tm.Server.Connections(faltest.Hangup)
	r.await("", "trying on: ")
	log.Write(tm.Now, "INFO", "meanwhile")
	tm.Server.Connections(faltest.Serve)
	r.await("meanwhile", "back after ")
	log.End(tm.Now)
	if code := <-r.code; code != 0 {
		t.Errorf("exit %d", code)
	}
	if got := words(r.out.String()); got != "a19 first meanwhile" {
		t.Errorf("%q", got)
	}
	if n := strings.Count(r.err.String(), "\n"); n != 3 {
		t.Errorf("%d notices: %s", n, r.err.String())
	}
	r.stop()
}
