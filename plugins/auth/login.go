package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/login"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type loginOptions struct {
	dependencies

	connection string
	chosen     bool // --connection was given
	noBrowser  bool
}

func newLogin(d dependencies) *cli.Command {
	o := &loginOptions{dependencies: d}
	return &cli.Command{
		Name:    "login",
		Summary: "Log in with a browser",
		Description: "Opens a page in the browser and waits until the code that it shows is confirmed there, on this device or another one. Over SSH and without a terminal the address is printed, and no browser opened.\n\n" +
			"A login that is there is replaced once the new one has succeeded.",
		Output: cli.Text,
		Single: true,
		JSON:   view.LoginResult{},
		Flags: []*cli.Flag{
			{Name: "connection", Placeholder: "NAME", Value: cli.Func(o.setConnection),
				Usage: "log in by github, google or a company's domain: the one used last unless given; the page asks if it is empty"},
			{Name: "no-browser", Value: cli.Bool(&o.noBrowser), Usage: "print the address, and open no browser"},
		},
		Examples: []cli.Example{
			{Comment: "with a company's single sign-on", Line: "fal auth login --connection example.com"},
			{Comment: "with the browser of another machine", Line: "fal auth login --no-browser"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runLogin(ctx, inv, o) },
	}
}

func (o *loginOptions) setConnection(name string) error {
	o.connection, o.chosen = strings.TrimSpace(name), true
	if strings.ContainsFunc(o.connection, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("want a word such as github, or a domain")
	}
	return nil
}

func runLogin(ctx context.Context, inv *cli.Invocation, o *loginOptions) error {
	l, err := o.ofPerson(inv)
	if err != nil {
		return err
	}
	defer l.Close()
	if !o.chosen {
		o.connection = l.LastConnection()
	}
	device, err := o.begin(ctx, inv, l)
	if err != nil {
		return l.Error(err)
	}
	o.show(inv, l, device)
	if err := await(ctx, inv, l, device); err != nil {
		return err
	}
	return welcome(ctx, inv, l)
}

func (o *loginOptions) begin(ctx context.Context, inv *cli.Invocation, l *session.Login) (*login.Device, error) {
	ctx, cancel := inv.RequestContext(ctx)
	defer cancel()
	return l.Begin(ctx, &login.BeginParams{Connection: o.connection})
}

// show says what to do, and opens the page where a browser is at hand.
func (o *loginOptions) show(inv *cli.Invocation, l *session.Login, device *login.Device) {
	first := "Open this page in a browser"
	if !o.noBrowser && !l.Config.DontOpenLinks && inv.IO.InTerminal() && inv.IO.ErrTerminal() && o.browses(inv.Getenv) {
		if err := o.open(device.BrowserURL); err != nil {
			tell(inv, "notice: no browser could be opened: %s", err)
		} else {
			first = "This page opens in your browser"
		}
	}
	if o.connection != "" {
		first += ", by way of " + o.connection
	}
	code := inv.IO.PaintErr(iostreams.Bold, iostreams.SanitizeLine(device.UserCode))
	fmt.Fprintf(inv.IO.Err, "%s:\n\n  %s\n\nand confirm there the code %s\n", first, iostreams.SanitizeLine(device.BrowserURL), code)
}

// welcome says who has logged in. The login is stored by then, so that nothing
// that goes wrong here is a failure of it.
func welcome(ctx context.Context, inv *cli.Invocation, l *session.Login) error {
	result := view.LoginResult{}
	text := "logged in"
	accounts, err := accountsOf(ctx, l)
	switch person, known := personOf(accounts); {
	case errors.Is(err, context.Canceled):
		return err
	case err != nil:
		tell(inv, "notice: your accounts could not be listed: %s", err)
	case known:
		result.UserID, result.Nickname, result.FullName = &person.UserID, &person.Nickname, &person.FullName
		text += " as " + person.Nickname
		if person.FullName != "" {
			text += " (" + person.FullName + ")"
		}
	}
	team := l.Config.Team.Value
	switch among := slices.ContainsFunc(accounts, func(a fal.Account) bool { return strings.EqualFold(a.Nickname, team) }); {
	case team == "":
	case among || err != nil:
		result.Team = &team
		text += "; account " + team + " is selected"
	default:
		if _, err := unsetTeam(l); err != nil {
			return err
		}
		tell(inv, "notice: account %s was selected, and is none of yours: none is selected now", team)
	}
	err = output.Object(context.WithoutCancel(ctx), inv.Printer, result, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, iostreams.SanitizeLine(text))
		return err
	})
	tellKey(inv)
	return err
}

// accountsOf lists the accounts of whoever has just logged in.
func accountsOf(ctx context.Context, l *session.Login) ([]fal.Account, error) {
	s, err := l.Open()
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return s.Accounts(ctx)
}

// personOf is the personal account among those of a login.
func personOf(accounts []fal.Account) (fal.Account, bool) {
	at := slices.IndexFunc(accounts, func(a fal.Account) bool { return a.Type == fal.AccountPersonal })
	if at < 0 {
		return fal.Account{}, false
	}
	return accounts[at], true
}
