package account

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/complete"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/suggest"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type setOptions struct {
	account string
}

func newSet(values complete.Values) *cli.Command {
	o := &setOptions{}
	return &cli.Command{
		Name:    "set",
		Summary: "Select the account that commands act for",
		Description: "Selects an account by its nickname, in any case, or by its number in the list. Without one, on a terminal, the accounts are shown to choose from.\n\n" +
			"Selecting an account leaves no profile the default, as in the official client: the key of a profile would go before it.",
		Args:   []cli.Arg{{Name: "ACCOUNT", Usage: "a nickname, or a number in the list", Optional: true, Value: cli.NonEmpty(&o.account), Complete: values.Accounts(loginGoesFirst)}},
		Output: cli.Text,
		Single: true,
		JSON:   view.AccountChoice{},
		Examples: []cli.Example{
			{Comment: "from here on", Line: "fal account set acme"},
			{Comment: "for one command", Line: "fal runners list --team acme"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runSet(ctx, inv, o) },
	}
}

func runSet(ctx context.Context, inv *cli.Invocation, o *setOptions) error {
	if err := refuseTeam(inv, setLine(cmp.Or(o.account, inv.Team))); err != nil {
		return err
	}
	asks := o.account == ""
	if asks && !(inv.IO.InTerminal() && inv.IO.ErrTerminal()) {
		return cli.Usagef("ACCOUNT is missing, and there is no terminal to choose on").WithHint("`fal account list` shows those that there are")
	}
	s, err := connect(ctx, inv)
	if err != nil {
		return err
	}
	defer s.Close()
	if s.Config.Credentials.Kind == config.CredentialsKey {
		return keyDecides(s.Config)
	}
	rows, err := collect(ctx, s)
	if err != nil {
		return err
	}
	chosen, err := o.choose(ctx, inv, s, rows)
	if err != nil {
		return err
	}
	return save(ctx, inv, chosen)
}

// setLine is the line that selects an account.
func setLine(account string) string {
	if strings.HasPrefix(account, "-") {
		return "fal account set -- " + cli.Quote(account)
	}
	return "fal account set " + cli.Quote(account)
}

// keyDecides is the error for a choice that there is no login for.
func keyDecides(cfg *config.Config) error {
	c := cfg.Credentials
	e := &cli.Error{Code: "key_decides", Exit: cli.ExitAuth,
		Message: fmt.Sprintf("key %s from %s decides the account, and no login goes with it to select one for", c.KeyID, c.Origin)}
	if c.Origin.Kind == config.OriginProfile && cfg.Profile.Origin.Kind == config.OriginFile {
		return e.WithHint("`fal profile unset` leaves the profile and its key out")
	}
	return e.WithHint("`fal auth login` makes it possible to act for the accounts of a person")
}

func (o *setOptions) choose(ctx context.Context, inv *cli.Invocation, s *session.Session, rows []view.Account) (view.Account, error) {
	if o.account != "" {
		return match(o.account, rows)
	}
	if len(rows) == 0 {
		return view.Account{}, &cli.Error{Code: "not_found", Exit: cli.ExitNotFound, Message: "the login has no account"}
	}
	if err := mark(ctx, inv, s, rows); err != nil {
		return view.Account{}, err
	}
	return pick(ctx, inv, rows)
}

// match finds the account that a word names: by its nickname, in any case, or
// by its number.
func match(word string, rows []view.Account) (view.Account, error) {
	if at := named(word, rows); at >= 0 {
		return rows[at], nil
	}
	n, err := strconv.Atoi(word)
	switch {
	case err != nil:
		return view.Account{}, notFound(word, rows)
	case n >= 1 && n <= len(rows):
		return rows[n-1], nil
	}
	e := notFound(word, rows)
	e.Message += fmt.Sprintf(": there are %d", len(rows))
	return view.Account{}, e
}

// notFound is the error for a word that names no account.
func notFound(word string, rows []view.Account) *cli.Error {
	e := &cli.Error{Code: "not_found", Exit: cli.ExitNotFound, Message: fmt.Sprintf("account %s not found", word)}
	if near := suggest.Nearest(word, nicknames(rows)); near != "" {
		e = e.WithHint("did you mean " + near + "?")
	}
	return e.WithHint(listed(nicknames(rows))...)
}

func nicknames(rows []view.Account) []string {
	names := make([]string, len(rows))
	for i, a := range rows {
		names[i] = a.Nickname
	}
	return names
}

// listed is the hint that names the accounts, if they are not too many.
func listed(nicknames []string) []string {
	const shown = 20
	switch n := len(nicknames); {
	case n == 0:
		return nil
	case n > shown:
		return []string{"`fal account list` shows those that there are"}
	}
	return []string{"accounts: " + strings.Join(nicknames, ", ")}
}

// pick asks on the terminal until an account is chosen. Return alone keeps the
// selected one.
func pick(ctx context.Context, inv *cli.Invocation, rows []view.Account) (view.Account, error) {
	at := slices.IndexFunc(rows, func(a view.Account) bool { return a.IsSelected })
	prompt := "Account, by number or nickname: "
	if at >= 0 {
		prompt = fmt.Sprintf("Account, by number or nickname [%d]: ", at+1)
	}
	for i, a := range rows {
		selected := " "
		if i == at {
			selected = "*"
		}
		fmt.Fprintf(inv.IO.Err, "%s %*d  %s\n", selected, len(strconv.Itoa(len(rows))), i+1, iostreams.SanitizeLine(a.Summary()))
	}
	for {
		line, err := inv.IO.ReadLine(ctx, prompt)
		if errors.Is(err, io.EOF) {
			if at >= 0 {
				return view.Account{}, cli.Failuref("no other account was chosen: %s stays", rows[at].Nickname)
			}
			return view.Account{}, cli.Failuref("no account was chosen")
		}
		if err != nil {
			return view.Account{}, err
		}
		word := strings.TrimSpace(line)
		if word == "" {
			if at >= 0 {
				return rows[at], nil
			}
			continue
		}
		a, err := match(word, rows)
		if err == nil {
			return a, nil
		}
		said := err.Error()
		if near := suggest.Nearest(word, nicknames(rows)); near != "" {
			said += ": did you mean " + near + "?"
		}
		tell(inv, "%s", said)
	}
}

// save writes the choice, which the default profile must not outweigh.
func save(ctx context.Context, inv *cli.Invocation, a view.Account) error {
	did := view.AccountChoice{Nickname: &a.Nickname, FullName: &a.FullName, Type: &a.Type}
	err := config.Update(path(inv), func(f *config.File) error {
		if err := f.SetTeam(a.Nickname); err != nil {
			return err
		}
		if profile := f.DefaultProfile(); profile != "" {
			did.UnsetProfile = &profile
		}
		return f.UnsetDefaultProfile()
	})
	if err != nil {
		return err
	}
	inv.Did("selected account %s", a.Nickname)
	// It is selected, also if Ctrl-C was pressed meanwhile.
	err = output.Object(context.WithoutCancel(ctx), inv.Printer, did, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, "selected account "+iostreams.SanitizeLine(a.Summary()))
		return err
	})
	if did.UnsetProfile != nil {
		tell(inv, "notice: profile %s is no longer the default, so that the account counts", *did.UnsetProfile)
	}
	tellKey(inv)
	return err
}
