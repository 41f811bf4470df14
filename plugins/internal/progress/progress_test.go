package progress

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// still is an interval in which no test ends: pictures are drawn by hand.
const still = time.Hour

func (d *Display) draw() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refresh()
}

func display(t *testing.T, o Options) (*Display, *clock) {
	c := &clock{at: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	o.Now, o.Interval = c.now, still
	d := New(o)
	t.Cleanup(d.Close)
	return d, c
}

func want(t *testing.T, got, want string) {
	t.Helper()
	if want = strings.Trim(want, "\n"); got != want {
		t.Errorf("shown\n%s\nwant\n%s", got, want)
	}
}

var (
	upload = Step{Doing: "uploading", Done: "uploaded"}
	build  = Step{Doing: "building", Done: "built"}
)

func TestLive(t *testing.T) {
	s := newScreen(t, 80, 24)
	d, c := display(t, Options{Out: s, Live: true, Size: s.size})
	d.Say("deploying checkout")
	task := d.Task("checkout")
	task.Begin(upload)
	const mib = 1 << 20
	for i := range 5 {
		task.Measure(Amount{Bytes: int64(i) * mib, TotalBytes: 12 * mib})
		d.draw()
		c.add(time.Second)
	}
	want(t, s.shown(), `
deploying checkout
⠋ uploading  ━━━━━────────── 33%  4.0 MiB of 12.0 MiB  1.0 MiB/s  8s left  4.0s`)
	task.End(nil, "3 files, 12.0 MiB")
	task.Begin(build)
	for i := range 9 {
		task.Log(fmt.Sprintf("step %d\tof\x1b[2J 9", i+1))
	}
	c.add(72 * time.Second)
	d.draw()
	want(t, s.shown(), `
deploying checkout
✓ uploaded, 3 files, 12.0 MiB  5.0s
⠋ building  1m12s
  step 4    of\x1b[2J 9
  step 5    of\x1b[2J 9
  step 6    of\x1b[2J 9
  step 7    of\x1b[2J 9
  step 8    of\x1b[2J 9
  step 9    of\x1b[2J 9`)
	task.End(nil, "")
	want(t, s.shown(), `
deploying checkout
✓ uploaded, 3 files, 12.0 MiB  5.0s
✓ built  1m12s`)
	task.Begin(build)
	task.Log("one\ntwo\r\n")
	task.End(errors.New("no"), "")
	task.Close()
	d.Close()
	want(t, s.shown(), `
deploying checkout
✓ uploaded, 3 files, 12.0 MiB  5.0s
✓ built  1m12s
  one
  two
✗ building  0.0s`)
}

// Whatever the width is, and becomes, only the picture is redrawn, and no line
// is folded.
func TestLiveWidths(t *testing.T) {
	for columns := 1; columns <= 120; columns++ {
		s := newScreen(t, columns, 10)
		d, c := display(t, Options{Out: s, Live: true, Size: s.size})
		task := d.Task("")
		task.Begin(upload)
		for i := range 3 {
			task.Measure(Amount{Files: i, TotalFiles: 3, Bytes: int64(i) << 30, TotalBytes: 5 << 30})
			c.add(time.Second)
			task.Log(strings.Repeat("wide ", 30))
			d.draw()
		}
		if columns > 40 {
			s.narrow(columns / 3)
			d.draw()
			d.draw()
		}
		d.Close()
		if got := s.shown(); got != "" {
			t.Errorf("%d columns: left %q", columns, got)
		}
	}
}

// A terminal that becomes narrower, or wider, loses nothing of what stands above
// the picture, and keeps nothing of the picture, whether it folds or clips lines.
func TestResize(t *testing.T) {
	for _, clips := range []bool{false, true} {
		for _, widths := range [][]int{{50}, {60}, {70, 40, 20}, {30, 100, 30}, {99, 98, 97}, {8}} {
			s := newScreen(t, 100, 40)
			d, _ := display(t, Options{Out: s, Live: true, Size: s.size, Clips: clips})
			var above []string
			for i := range 20 {
				above = append(above, fmt.Sprint("l", i))
				d.Say(above[i])
			}
			task := d.Task("")
			task.Begin(build)
			for range 9 {
				task.Log(strings.Repeat("wide ", 30))
			}
			d.draw()
			for _, columns := range widths {
				if clips {
					s.clip(columns)
				} else {
					s.narrow(columns)
				}
				d.draw()
				d.draw()
			}
			d.Close()
			if got := s.shown(); got != strings.Join(above, "\n") {
				t.Errorf("clips %v, %v columns: left\n%s", clips, widths, got)
			}
		}
	}
}

func TestLiveRows(t *testing.T) {
	for rows, lines := range map[int]int{2: 1, 3: 2, 5: 4, 24: 7, 0: 7} {
		s := newScreen(t, 80, rows)
		d, _ := display(t, Options{Out: s, Live: true, Size: s.size})
		task := d.Task("")
		task.Begin(build)
		for range 20 {
			task.Log("line")
		}
		d.draw()
		if got := strings.Count(s.shown(), "\n") + 1; got != lines {
			t.Errorf("%d rows: %d lines, want %d", rows, got, lines)
		}
	}
}

func TestLiveSeveral(t *testing.T) {
	s := newScreen(t, 80, 4)
	d, c := display(t, Options{Out: s, Live: true, Size: s.size, Named: true, ASCII: true})
	var tasks []*Task
	for _, name := range []string{"a", "b\x1b[31m", "c", "waits"} {
		tasks = append(tasks, d.Task(name))
	}
	for _, task := range tasks[:3] {
		task.Begin(build)
		task.Log("not shown")
	}
	c.add(2 * time.Second)
	d.draw()
	want(t, s.shown(), `
| a: building  2.0s
| b\x1b[31m: building  2.0s
| c: building  2.0s`)
	tasks[3].Begin(build)
	d.draw()
	want(t, s.shown(), `
| a: building  2.0s
| b\x1b[31m: building  2.0s
  and 2 more`)
	tasks[1].End(errors.New("no"), "")
	tasks[1].Close()
	d.draw()
	want(t, s.shown(), `
b\x1b[31m:   not shown
x b\x1b[31m: building  2.0s
| a: building  2.0s
| c: building  2.0s
| waits: building  0.0s`)
}

func TestPlain(t *testing.T) {
	var out bytes.Buffer
	d, c := display(t, Options{Out: &out, Named: true})
	task := d.Task("checkout")
	task.Begin(upload)
	const mib = 1 << 20
	for i := range 25 {
		task.Measure(Amount{Bytes: int64(i) * mib, TotalBytes: 50 * mib})
		d.draw()
		c.add(time.Second)
	}
	task.End(nil, "2 files")
	task.Begin(build)
	task.Log("one\n  two\n")
	task.End(errors.New("no"), "")
	fmt.Fprint(d.Writer(), "printed\nby the", " user")
	d.Close()
	want(t, strings.TrimRight(out.String(), "\n"), `
checkout: uploading
checkout: uploading: 20%, 10.0 MiB of 50.0 MiB, 1.0 MiB/s
checkout: uploading: 40%, 20.0 MiB of 50.0 MiB, 1.0 MiB/s
checkout: uploaded, 2 files (25s)
checkout: building
checkout:   one
checkout:     two
checkout: building ended after 0.0s
printed
by the user`)
}

func TestWholeLog(t *testing.T) {
	s := newScreen(t, 80, 24)
	d, _ := display(t, Options{Out: s, Live: true, Size: s.size, WholeLog: true})
	task := d.Task("")
	task.Begin(build)
	for i := range 10 {
		task.Log(fmt.Sprint("line ", i))
	}
	d.draw()
	task.End(nil, "")
	if got := s.shown(); strings.Count(got, "line") != 10 || !strings.HasSuffix(got, "✓ built  0.0s") {
		t.Errorf("shown\n%s", got)
	}
}

// A long log is whole when its step fails.
func TestLongLog(t *testing.T) {
	var out bytes.Buffer
	d, _ := display(t, Options{Out: &out, Live: true})
	task := d.Task("")
	task.Begin(build)
	const lines = 30_000
	for i := range lines {
		task.Log(fmt.Sprint("line ", i))
	}
	task.End(errors.New("no"), "")
	got := out.String()
	if strings.Count(got, "  line") != lines || !strings.Contains(got, "  line 0\n") || strings.Contains(got, "before these") {
		t.Errorf("%d bytes: %.200s", len(got), got)
	}
}

// Of one that is too long the last lines are kept, and it is said that there
// were more, and how to see them.
func TestTooLongLog(t *testing.T) {
	for _, tt := range []struct{ dropped, want string }{
		{"", "  ... 90 lines before these\n  line 090\n"},
		{"ask for it", "  ... 90 lines before these: ask for it\n  line 090\n"},
	} {
		var out bytes.Buffer
		d, _ := display(t, Options{Out: &out, Live: true, Dropped: tt.dropped, LogBytes: 10 * (lineCost + len("line 000"))})
		task := d.Task("")
		task.Begin(build)
		for i := range 100 {
			task.Log(fmt.Sprintf("line %03d", i))
		}
		task.End(errors.New("no"), "")
		got := out.String()
		if strings.Count(got, "  line") != 10 || !strings.Contains(got, tt.want) || !strings.Contains(got, "line 099\n") {
			t.Errorf("%s", got)
		}
		task.Begin(build)
		task.Log(strings.Repeat("x", 1000)) // alone, it is too long
		task.End(errors.New("no"), "")
		if got := out.String()[len(got):]; !strings.Contains(got, "xxx") || strings.Contains(got, "before these") {
			t.Errorf("%s", got)
		}
	}
}

// What is said of a task is more than the end of its long name.
func TestLongNames(t *testing.T) {
	s := newScreen(t, 40, 24)
	d, _ := display(t, Options{Out: s, Live: true, Size: s.size, Named: true})
	long, short := d.Task("an-app-of-a-name-that-is-long-enough-for-two"), d.Task("short")
	long.Begin(build)
	short.Begin(build)
	d.draw()
	want(t, s.shown(), `
⠋ an-app-of-a-name-tha…: building  0.0s
⠋ short: building  0.0s`)
	long.End(nil, "")
	short.End(nil, "a note that is longer than the terminal has room")
	want(t, s.shown(), `
✓ an-app-of-a-name-that-is-long…: built
✓ short: built, a note that is longer t`)
}

// A question has the last row for itself.
func TestPause(t *testing.T) {
	s := newScreen(t, 80, 24)
	d, _ := display(t, Options{Out: s, Live: true, Size: s.size})
	task := d.Task("")
	task.Begin(build)
	d.draw()
	d.Pause(func() {
		if got := s.shown(); got != "" {
			t.Errorf("shown %q", got)
		}
		fmt.Fprint(s, "sure? y\n")
	})
	d.draw()
	want(t, s.shown(), "sure? y\n⠋ building  0.0s")
}

// Colours are not counted as columns.
func TestPainted(t *testing.T) {
	s := newScreen(t, 20, 24)
	streams, _, _, _ := iostreams.Test()
	streams.SetColor(iostreams.ColorAlways)
	d, _ := display(t, Options{Out: s, Live: true, Size: s.size, Paint: streams.PaintErr})
	task := d.Task("")
	task.Begin(build)
	task.Log(strings.Repeat("x", 100))
	d.draw()
	d.draw()
	want(t, s.shown(), "⠋ building  0.0s\n  "+strings.Repeat("x", 17))
}

// The display draws by itself, and nothing is left behind.
func TestTicks(t *testing.T) {
	s := newScreen(t, 80, 24)
	d := New(Options{Out: s, Live: true, Size: s.size, Interval: time.Millisecond})
	task := d.Task("")
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 50 {
				task.Begin(build)
				task.Log("line")
				task.Measure(Amount{Bytes: 1, TotalBytes: 2})
				time.Sleep(time.Millisecond / 4)
			}
		})
	}
	group.Wait()
	task.Close()
	d.Close()
	d.Close()
	if got := s.shown(); got != "" {
		t.Errorf("left %q", got)
	}
}

func TestElapsed(t *testing.T) {
	for d, want := range map[time.Duration]string{-time.Second: "0s", 0: "0.0s", 1440 * time.Millisecond: "1.4s", 12*time.Second + 900*time.Millisecond: "12s", 75 * time.Second: "1m15s"} {
		if got := Elapsed(d); got != want {
			t.Errorf("Elapsed(%s) = %s, want %s", d, got, want)
		}
	}
}

// What a step leaves is no wider than the terminal: the time goes first.
func TestClosingLineFits(t *testing.T) {
	for columns, shown := range map[int]string{
		32: "✓ built, 3 files, 3.0 MiB  0.0s\n✗ building  0.0s\n",
		31: "✓ built, 3 files, 3.0 MiB\n✗ building  0.0s\n",
		12: "✓ built, 3 \n✗ building\n",
		8:  "✓ built\n✗ build\n",
		1:  "✓ \n✗ \n",
	} {
		var out bytes.Buffer
		d, _ := display(t, Options{Out: &out, Live: true, Size: func() (int, int) { return columns, 24 }})
		task := d.Task("checkout")
		task.Begin(build)
		task.End(nil, "3 files, 3.0 MiB")
		task.Begin(build)
		task.End(errors.New("no"), "")
		if out.String() != shown {
			t.Errorf("%d columns: %q, want %q", columns, out.String(), shown)
		}
	}
}

// A line without its end is printed when what writes has come to its own.
func TestFlush(t *testing.T) {
	var out bytes.Buffer
	d, _ := display(t, Options{Out: &out})
	if _, err := d.Writer().Write([]byte("one\ntwo")); err != nil {
		t.Fatal(err)
	}
	d.Flush()
	d.Say("three")
	if out.String() != "one\ntwo\nthree\n" {
		t.Errorf("%q", out.String())
	}
}

// The log of a step that ends well goes, and its warnings stay: all of a few, and
// the number of many.
func TestWarningsOutlastTheirStep(t *testing.T) {
	for n, left := range map[int]string{
		0: "✓ built  0.0s",
		2: "✓ built  0.0s\n  WARNING 0\n    more\x07\n  WARNING 1\n    more\x07",
		6: "✓ built  0.0s" + warningsUpTo(6),
		8: "✓ built  0.0s" + warningsUpTo(5) + "\n  and 3 more warnings: ask for it",
	} {
		s := newScreen(t, 80, 40)
		d, _ := display(t, Options{Out: s, Live: true, Size: s.size, Dropped: "ask for it"})
		task := d.Task("")
		task.Begin(build)
		for i := range n {
			task.Log("line")
			task.Warn(fmt.Sprintf("WARNING %d\n  more\x07", i))
		}
		d.draw()
		task.End(nil, "")
		want(t, s.shown(), strings.ReplaceAll(left, "\x07", `\x07`))
		task.Begin(build)
		task.End(nil, "")
		if got := s.shown(); !strings.HasSuffix(got, "✓ built  0.0s") {
			t.Errorf("a step has the warnings of another:\n%s", got)
		}
	}
}

func warningsUpTo(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "\n  WARNING %d\n    more\x07", i)
	}
	return b.String()
}

// Where the log stays, and behind a step that failed, a warning is there once.
func TestWarningsAreSaidOnce(t *testing.T) {
	for _, o := range []Options{{}, {Live: true, WholeLog: true}, {Live: true}} {
		var out bytes.Buffer
		fails := o.Live && !o.WholeLog
		o.Out = &out
		d, _ := display(t, o)
		task := d.Task("")
		task.Begin(build)
		task.Warn("WARNING careful")
		if fails {
			task.End(errors.New("no"), "")
		} else {
			task.End(nil, "")
		}
		if got := out.String(); strings.Count(got, "WARNING careful") != 1 {
			t.Errorf("%+v: %s", o, got)
		}
	}
}

// What the error says is left to it; all else is logged, and in its order.
func TestLogCause(t *testing.T) {
	for _, live := range []bool{false, true} {
		for name, tt := range map[string]struct {
			do   func(*Task, *clock, *Display)
			err  error
			want string
		}{
			"said by the error":  {func(*Task, *clock, *Display) {}, errors.New("it failed: no space"), "  one"},
			"another error":      {func(*Task, *clock, *Display) {}, errors.New("cut"), "  one\n  ERROR no space"},
			"no error":           {func(*Task, *clock, *Display) {}, nil, "  one\n  ERROR no space"},
			"followed by a line": {func(t *Task, _ *clock, _ *Display) { t.Log("two") }, errors.New("no space"), "  one\n  ERROR no space\n  two"},
			"followed by silence": {func(_ *Task, c *clock, d *Display) {
				c.add(heldFor)
				d.draw()
			}, errors.New("no space"), "  one\n  ERROR no space"},
		} {
			if live && tt.err == nil {
				continue // the log goes
			}
			var out bytes.Buffer
			d, c := display(t, Options{Out: &out, Live: live})
			task := d.Task("")
			task.Begin(build)
			task.Log("one")
			task.LogCause("ERROR no space", "no space\n")
			tt.do(task, c, d)
			from := 0
			if live { // pictures
				from = out.Len()
			}
			task.End(tt.err, "")
			var lines []string
			for l := range strings.SplitSeq(out.String()[from:], "\n") {
				if i := strings.LastIndex(l, "\r"); i >= 0 {
					l = l[i+1:]
				}
				if strings.HasPrefix(l, "  ") {
					lines = append(lines, l)
				}
			}
			want(t, strings.Join(lines, "\n"), tt.want)
			if t.Failed() {
				t.Fatalf("%s, live %v", name, live)
			}
		}
	}
}
