package runners

import (
	"context"
	"iter"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/complete"
	"github.com/fal-plugins/fal/plugins/internal/runnerlist"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type listOptions struct {
	runnerlist.Listing

	apps []string
}

func newList(d dependencies) *cli.Command {
	o := &listOptions{Listing: runnerlist.Listing{Connect: d.connect, Now: d.now}}
	return &cli.Command{
		Name:    "list",
		Aliases: []string{"ls"},
		Summary: "List runners",
		Description: "Lists the runners that are alive or about to be, by app and then the oldest first. Requests in flight stand under their runner. Runners that have ended are listed with --since only.\n\n" +
			`With --watch the list goes on until Ctrl-C. On a terminal it is redrawn; in a pipe each change is a line of its own, {"event": "added", "runner": {...}}: first all that are there are added, then runners are added, changed (their age apart) and removed, and --jq filters line by line. A service that is away for a while is asked again.`,
		Output: cli.Records,
		JSON:   view.RunnerList{},
		Stream: cli.Stream{Flag: "watch", Record: view.RunnerEvent{}},
		Flags: o.Flags(&cli.Flag{Name: "app", Placeholder: "APP", Value: cli.NonEmptyStrings(&o.apps), Greedy: true, Complete: d.values.Aliases(),
			Usage: "only runners of these apps; APP--ENV for one in an environment"}),
		Lasts: o.Lasts,
		Examples: []cli.Example{
			{Comment: "the ids of all idle runners", Line: "fal runners list --state idle -o name"},
			{Comment: "requests in flight for each app", Line: `fal runners list --jq '.runners | group_by(.alias)[] | "\(.[0].alias)\t\(map(.in_flight_requests) | add)"'`},
			{Comment: "what ended in the last hour", Line: "fal runners list --since 1h --state terminated"},
			{Comment: "every runner that crashes, as it happens", Line: `fal runners list --watch --jq 'select(.runner.state == "CRASH_BACKOFF").runner.runner_id'`},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return o.Run(ctx, inv, o.source) },
	}
}

func (o *listOptions) source(ctx context.Context, s *session.Session, q runnerlist.Query) iter.Seq2[fal.Runner, error] {
	return runnerlist.OfApps(complete.KeepRunners(s, s.Client.Runners.List(ctx, &fal.RunnersListParams{Since: q.Since, States: q.States}), len(q.States) == 0), o.apps)
}
