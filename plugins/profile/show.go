package profile

import (
	"context"
	"io"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/complete"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/profilestore"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type showOptions struct {
	choice
}

func newShow() *cli.Command {
	o := &showOptions{}
	return &cli.Command{
		Name:        "show",
		Aliases:     []string{"describe"},
		Summary:     "Show a profile",
		Description: "Shows the settings of a profile, of the one in use without NAME. Of a key the id and the end of its secret are shown. The values of settings that these programs do not know are left out, since they may be secrets.",
		Args:        []cli.Arg{{Name: "NAME", Usage: "name of a profile", Optional: true, Value: cli.Func(o.argument), Complete: complete.Profiles()}},
		Flags:       []*cli.Flag{o.flag("the same as NAME")},
		Output:      cli.Records,
		Single:      true,
		JSON:        view.ProfileDescription{},
		Examples: []cli.Example{
			{Comment: "where it leads to", Line: "fal profile show ci --jq .host"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runShow(ctx, inv, o) },
	}
}

func runShow(ctx context.Context, inv *cli.Invocation, o *showOptions) error {
	f, err := config.Open(path(inv))
	if err != nil {
		return err
	}
	name, err := chosen(inv, f, o.profile)
	if err != nil {
		return err
	}
	if err := mustExist(f, name); err != nil {
		return err
	}
	d := view.ProfileDescription{Profile: name, IsSet: name == inUse(inv, f), Host: leadsTo(f, name), Settings: []view.ProfileSetting{}}
	for _, p := range f.Profiles() {
		if p.Name != name {
			continue
		}
		for _, setting := range p.Keys {
			d.Settings = append(d.Settings, view.ProfileSetting{Name: setting, Value: visible(f, name, setting)})
		}
	}
	return output.Object(ctx, inv.Printer, d, func(w io.Writer) error { return d.Write(w, inv.Printer) })
}

// visible is the value of a setting as far as it may be seen.
func visible(f *config.File, profile, setting string) *string {
	value, isText := f.Get(profile, setting)
	switch {
	case setting == profilestore.Key && (value != "" || !isText):
		return masked(f, profile)
	case !isText:
		return nil
	case setting == profilestore.Host || setting == profilestore.LocalHost:
		if _, err := config.ParseHost(value, setting); err != nil {
			return nil
		}
		return &value
	}
	return nil
}
