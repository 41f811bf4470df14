package runners

import (
	"context"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/runnerlist"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

func newKill(d dependencies) *cli.Command {
	o := &endOptions{}
	return &cli.Command{
		Name:    "kill",
		Summary: "End runners at once",
		Description: "A killed runner ends immediately and its requests in flight fail. `fal runners stop` lets them finish.\n\n" +
			"Name runners by id or by any beginning of one that is unique, or select them with --app, --state or --all: then what will be killed is shown and asked about.",
		Args:   []cli.Arg{o.arg(d)},
		Output: cli.Text,
		JSON:   view.RunnerActionList{},
		Flags:  o.flags(d, "killed"),
		Examples: []cli.Example{
			{Comment: "one runner", Line: "fal runners kill 4f2a91c0"},
			{Comment: "what hangs while it stops", Line: "fal runners kill --state draining terminating"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error {
			return o.run(ctx, inv, d, ending{
				verb: "kill", doing: "killed", done: "killed",
				eligible: func(r view.Runner) bool { return !runnerlist.Ended(r.State) },
				call: func(ctx context.Context, s *session.Session, id string) error {
					return s.Client.Runners.Kill(ctx, id, nil)
				},
			})
		},
	}
}
