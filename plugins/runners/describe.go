package runners

import (
	"context"
	"errors"
	"io"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/runnerlist"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type describeOptions struct {
	dependencies

	id string
}

const (
	// crashLines is how much of the log of a crashed runner is shown.
	crashLines = 20
	// crashPage has room for life-cycle lines among them.
	crashPage = 100
)

func newDescribe(d dependencies) *cli.Command {
	o := &describeOptions{dependencies: d}
	return &cli.Command{
		Name:    "describe",
		Aliases: []string{"get"},
		Summary: "Show all that is known of one runner",
		Description: "Shows a runner that is alive or has ended: what a list tells of it, when it started and ended, its leases, and the events of its life where the service tells them. Of one that crashed, the end of its log is shown too.\n\n" +
			"A beginning of an id is looked for among the runners that are alive or ended within a day; an id in full may be older.",
		Args:   []cli.Arg{{Name: "ID", Usage: "a runner, by its id or a unique beginning of it", Value: cli.NonEmpty(&o.id), Complete: d.values.Runners()}},
		Output: cli.Records,
		JSON:   view.RunnerDescription{},
		Examples: []cli.Example{
			{Comment: "why it is not running", Line: "fal runners describe 4f2a91c0"},
			{Comment: "how long its start took", Line: `fal runners describe 4f2a91c0 --jq '.events[] | "\(.time) \(.state)"'`},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runDescribe(ctx, inv, o) },
	}
}

func runDescribe(ctx context.Context, inv *cli.Invocation, o *describeOptions) error {
	if err := output.CheckObject(inv.Format); err != nil {
		return err
	}
	s, err := o.connect(ctx, inv)
	if err != nil {
		return err
	}
	defer s.Close()
	d, err := o.describe(ctx, inv, s)
	if err != nil {
		return err
	}
	return output.Object(ctx, inv.Printer, d, func(w io.Writer) error {
		return view.DescriptionText{Paint: inv.IO.PaintOut}.Write(w, inv.Printer, d)
	})
}

func (o *describeOptions) describe(ctx context.Context, inv *cli.Invocation, s *session.Session) (view.RunnerDescription, error) {
	var none view.RunnerDescription
	rows, err := runnerlist.Collect(ctx, inv, s, &fal.RunnersListParams{Since: o.now().Add(-runnerlist.Kept)}, nil)
	if err != nil {
		return none, err
	}
	slices.SortStableFunc(rows, view.Runners(nil).Compare)
	r, err := runnerlist.Match(o.id, rows)
	if err != nil {
		return none, orApp(ctx, s, o.id, err, func(alias string) string { return "fal apps describe " + alias })
	}
	id, listed := r.RunnerID, (*view.Runner)(nil)
	if slices.ContainsFunc(rows, func(row view.Runner) bool { return row.RunnerID == id }) {
		listed = &r
	}
	ctx, cancel := inv.RequestContext(ctx)
	defer cancel()
	var life fal.RunnerLife
	var events []fal.RunnerEvent
	var lifeErr error
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error {
		life, lifeErr = s.Client.Runners.Life(groupCtx, id)
		return known(lifeErr)
	})
	group.Go(func() (err error) {
		events, err = s.Client.Runners.Events(groupCtx, id)
		return known(err)
	})
	if err := group.Wait(); err != nil {
		return none, s.Error(err)
	}
	if listed == nil && lifeErr != nil {
		return none, runnerlist.NotFound(o.id)
	}
	d := view.NewRunnerDescription(id, listed, life, events)
	if d.Crashed() {
		for page, err := range s.Client.Runners.LogPages(ctx, id, &fal.RunnersLogsParams{PageSize: crashPage}) {
			if known(err) != nil {
				return none, s.Error(err)
			}
			d.CrashLog = view.LastOutput(id, page, crashLines)
			break // the newest page
		}
	}
	return d, nil
}

// known is err unless it says that there is nothing: a part of the service may
// not know of a runner that another one lists.
func known(err error) error {
	if errors.Is(err, fal.ErrNotFound) {
		return nil
	}
	return err
}
