package profile

import (
	"context"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/complete"
	"github.com/fal-plugins/fal/plugins/internal/profilestore"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type hostOptions struct {
	profile string
	host    config.Endpoint
}

func newHost() *cli.Command {
	o := &hostOptions{}
	return &cli.Command{
		Name:    "host",
		Summary: "Set the host of a profile",
		Description: "Sets the host that a profile leads to, of the profile in use unless --profile names another.\n\n" +
			"The official client refuses to start with a host that does not begin with api. Such a one, and one on this machine, is kept as `local_host`, which only these programs read, with a warning.",
		Args: []cli.Arg{{Name: "HOST", Usage: "host[:port] of the service, or with http:// on this machine or https:// anywhere", Value: cli.Func(o.setHost)}},
		Flags: []*cli.Flag{
			{Name: "profile", Placeholder: "NAME", Value: cli.NonEmpty(&o.profile), Complete: complete.Profiles(), Usage: "the profile to change, instead of the one in use"},
		},
		Output: cli.Text,
		Single: true,
		JSON:   view.ProfileAction{},
		Examples: []cli.Example{
			{Comment: "a control plane on this machine", Line: "fal profile host 127.0.0.1:8000 --profile dev"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runHost(ctx, inv, o) },
	}
}

func (o *hostOptions) setHost(text string) (err error) {
	if o.host, err = config.ParseHost(text, "HOST"); err != nil {
		known := err.(*config.Error)
		return &cli.Error{Code: known.ErrorCode(), Exit: cli.ExitUsage, Message: known.Message, Hint: known.Hints(), Err: err}
	}
	return nil
}

func runHost(ctx context.Context, inv *cli.Invocation, o *hostOptions) error {
	var did view.ProfileAction
	var under, before string
	err := config.Update(path(inv), func(f *config.File) error {
		name, err := target(inv, f, o.profile)
		if err != nil {
			return err
		}
		before = leadsTo(f, name)
		if under, err = profilestore.SetHost(f, name, o.host); err != nil {
			return err
		}
		did = done(f, "host", name)
		return nil
	})
	if err != nil {
		return err
	}
	err = printDone(ctx, inv, did, "profile "+*did.Profile+" leads to "+*did.Host)
	if under == profilestore.LocalHost {
		note(inv, "warning: the official client does not start with this host: it is kept as %s, which it does not read; with this profile it goes to %s", under, config.DefaultHost)
	}
	if did.Key != nil && before != *did.Host {
		note(inv, "note: its key goes there from now on: %s", *did.Key)
	}
	return err
}
