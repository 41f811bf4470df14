package environments

import (
	"context"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type listOptions struct {
	dependencies

	sort string
}

func newList(d dependencies) *cli.Command {
	o := &listOptions{dependencies: d}
	return &cli.Command{
		Name:        "list",
		Aliases:     []string{"ls"},
		Summary:     "List environments",
		Description: "Lists the environments of the account, the default one first and the others by name. Where a command takes --env, it takes one of these; FAL_ENV is its default.",
		Output:      cli.Records,
		JSON:        view.EnvironmentList{},
		Flags: []*cli.Flag{
			{Name: "sort", Placeholder: "KEY[:desc]", Value: cli.NonEmpty(&o.sort), Complete: cli.SortKeys(view.Environments().SortNames()),
				Usage: "sort by " + strings.Join(view.Environments().SortNames(), ", ")},
		},
		Examples: []cli.Example{
			{Comment: "the apps of every environment", Line: "fal environments list -o name | xargs -I{} fal apps list --env {}"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runList(ctx, inv, o) },
	}
}

func runList(ctx context.Context, inv *cli.Invocation, o *listOptions) (err error) {
	v := view.Environments()
	if v.Compare, err = output.ParseSort(v, o.sort); err != nil { // told before anything is asked for
		return err
	}
	s, err := o.connect(ctx, inv)
	if err != nil {
		return err
	}
	defer s.Close()
	rows, err := o.collect(ctx, inv, s)
	if err != nil {
		return err
	}
	return output.List(ctx, inv.Printer, v, rows)
}
