package auth

import (
	"context"
	"io"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type whoamiOptions struct{ dependencies }

func newWhoami(d dependencies) *cli.Command {
	o := &whoamiOptions{dependencies: d}
	return &cli.Command{
		Name:        "whoami",
		Summary:     "Show as whom commands act",
		Description: "Asks the service for the account behind the credentials that commands use, and says which those are and where they came from: a key, or a login and the account that was chosen.",
		Output:      cli.Records,
		Single:      true,
		JSON:        view.Identity{},
		Examples: []cli.Example{
			{Comment: "the account, for a script", Line: "fal auth whoami -q .nickname"},
			{Comment: "whether the login may act for a team", Line: "fal auth whoami --team acme"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runWhoami(ctx, inv, o) },
	}
}

func runWhoami(ctx context.Context, inv *cli.Invocation, o *whoamiOptions) error {
	s, err := o.connect(ctx, inv)
	if err != nil {
		return err
	}
	defer s.Close()
	account, err := current(ctx, inv, s)
	if err != nil {
		return err
	}
	i := identity(s.Config, account)
	return output.Object(ctx, inv.Printer, i, func(w io.Writer) error { return i.Write(w, inv.Printer) })
}

func current(ctx context.Context, inv *cli.Invocation, s *session.Session) (fal.Account, error) {
	ctx, cancel := inv.RequestContext(ctx)
	defer cancel()
	account, err := s.Client.Accounts.Current(ctx)
	return account, s.Error(err)
}

// identity puts together what is known of credentials and the account behind
// them. The scope of a key is not: only keys that may list keys could find out.
func identity(cfg *config.Config, account fal.Account) view.Identity {
	i := view.Identity{
		Credentials: cfg.Credentials.Kind.String(),
		Origin:      cfg.Credentials.Origin.String(),
		Host:        cfg.Host.Value,
		UserID:      account.UserID,
		Nickname:    account.Nickname,
		FullName:    account.FullName,
	}
	switch cfg.Credentials.Kind {
	case config.CredentialsKey:
		i.KeyID = &cfg.Credentials.KeyID
	case config.CredentialsLogin:
		if cfg.Team.Value != "" {
			origin := cfg.Team.Origin.String()
			i.Team, i.TeamOrigin = &cfg.Team.Value, &origin
		}
	}
	return i
}
