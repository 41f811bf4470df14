package account

import (
	"context"
	"os"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/profilestore"
	"github.com/fal-plugins/fal/plugins/internal/session"
)

// connect opens a session as the person who logged in, whatever account is
// selected, and also where a variable or the default profile has a key: it is
// for the login that an account is selected, as in the official client. A key
// is used where one was named explicitly, and where there is no login that
// belongs to the host.
func connect(ctx context.Context, inv *cli.Invocation) (*session.Session, error) {
	if !loginGoesFirst(inv) {
		return session.Open(ctx, inv)
	}
	login, err := session.NewLogin(inv, nil)
	if err != nil {
		return nil, err
	}
	return login.Open()
}

// loginGoesFirst reports whether the login is asked and not the key. What can
// not be resolved is reported by who opens the session.
func loginGoesFirst(inv *cli.Invocation) bool {
	cfg, err := config.Resolve(config.Inputs{Profile: inv.Profile, Host: inv.Host, Getenv: inv.Getenv})
	if err != nil || !belongs(cfg, inv) {
		return false
	}
	switch cfg.Credentials.Kind {
	case config.CredentialsLogin:
		return true
	case config.CredentialsNone:
		return cfg.TokenPath == "" // the login has the reason
	case config.CredentialsDisabled:
		return false
	}
	if cfg.Profile.Origin.Kind == config.OriginFlag || cfg.TokenPath == "" {
		return false
	}
	_, err = os.Stat(cfg.TokenPath)
	return err == nil
}

// belongs reports whether the login may go to the host. That of a control plane
// of one's own gets its own login, on this machine and wherever a profile has it.
func belongs(cfg *config.Config, inv *cli.Invocation) bool {
	fits, named := session.LoginFits(cfg, inv)
	if !fits || named || cfg.Host.IsLoopback() || cfg.Host.Origin.Kind != config.OriginProfile {
		return fits
	}
	f, err := config.Open(cfg.Path.Value)
	if err != nil {
		return false
	}
	local, _ := f.Get(cfg.Profile.Value, profilestore.LocalHost)
	return local == ""
}
