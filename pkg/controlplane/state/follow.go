package state

import (
	"context"
	"errors"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/store"
)

// What Follower.Next returns when it has returned everything.
var (
	ErrRunnerEnded  = errors.New("the runner has ended")
	ErrUntilReached = errors.New("the end of the time asked for is reached")
)

// ErrStopping is a Conflict with Refuse: nothing is begun any more, or followed.
var ErrStopping = fail(Conflict, "the control plane is stopping")

// The bounds of a batch of a Follower.
const (
	followLines = 1000
	followBytes = 1 << 20
)

// FollowQuery says which lines to follow.
type FollowQuery struct {
	Since  time.Time // zero: from the first
	Until  time.Time // zero: to the end of the runner; this moment itself is left out
	Search string    // as in LogQuery
}

// Follower reads a runner's log as it grows. It reads what is stored, however
// far back that is, and holds nothing but its place: one that is slow, or does
// not read at all, costs the runner nothing and misses nothing but what the
// bound on the log removes, for which a line of the log stands. It belongs to
// one goroutine.
type Follower struct {
	state   *State
	runner  *Runner
	query   FollowQuery
	next    time.Time // the first moment that is not read yet
	current bool      // it had read everything that was stored
	over    error     // why nothing more will come
	wake    chan struct{}
	unwatch func()
}

// LogBatch is a piece of a log, oldest line first.
type LogBatch struct {
	Lines []LogLine

	// Behind says that more was written than the batch holds since the follower
	// had read everything.
	Behind bool
}

// Follow returns a Follower of a runner's log; it is to be closed.
func (s *State) Follow(r *Runner, q FollowQuery) *Follower {
	f := &Follower{state: s, runner: r, query: q, next: q.Since, wake: make(chan struct{}, 1)}
	if f.next.IsZero() {
		f.next = time.UnixMicro(0)
	}
	f.unwatch = s.logs.watch(r.row, f.wake)
	return f
}

// Close ends the following.
func (f *Follower) Close() { f.unwatch() }

// Next waits for lines and returns them. It returns an empty batch when there
// were none for as long as idle, ErrRunnerEnded or ErrUntilReached when none
// will come, and ErrStopping when the control plane is about to stop.
func (f *Follower) Next(ctx context.Context, idle time.Duration) (LogBatch, error) {
	timeout := time.NewTimer(idle)
	defer timeout.Stop()
	deadline := time.NewTimer(f.untilDue())
	defer deadline.Stop()
	for {
		select {
		case <-f.state.refused:
			return LogBatch{}, ErrStopping
		default:
		}
		if f.over != nil {
			return LogBatch{}, f.over
		}
		batch, err := f.read(ctx)
		if err != nil || len(batch.Lines) > 0 {
			return batch, err
		}
		if f.over != nil {
			continue
		}
		select {
		case <-f.wake:
		case <-deadline.C:
		case <-timeout.C:
			return LogBatch{}, nil
		case <-f.state.refused:
		case <-ctx.Done():
			return LogBatch{}, ctx.Err()
		}
	}
}

// endless is longer than anything waits.
const endless = 1000 * time.Hour

// untilDue returns how long lines of before Until may still be on their way.
func (f *Follower) untilDue() time.Duration {
	if f.query.Until.IsZero() {
		return endless
	}
	return min(endless, f.query.Until.Add(logInterval).Sub(f.state.now()))
}

// read returns what is stored and was not returned yet.
func (f *Follower) read(ctx context.Context) (LogBatch, error) {
	to, over, err := f.horizon(ctx)
	if err != nil {
		return LogBatch{}, err
	}
	var batch LogBatch
	if f.next.Before(to) {
		lines, more, err := f.state.readLogs(ctx, store.LogRange{Runner: f.runner.row, From: f.next, To: to,
			Search: f.query.Search, Limit: followLines, MaxBytes: followBytes})
		if err != nil {
			return LogBatch{}, err
		}
		batch = LogBatch{Lines: lines, Behind: more && f.current}
		f.current = !more
		f.next = to
		if more {
			f.next = lines[len(lines)-1].Time.Add(time.Microsecond)
			return batch, nil
		}
	}
	f.over = over
	return batch, nil
}

// horizon returns the moment up to which the log is complete on disk, and, when
// nothing that is wanted comes after it, why. What decides is looked at before
// what is stored.
func (f *Follower) horizon(ctx context.Context) (to time.Time, over error, err error) {
	until := f.query.Until
	if until.IsZero() {
		until = endOfTime()
	}
	ended, err := f.state.hasEnded(ctx, f.runner.ID)
	if err != nil {
		return to, nil, err
	}
	if !ended.IsZero() {
		f.state.logs.flush()
		if until.Before(ended) {
			return until, ErrUntilReached, nil
		}
		return until, ErrRunnerEnded, nil
	}
	if f.untilDue() <= 0 {
		f.state.logs.flush()
		return until, ErrUntilReached, nil
	}
	stored, ok := f.state.logs.storedUpTo(f.runner.row)
	if !ok {
		return f.next, nil, nil // it ended since; that has been put into f.wake
	}
	if to = stored.Add(time.Microsecond); to.Before(until) {
		return to, nil, nil
	}
	return until, ErrUntilReached, nil
}

// hasEnded returns when a runner ended, zero when it has not.
func (s *State) hasEnded(ctx context.Context, id string) (time.Time, error) {
	r, err := s.find(ctx, id)
	if err != nil {
		return time.Time{}, err
	}
	return r.EndedAt, nil
}
