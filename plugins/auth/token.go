package auth

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type tokenOptions struct {
	dependencies

	yes bool
}

func newToken(d dependencies) *cli.Command {
	o := &tokenOptions{dependencies: d}
	return &cli.Command{
		Name:    "token",
		Summary: "Print an access token of the login",
		Description: "Prints an access token, which is refreshed before if need be, for programs that speak to the service themselves. Who has it can act as you for as long as it is valid, so that it is not shown on a terminal without --yes.\n\n" +
			"With a key there is no token.",
		Output: cli.Text,
		Single: true,
		JSON:   view.AccessToken{},
		Flags: []*cli.Flag{
			{Name: "yes", Aliases: []string{"y"}, Value: cli.Bool(&o.yes), Usage: "print the token on a terminal, too"},
		},
		Examples: []cli.Example{
			{Comment: "for a request by hand", Line: `curl -H "Authorization: Bearer $(fal auth token)" https://rest.alpha.fal.ai/users/current`},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runToken(ctx, inv, o) },
	}
}

func runToken(ctx context.Context, inv *cli.Invocation, o *tokenOptions) error {
	if inv.IO.OutTerminal() && !o.yes {
		return cli.Usagef("standard output is a terminal, which would show the token").
			WithHint("pipe it to where it is needed, or add --yes")
	}
	if err := refuseKey(inv); err != nil {
		return err
	}
	l, err := o.ofPerson(inv)
	if err != nil {
		return err
	}
	defer l.Close()
	ctx, cancel := inv.RequestContext(ctx)
	defer cancel()
	token, err := l.Token(ctx)
	if err != nil {
		return l.Error(err)
	}
	return output.Object(ctx, inv.Printer, view.AccessToken{AccessToken: token}, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, token)
		return err
	})
}

// refuseKey is the error for a command line that leads to a key: the token of
// a login beside it would be of somebody else.
func refuseKey(inv *cli.Invocation) error {
	cfg, err := config.Resolve(config.Inputs{Profile: inv.Profile, Host: inv.Host, Getenv: inv.Getenv})
	if err != nil {
		return err
	}
	if cfg.Credentials.Kind != config.CredentialsKey {
		return nil
	}
	e := &cli.Error{Code: "key_in_use", Exit: cli.ExitAuth,
		Message: fmt.Sprintf("key %s from %s is in use, and no login: there is no token", cfg.Credentials.KeyID, cfg.Credentials.Origin)}
	if _, err := os.Lstat(cfg.TokenPath); err == nil && inv.Profile == "" {
		return e.WithHint("FAL_FORCE_AUTH_BY_USER=1 fal auth token")
	}
	return e
}
