package auth

import (
	"context"
	"errors"
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
	i, err := identify(ctx, inv, s)
	if err != nil {
		return err
	}
	return output.Object(ctx, inv.Printer, i, func(w io.Writer) error { return i.Write(w, inv.Printer) })
}

// identify puts together what is known of credentials and the account behind
// them.
func identify(ctx context.Context, inv *cli.Invocation, s *session.Session) (view.Identity, error) {
	ctx, cancel := inv.RequestContext(ctx)
	defer cancel()
	cfg := s.Config
	account, err := s.Client.Accounts.Current(ctx)
	if err != nil {
		return view.Identity{}, s.Error(err)
	}
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
		if i.KeyScope, err = scope(ctx, s); err != nil {
			tell(inv, "notice: the scope of the key is not known: %s", err)
		}
	case config.CredentialsLogin:
		person := account
		if cfg.Team.Value != "" {
			origin := cfg.Team.Origin.String()
			i.Team, i.TeamOrigin = &cfg.Team.Value, &origin
			if person, err = s.Person(ctx); err != nil {
				tell(inv, "notice: the person is not known: %s", err)
				return i, nil
			}
		}
		i.Person = &person.Nickname
	}
	return i, nil
}

// scope is what the key may do; nil when nothing tells. A key that may list the
// keys finds itself, and one that may not is for calling apps.
func scope(ctx context.Context, s *session.Session) (*string, error) {
	for key, err := range s.Client.Keys.List(ctx, nil) {
		name := key.Scope.String()
		switch {
		case errors.Is(err, fal.ErrPermissionDenied):
			name = fal.KeyScopeAPI.String()
			return &name, nil
		case err != nil:
			return nil, s.Error(err)
		case key.ID == s.Config.Credentials.KeyID:
			return &name, nil
		}
	}
	return nil, nil
}
