package account

import (
	"context"
	"fmt"
	"io"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

func newUnset() *cli.Command {
	return &cli.Command{
		Name:        "unset",
		Summary:     "Act for the personal account again",
		Description: "Leaves no account selected: commands act for the personal account of the login.",
		Output:      cli.Text,
		Single:      true,
		JSON:        view.AccountChoice{},
		Run:         runUnset,
	}
}

func runUnset(ctx context.Context, inv *cli.Invocation) error {
	if err := refuseTeam(inv, "fal account unset"); err != nil {
		return err
	}
	text := "no account was selected"
	err := config.Update(path(inv), func(f *config.File) error {
		if team := f.Team(); team != "" {
			text = "account " + iostreams.SanitizeLine(team) + " is no longer selected: commands act for the personal one"
		}
		return f.UnsetTeam()
	})
	if err != nil {
		return err
	}
	inv.Did("%s", text)
	err = output.Object(context.WithoutCancel(ctx), inv.Printer, view.AccountChoice{}, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, text)
		return err
	})
	tellKey(inv)
	return err
}
