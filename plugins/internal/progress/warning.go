package progress

import (
	"fmt"
	"strings"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// heldFor is how long a line is held back that may be the error of its step.
const heldFor = time.Second

// cause is a text of the log that is held back.
type cause struct {
	text   string
	reason string
	since  time.Time
}

// explains reports whether the error says all that there is to the cause.
func (c *cause) explains(err error) bool {
	return err != nil && c.reason != "" && strings.HasSuffix(strings.TrimSpace(err.Error()), c.reason)
}

// LogCause adds to the log what may be why the step fails: if the step ends next
// with an error whose text ends in the reason, the log leaves it to the error.
func (t *Task) LogCause(text, reason string) {
	t.d.mu.Lock()
	defer t.d.mu.Unlock()
	t.release()
	if !t.running {
		t.add(text)
		return
	}
	t.held = &cause{text: text, reason: strings.TrimSpace(reason), since: t.d.o.Now()}
}

// release logs what was held back.
func (t *Task) release() {
	if held := t.held; held != nil {
		t.held = nil
		t.add(held.text)
	}
}

// warnings are the lines that a step leaves whose log goes; none where they are
// printed for good already.
func (t *Task) warnings() []string {
	if t.d.o.WholeLog {
		return nil
	}
	var lines []string
	for i, text := range t.warned {
		if left := len(t.warned) - i; i == mostWarns && left > 1 {
			more := fmt.Sprintf("and %s", view.Count(left, "more warning"))
			if t.d.o.Dropped != "" {
				more += ": " + t.d.o.Dropped
			}
			return append(lines, t.logged(more))
		}
		for l := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
			lines = append(lines, t.d.o.Paint(iostreams.Yellow, strings.TrimRight(t.prefix()+"  "+harmless(l), " ")))
		}
	}
	return lines
}
