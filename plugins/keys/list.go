package keys

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
		Summary:     "List keys",
		Description: "Lists the keys of the account, the oldest first, and marks the one that this command used. Their secrets are not known to anybody but their owners.",
		Output:      cli.Records,
		JSON:        view.KeyList{},
		Flags: []*cli.Flag{
			{Name: "sort", Placeholder: "KEY[:desc]", Value: cli.NonEmpty(&o.sort), Complete: cli.SortKeys(view.Keys().SortNames()),
				Usage: "sort by " + strings.Join(view.Keys().SortNames(), ", ")},
		},
		Examples: []cli.Example{
			{Comment: "what may change something", Line: `fal keys list --jq '.keys[] | select(.scope == "ADMIN") | "\(.key_id) \(.description)"'`},
			{Comment: "the newest first", Line: "fal keys list --sort created:desc"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runList(ctx, inv, o) },
	}
}

func runList(ctx context.Context, inv *cli.Invocation, o *listOptions) (err error) {
	v := view.Keys()
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
