package apps

import (
	"context"
	"strings"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type gpusOptions struct {
	dependencies

	app string
}

func newGPUs(d dependencies) *cli.Command {
	o := &gpusOptions{dependencies: d}
	return &cli.Command{
		Name:        "gpus",
		Summary:     "Count the GPUs that an app uses",
		Description: "Counts the GPUs that the runners of an app use, by type, the most frequent first. Machines without a GPU are left out; an app that has no runner uses none.",
		Args:        []cli.Arg{d.appArg(&o.app)},
		Environment: true,
		Output:      cli.Records,
		JSON:        view.GPUs{},
		Examples: []cli.Example{
			{Comment: "how many in all", Line: "fal apps gpus checkout --jq .total"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runGPUs(ctx, inv, o) },
	}
}

func runGPUs(ctx context.Context, inv *cli.Invocation, o *gpusOptions) error {
	s, err := o.open(ctx, inv, &o.app)
	if err != nil {
		return err
	}
	defer s.Close()
	usage, err := o.usage(ctx, inv, s)
	if err != nil {
		return err
	}
	return view.NewGPUs(usage.ByType).Print(ctx, inv.Printer)
}

// usage asks for the GPUs. The service tells nothing of an app that uses none,
// nor of one that is not there.
func (o *gpusOptions) usage(ctx context.Context, inv *cli.Invocation, s *session.Session) (fal.AppGPUUsage, error) {
	call, cancel := inv.RequestContext(ctx)
	defer cancel()
	usage, err := s.Client.Apps.GPUs(call, o.app, nil)
	if err != nil || usage.Name != "" {
		return usage, s.Error(err)
	}
	apps, err := list(ctx, inv, s)
	if err != nil {
		return usage, err
	}
	_, err = find(s, apps, o.app[strings.LastIndex(o.app, "/")+1:]) // the owner may stand before it
	return usage, err
}
