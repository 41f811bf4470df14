package runners

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

const (
	defaultInterval  = 2 * time.Second
	shortestInterval = 100 * time.Millisecond
)

// watchOptions are the flags of a list that goes on.
type watchOptions struct {
	watch    bool
	interval time.Duration // 0: not given
}

func (o *watchOptions) flags() []*cli.Flag {
	interval := cli.Duration(&o.interval)
	return []*cli.Flag{
		{Name: "watch", Aliases: []string{"w"}, Value: cli.Bool(&o.watch),
			Usage: "go on: redraw on a terminal, print a line a change in a pipe"},
		{Name: "interval", Placeholder: "TIME", Usage: "time between two looks with --watch, 2s unless given and 100ms at least",
			Value: cli.Func(func(text string) error {
				if err := interval.Set(text); err != nil {
					return err
				}
				if o.interval < shortestInterval {
					return fmt.Errorf("want %s or more", shortestInterval)
				}
				return nil
			})},
	}
}

// check refuses what does not go together.
func (o *watchOptions) check(format output.Format, variable string) error {
	switch {
	case !o.watch && o.interval != 0:
		return cli.Usagef("--interval goes with --watch")
	case !o.watch:
		return nil
	}
	switch format {
	case output.Pretty, output.Wide, output.JSON, output.JSONL:
		return nil
	}
	e := cli.Usagef("--watch does not print %s", format).WithHint("--output takes pretty, wide, json or jsonl with --watch")
	if strings.EqualFold(variable, string(format)) {
		e = e.WithHint("FAL_OUTPUT asks for " + string(format))
	}
	return e
}

// display shows what a watch sees.
type display interface {
	// show is given every answer.
	show(ctx context.Context, rows []view.Runner) error
	// away is told once that the service does not answer, and back that it
	// does again; show follows.
	away(ctx context.Context, err error) error
	back() error
	// resized is told that the terminal has another size.
	resized(ctx context.Context) error
	close() error
}

// watcher lists runners again and again.
type watcher struct {
	interval time.Duration
	look     func(context.Context) ([]view.Runner, error)
	display  display
	// sizes calls changed when the terminal has another size, until the
	// context ends; nil if that does not matter.
	sizes func(ctx context.Context, changed func())
	away  bool
}

type answer struct {
	rows []view.Runner
	err  error
}

// run shows first and what follows until the context ends, the display has had
// enough, or the service refuses.
func (w *watcher) run(ctx context.Context, first []view.Runner) (err error) {
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
	answers := make(chan answer, 1)
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
				answers <- answer{rows, err}
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
func (w *watcher) take(ctx context.Context, a answer) error {
	was := w.away
	w.away = a.err != nil
	switch {
	case a.err != nil && refused(a.err):
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

// refused reports whether asking again would be answered in the same way.
func refused(err error) bool {
	code := cli.ExitCode(err)
	return code == cli.ExitAuth || code == cli.ExitUsage
}

func runWatch(ctx context.Context, inv *cli.Invocation, o *listOptions, s *session.Session, params *fal.RunnersListParams, order func(a, b view.Runner) int) error {
	w := &watcher{interval: cmp.Or(o.watching.interval, defaultInterval)}
	w.look = func(ctx context.Context) ([]view.Runner, error) {
		if oldest := o.now().Add(-longestSince); !params.Since.IsZero() && params.Since.Before(oldest) {
			params.Since = oldest // a day has passed meanwhile
		}
		rows, err := collect(ctx, inv, s, params, o.apps)
		slices.SortStableFunc(rows, order)
		return rows, err
	}
	first, err := w.look(ctx)
	if err != nil {
		return err
	}
	if onScreen(inv) {
		w.display, w.sizes = newScreen(inv, w.interval, o.now, order), watchSize(inv.IO)
	} else {
		w.display = &eventLines{inv: inv, interval: w.interval, stream: output.NewStream(inv.Printer, view.RunnerEvents(), nil)}
	}
	return w.run(ctx, first)
}

// eventLines prints a line a change.
type eventLines struct {
	inv      *cli.Invocation
	interval time.Duration
	stream   *output.Stream[view.RunnerEvent]
	seen     []view.Runner
}

func (l *eventLines) show(ctx context.Context, rows []view.Runner) error {
	for _, event := range view.RunnerChanges(l.seen, rows) {
		if err := l.stream.Write(ctx, event); err != nil {
			return err
		}
	}
	l.seen = rows
	if deserted(os.Stdout) {
		return io.ErrClosedPipe
	}
	return nil
}

func (l *eventLines) away(_ context.Context, err error) error {
	return l.notice(fmt.Sprintf("%s; trying again every %s", err, l.interval))
}

func (l *eventLines) back() error { return l.notice("the service answers again") }

func (l *eventLines) notice(text string) error {
	_, err := fmt.Fprintln(l.inv.IO.Err, l.inv.IO.PaintErr(iostreams.Dim, "notice: "+iostreams.SanitizeLine(text)))
	return err
}

func (l *eventLines) resized(context.Context) error { return nil }
func (l *eventLines) close() error                  { return nil }
