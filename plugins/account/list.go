package account

import (
	"context"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

func newList() *cli.Command {
	return &cli.Command{
		Name:        "list",
		Aliases:     []string{"ls"},
		Summary:     "List accounts",
		Description: "Lists the accounts that the login may act as, the personal one first, and marks the one that is selected. Without a login it is the account of the key.",
		Output:      cli.Records,
		JSON:        view.AccountList{},
		Examples: []cli.Example{
			{Comment: "the selected one", Line: "fal account list -q '.teams[] | select(.is_selected).nickname'"},
		},
		Run: runList,
	}
}

func runList(ctx context.Context, inv *cli.Invocation) error {
	s, err := connect(ctx, inv)
	if err != nil {
		return err
	}
	defer s.Close()
	rows, err := collect(ctx, s)
	if err != nil {
		return err
	}
	if team := s.Config.Team; team.Origin.Kind == config.OriginFlag && named(team.Value, rows) < 0 {
		e := notFound(team.Value, rows)
		e.Code = "unknown_team" // as other commands call it
		return e
	}
	if err := mark(ctx, inv, s, rows); err != nil {
		return err
	}
	tellKey(inv)
	return output.List(ctx, inv.Printer, view.Accounts(), rows)
}
