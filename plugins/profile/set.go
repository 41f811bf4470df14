package profile

import (
	"context"
	"fmt"
	"io"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/complete"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type setOptions struct {
	name string
}

func newSet() *cli.Command {
	o := &setOptions{}
	return &cli.Command{
		Name:        "set",
		Summary:     "Choose the default profile",
		Description: "Makes a profile the one that commands use from then on, these and the official client's, unless --profile or FAL_PROFILE names another.",
		Args:        []cli.Arg{{Name: "NAME", Usage: "name of a profile", Value: cli.NonEmpty(&o.name), Complete: complete.Profiles()}},
		Flags:       []*cli.Flag{noProfile("set")},
		Output:      cli.Text,
		Single:      true,
		JSON:        view.ProfileAction{},
		Examples: []cli.Example{
			{Comment: "from here on", Line: "fal profile set ci"},
			{Comment: "for one command", Line: "fal --profile ci runners list"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runSet(ctx, inv, o) },
	}
}

func runSet(ctx context.Context, inv *cli.Invocation, o *setOptions) error {
	var did view.ProfileAction
	err := config.Update(path(inv), func(f *config.File) error {
		if err := mustExistOrBeMade(f, o.name); err != nil {
			return err
		}
		if err := f.SetDefaultProfile(o.name); err != nil {
			return err
		}
		did = done(f, "set", o.name)
		return nil
	})
	if err != nil {
		return err
	}
	err = printDone(ctx, inv, did, "profile "+o.name+" is the default now")
	tellNoKey(inv, did)
	tellWhatCounts(inv, o.name)
	return err
}

// done is what a command did to a profile, as it is afterwards.
func done(f *config.File, action, name string) view.ProfileAction {
	host := leadsTo(f, name)
	return view.ProfileAction{Profile: &name, Action: action, Result: "done", IsSet: f.DefaultProfile() == name, Host: &host, Key: masked(f, name)}
}

// printDone says what was done, also if Ctrl-C was pressed meanwhile.
func printDone(ctx context.Context, inv *cli.Invocation, did view.ProfileAction, text string) error {
	if did.Result == "done" && did.Profile != nil {
		inv.Did("%s", text)
	}
	return output.Object(context.WithoutCancel(ctx), inv.Printer, did, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, iostreams.SanitizeLine(text))
		return err
	})
}

func tellNoKey(inv *cli.Invocation, did view.ProfileAction) {
	if did.Key == nil {
		note(inv, "note: it has no key; `%s key` sets one", inv.Typed())
	}
}
