package watch

import (
	"context"
	"sync"
	"time"
)

// display shows what a watch sees.
type display[T any] interface {
	// show is given every answer.
	show(ctx context.Context, rows []T) error
	// away is told once that the service does not answer, and back that it
	// does again; show follows.
	away(ctx context.Context, err error) error
	back() error
	// resized is told that the terminal has another size.
	resized(ctx context.Context) error
	close() error
}

// watcher lists again and again.
type watcher[T any] struct {
	interval time.Duration
	look     func(context.Context) ([]T, error)
	display  display[T]
	// sizes calls changed when the terminal has another size, until the
	// context ends; nil if that does not matter.
	sizes  func(ctx context.Context, changed func())
	isAway bool
}

type answer[T any] struct {
	rows []T
	err  error
}

// run shows first and what follows until the context ends, the display has had
// enough, or the service refuses.
func (w *watcher[T]) run(ctx context.Context, first []T) (err error) {
	defer func() {
		if closeErr := w.display.close(); err == nil {
			err = closeErr
		}
	}()
	if err := w.display.show(ctx, first); err != nil {
		return err
	}
	var running sync.WaitGroup
	defer running.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	resized := make(chan struct{}, 1)
	if w.sizes != nil {
		running.Go(func() {
			w.sizes(ctx, func() {
				select {
				case resized <- struct{}{}:
				default: // it is told already
				}
			})
		})
	}
	next := time.NewTicker(w.interval)
	defer next.Stop()
	answers := make(chan answer[T], 1)
	looking := false
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-resized:
			if err := w.display.resized(ctx); err != nil {
				return err
			}
		case <-next.C:
			if looking {
				continue // the service takes longer than the interval
			}
			looking = true
			running.Go(func() {
				rows, err := w.look(ctx)
				answers <- answer[T]{rows, err}
			})
		case a := <-answers:
			looking = false
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := w.take(ctx, a); err != nil {
				return err
			}
		}
	}
}

// take shows an answer, or says once that there is none.
func (w *watcher[T]) take(ctx context.Context, a answer[T]) error {
	was := w.isAway
	w.isAway = a.err != nil
	switch {
	case a.err != nil && Refused(a.err):
		return a.err
	case a.err != nil && was:
		return nil
	case a.err != nil:
		return w.display.away(ctx, a.err)
	case was:
		if err := w.display.back(); err != nil {
			return err
		}
	}
	return w.display.show(ctx, a.rows)
}
