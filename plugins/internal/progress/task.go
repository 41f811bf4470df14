package progress

import (
	"fmt"
	"strings"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// Task is one piece of work, which takes its steps one after the other.
type Task struct {
	d    *Display
	name string

	running bool
	step    Step
	began   time.Time
	said    time.Time // when a line was last printed about the step
	amount  Amount
	speed   speed
	log     kept
	warned  []string // what is said again behind the step
	held    *cause
}

// Begin begins a step.
func (t *Task) Begin(s Step) {
	t.d.mu.Lock()
	defer t.d.mu.Unlock()
	t.release()
	now := t.d.o.Now()
	t.running, t.step, t.began, t.said = true, s, now, now
	t.amount, t.speed, t.log, t.warned = Amount{}, speed{}, kept{}, nil
	if !t.d.o.Live {
		t.d.say(t.prefix() + s.Doing)
	}
}

// Measure tells how much of the step is done.
func (t *Task) Measure(a Amount) {
	t.d.mu.Lock()
	defer t.d.mu.Unlock()
	t.amount = a
}

// Log adds to the log of the step; a text may have several lines. Outside a
// step they are printed for good.
func (t *Task) Log(text string) {
	t.d.mu.Lock()
	defer t.d.mu.Unlock()
	t.release()
	t.add(text)
}

// add adds to the log.
func (t *Task) add(text string) {
	var lines []string
	for l := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		l = harmless(l)
		if !t.running || !t.d.o.Live || t.d.o.WholeLog {
			lines = append(lines, t.logged(l))
		}
		if t.running && !t.d.o.WholeLog {
			t.log.add(logLine{text: l}, t.d.mostKept())
		}
	}
	t.d.say(lines...)
}

// Warn adds to the log what outlasts the step: where the log of one that ends
// well goes, the warnings stay.
func (t *Task) Warn(text string) {
	t.Log(text)
	t.d.mu.Lock()
	defer t.d.mu.Unlock()
	if t.running {
		t.warned = append(t.warned, text)
	}
}

// Detail adds to the log of the step what is shown only if the step fails.
func (t *Task) Detail(text string) {
	t.d.mu.Lock()
	defer t.d.mu.Unlock()
	t.release()
	if !t.running {
		return
	}
	for l := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		t.log.add(logLine{text: harmless(l), detail: true}, t.d.mostKept())
	}
}

// End ends the step, well if the error is nil. What it took is said in words;
// note, if any, stands behind them.
func (t *Task) End(err error, note string) {
	t.d.mu.Lock()
	defer t.d.mu.Unlock()
	if !t.running {
		return
	}
	if t.held != nil && t.held.explains(err) {
		t.held = nil
	}
	t.release()
	t.running = false
	took := Elapsed(t.d.o.Now().Sub(t.began))
	if note != "" {
		note = ", " + note
	}
	var lines []string
	switch {
	case err == nil && t.d.o.Live:
		lines = append(lines, t.closing(iostreams.Green, t.d.sign("✓", "+"), t.step.Done+note, took))
		lines = append(lines, t.warnings()...)
	case err == nil:
		lines = append(lines, t.prefix()+t.step.Done+note+" ("+took+")")
	case t.d.o.Live:
		lines = append(t.whole(), t.closing(iostreams.Red, t.d.sign("✗", "x"), t.step.Doing, took))
	default:
		if t.log.details { // what was printed is not all
			lines = append([]string{t.prefix() + "the whole log of " + t.step.Doing + ":"}, t.whole()...)
		}
		lines = append(lines, t.prefix()+t.step.Doing+" ended after "+took)
	}
	t.d.say(lines...)
	t.log, t.warned = kept{}, nil
}

// closing is the line that a step leaves on a terminal, no wider than that: the
// time goes first.
func (t *Task) closing(style iostreams.Style, mark, text, took string) string {
	columns, _ := t.d.o.Size()
	measure := measure()
	room := columns - 1 - measure.StringWidth(mark+" ")
	line := t.d.o.Paint(style, mark) + " "
	text = t.prefixIn(room, text) + text
	if columns <= 0 || measure.StringWidth(text+"  "+took) <= room {
		return line + text + "  " + t.d.o.Paint(iostreams.Dim, took)
	}
	return line + measure.Truncate(text, max(room, 0), "")
}

// Close ends the task; a step that is under way just goes.
func (t *Task) Close() {
	t.d.mu.Lock()
	defer t.d.mu.Unlock()
	t.release()
	t.running = false
	t.d.remove(t)
	if t.d.o.Live && !t.d.closed {
		t.d.write(t.d.erased() + t.d.picture())
	}
}

// whole is all of the log that is kept.
func (t *Task) whole() []string {
	var lines []string
	if t.log.dropped > 0 {
		missing := fmt.Sprintf("... %s before these", view.Count(t.log.dropped, "line"))
		if t.d.o.Dropped != "" {
			missing += ": " + t.d.o.Dropped
		}
		lines = append(lines, t.logged(missing))
	}
	for _, l := range t.log.all() {
		lines = append(lines, t.logged(l))
	}
	return lines
}

func (t *Task) logged(text string) string {
	return t.d.o.Paint(iostreams.Dim, strings.TrimRight(t.prefix()+"  "+text, " "))
}

// harmless is a line as a terminal may be given it, where a tab would be of an
// unknown width.
func harmless(text string) string {
	return strings.ReplaceAll(iostreams.Sanitize(strings.TrimRight(text, "\r")), "\t", "    ")
}

func (t *Task) prefix() string {
	if !t.d.o.Named {
		return ""
	}
	return t.name + ": "
}

// shortestName is the least that is left of a name, in columns.
const shortestName = 8

// prefixIn is the prefix of a text in a room of so many columns, if that is
// known: the end of a long name goes before what is said of it.
func (t *Task) prefixIn(room int, text string) string {
	prefix, measure := t.prefix(), measure()
	over := measure.StringWidth(prefix+text) - room
	if room <= 0 || over <= 0 || prefix == "" {
		return prefix
	}
	mark := t.d.sign("…", "..")
	left := max(measure.StringWidth(t.name)-over, shortestName)
	return measure.Truncate(t.name, left, mark) + ": "
}

func (d *Display) sign(mark, ascii string) string {
	if d.o.ASCII {
		return ascii
	}
	return mark
}

// status is what the task does, as much of it as there are columns for: the bar
// is left out first, then the time that is left, the rate and the bytes.
func (t *Task) status(columns int) string {
	now := t.d.o.Now()
	took := "  " + Elapsed(now.Sub(t.began))
	head := t.prefixIn(columns-len("| ")-1, t.step.Doing+took) + t.step.Doing
	a := t.amount
	if a.TotalBytes <= 0 {
		if a.TotalFiles > 0 {
			head += fmt.Sprintf("  %d of %s", a.Files, view.Count(a.TotalFiles, "file"))
		}
		return head + took
	}
	percent := fmt.Sprintf("%.0f%%", 100*share(a.Bytes, a.TotalBytes))
	bytes := "  " + view.Bytes(a.Bytes) + " of " + view.Bytes(a.TotalBytes)
	rate, left := "", ""
	if perSecond := t.speed.rate(); perSecond > 0 {
		rate = "  " + view.Bytes(int64(perSecond)) + "/s"
		left = "  " + view.Age(int(float64(a.TotalBytes-a.Bytes)/perSecond)) + " left"
	}
	for _, tail := range []string{bytes + rate + left, bytes + rate, bytes, ""} {
		text := head + "  " + percent + tail + took
		room := widestBar
		if columns > 0 {
			room = columns - len("| ") - 2 - measure().StringWidth(text)
		}
		if room >= narrowestBar {
			return head + "  " + t.d.bar(a.Bytes, a.TotalBytes, min(room, widestBar)) + " " + percent + tail + took
		}
		if room >= 0 || tail == "" {
			return text
		}
	}
	return head + took
}

// The width of a bar, in columns.
const narrowestBar, widestBar = 8, 24

// again is what is said about a step that takes long, where it is not shown.
func (t *Task) again(now time.Time) string {
	if !t.running || now.Sub(t.said) < sayAgain || t.amount.TotalBytes <= 0 {
		return ""
	}
	t.said = now
	a := t.amount
	text := fmt.Sprintf("%s%s: %.0f%%, %s of %s", t.prefix(), t.step.Doing, 100*share(a.Bytes, a.TotalBytes), view.Bytes(a.Bytes), view.Bytes(a.TotalBytes))
	if perSecond := t.speed.rate(); perSecond > 0 {
		text += ", " + view.Bytes(int64(perSecond)) + "/s"
	}
	return text
}

func (t *Task) sample(now time.Time) {
	if t.running && t.amount.TotalBytes > 0 {
		t.speed.add(now, t.amount.Bytes)
	}
}

// Elapsed is a length of time for people: 0.2s, 12s, 3m4s.
func Elapsed(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return view.Age(int(d / time.Second))
}
