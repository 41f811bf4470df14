// Package account is the fal-account program: the account that commands act
// for, of those that a login may act as.
package account

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/complete"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output/jq"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// Main runs fal-account and returns its exit code.
func Main() int { return cli.Main(App()) }

// App declares fal-account.
func App() *cli.App { return app(complete.Background()) }

func app(values complete.Values) *cli.App {
	return values.In(&cli.App{
		Name:    "fal-account",
		Noun:    "account",
		Summary: "Choose the account that commands act for",
		Description: "Whoever is logged in may act for several accounts: the personal one, teams and organizations. Commands act for the one that --team names, else for the one that `set` selected, else for the personal one.\n\n" +
			"A key belongs to one account, and decides it: with a key none of this counts.",
		Account:   true,
		CompileJQ: jq.Compile,
		Commands:  []*cli.Command{newList(), newSet(values), newUnset()},
	})
}

// collect lists all accounts.
func collect(ctx context.Context, s *session.Session) ([]view.Account, error) {
	accounts, err := s.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	complete.KeepAccounts(s, accounts)
	rows := make([]view.Account, len(accounts))
	for i, a := range accounts {
		rows[i] = view.NewAccount(a, i+1)
	}
	return rows, nil
}

// mark marks the account that commands act for: that of the key, else the
// selected one, else the personal one.
func mark(ctx context.Context, inv *cli.Invocation, s *session.Session, rows []view.Account) error {
	selected := s.Config.Team.Value
	if s.Config.Credentials.Kind == config.CredentialsKey {
		ctx, cancel := inv.RequestContext(ctx)
		defer cancel()
		own, err := s.Client.Accounts.Current(ctx)
		if err != nil {
			return s.Error(err)
		}
		selected = own.Nickname
	}
	at := named(selected, rows)
	if selected == "" {
		at = slices.IndexFunc(rows, func(a view.Account) bool { return a.Type == "personal" })
	}
	if at >= 0 {
		rows[at].IsSelected = true
	} else if selected != "" {
		tell(inv, "notice: account %s is selected and not among them; `%s set` selects another", selected, inv.Typed())
	}
	return nil
}

// named is where the account with a nickname stands, in any case; one that is
// written so to the letter goes first. It is -1 when there is none.
func named(nickname string, rows []view.Account) int {
	at := slices.IndexFunc(rows, func(a view.Account) bool { return a.Nickname == nickname })
	if at < 0 {
		at = slices.IndexFunc(rows, func(a view.Account) bool { return strings.EqualFold(a.Nickname, nickname) })
	}
	return at
}

// tellKey says when a key decides the account for other commands, whatever is
// selected.
func tellKey(inv *cli.Invocation) {
	cfg, err := config.Resolve(config.Inputs{Profile: inv.Profile, Host: inv.Host, Getenv: inv.Getenv})
	if err == nil && cfg.Credentials.Kind == config.CredentialsKey {
		tell(inv, "notice: commands act for the account of key %s from %s: with a key the selection does not count", cfg.Credentials.KeyID, cfg.Credentials.Origin)
	}
}

func tell(inv *cli.Invocation, format string, args ...any) {
	fmt.Fprintln(inv.IO.Err, iostreams.SanitizeLine(fmt.Sprintf(format, args...)))
}

// path is where the configuration file is, or is to be.
func path(inv *cli.Invocation) string {
	return config.Locate(config.Inputs{Getenv: inv.Getenv}).Config.Value
}

// refuseTeam keeps --team, which is for one command, apart from a choice for
// all of them. meant is the line without it.
func refuseTeam(inv *cli.Invocation, meant string) error {
	if inv.Team == "" {
		return nil
	}
	return cli.Usagef("--team names an account for one command, and this one is about all that follow").
		WithHint(meant)
}
