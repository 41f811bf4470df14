package environments

import (
	"context"
	"fmt"
	"io"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type createOptions struct {
	dependencies

	name        string
	description *string
}

func newCreate(d dependencies) *cli.Command {
	o := &createOptions{dependencies: d}
	return &cli.Command{
		Name:        "create",
		Summary:     "Create an environment",
		Description: "Creates an environment without apps and secrets. An app deployed to it is named APP--ENVIRONMENT where environments are not told apart.",
		Args:        []cli.Arg{{Name: "NAME", Usage: "name of the environment", Value: cli.NonEmpty(&o.name)}},
		Output:      cli.Text,
		Single:      true,
		JSON:        view.Environment{},
		Flags: []*cli.Flag{
			{Name: "description", Placeholder: "TEXT", Usage: "describe the environment for those who see it in a list",
				Value: cli.Func(func(s string) error { o.description = &s; return nil })},
		},
		Examples: []cli.Example{
			{Comment: "a place to try things out", Line: `fal environments create staging --description "before it goes live"`},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runCreate(ctx, inv, o) },
	}
}

func runCreate(ctx context.Context, inv *cli.Invocation, o *createOptions) error {
	s, err := o.connect(ctx, inv)
	if err != nil {
		return err
	}
	defer s.Close()
	request, cancel := inv.RequestContext(ctx)
	defer cancel()
	e, err := s.Client.Environments.Create(request, o.name, &fal.EnvironmentsCreateParams{Description: o.description})
	if err != nil {
		return s.Error(err)
	}
	inv.Did("created environment %s", e.Name)
	// It is said to exist, also if Ctrl-C was pressed meanwhile.
	return output.Object(context.WithoutCancel(ctx), inv.Printer, view.NewEnvironment(e, o.now()), func(w io.Writer) error {
		_, err := fmt.Fprintln(w, "created environment "+iostreams.SanitizeLine(e.Name))
		return err
	})
}
