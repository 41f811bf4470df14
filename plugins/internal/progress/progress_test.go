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

// Of a long log the last lines are kept, and it is said that there were more.
func TestLongLog(t *testing.T) {
	var out bytes.Buffer
	d, _ := display(t, Options{Out: &out, Live: true})
	task := d.Task("")
	task.Begin(build)
	for i := range mostLines + 7 {
		task.Log(fmt.Sprint("line ", i))
	}
	task.End(errors.New("no"), "")
	got := out.String()
	if strings.Count(got, "  line") != mostLines || !strings.Contains(got, "... 7 lines before these\n  line 7\n") || !strings.Contains(got, fmt.Sprintf("line %d\n", mostLines+6)) {
		t.Errorf("%d bytes: %.200s", len(got), got)
	}
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
