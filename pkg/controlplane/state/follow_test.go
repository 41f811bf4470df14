package state

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func (w *world) follow(id string, q FollowQuery) *Follower {
	w.t.Helper()
	f := w.Follow(w.get(id), q)
	w.t.Cleanup(f.Close)
	return f
}

// all reads a log to its end.
func (w *world) all(f *Follower) (messages []string, err error) {
	w.t.Helper()
	for {
		batch, err := f.Next(w.t.Context(), time.Hour)
		if err != nil {
			return messages, err
		}
		if len(batch.Lines) > followLines {
			w.t.Fatalf("%d lines in a batch", len(batch.Lines))
		}
		for _, line := range batch.Lines {
			messages = append(messages, line.Message)
		}
	}
}

func TestFollowWaits(t *testing.T) {
	w := newWorld(t, Options{})
	id := w.runner(Idle)
	f := w.follow(id, FollowQuery{})
	for seen := 0; seen < 3; {
		batch, err := f.Next(t.Context(), time.Hour)
		w.do(err)
		seen += len(batch.Lines)
	}
	if batch, err := f.Next(t.Context(), time.Millisecond); err != nil || len(batch.Lines) != 0 || batch.Behind {
		t.Errorf("of a silent runner %+v, %v", batch, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Next(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("when nobody waits any more: %v", err)
	}
	w.Log(w.get(id), w.clock.Now(), SourceStdout, "hello")
	if batch, err := f.Next(t.Context(), time.Hour); err != nil || len(batch.Lines) != 1 || batch.Lines[0].Message != "hello" {
		t.Errorf("after a line %+v, %v", batch, err)
	}
	row := w.get(id).row
	f.Close()
	w.logs.mu.Lock()
	left := len(w.logs.open[row].waiting)
	w.logs.mu.Unlock()
	if left != 0 {
		t.Errorf("%d followers are still told of lines", left)
	}
}

func TestFollowEnds(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	id := w.runner(Idle)
	r := w.get(id)
	for i := range 3 * followLines {
		w.Log(r, w.clock.Now(), SourceStdout, fmt.Sprint(i))
	}
	waiting := w.follow(id, FollowQuery{})
	w.do(w.Ended(ctx, id, "test"))
	w.Log(r, w.clock.Now(), SourceStdout, "after the end")
	later := w.follow(id, FollowQuery{})
	const want = 3*followLines + 4
	for _, f := range []*Follower{waiting, later} {
		messages, err := w.all(f)
		if !errors.Is(err, ErrRunnerEnded) || len(messages) != want || messages[want-1] != "TERMINATED: test" {
			t.Errorf("%d lines, the last %q, then %v", len(messages), messages[len(messages)-1], err)
		}
		if _, err := f.Next(ctx, time.Hour); !errors.Is(err, ErrRunnerEnded) {
			t.Errorf("and then %v", err)
		}
	}
	if _, ok := w.logs.storedUpTo(r.row); ok {
		t.Error("the log of an ended runner is still open")
	}
	ended := w.get(id).EndedAt
	for until, want := range map[time.Time]error{ended: ErrRunnerEnded, ended.Add(-time.Microsecond): ErrUntilReached, ended.Add(time.Hour): ErrRunnerEnded} {
		if _, err := w.all(w.follow(id, FollowQuery{Until: until})); !errors.Is(err, want) {
			t.Errorf("until %s: %v, want %v", until.Sub(ended), err, want)
		}
	}
	w.Refuse()
	w.Refuse()
	if _, err := later.Next(ctx, time.Hour); !errors.Is(err, ErrStopping) {
		t.Errorf("when the control plane stops: %v", err)
	}
}

// TestFollowReachesUntil covers a runner that says nothing after it, one that
// goes on, and a clock that has not come so far.
func TestFollowReachesUntil(t *testing.T) {
	w := newWorld(t, Options{})
	id := w.runner(Idle)
	r := w.get(id)
	until := w.clock.Now().Add(time.Minute).Truncate(time.Microsecond)
	f := w.follow(id, FollowQuery{Until: until})
	for seen := 0; seen < 3; {
		batch, err := f.Next(t.Context(), time.Hour)
		w.do(err)
		seen += len(batch.Lines)
	}
	if batch, err := f.Next(t.Context(), time.Millisecond); err != nil || len(batch.Lines) != 0 {
		t.Errorf("before the moment %+v, %v", batch, err)
	}
	silent := w.follow(w.runner(Idle), FollowQuery{Until: until})
	w.Log(r, until.Add(-time.Microsecond), SourceStdout, "just before")
	w.Log(r, until, SourceStdout, "at the moment")
	if messages, err := w.all(f); !errors.Is(err, ErrUntilReached) || strings.Join(messages, ",") != "just before" {
		t.Errorf("%q, %v", messages, err)
	}
	w.clock.advance(time.Minute + time.Second)
	if messages, err := w.all(silent); !errors.Is(err, ErrUntilReached) || len(messages) != 3 {
		t.Errorf("of a silent runner %q, %v", messages, err)
	}
}

// TestFollowFallsBehindWhatIsKept holds that a follower is told of lines that
// were dropped before it could read them.
func TestFollowFallsBehindWhatIsKept(t *testing.T) {
	w := newWorld(t, Options{MaxLogBytes: 128 << 10})
	id := w.runner(Idle)
	r := w.get(id)
	f := w.follow(id, FollowQuery{})
	for seen := 0; seen < 3; {
		batch, err := f.Next(t.Context(), time.Hour)
		w.do(err)
		seen += len(batch.Lines)
	}
	const n = 10_000
	for i := range n {
		w.Log(r, w.clock.Now(), SourceStdout, fmt.Sprint(i))
	}
	w.do(w.Ended(t.Context(), id, "test"))
	batch, err := f.Next(t.Context(), time.Hour)
	w.do(err)
	if first := batch.Lines[0]; first.Labels[LabelEvent] != EventDropped || !batch.Behind {
		t.Fatalf("first comes %+v, behind: %v", first, batch.Behind)
	}
	rest, err := w.all(f)
	if !errors.Is(err, ErrRunnerEnded) {
		t.Fatal(err)
	}
	var dropped int
	if _, err := fmt.Sscan(batch.Lines[0].Labels[LabelLines], &dropped); err != nil {
		t.Fatal(err)
	}
	if got := len(batch.Lines) - 1 + len(rest) + dropped; got != n+4 {
		t.Errorf("%d lines read and dropped, want %d", got, n+4)
	}
}

// TestWritersOfLongLinesWaitForTheDisk holds that lines in memory are bounded by
// their size too.
func TestWritersOfLongLinesWaitForTheDisk(t *testing.T) {
	w := newWorld(t, Options{})
	id := w.runner(Idle)
	r := w.get(id)
	const n, size = logBytes/(64<<10) + 20, 64 << 10
	long := strings.Repeat("x", size)
	w.logs.flush()
	w.logs.writing.Lock() // the disk takes nothing
	logged := make(chan int, n)
	go func() {
		defer close(logged)
		for i := range n {
			w.Log(r, w.clock.Now(), SourceStdout, long)
			logged <- i
		}
	}()
	for i := range logBytes / size {
		if got, ok := <-logged; !ok || got != i {
			t.Fatalf("line %d: %d, %v", i, got, ok)
		}
	}
	select {
	case i := <-logged:
		t.Errorf("line %d did not wait", i)
	case <-time.After(20 * time.Millisecond): // a wait that is too short finds nothing wrong
	}
	w.logs.writing.Unlock()
	for range logged {
	}
	if lines, err := w.Logs(t.Context(), id, LogQuery{}); err != nil || len(lines) != n+3 {
		t.Errorf("%d lines in the end, want %d; %v", len(lines), n+3, err)
	}
}
