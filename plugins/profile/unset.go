package profile

import (
	"context"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

func newUnset() *cli.Command {
	return &cli.Command{
		Name:        "unset",
		Summary:     "Have no default profile",
		Description: "Leaves no profile the default. The profiles themselves stay as they are.",
		Flags:       []*cli.Flag{notOfOne("this is about the default for all commands", func(string) string { return "fal profile unset" })},
		Output:      cli.Text,
		Single:      true,
		JSON:        view.ProfileAction{},
		Run:         runUnset,
	}
}

func runUnset(ctx context.Context, inv *cli.Invocation) error {
	did := view.ProfileAction{Action: "unset", Result: "done"}
	text := "no profile was the default"
	err := config.Update(path(inv), func(f *config.File) error {
		if name := f.DefaultProfile(); name != "" {
			did.Profile = &name
			text = "profile " + name + " is no longer the default"
		}
		return f.UnsetDefaultProfile()
	})
	if err != nil {
		return err
	}
	err = printDone(ctx, inv, did, text)
	if name := inv.Getenv(variable); name != "" {
		note(inv, "notice: %s is set: commands use profile %s", variable, name)
	}
	return err
}
