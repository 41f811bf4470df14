package state

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
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
	SourceLife   = "lifecycle"
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
	Since time.Time // zero: from the first
	Until time.Time // zero: to the last; this moment itself is left out
	Limit int       // the newest so many; 0 for 1000
}

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
	from, to, limit := q.Since, q.Until, q.Limit
	if from.IsZero() {
		from = time.UnixMicro(0)
	}
	if to.IsZero() {
		to = endOfTime()
	}
	if limit <= 0 {
		limit = 1000
	}
	rows, err := s.db.LogLines(ctx, r.row, from, to, limit)
	if err != nil {
		return nil, err
	}
	lines := make([]LogLine, len(rows))
	for i, row := range rows {
		lines[i] = LogLine{Time: row.Time, Level: row.Level, Source: row.Source, Message: row.Message, Labels: row.Labels}
	}
	return lines, nil
}

func lifeMessage(st RunnerState, reason string) string { return st.String() + ": " + reason }

func lifeLine(runner int64, at time.Time, st RunnerState, reason string) store.LogLine {
	level := LevelInfo
	if st == FailureDelay {
		level = LevelError
	}
	return store.LogLine{Runner: runner, Time: at, Level: level, Source: SourceLife,
		Message: lifeMessage(st, reason), Labels: map[string]string{"state": st.String()}}
}

// later returns t, or the first microsecond after last if that is later.
func later(t, last time.Time) time.Time {
	if next := last.Add(time.Microsecond); t.Before(next) {
		return next
	}
	return t
}

const (
	logInterval = 50 * time.Millisecond // between writes, at most
	logBuffer   = 1 << 14               // lines in memory before writers wait
	logBatch    = 4096                  // lines in one commit
)

// logBook collects lines of all runners and stores them in batches.
type logBook struct {
	db       *store.Store
	logger   *slog.Logger
	maxBytes int64

	mu      sync.Mutex
	room    *sync.Cond // pending shrank
	pending []store.LogLine
	last    map[int64]time.Time // of live runners, the time of their newest line
	closed  bool

	writing sync.Mutex // serialises batches
	full    chan struct{}
	stop    chan struct{}
	done    chan struct{}
}

func newLogBook(db *store.Store, logger *slog.Logger, maxBytes int64) *logBook {
	b := &logBook{
		db: db, logger: logger, maxBytes: maxBytes,
		last: make(map[int64]time.Time),
		full: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	b.room = sync.NewCond(&b.mu)
	go b.run()
	return b
}

func (b *logBook) run() {
	defer close(b.done)
	ticker := time.NewTicker(logInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-b.full:
		case <-b.stop:
			b.flush()
			return
		}
		b.flush()
	}
}

func (b *logBook) close() {
	b.mu.Lock()
	closed := b.closed
	b.closed = true
	b.mu.Unlock()
	if !closed {
		close(b.stop)
	}
	<-b.done
}

// begin starts the log of a new runner.
func (b *logBook) begin(runner int64, at time.Time) {
	b.mu.Lock()
	b.last[runner] = at.Add(-time.Microsecond)
	b.mu.Unlock()
}

// life adds a life-cycle line.
func (b *logBook) life(runner int64, at time.Time, st RunnerState, reason string) {
	b.add(lifeLine(runner, at, st, reason))
}

// end adds the last line of a runner and returns its time.
func (b *logBook) end(runner int64, at time.Time, message string) time.Time {
	line := store.LogLine{Runner: runner, Time: at, Level: LevelInfo, Source: SourceLife, Message: message,
		Labels: map[string]string{"state": Terminated.String()}}
	b.mu.Lock()
	defer b.mu.Unlock()
	at = b.push(line)
	delete(b.last, runner)
	return at
}

func (b *logBook) add(line store.LogLine) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.pending) >= logBuffer && !b.closed {
		b.room.Wait()
	}
	if _, alive := b.last[line.Runner]; !alive {
		return // its end is recorded, nothing comes after it
	}
	b.push(line)
}

// push needs b.mu.
func (b *logBook) push(line store.LogLine) time.Time {
	line.Time = later(line.Time.UTC().Truncate(time.Microsecond), b.last[line.Runner])
	b.last[line.Runner] = line.Time
	b.pending = append(b.pending, line)
	if len(b.pending) == logBatch {
		select {
		case b.full <- struct{}{}:
		default:
		}
	}
	return line.Time
}

// flush stores everything that was added before it was called.
func (b *logBook) flush() {
	b.writing.Lock()
	defer b.writing.Unlock()
	b.mu.Lock()
	lines := b.pending
	b.pending = nil
	b.room.Broadcast()
	b.mu.Unlock()
	for len(lines) > 0 {
		n := min(logBatch, len(lines))
		b.write(lines[:n])
		lines = lines[n:]
	}
}

func (b *logBook) write(lines []store.LogLine) {
	err := b.db.Write(context.Background(), func(tx *store.Tx) error {
		totals, err := tx.AppendLogs(lines)
		if err != nil {
			return err
		}
		for runner, t := range totals {
			if t.Bytes <= b.maxBytes {
				continue
			}
			// A quarter at a time, so that it is not done for every batch.
			if err := tx.DropOldestLogs(runner, t.Bytes-b.maxBytes*3/4, b.notice); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.logger.Error("log lines could not be stored", "lines", len(lines), "error", err)
	}
}

// notice is the line that stands for those that were dropped.
func (b *logBook) notice(dropped int64) store.LogLine {
	return store.LogLine{Level: LevelWarning, Source: SourceLife,
		Message: fmt.Sprintf("%d older lines were dropped: the log of a runner is bounded to %d bytes", dropped, b.maxBytes)}
}
