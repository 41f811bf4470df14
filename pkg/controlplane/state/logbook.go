package state

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/store"
)

const (
	logInterval = 50 * time.Millisecond // between writes, at most
	logBuffer   = 1 << 14               // lines in memory before writers wait
	logBytes    = 16 << 20              // of messages in memory before writers wait
	logBatch    = 4096                  // lines in one commit

	// dropShare of the bound is what a runner loses of its oldest lines when it
	// exceeds it: so much that it is not done for every batch, and so little
	// that nobody waits for it.
	dropShare = 32
)

// logBook collects lines of all runners and stores them in batches. Lines of a
// runner are stored in the order of their times, so that whoever has read up to
// a stored line has missed none before it.
type logBook struct {
	db       *store.Store
	logger   *slog.Logger
	maxBytes int64

	mu      sync.Mutex
	room    *sync.Cond // pending shrank
	pending []store.LogLine
	bytes   int                // of the messages in pending
	open    map[int64]*openLog // of live runners
	closed  bool

	writing sync.Mutex // serialises batches
	full    chan struct{}
	stop    chan struct{}
	done    chan struct{}
}

// openLog is the log of a live runner; logBook.mu guards it.
type openLog struct {
	last    time.Time // of its newest line
	stored  time.Time // of its newest line on disk
	ended   bool      // nothing comes after its last line
	waiting map[chan struct{}]struct{}
}

func newLogBook(db *store.Store, logger *slog.Logger, maxBytes int64) *logBook {
	b := &logBook{
		db: db, logger: logger, maxBytes: maxBytes,
		open: make(map[int64]*openLog),
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

// begin opens the log of a new runner.
func (b *logBook) begin(runner int64, at time.Time) {
	before := at.Add(-time.Microsecond)
	b.mu.Lock()
	b.open[runner] = &openLog{last: before, stored: before, waiting: make(map[chan struct{}]struct{})}
	b.mu.Unlock()
}

// end adds the last line of a runner and returns its time.
func (b *logBook) end(line store.LogLine) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	log, ok := b.open[line.Runner]
	if !ok {
		return line.Time
	}
	log.ended = true
	return b.push(log, line)
}

// forget closes the log of a runner whose end is recorded.
func (b *logBook) forget(runner int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if log, ok := b.open[runner]; ok {
		log.wake()
		delete(b.open, runner)
	}
}

func (b *logBook) add(line store.LogLine) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for (len(b.pending) >= logBuffer || b.bytes >= logBytes) && !b.closed {
		b.room.Wait()
	}
	if log, ok := b.open[line.Runner]; ok && !log.ended {
		b.push(log, line)
	}
}

// push needs b.mu.
func (b *logBook) push(log *openLog, line store.LogLine) time.Time {
	line.Time = later(line.Time.UTC().Truncate(time.Microsecond), log.last)
	log.last = line.Time
	b.pending = append(b.pending, line)
	b.bytes += len(line.Message)
	if len(b.pending) == logBatch || b.bytes >= logBytes {
		select {
		case b.full <- struct{}{}:
		default:
		}
	}
	return line.Time
}

// watch has wake receive a value whenever more of a live runner's log is
// stored, and when it ends, until the function it returns is called.
func (b *logBook) watch(runner int64, wake chan struct{}) (unwatch func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	log, ok := b.open[runner]
	if !ok {
		return func() {}
	}
	log.waiting[wake] = struct{}{}
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(log.waiting, wake)
	}
}

// storedUpTo returns the time up to which a live runner's log is on disk;
// false for any other runner.
func (b *logBook) storedUpTo(runner int64) (time.Time, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	log, ok := b.open[runner]
	if !ok {
		return time.Time{}, false
	}
	return log.stored, true
}

// wake needs logBook.mu.
func (l *openLog) wake() {
	for wake := range l.waiting {
		select {
		case wake <- struct{}{}:
		default: // one is waiting already
		}
	}
}

// flush stores everything that was added before it was called.
func (b *logBook) flush() {
	b.writing.Lock()
	defer b.writing.Unlock()
	b.mu.Lock()
	lines := b.pending
	b.pending, b.bytes = nil, 0
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
			notice := func(dropped int64) store.LogLine { return droppedLine(dropped, b.maxBytes) }
			if err := tx.DropOldestLogs(runner, t.Bytes-b.maxBytes+b.maxBytes/dropShare, notice); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.logger.Error("log lines could not be stored", "lines", len(lines), "error", err)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	written := make(map[*openLog]struct{})
	for i := range lines {
		if log, ok := b.open[lines[i].Runner]; ok {
			log.stored = lines[i].Time
			written[log] = struct{}{}
		}
	}
	for log := range written {
		log.wake()
	}
}
