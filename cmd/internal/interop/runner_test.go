//go:build interop && unix

package interop

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

// logLine is what both clients print of a line of a runner's log.
type logLine struct {
	Timestamp string `json:"timestamp"`
	Level     string `json:"level"`
	Message   string `json:"message"`
}

func logLines(t *testing.T, text string) []logLine {
	t.Helper()
	var page struct {
		Logs []logLine `json:"logs"`
	}
	if err := json.Unmarshal([]byte(text), &page); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return page.Logs
}

// testLogs reads a runner's log with both clients: the same lines, whatever
// their order.
func (p plane) testLogs(t *testing.T) {
	id := p.settled(t)[0]
	since, until := "1h", time.Now().UTC().Format("2006-01-02T15:04:05.000000")
	theirs := logLines(t, p.succeed(t, p.within(p.official, "runners", "logs", id, "--json", "--since", since, "--until", until)...).stdout)
	ours := logLines(t, p.succeed(t, p.within(p.runners, "logs", id, "--json", "--since", since, "--until", until+"Z")...).stdout)
	if len(ours) == 0 {
		t.Fatal("the log is empty")
	}
	instant := func(lines []logLine) []logLine {
		for i, l := range lines {
			at, err := time.Parse(time.RFC3339Nano, strings.Replace(l.Timestamp, " ", "T", 1))
			if err != nil {
				t.Fatal(err)
			}
			lines[i].Timestamp = at.UTC().Format(time.RFC3339Nano)
		}
		slices.SortStableFunc(lines, func(a, b logLine) int {
			return strings.Compare(a.Timestamp+a.Message, b.Timestamp+b.Message)
		})
		return lines
	}
	if ours, theirs = instant(ours), instant(theirs); !slices.Equal(ours, theirs) {
		t.Errorf("ours\n%v\ntheirs\n%v", ours, theirs)
	}
	text := p.succeed(t, p.within(p.official, "runners", "logs", id, "--since", since)...).stdout
	if !strings.Contains(text, "msg=started") {
		t.Errorf("as text it prints %q", text)
	}
	found := p.succeed(t, p.within(p.official, "runners", "logs", id, "--since", since, "--search", "msg=started")...).stdout
	if !strings.Contains(found, "msg=started") || strings.Contains(found, "msg=request") {
		t.Errorf("a search prints %q", found)
	}
}

// testFollow follows a runner's log with the official client until the runner
// is stopped.
func (p plane) testFollow(t *testing.T) {
	id := p.settled(t)[0]
	done := make(chan result, 1)
	go func() {
		done <- p.run(t, p.within(p.official, "runners", "logs", id, "--follow", "--since", "1h")...)
	}()
	time.Sleep(3 * time.Second) // its start-up; what comes before is in the log all the same
	p.succeed(t, p.within(p.runners, "stop", "--wait", id)...)
	r := <-done
	if r.code != 0 || !strings.Contains(r.stdout, "msg=started") || !strings.Contains(r.stdout, "TERMINATING") {
		t.Errorf("exit %d, %q", r.code, r.stdout)
	}
}

// testExec runs commands in a runner with the official client, and the same
// with ours.
func (p plane) testExec(t *testing.T) {
	id := p.settled(t)[0]
	for _, tt := range []struct {
		command []string
		code    int
		want    string
	}{
		{[]string{"sh", "-c", "echo $FAL_APP_NAME; exit 7"}, 7, "sample"},
		{[]string{"printf", "%s|", "a b", "c"}, 0, "a b|c|"},
		{[]string{"no-such-command"}, 127, ""},
	} {
		theirs := p.run(t, p.within(append([]string{p.official, "runners", "exec", id, "--"}, tt.command...)...)...)
		ours := p.run(t, p.within(append([]string{p.runners, "exec", id, "--"}, tt.command...)...)...)
		for name, r := range map[string]result{"official": theirs, "ours": ours} {
			if r.code != tt.code || !strings.Contains(r.stdout, tt.want) {
				t.Errorf("%s: %q: exit %d, %q, %q", name, tt.command, r.code, r.stdout, r.stderr)
			}
		}
	}
}

func (p plane) testGPUs(t *testing.T) {
	p.settled(t)
	theirs := p.succeed(t, p.within(p.official, "runners", "gpus", "--json")...).stdout
	ours := p.succeed(t, p.within(p.runners, "gpus", "--json")...).stdout
	var a, b struct {
		GPUs  map[string]int `json:"gpus"`
		Total int            `json:"total"`
	}
	if err := json.Unmarshal([]byte(theirs), &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(ours), &b); err != nil {
		t.Fatal(err)
	}
	if a.Total != b.Total || len(a.GPUs) != len(b.GPUs) {
		t.Errorf("theirs %s, ours %s", theirs, ours)
	}
}
