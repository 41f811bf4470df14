package runners

import (
	"context"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

func newGPUs(d dependencies) *cli.Command {
	return &cli.Command{
		Name:        "gpus",
		Summary:     "Count the GPUs in use",
		Description: "Counts the GPUs that the account's runners use, by type, the most frequent first. Machines without a GPU are left out.",
		Output:      cli.Records,
		JSON:        view.GPUs{},
		Examples: []cli.Example{
			{Comment: "how many H100", Line: "fal runners gpus --jq '.gpus.H100 // 0'"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runGPUs(ctx, inv, d) },
	}
}

func runGPUs(ctx context.Context, inv *cli.Invocation, d dependencies) error {
	s, err := d.connect(ctx, inv)
	if err != nil {
		return err
	}
	defer s.Close()
	ctx, cancel := inv.RequestContext(ctx)
	defer cancel()
	usage, err := s.Client.Runners.GPUs(ctx)
	if err != nil {
		return s.Error(err)
	}
	return view.NewGPUs(usage.ByType).Print(ctx, inv.Printer)
}
