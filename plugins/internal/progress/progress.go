// Package progress shows on stderr how far long work is: what is being done,
// how much of it, and what is logged meanwhile.
//
//	d := progress.New(progress.Options{Out: streams.Err, Live: streams.ErrTerminal(), …})
//	defer d.Close()
//	t := d.Task("checkout")
//	t.Begin(progress.Step{Doing: "building", Done: "built"})
//	t.Log("step 1 of 7")
//	t.End(nil)
//
// Live, what is under way stands at the bottom of the terminal and is redrawn in
// place; its log is the last lines of it, which go when the step ends well.
// Without that, every beginning, end and line of a log is a line, and a step
// that takes long says from time to time how far it is.
//
// What it guarantees:
//   - A step that fails leaves its whole log; beyond 64 MiB its last lines, and
//     it is said how many are missing. One that ends well leaves its warnings; of
//     many the first, and how many more there are.
//   - No line is wider than the terminal, which may change its size; nothing is
//     drawn beside the bottom, nothing above it is lost, and nothing of it is
//     left at the end.
//   - Text that is logged is made harmless for a terminal.
//   - Close leaves no goroutine behind.
//
// Its methods may be called by several goroutines.
package progress

import (
	"cmp"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

const (
	redraw    = 100 * time.Millisecond // between two pictures
	sayAgain  = 10 * time.Second       // between two lines about one step
	mostBytes = 64 << 20               // of a log that are kept
	tail      = 6                      // lines of it that are shown
	mostWarns = 5                      // warnings that a step leaves
)

// Options are what a Display needs from outside.
type Options struct {
	// Out is where it is shown.
	Out io.Writer
	// Live redraws in place: Out is a terminal that can do so.
	Live bool
	// ASCII keeps to that.
	ASCII bool
	// WholeLog shows every line of a log for good.
	WholeLog bool
	// Dropped says how to see what is not kept of a log, as in "--verbose shows
	// them all"; "" says nothing.
	Dropped string
	// LogBytes is how much of the log of a step is kept; 0: 64 MiB.
	LogBytes int
	// Clips: the terminal cuts lines off when it becomes narrower, where others
	// fold them.
	Clips bool
	// Named puts the names of tasks before what is said of them.
	Named bool
	// Size is that of the terminal in characters, 0 where it is not known; nil:
	// not known.
	Size func() (columns, rows int)
	// Paint styles a text; nil: nothing is styled.
	Paint func(iostreams.Style, string) string
	// Now is the time; nil: the system's.
	Now func() time.Time
	// Interval is the time between two pictures; 0: 100 ms.
	Interval time.Duration
}

// Step is what a task does, in words: "building", and "built" behind it.
type Step struct{ Doing, Done string }

// Amount is how much of a step is done. Totals of 0 are not known.
type Amount struct {
	Files, TotalFiles int
	Bytes, TotalBytes int64
}

// Display shows the tasks that are under way.
type Display struct {
	o Options

	mu     sync.Mutex
	tasks  []*Task
	frame  int
	drawn  []int // the widths of the lines of the picture that stands there
	closed bool

	output *lineWriter

	stop, stopped chan struct{}
}

func (d *Display) mostKept() int { return cmp.Or(d.o.LogBytes, mostBytes) }

// New makes a display. Close ends it.
func New(o Options) *Display {
	if o.Paint == nil {
		o.Paint = func(_ iostreams.Style, text string) string { return text }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Size == nil {
		o.Size = func() (int, int) { return 0, 0 }
	}
	d := &Display{o: o, stop: make(chan struct{}), stopped: make(chan struct{})}
	d.output = &lineWriter{log: d.sayLines}
	go d.tick(cmp.Or(o.Interval, redraw))
	return d
}

// Close takes the picture away and ends the display. It may be called again.
func (d *Display) Close() {
	d.output.flush()
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return
	}
	d.closed = true
	d.write(d.erased())
	d.drawn = nil
	d.mu.Unlock()
	close(d.stop)
	<-d.stopped
}

// Pause takes the picture away until what is called has returned, so that a
// question can be asked.
func (d *Display) Pause(ask func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.write(d.erased())
	d.drawn = nil
	ask()
}

// Task adds what is shown until its End or Close. A display that is not Named
// shows no name.
func (d *Display) Task(name string) *Task {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := &Task{d: d, name: iostreams.SanitizeLine(name)}
	d.tasks = append(d.tasks, t)
	return t
}

// Say prints a line that stays.
func (d *Display) Say(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.say(line)
}

// Writer prints the lines that are written to it, and stays usable until Close.
func (d *Display) Writer() io.Writer { return d.output }

// Flush prints a last line without an end that was written to the Writer.
func (d *Display) Flush() { d.output.flush() }

func (d *Display) sayLines(text string) {
	var lines []string
	for l := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		lines = append(lines, harmless(l))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.say(lines...)
}

func (d *Display) tick(every time.Duration) {
	defer close(d.stopped)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-d.stop:
			return
		case <-ticker.C:
		}
		d.mu.Lock()
		if !d.closed {
			d.frame++
			d.refresh()
		}
		d.mu.Unlock()
	}
}

// refresh shows the state that the tasks are in now.
func (d *Display) refresh() {
	now := d.o.Now()
	for _, t := range d.tasks {
		t.sample(now)
		if t.held != nil && now.Sub(t.held.since) >= heldFor {
			t.release()
		}
	}
	if d.o.Live {
		d.write(d.erased() + d.picture())
		return
	}
	for _, t := range d.tasks {
		if line := t.again(now); line != "" {
			d.say(line)
		}
	}
}

// say prints lines for good, above the picture.
func (d *Display) say(lines ...string) {
	if len(lines) == 0 {
		return
	}
	text := strings.Join(lines, "\n") + "\n"
	if !d.o.Live || d.closed {
		d.write(text)
		return
	}
	d.write(d.erased() + text + d.picture())
}

// write is for stderr, behind which nobody could be told of a failure.
func (d *Display) write(text string) {
	if text != "" {
		_, _ = io.WriteString(d.o.Out, text)
	}
}

func (d *Display) remove(t *Task) {
	d.tasks = slices.DeleteFunc(d.tasks, func(has *Task) bool { return has == t })
}
