package runnerlist

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
	"github.com/fal-plugins/fal/plugins/internal/watch"
)

// sinceLeeway is granted to --since for clocks that differ.
const sinceLeeway = time.Minute

// Listing is a command that lists runners.
type Listing struct {
	Connect func(context.Context, *cli.Invocation) (*session.Session, error)
	Now     func() time.Time

	since    time.Time
	states   []string
	sort     string
	watching watch.Options
}

// Query is what a listing asks for.
type Query struct {
	Since  time.Time // zero: only those that have not ended
	States []fal.RunnerState
}

// Source answers a query.
type Source func(ctx context.Context, s *session.Session, q Query) iter.Seq2[fal.Runner, error]

// Flags declares --since, --state, --sort, --watch and --interval, with what
// else narrows the list among them.
func (l *Listing) Flags(narrowing ...*cli.Flag) []*cli.Flag {
	return slices.Concat([]*cli.Flag{
		{Name: "since", Placeholder: "TIME", Value: cli.Time(&l.since, l.Now),
			Usage: "also list runners that ended since then: 30m, 1h, 1d, or an ISO timestamp, at most 24 hours back"},
		StateFlag(&l.states, "only runners in these states"),
	}, narrowing, []*cli.Flag{
		{Name: "sort", Placeholder: "KEY[:desc]", Value: cli.NonEmpty(&l.sort), Complete: cli.SortKeys(view.Runners(nil).SortNames()),
			Usage: "sort by " + strings.Join(view.Runners(nil).SortNames(), ", ")},
	}, l.watching.Flags())
}

// Lasts is that of the command.
func (l *Listing) Lasts() bool { return l.watching.On }

// Run lists what the source answers, once or, with --watch, on and on.
func (l *Listing) Run(ctx context.Context, inv *cli.Invocation, source Source) error {
	query, err := l.query()
	if err != nil {
		return err
	}
	if err := l.watching.Check(inv); err != nil {
		return err
	}
	order, err := output.ParseSort(view.Runners(nil), l.sort)
	if err != nil { // told before anything is asked for
		return err
	}
	s, err := l.Connect(ctx, inv)
	if err != nil {
		return err
	}
	defer s.Close()
	look := func(ctx context.Context) ([]view.Runner, error) {
		ctx, cancel := inv.RequestContext(ctx)
		defer cancel()
		return rows(s, source(ctx, s, query))
	}
	if l.watching.On {
		return watch.Run(ctx, inv, l.watching, watch.List[view.Runner, view.RunnerEvent]{
			Look: func(ctx context.Context) ([]view.Runner, error) {
				if oldest := l.Now().Add(-Kept); !query.Since.IsZero() && query.Since.Before(oldest) {
					query.Since = oldest // a day has passed meanwhile
				}
				return look(ctx)
			},
			View: view.Runners, Order: order, Changes: view.RunnerChanges, Events: view.RunnerEvents(), Now: l.Now,
		})
	}
	listed, err := look(ctx)
	if err != nil {
		return err
	}
	v := view.Runners(listed)
	v.Compare = order
	if len(listed) == 0 && l.since.IsZero() && slices.Contains(query.States, fal.RunnerTerminated) {
		fmt.Fprintln(inv.IO.Err, "note: runners that have ended are listed with --since, as in --since 1h")
	}
	return output.List(ctx, inv.Printer, v, listed)
}

// query checks the flags.
func (l *Listing) query() (Query, error) {
	if !l.since.IsZero() {
		now := l.Now()
		switch {
		case now.Sub(l.since) > Kept+sinceLeeway:
			return Query{}, cli.Usagef("--since reaches further back than 24 hours").WithHint("ended runners are kept for a day: --since 24h")
		case l.since.After(now.Add(sinceLeeway)):
			return Query{}, cli.Usagef("--since lies in the future")
		}
	}
	states, err := ParseStates(l.states)
	return Query{Since: l.since, States: states}, err
}
