package profile

import (
	"context"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type createOptions struct {
	name  string
	noSet bool
}

func newCreate() *cli.Command {
	o := &createOptions{}
	return &cli.Command{
		Name:    "create",
		Summary: "Create a profile",
		Description: "Creates an empty profile and makes it the default, as the official client does. `fal profile key` and `fal profile host` fill it.\n\n" +
			"`fal keys create --save-profile NAME` makes a key, and a profile of it.",
		Args:   []cli.Arg{{Name: "NAME", Usage: "name of the profile", Value: cli.NonEmpty(&o.name)}},
		Output: cli.Text,
		Single: true,
		JSON:   view.ProfileAction{},
		Flags: []*cli.Flag{
			noProfile("create"),
			{Name: "no-set", Value: cli.Bool(&o.noSet), Usage: "leave the default profile as it is"},
		},
		Examples: []cli.Example{
			{Comment: "a profile with a key that is typed in", Line: "fal profile create ci && fal profile key"},
			{Comment: "in a script", Line: `fal profile create ci --no-set && printf %s "$KEY" | fal profile key ci`},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runCreate(ctx, inv, o) },
	}
}

func runCreate(ctx context.Context, inv *cli.Invocation, o *createOptions) error {
	var did view.ProfileAction
	err := config.Update(path(inv), func(f *config.File) error {
		if err := f.CreateProfile(o.name); err != nil {
			return err
		}
		if !o.noSet {
			if err := f.SetDefaultProfile(o.name); err != nil {
				return err
			}
		}
		did = done(f, "create", o.name)
		return nil
	})
	if err != nil {
		return err
	}
	if o.noSet {
		return printDone(ctx, inv, did, "created profile "+o.name)
	}
	err = printDone(ctx, inv, did, "created profile "+o.name+", which is the default now")
	tellNoKey(inv, did)
	tellWhatCounts(inv, o.name)
	return err
}
