package build

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// maxLog bounds the log of a build that is kept, in bytes: of a longer one, the end,
// for those who join late. Who follows it from the beginning gets all of it.
const maxLog = 8 << 20

// lineCost is what a line takes beside its text.
const lineCost = 64

var errGivenUp = errors.New("the build was given up")

// flight is a build under way.
type flight struct {
	cancel context.CancelFunc
	leave  func() // a waiter has gone

	mu      sync.Mutex
	waiters int
	changed chan struct{} // closed, and another made, at every change
	lines   []line
	dropped int // lines that came before these
	size    int // of the lines, in bytes
	done    bool
	env     *Environment
	err     error
}

type line struct{ level, message string }

// join returns the build under way of an ID, or begins one.
func (b *Builder) join(id string, r *recipe, force bool) (*flight, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, ErrClosed
	}
	if f := b.flights[id]; f != nil {
		f.enter()
		return f, nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	f := &flight{cancel: cancel, waiters: 1, changed: make(chan struct{})}
	f.leave = func() { b.abandon(id, f) }
	b.flights[id] = f
	b.running.Go(func() {
		defer cancel()
		env, err := b.make(ctx, id, r, force, f.log)
		if err != nil && ctx.Err() != nil {
			err = errGivenUp
		}
		b.mu.Lock()
		if b.flights[id] == f {
			delete(b.flights, id)
		}
		if err != nil && b.closed {
			err = ErrClosed
		}
		b.mu.Unlock()
		f.finish(env, err)
	})
	return f, nil
}

func (f *flight) enter() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiters++
}

// abandon gives a build up that nobody waits for.
func (b *Builder) abandon(id string, f *flight) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.waiters--; f.waiters == 0 && !f.done {
		f.cancel()
	}
}

// notify needs f.mu.
func (f *flight) notify() {
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *flight) log(level, message string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lines = append(f.lines, line{level, message})
	f.size += len(message) + lineCost
	for f.size > maxLog && len(f.lines) > 1 {
		f.size -= len(f.lines[0].message) + lineCost
		f.lines[0] = line{}
		f.lines = f.lines[1:]
		f.dropped++
	}
	f.notify()
}

func (f *flight) finish(env *Environment, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done, f.env, f.err = true, env, err
	f.notify()
}

// wait passes the log on and returns what came of the build.
func (f *flight) wait(ctx context.Context, log Log) (*Environment, error) {
	defer f.leave()
	for next := 0; ; {
		f.mu.Lock()
		missed := max(0, f.dropped-next)
		next += missed
		lines, changed, done := slices.Clone(f.lines[next-f.dropped:]), f.changed, f.done
		f.mu.Unlock()
		if missed > 0 {
			log("WARNING", fmt.Sprintf("%d earlier lines of the log are left out: it is too long", missed))
		}
		for _, l := range lines {
			log(l.level, l.message)
		}
		next += len(lines)
		if done {
			return f.env, f.err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
