package auth

import (
	"context"
	"fmt"
	"io"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type logoutOptions struct {
	dependencies

	allLocal  bool
	noBrowser bool
}

func newLogout(d dependencies) *cli.Command {
	o := &logoutOptions{dependencies: d}
	return &cli.Command{
		Name:    "logout",
		Summary: "Log out",
		Description: "Revokes the login and deletes it from this machine. The account that is selected is not any more afterwards, as in the official client.\n\n" +
			"Where the login cannot be revoked, for want of a network, it is kept. --all-local deletes it all the same, and leaves it valid for whoever has a copy.",
		Output: cli.Text,
		Single: true,
		JSON:   view.LogoutResult{},
		Flags: []*cli.Flag{
			{Name: "all-local", Value: cli.Bool(&o.allLocal), Usage: "delete the login here, and tell nobody"},
			// The official client opens a page that ends the browser's session.
			{Name: "no-browser", Hidden: true, Value: cli.Bool(&o.noBrowser), Usage: "open no browser, which is never done"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runLogout(ctx, inv, o) },
	}
}

func runLogout(ctx context.Context, inv *cli.Invocation, o *logoutOptions) error {
	l, err := o.ofPerson(inv)
	if err != nil {
		return err
	}
	defer l.Close()
	result, text := view.LogoutResult{LoggedOut: true, Revoked: !o.allLocal}, "logged out"
	switch err := o.end(ctx, inv, l); {
	case notLoggedIn(err):
		result, text = view.LogoutResult{}, "not logged in"
	case err != nil:
		return o.explain(l.Error(err))
	}
	team, err := unsetTeam(l)
	if err != nil {
		return err
	}
	if team != "" {
		result.UnsetTeam = &team
		tell(inv, "notice: account %s is no longer selected", team)
	}
	err = output.Object(context.WithoutCancel(ctx), inv.Printer, result, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, text)
		return err
	})
	tellKey(inv)
	return err
}

func (o *logoutOptions) end(ctx context.Context, inv *cli.Invocation, l *session.Login) error {
	ctx, cancel := inv.RequestContext(ctx)
	defer cancel()
	l.DropKept()
	if o.allLocal {
		return l.Forget(ctx)
	}
	return l.Logout(ctx)
}

// explain adds the way out to an error of the network.
func (o *logoutOptions) explain(err error) error {
	if e, ok := err.(*cli.Error); ok && e.Exit == cli.ExitUnavailable {
		return e.WithHint("`fal auth logout --all-local` deletes it without asking")
	}
	return err
}
