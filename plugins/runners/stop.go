package runners

import (
	"context"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/runnerlist"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type stopOptions struct {
	ending  endOptions
	replace bool
}

func newStop(d dependencies) *cli.Command {
	o := &stopOptions{}
	return &cli.Command{
		Name:    "stop",
		Summary: "Stop runners gracefully",
		Description: "A stopped runner takes no new requests, finishes those in flight and ends. The app's settings decide whether another one is started in its place.\n\n" +
			"Name runners by id or by any beginning of one that is unique, or select them with --app, --state or --all: then what will be stopped is shown and asked about.",
		Args:   []cli.Arg{o.ending.arg(d)},
		Output: cli.Text,
		JSON:   view.RunnerActionList{},
		Flags: append([]*cli.Flag{
			{Name: "replace", Aliases: []string{"r"}, Usage: "start a replacement first and stop when it is up", Value: cli.Bool(&o.replace)},
		}, o.ending.flags(d, "stopped")...),
		Examples: []cli.Example{
			{Comment: "one runner, replaced first, and wait until it is gone", Line: "fal runners stop --replace --wait 4f2a91c0"},
			{Comment: "all idle runners of an app, without a question", Line: "fal runners stop --app checkout --state idle --yes"},
			{Comment: "a list from elsewhere", Line: "fal runners list --state idle -o name | xargs fal runners stop"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error {
			return o.ending.run(ctx, inv, d, ending{
				verb: "stop", doing: "stopping", done: "stopped",
				eligible: func(r view.Runner) bool { return !leaving(r.State) },
				refilled: !o.replace,
				call: func(ctx context.Context, s *session.Session, id string) error {
					return s.Client.Runners.Stop(ctx, id, &fal.RunnersStopParams{ReplaceFirst: o.replace})
				},
			})
		},
	}
}

// leaving reports whether a runner is on its way out already.
func leaving(state string) bool {
	return state == "DRAINING" || state == "TERMINATING" || runnerlist.Ended(state)
}
