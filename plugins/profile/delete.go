package profile

import (
	"context"
	"strings"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/complete"
	"github.com/fal-plugins/fal/plugins/internal/profilestore"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type deleteOptions struct {
	name   string
	yes    bool
	dryRun bool
}

func newDelete() *cli.Command {
	o := &deleteOptions{}
	return &cli.Command{
		Name:        "delete",
		Aliases:     []string{"rm"},
		Summary:     "Delete a profile",
		Description: "Deletes a profile with all its settings. On a terminal it asks first. Its key stays valid until it is revoked. When it is the default profile, there is none afterwards.",
		Args:        []cli.Arg{{Name: "NAME", Usage: "name of a profile", Value: cli.NonEmpty(&o.name), Complete: complete.Profiles()}},
		Output:      cli.Text,
		Single:      true,
		JSON:        view.ProfileAction{},
		Flags: []*cli.Flag{
			noProfile("delete"),
			{Name: "yes", Aliases: []string{"y"}, Value: cli.Bool(&o.yes), Usage: "do not ask"},
			{Name: "dry-run", Value: cli.Bool(&o.dryRun), Usage: "show what would be deleted, and do nothing"},
		},
		// For the time of a question.
		Waits: func() bool { return true },
		Run:   func(ctx context.Context, inv *cli.Invocation) error { return runDelete(ctx, inv, o) },
	}
}

func runDelete(ctx context.Context, inv *cli.Invocation, o *deleteOptions) error {
	f, err := config.Open(path(inv))
	if err != nil {
		return err
	}
	if err := mustExist(f, o.name); err != nil {
		return err
	}
	if o.dryRun {
		would := done(f, "delete", o.name)
		would.Result = "would"
		return printDone(ctx, inv, would, "would delete profile "+o.name)
	}
	shown := summary(f, o.name)
	if inv.IO.InTerminal() && inv.IO.ErrTerminal() && !o.yes {
		yes, err := inv.IO.Confirm(ctx, "Delete profile "+o.name+" ("+shown+")?")
		if err != nil {
			return err
		}
		if !yes {
			return cli.Failuref("nothing was deleted")
		}
	}
	return o.remove(ctx, inv, shown)
}

// remove deletes the profile if it is still what was shown.
func (o *deleteOptions) remove(ctx context.Context, inv *cli.Invocation, shown string) error {
	did := view.ProfileAction{Profile: &o.name, Action: "delete", Result: "done"}
	var wasDefault bool
	var keyID string
	err := config.Update(path(inv), func(f *config.File) error {
		if err := mustExist(f, o.name); err != nil {
			return err
		}
		if summary(f, o.name) != shown {
			return cli.Failuref("profile %s was changed meanwhile: nothing was deleted", o.name)
		}
		wasDefault, keyID = f.DefaultProfile() == o.name, profilestore.KeyID(f, o.name)
		return f.DeleteProfile(o.name)
	})
	if err != nil {
		return err
	}
	err = printDone(ctx, inv, did, "deleted profile "+o.name)
	if wasDefault {
		note(inv, "notice: it was the default: commands use no profile now")
	}
	if keyID != "" {
		note(inv, "note: its key stays valid until it is revoked: fal keys revoke %s", cli.Quote(keyID))
	}
	return err
}

// summary says what is lost with a profile, where it is asked about.
func summary(f *config.File, name string) string {
	words := []string{leadsTo(f, name), "no key"}
	if key := masked(f, name); key != nil {
		words[1] = "key " + *key
	}
	if f.DefaultProfile() == name {
		words = append(words, "the default")
	}
	return strings.Join(words, ", ")
}
