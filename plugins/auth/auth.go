// Package auth is the fal-auth program: it logs people in and out, and says as
// whom commands act.
package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/pkg/login"
	"github.com/fal-plugins/fal/pkg/login/idtoken"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/complete"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output/jq"
	"github.com/fal-plugins/fal/plugins/internal/session"
)

// Main runs fal-auth and returns its exit code.
func Main() int { return cli.Main(App()) }

// App declares fal-auth.
func App() *cli.App {
	return app(dependencies{connect: session.Open, verify: idtoken.Verify, open: openBrowser, browses: hasBrowser, values: complete.Background()})
}

// dependencies are what the commands need from outside.
type dependencies struct {
	connect func(context.Context, *cli.Invocation) (*session.Session, error)
	verify  session.VerifyIDToken
	open    func(url string) error                // in a browser
	browses func(getenv func(string) string) bool // whether there is one
	values  complete.Values
}

func app(d dependencies) *cli.App {
	return d.values.In(&cli.App{
		Name:    "fal-auth",
		Noun:    "auth",
		Summary: "Log in and out, and see who is logged in",
		Description: "A login is a person's, and good for every account that they may act for; `fal account` selects one. It is shared with the official client.\n\n" +
			"Keys go before a login. FAL_FORCE_AUTH_BY_USER=1 sets those of variables and of the default profile aside.",
		Account:   true,
		CompileJQ: jq.Compile,
		Commands:  []*cli.Command{newLogin(d), newLogout(d), newWhoami(d), newToken(d)},
	})
}

// ofPerson resolves the login of a command that is about a person.
func (d dependencies) ofPerson(inv *cli.Invocation) (*session.Login, error) {
	if inv.Team != "" {
		return nil, cli.Usagef("--team names an account to act for, and a login is a person's").
			WithHint("fal account set " + cli.Quote(inv.Team))
	}
	return session.NewLogin(inv, d.verify)
}

// unsetTeam leaves no account selected, and returns the one that was.
func unsetTeam(l *session.Login) (team string, err error) {
	if l.Config.Team.Value == "" {
		return "", nil
	}
	err = config.Update(l.Config.Path.Value, func(f *config.File) error {
		team = f.Team()
		return f.UnsetTeam()
	})
	return team, err
}

// tellKey says when commands use a key all the same.
func tellKey(inv *cli.Invocation) {
	cfg, err := config.Resolve(config.Inputs{Profile: inv.Profile, Host: inv.Host, Getenv: inv.Getenv})
	if err == nil && cfg.Credentials.Kind == config.CredentialsKey {
		tell(inv, "notice: commands use key %s from %s, which goes before a login", cfg.Credentials.KeyID, cfg.Credentials.Origin)
	}
}

func tell(inv *cli.Invocation, format string, args ...any) {
	fmt.Fprintln(inv.IO.Err, iostreams.SanitizeLine(fmt.Sprintf(format, args...)))
}

func notLoggedIn(err error) bool { return errors.Is(err, login.NotLoggedIn) }
