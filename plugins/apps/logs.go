package apps

import (
	"context"
	"errors"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/runnerlog"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type logsOptions struct {
	dependencies

	app string
	log *runnerlog.Options
}

func newLogs(d dependencies) *cli.Command {
	o := &logsOptions{dependencies: d, log: runnerlog.New(d.now, d.poll)}
	return &cli.Command{
		Name:    "logs",
		Aliases: []string{"log"},
		Summary: "Show the logs of an app's runners",
		Description: "Shows the logs of all runners of an app as one, the oldest line first: of those that are alive and of those that ended within a day, or since --since.\n\n" +
			"With --follow, lines are shown as they are written, from a minute ago on unless --since or --lines says otherwise. The follow goes on with the runners that come and without those that go, also through a rollout, and never ends by itself. When the connection is lost it is made again, and no line is missing or shown twice.\n\n" +
			runnerlog.Filtering,
		Args:        []cli.Arg{d.appArg(&o.app)},
		Environment: true,
		Output:      cli.Text,
		JSON:        view.LogListKeys{},
		Stream:      cli.Stream{Flag: "follow"},
		Flags:       o.log.Flags(),
		Lasts:       o.log.Lasts,
		Examples: []cli.Example{
			{Comment: "the last fifty errors, and what comes", Line: "fal apps logs checkout -f -n 50 --level error"},
			{Comment: "what was written in staging in the last hour", Line: "fal apps logs checkout --env staging --since 1h"},
			{Comment: "how many lines each runner wrote", Line: `fal apps logs checkout --jq '.logs | group_by(.runner_id)[] | "\(.[0].runner_id)\t\(length)"'`},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runLogs(ctx, inv, o) },
	}
}

func runLogs(ctx context.Context, inv *cli.Invocation, o *logsOptions) error {
	if err := o.log.Check(inv); err != nil {
		return err
	}
	s, err := o.open(ctx, inv, &o.app)
	if err != nil {
		return err
	}
	defer s.Close()
	err = o.log.App(ctx, inv, s, logged(s, o.app))
	// No runners, or no app either.
	if cli.ExitCode(err) == cli.ExitNotFound && !errors.Is(err, fal.ErrNotFound) {
		apps, listErr := list(ctx, inv, s)
		if errors.Is(listErr, fal.ErrNotFound) {
			return listErr
		}
		if listErr == nil {
			if _, missing := find(s, apps, o.app); missing != nil {
				return missing
			}
		}
	}
	return err
}

// logged is an app of the session's environment as its runners name it.
func logged(s *session.Session, app string) runnerlog.App {
	environment := s.Config.Environment.Value
	name := bareName(app, environment)
	a := runnerlog.App{Alias: fal.JoinAlias(name, environment), Name: name, Hint: "`" + appsListed(s) + "` shows the apps"}
	if a.Alias != name {
		a.Name += " in environment " + environment
		a.Hint += " of that environment"
	}
	return a
}
