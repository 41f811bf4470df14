package apps

import (
	"context"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type rolloutOptions struct {
	dependencies

	app         string
	force, wait bool
}

func newRollout(d dependencies) *cli.Command {
	o := &rolloutOptions{dependencies: d}
	return &cli.Command{
		Name:        "rollout",
		Summary:     "Replace an app's runners by fresh ones",
		Description: "Every runner of the app is replaced by a fresh one of the same revision, one after the other, as to take in secrets that have changed. With --force all are replaced at once.",
		Args:        []cli.Arg{d.appArg(&o.app)},
		Output:      cli.Text,
		Single:      true,
		JSON:        view.AppAction{},
		Environment: true,
		Flags: []*cli.Flag{
			{Name: "force", Value: cli.Bool(&o.force), Usage: "replace all runners at once: requests in flight may fail"},
			waitFlag(&o.wait),
		},
		Examples: []cli.Example{
			{Comment: "and wait, for ten minutes at most", Line: "fal apps rollout checkout --wait --timeout 10m"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runRollout(ctx, inv, o) },
	}
}

func runRollout(ctx context.Context, inv *cli.Invocation, o *rolloutOptions) error {
	s, err := o.open(ctx, inv, &o.app)
	if err != nil {
		return err
	}
	defer s.Close()
	var waiting *rollout
	if o.wait {
		waiting = &rollout{app: o.app, same: true}
		if err := waiting.lookBefore(ctx, inv, s); err != nil {
			return err
		}
	}
	call, cancel := inv.RequestContext(ctx)
	defer cancel()
	if err := s.Client.Apps.Rollout(call, o.app, &fal.AppsRolloutParams{Force: o.force}); err != nil {
		return wireError(ctx, inv, s, o.app, err, appsListed(s))
	}
	name := shownName(s, o.app)
	action := view.AppAction{Alias: aliasIn(o.app, s.Config.Environment.Value), Action: "rollout", Result: "accepted"}
	return o.conclude(ctx, inv, s, action, waiting, "started the rollout of "+name, "rolled out "+name)
}
