package secrets

import (
	"context"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/complete"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/session"
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
		Summary:     "List the names of secrets",
		Description: "Lists the secrets of one environment by name, with their age and whether apps that name no secrets get them. Values can not be read back.",
		Output:      cli.Records,
		JSON:        view.SecretList{},
		Environment: true,
		Flags: []*cli.Flag{
			{Name: "sort", Placeholder: "KEY[:desc]", Value: cli.NonEmpty(&o.sort), Complete: cli.SortKeys(view.Secrets().SortNames()),
				Usage: "sort by " + strings.Join(view.Secrets().SortNames(), ", ")},
		},
		Examples: []cli.Example{
			{Comment: "those of an environment", Line: "fal secrets list --env staging"},
			{Comment: "what apps get only by naming it", Line: "fal secrets list --jq '.secrets[] | select(.default_exposed == false).name'"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runList(ctx, inv, o) },
	}
}

func runList(ctx context.Context, inv *cli.Invocation, o *listOptions) error {
	v := view.Secrets()
	var err error
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

// collect lists the secrets of the session's environment in one bounded
// request.
func (d dependencies) collect(ctx context.Context, inv *cli.Invocation, s *session.Session) ([]view.Secret, error) {
	ctx, cancel := inv.RequestContext(ctx)
	defer cancel()
	var rows []view.Secret
	for secret, err := range complete.KeepSecrets(s, s.Client.Secrets.List(ctx, nil)) {
		if err != nil {
			return nil, noEnvironment(ctx, inv, s, err)
		}
		rows = append(rows, view.NewSecret(secret, d.now()))
	}
	return rows, nil
}
