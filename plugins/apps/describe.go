package apps

import (
	"context"
	"io"

	"golang.org/x/sync/errgroup"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type describeOptions struct {
	dependencies

	app string
}

func newDescribe(d dependencies) *cli.Command {
	o := &describeOptions{dependencies: d}
	return &cli.Command{
		Name:        "describe",
		Aliases:     []string{"get"},
		Summary:     "Show all that is known of one app",
		Description: "Shows an app: its settings, the revision that it points to, its runners by state, and its newest revisions.",
		Args:        []cli.Arg{d.appArg(&o.app)},
		Output:      cli.Records,
		JSON:        view.AppDescription{},
		Environment: true,
		Examples: []cli.Example{
			{Comment: "how it is set up, and what it is doing", Line: "fal apps describe checkout"},
			{Comment: "how many runners are at work", Line: "fal apps describe checkout --jq '.runners_by_state.RUNNING // 0'"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runDescribe(ctx, inv, o) },
	}
}

func runDescribe(ctx context.Context, inv *cli.Invocation, o *describeOptions) error {
	s, err := o.open(ctx, inv, &o.app)
	if err != nil {
		return err
	}
	defer s.Close()
	d, err := o.describe(ctx, inv, s)
	if err != nil {
		return err
	}
	if inv.Format == output.Name {
		named := output.View[view.AppDescription]{Name: func(d view.AppDescription) string { return d.Alias }}
		return output.List(ctx, inv.Printer, named, []view.AppDescription{d})
	}
	return output.Object(ctx, inv.Printer, d, func(w io.Writer) error { return d.WriteText(w, inv.Printer, nil) })
}

func (o *describeOptions) describe(ctx context.Context, inv *cli.Invocation, s *session.Session) (view.AppDescription, error) {
	var none view.AppDescription
	apps, err := list(ctx, inv, s)
	if err != nil {
		return none, err
	}
	app, err := find(s, apps, o.app)
	if err != nil {
		return none, err
	}
	var runners []fal.Runner
	var revisions []fal.Revision
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		runners, err = appRunners(groupCtx, inv, s, o.app)
		return err
	})
	group.Go(func() (err error) {
		revisions, err = revisionsOf(groupCtx, inv, s, o.app)
		return err
	})
	if err := group.Wait(); err != nil {
		return none, err
	}
	return view.NewAppDescription(app, runners, revisions, apps), nil
}
