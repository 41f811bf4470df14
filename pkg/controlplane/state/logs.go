package state

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/store"
)

// The levels and sources of log lines.
const (
	LevelInfo    = "INFO"
	LevelWarning = "WARNING"
	LevelError   = "ERROR"
	LevelStdout  = "STDOUT"
	LevelStderr  = "STDERR"

	SourceStdout = "stdout"
	SourceStderr = "stderr"
	SourceLife   = store.SourceLifecycle
)

// The labels of life-cycle lines, and the values of LabelEvent.
const (
	LabelEvent  = "event"
	LabelState  = "state"  // the runner's, with EventState and EventNote
	LabelReason = "reason" // with EventState and EventNote
	LabelLines  = "lines"  // how many, with EventDropped

	EventState   = "state"   // a transition
	EventNote    = "note"    // something that happened in the state
	EventDropped = "dropped" // older lines were removed
)

// LogLine is one line of a runner's log. Its Time, in microseconds, is unique
// within the runner, so that it also says where to go on reading.
type LogLine struct {
	Time    time.Time
	Level   string
	Source  string
	Message string
	Labels  map[string]string
}

// LogQuery says which lines to read.
type LogQuery struct {
	Since  time.Time // zero: from the first
	Until  time.Time // zero: to the last; this moment itself is left out
	Source string    // of this source only; empty for all
	Search string    // of messages that contain it; A to Z are as good as a to z; empty for all
	Limit  int       // the newest so many; 0 for 1000
}

// pageBytes bounds the messages of one page of a log; it can hold 64 of the
// longest lines.
const pageBytes = 4 << 20

// Log appends a line that a runner wrote. It waits while the disk cannot keep
// up, so that nothing is lost and memory stays bounded.
func (s *State) Log(runner *Runner, at time.Time, source, message string) {
	level := LevelStdout
	if source == SourceStderr {
		level = LevelStderr
	}
	s.logs.add(store.LogLine{Runner: runner.row, Time: at, Level: level, Source: source, Message: message})
}

// Logs returns lines of a runner's log, oldest first, including those that
// were written just now.
func (s *State) Logs(ctx context.Context, id string, q LogQuery) ([]LogLine, error) {
	r, err := s.find(ctx, id)
	if err != nil {
		return nil, err
	}
	s.logs.flush()
	lines, _, err := s.readLogs(ctx, q.span(r.row, math.MaxInt))
	slices.Reverse(lines)
	return lines, err
}

// LogPage returns a page of a runner's log, newest first, and the Until that
// leads to the lines before it; zero when there are none. A page has fewer
// lines than Limit also when they hold more than 4 MiB.
func (s *State) LogPage(ctx context.Context, r *Runner, q LogQuery) (lines []LogLine, next time.Time, err error) {
	s.logs.flush()
	lines, more, err := s.readLogs(ctx, q.span(r.row, pageBytes))
	if more {
		next = lines[len(lines)-1].Time
	}
	return lines, next, err
}

func (q LogQuery) span(runner int64, bytes int) store.LogRange {
	r := store.LogRange{Runner: runner, From: q.Since, To: q.Until, NewestFirst: true,
		Source: q.Source, Search: q.Search, Limit: q.Limit, MaxBytes: bytes}
	if r.From.IsZero() {
		r.From = time.UnixMicro(0)
	}
	if r.To.IsZero() {
		r.To = endOfTime()
	}
	if r.Limit <= 0 {
		r.Limit = 1000
	}
	return r
}

func (s *State) readLogs(ctx context.Context, r store.LogRange) (lines []LogLine, more bool, err error) {
	rows, more, err := s.db.LogLines(ctx, r)
	if err != nil {
		return nil, false, err
	}
	lines = make([]LogLine, len(rows))
	for i, row := range rows {
		lines[i] = LogLine{Time: row.Time, Level: row.Level, Source: row.Source, Message: row.Message, Labels: row.Labels}
	}
	return lines, more, nil
}

// lifeLine is what a runner's log says of an event of its life.
func lifeLine(runner int64, at time.Time, event string, st RunnerState, reason string) store.LogLine {
	level := LevelInfo
	if st == FailureDelay {
		level = LevelError
	}
	return store.LogLine{Runner: runner, Time: at, Level: level, Source: SourceLife, Message: st.String() + ": " + reason,
		Labels: map[string]string{LabelEvent: event, LabelState: st.String(), LabelReason: reason}}
}

// droppedLine stands for the lines before it that were removed.
func droppedLine(lines, maxBytes int64) store.LogLine {
	return store.LogLine{Level: LevelWarning, Source: SourceLife,
		Message: fmt.Sprintf("%d older lines were dropped: the log of a runner is bounded to %d bytes", lines, maxBytes),
		Labels:  map[string]string{LabelEvent: EventDropped, LabelLines: strconv.FormatInt(lines, 10)}}
}

// later returns t, or the first microsecond after last if that is later.
func later(t, last time.Time) time.Time {
	if next := last.Add(time.Microsecond); t.Before(next) {
		return next
	}
	return t
}
