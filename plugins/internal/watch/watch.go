// Package watch makes a list go on: redrawn on a terminal, a line a change in a
// pipe.
//
//	o.watching.Flags()                          // --watch and --interval, of the command
//	Lasts: func() bool { return o.watching.On } // of the command
//
//	if err := o.watching.Check(inv); err != nil {
//		return err // before anything is asked for
//	}
//	return watch.Run(ctx, inv, o.watching, watch.List[view.Runner, view.RunnerEvent]{
//		Look:    func(ctx context.Context) ([]view.Runner, error) { … },
//		View:    view.Runners,
//		Changes: view.RunnerChanges,
//		Events:  view.RunnerEvents(),
//		Now:     time.Now,
//	})
//
// What it guarantees: the first answer decides whether there is a watch at all,
// so its error ends the command. Later a service that does not answer is asked
// again at every interval, and that is said once; one that refuses (exit codes
// 2 and 4) ends the watch. At most one question is under way. The watch ends
// with the context, with a filter that halts, or when nobody reads its output
// any more, and leaves a terminal as it was.
package watch

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

const (
	defaultInterval  = 2 * time.Second
	shortestInterval = 100 * time.Millisecond
)

// Options are the flags of a list that can go on.
type Options struct {
	On       bool          // --watch
	Interval time.Duration // --interval; 0: not given
}

// Flags declares --watch and --interval.
func (o *Options) Flags() []*cli.Flag {
	interval := cli.Duration(&o.Interval)
	return []*cli.Flag{
		{Name: "watch", Aliases: []string{"w"}, Value: cli.Bool(&o.On),
			Usage: "go on: redraw on a terminal, print a line a change in a pipe"},
		{Name: "interval", Placeholder: "TIME", Usage: "time between two looks with --watch, 2s unless given and 100ms at least",
			Value: cli.Func(func(text string) error {
				if err := interval.Set(text); err != nil {
					return err
				}
				if o.Interval < shortestInterval {
					return fmt.Errorf("want %s or more", shortestInterval)
				}
				return nil
			})},
	}
}

// Check refuses what does not go together: --interval by itself, and --watch
// with a format that cannot go on.
func (o Options) Check(inv *cli.Invocation) error {
	switch {
	case !o.On && o.Interval != 0:
		return cli.Usagef("--interval goes with --watch")
	case !o.On:
		return nil
	}
	switch inv.Format {
	case output.Pretty, output.Wide, output.JSON, output.JSONL:
		return nil
	}
	e := cli.Usagef("--watch does not print %s", inv.Format).WithHint("--output takes pretty, wide, json or jsonl with --watch")
	if strings.EqualFold(inv.Getenv("FAL_OUTPUT"), string(inv.Format)) {
		e = e.WithHint("FAL_OUTPUT asks for " + string(inv.Format))
	}
	return e
}

// List is what is watched: rows of T, and their events E.
type List[T, E any] struct {
	// Look gets the rows as they are now, in any order.
	Look func(context.Context) ([]T, error)
	// View is how rows are shown on a screen.
	View func(rows []T) output.View[T]
	// Order of the rows, and so of their events; nil for that of View.
	Order func(a, b T) int
	// Changes are the events from one list to the next.
	Changes func(before, after []T) []E
	// Events is how events are shown line by line.
	Events output.View[E]
	Now    func() time.Time
}

// Run shows the list until the context ends, and returns why it ended.
func Run[T, E any](ctx context.Context, inv *cli.Invocation, o Options, l List[T, E]) error {
	if l.Order == nil {
		l.Order = l.View(nil).Compare
	}
	w := &watcher[T]{interval: cmp.Or(o.Interval, defaultInterval)}
	w.look = func(ctx context.Context) ([]T, error) {
		rows, err := l.Look(ctx)
		if l.Order != nil {
			slices.SortStableFunc(rows, l.Order)
		}
		return rows, err
	}
	first, err := w.look(ctx)
	if err != nil {
		return err
	}
	if onScreen(inv) {
		w.display, w.sizes = newScreen(inv, w.interval, l.Now, l.view), watchSize(inv.IO)
	} else {
		w.display = &eventLines[T, E]{inv: inv, interval: w.interval, changes: l.Changes, stream: output.NewStream(inv.Printer, l.Events, nil)}
	}
	return w.run(ctx, first)
}

func (l List[T, E]) view(rows []T) output.View[T] {
	v := l.View(rows)
	v.Compare = l.Order
	return v
}

// Refused reports whether asking again would be answered in the same way.
func Refused(err error) bool {
	code := cli.ExitCode(err)
	return code == cli.ExitAuth || code == cli.ExitUsage
}

// eventLines prints a line a change.
type eventLines[T, E any] struct {
	inv      *cli.Invocation
	interval time.Duration
	changes  func(before, after []T) []E
	stream   *output.Stream[E]
	seen     []T
}

func (l *eventLines[T, E]) show(ctx context.Context, rows []T) error {
	events := l.changes(l.seen, rows)
	l.stream.Measure(events)
	for _, event := range events {
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

func (l *eventLines[T, E]) away(_ context.Context, err error) error {
	return l.notice(fmt.Sprintf("%s; trying again every %s", err, l.interval))
}

func (l *eventLines[T, E]) back() error { return l.notice("the service answers again") }

func (l *eventLines[T, E]) notice(text string) error {
	_, err := fmt.Fprintln(l.inv.IO.Err, l.inv.IO.PaintErr(iostreams.Dim, "notice: "+iostreams.SanitizeLine(text)))
	return err
}

func (l *eventLines[T, E]) resized(context.Context) error { return nil }
func (l *eventLines[T, E]) close() error                  { return nil }
