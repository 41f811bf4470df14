package apps

import (
	"context"
	"errors"
	"iter"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/complete"
	"github.com/fal-plugins/fal/plugins/internal/runnerlist"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type runnersOptions struct {
	runnerlist.Listing

	app string
}

func newRunners(d dependencies) *cli.Command {
	o := &runnersOptions{}
	o.Now = d.now
	o.Connect = func(ctx context.Context, inv *cli.Invocation) (*session.Session, error) {
		return d.open(ctx, inv, &o.app)
	}
	return &cli.Command{
		Name:    "runners",
		Summary: "List the runners of an app",
		Description: "Lists the runners of an app that are alive or about to be, the oldest first, as `fal runners list` does. Runners that have ended are listed with --since only.\n\n" +
			`With --watch the list goes on until Ctrl-C: redrawn on a terminal, and in a pipe a line for each change, {"event": "added", "runner": {...}}.`,
		Args:        []cli.Arg{d.appArg(&o.app)},
		Environment: true,
		Output:      cli.Records,
		JSON:        view.RunnerList{},
		Stream:      cli.Stream{Flag: "watch", Record: view.RunnerEvent{}},
		Flags:       o.Flags(),
		Lasts:       o.Lasts,
		Examples: []cli.Example{
			{Comment: "those that wait for requests", Line: "fal apps runners checkout --state idle"},
			{Comment: "which revisions they run", Line: "fal apps runners checkout --jq '[.runners[].revision] | unique[]'"},
			{Comment: "what comes and goes in staging", Line: "fal apps runners checkout --env staging --watch"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return o.Run(ctx, inv, o.source(inv)) },
	}
}

func (o *runnersOptions) source(inv *cli.Invocation) runnerlist.Source {
	return func(ctx context.Context, s *session.Session, q runnerlist.Query) iter.Seq2[fal.Runner, error] {
		return func(yield func(fal.Runner, error) bool) {
			for r, err := range complete.KeepRunners(s, s.Client.Apps.Runners(ctx, o.app, &fal.AppsRunnersParams{Since: q.Since, States: q.States}), false) {
				var own *cli.Error
				if errors.Is(err, fal.ErrNotFound) && errors.As(wireError(ctx, inv, s, o.app, err, appsListed(s)), &own) {
					told := *own
					told.Err = nil // or the session would word it anew
					err = &told
				}
				if !yield(r, err) {
					return
				}
			}
		}
	}
}
