package runners

import (
	"context"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/runnerlist"
	"github.com/fal-plugins/fal/plugins/internal/runnerlog"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type logsOptions struct {
	dependencies

	target string
	log    *runnerlog.Options
}

func newLogs(d dependencies) *cli.Command {
	o := &logsOptions{dependencies: d, log: runnerlog.New(d.now, d.poll)}
	return &cli.Command{
		Name:    "logs",
		Aliases: []string{"log"},
		Summary: "Show the log of a runner, or of all runners of an app",
		Description: "Shows a runner's log, the oldest line first. The log of all runners of an app, in the order of time, is that of " + runnerlist.AppPrefix + "NAME: of those alive and of those that ended within a day, or since --since.\n\n" +
			"With --follow, lines are shown as they are written, from a minute ago on unless --since or --lines says otherwise, until the runner has ended. When the connection is lost it is made again, and no line is missing or shown twice. The follow of an app goes on with the runners that come and without those that go, and never ends by itself.\n\n" +
			runnerlog.Filtering,
		Args:   []cli.Arg{{Name: "ID|" + runnerlist.AppPrefix + "NAME", Usage: "a runner, by its id or a unique beginning of it, or an app", Value: cli.NonEmpty(&o.target), Complete: d.values.RunnersOrAliases(runnerlist.AppPrefix)}},
		Output: cli.Text,
		JSON:   view.LogListKeys{},
		Stream: cli.Stream{Flag: "follow"},
		Flags:  o.log.Flags(),
		Lasts:  o.log.Lasts,
		Examples: []cli.Example{
			{Comment: "the last ten lines, and what comes", Line: "fal runners logs 4f2a91c0 -n 10 -f"},
			{Comment: "what went wrong in an app in the last hour", Line: "fal runners logs app/checkout --since 1h --level error"},
			{Comment: "the messages alone", Line: "fal runners logs 4f2a91c0 --jq '.logs[].message'"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runLogs(ctx, inv, o) },
	}
}

func runLogs(ctx context.Context, inv *cli.Invocation, o *logsOptions) error {
	app, ofApp := strings.CutPrefix(o.target, runnerlist.AppPrefix)
	if ofApp && app == "" {
		return cli.Usagef("no app is named: want %sNAME", runnerlist.AppPrefix)
	}
	if err := o.log.Check(inv); err != nil {
		return err
	}
	s, err := o.connect(ctx, inv)
	if err != nil {
		return err
	}
	defer s.Close()
	if ofApp {
		return o.log.App(ctx, inv, s, runnerlog.App{Alias: app, Name: app, Hint: "`fal runners list` shows the apps of those that are alive"})
	}
	err = o.log.Runner(ctx, inv, s, o.target)
	return orApp(ctx, s, o.target, err, func(alias string) string { return "fal runners logs " + runnerlist.AppPrefix + alias })
}
