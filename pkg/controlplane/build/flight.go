package build

import (
	"context"
	"errors"
	"sync"
)

// maxLines bounds the log of a build that is kept for those who join it.
const maxLines = 50_000

var errGivenUp = errors.New("the build was given up")

// flight is a build under way.
type flight struct {
	cancel context.CancelFunc
	leave  func() // a waiter has gone

	mu      sync.Mutex
	waiters int
	changed chan struct{} // closed, and another made, at every change
	lines   []line
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
	switch {
	case len(f.lines) < maxLines:
		f.lines = append(f.lines, line{level, message})
	case len(f.lines) == maxLines:
		f.lines = append(f.lines, line{"WARNING", "the log is too long: the rest is left out"})
	default:
		return
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
		lines, changed, done := f.lines[next:], f.changed, f.done
		f.mu.Unlock()
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
