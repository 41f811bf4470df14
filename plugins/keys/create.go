package keys

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/complete"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/outcome"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/profilestore"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type createOptions struct {
	dependencies

	scope       string
	description *string
	profile     string
	force       bool
}

func newCreate(d dependencies) *cli.Command {
	o := &createOptions{dependencies: d, scope: fal.KeyScopeAPI.String()}
	return &cli.Command{
		Name:    "create",
		Summary: "Create a key",
		Description: "Creates a key and prints it as FAL_KEY='<id>:<secret>', for a shell to read. The secret is shown this once: nobody can ask for it again.\n\n" +
			"A key of scope API is for programs that call apps; one of scope ADMIN may do all that you may. The official client has no default for the scope; here it is API.\n\n" +
			"With --save-profile the key goes into a profile of the configuration file instead, together with the host that it is for, and its secret is not printed. No key is created unless the profile can be written.",
		Output: cli.Text,
		Single: true,
		JSON:   view.NewlyCreatedKey{},
		Flags: []*cli.Flag{
			{Name: "scope", Placeholder: "SCOPE", Values: fal.KeyScopes(), Value: cli.String(&o.scope),
				Usage: "what the key may do: ADMIN or API; API without it"},
			{Name: "desc", Placeholder: "TEXT", Usage: "describe the key for those who see it in a list",
				Value: cli.Func(func(s string) error { o.description = &s; return nil })},
			{Name: "save-profile", Placeholder: "NAME", Value: cli.NonEmpty(&o.profile), Complete: complete.Profiles(), Usage: "save the key as this profile, and do not print it"},
			{Name: "force", Value: cli.Bool(&o.force), Usage: "with --save-profile: also replace the key and the host of a profile that exists"},
		},
		Examples: []cli.Example{
			{Comment: "for this shell and what it starts", Line: `fal keys create --desc laptop > key.env && set -a && . ./key.env && set +a`},
			{Comment: "then: fal --profile ci apps list", Line: "fal keys create --scope admin --desc ci --save-profile ci"},
			{Comment: "the secret alone", Line: "fal keys create --jq .key_secret"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runCreate(ctx, inv, o) },
	}
}

func runCreate(ctx context.Context, inv *cli.Invocation, o *createOptions) error {
	scope, err := fal.ParseKeyScope(o.scope)
	if err != nil {
		return cli.Usagef("%s", err)
	}
	if o.force && o.profile == "" {
		return cli.Usagef("--force is for --save-profile")
	}
	if o.profile == "" && inv.IO.OutDiscarded() {
		return cli.Usagef("standard output is closed, or goes to %s: nobody would get the secret of the key", os.DevNull).
			WithHint("--save-profile NAME keeps the key, and prints no secret", "no key was created")
	}
	s, err := o.connect(ctx, inv)
	if err != nil {
		return err
	}
	defer s.Close()
	var save *profilestore.Destination
	if o.profile != "" {
		save = &profilestore.Destination{Path: s.Config.Path.Value, Profile: o.profile, Host: s.Config.Host, Replace: o.force}
		if err := save.Prove(); err != nil {
			return noKey(err)
		}
	}
	key, err := o.create(ctx, inv, s, scope)
	if err != nil {
		return err
	}
	// From here on the key exists: Ctrl-C must not lose it.
	c := creation{inv: inv, session: s, key: key, record: view.NewlyCreatedKey{KeyID: key.ID, Scope: scope.String()}}
	if o.description != nil {
		c.record.Description = *o.description
	}
	if save == nil {
		return c.print(context.WithoutCancel(ctx))
	}
	return c.save(context.WithoutCancel(ctx), save)
}

// noKey adds to the reason why a key can not be saved what follows from it.
func noKey(err error) error {
	var e *cli.Error
	if !errors.As(err, &e) {
		return err
	}
	if e.Code == profilestore.Taken {
		e = e.WithHint("choose another name, or replace it with --force")
	}
	return e.WithHint("no key was created")
}

func (o *createOptions) create(ctx context.Context, inv *cli.Invocation, s *session.Session, scope fal.KeyScope) (fal.Key, error) {
	request, cancel := inv.RequestContext(ctx)
	defer cancel()
	key, err := s.Client.Keys.Create(request, scope, &fal.KeysCreateParams{Description: o.description})
	if err == nil {
		return key, nil
	}
	told := s.Error(err)
	if !maybeCreated(err) {
		return fal.Key{}, told
	}
	advice := "a key may have been created all the same: `" + inv.Typed() + " list` shows it"
	var e *cli.Error
	if ctx.Err() != nil || !errors.As(told, &e) { // an interrupt is not reported
		fmt.Fprintln(inv.IO.Err, "note: "+advice)
		return fal.Key{}, told
	}
	return fal.Key{}, e.WithHint(advice)
}

// maybeCreated reports whether a call ended without saying what became of it.
func maybeCreated(err error) bool {
	var e *fal.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Cause() {
	case fal.CauseDNS, fal.CauseRefused, fal.CauseTLS:
		return false
	}
	switch e.Code {
	case fal.CodeUnavailable, fal.CodeDeadlineExceeded, fal.CodeCanceled, fal.CodeInternal, fal.CodeUnknown, fal.CodeDataLoss:
		return true
	}
	return false
}

// creation is a key that exists, and is now to reach who asked for it.
type creation struct {
	inv     *cli.Invocation
	session *session.Session
	key     fal.Key
	record  view.NewlyCreatedKey
}

// print shows the key. A key that nobody could see is revoked: nobody could
// use it either.
func (c *creation) print(ctx context.Context) error {
	closed := make(chan os.Signal, 1)
	signal.Notify(closed, syscall.SIGPIPE) // a reader that is gone must not end the process with the key lost
	defer signal.Stop(closed)
	c.record.KeySecret = &c.key.Secret
	err := output.Object(ctx, c.inv.Printer, c.record, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, c.line())
		return err
	})
	switch {
	case err != nil:
		return c.undo(ctx, err)
	case c.asText():
		fmt.Fprintf(c.inv.IO.Err, "warning: the secret of this %s key is shown only once: keep it where nobody else can read it\n", c.record.Scope)
	}
	return nil
}

// line sets FAL_KEY in a shell.
func (c *creation) line() string {
	value := c.key.ID + ":" + c.key.Secret
	if c.inv.IO.OutTerminal() {
		value = iostreams.SanitizeLine(value)
	}
	return "FAL_KEY='" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}

func (c *creation) asText() bool {
	return c.inv.Format == output.Pretty || c.inv.Format == output.Wide
}

func (c *creation) undo(ctx context.Context, printing error) error {
	ctx, cancel := context.WithTimeout(ctx, cli.DefaultTimeout)
	defer cancel()
	e := &cli.Error{Exit: cli.ExitCode(printing), Err: printing}
	if err := c.session.Client.Keys.Revoke(ctx, c.key.ID, nil); err != nil {
		e.Message = fmt.Sprintf("key %s was created and could not be printed: %s; nor could it be revoked: %s", c.key.ID, printing, c.session.Error(err))
		return e.WithHint(c.inv.Typed() + " revoke " + cli.Quote(c.key.ID))
	}
	e.Message = fmt.Sprintf("key %s was revoked again: it could not be printed: %s", c.key.ID, printing)
	return e
}

// save writes the key into the profile that was proved to be writable. Should
// it fail all the same, the key is printed.
func (c *creation) save(ctx context.Context, d *profilestore.Destination) error {
	if err := d.Save(c.key.ID, c.key.Secret); err != nil {
		saving := &cli.Error{Exit: cli.ExitFailure, Err: err,
			Message: fmt.Sprintf("key %s was created, and could not be saved as profile %s: %s", c.key.ID, d.Profile, err)}
		printing := c.print(ctx)
		if printing == nil {
			saving = saving.WithHint("the key was printed instead; if it is of no use: `" + c.inv.Typed() + " revoke " + cli.Quote(c.key.ID) + "`")
		}
		return outcome.Joined(saving, printing)
	}
	c.record.Profile = &d.Profile
	text := fmt.Sprintf("saved %s key %s as profile %s", c.record.Scope, c.key.ID, d.Profile)
	c.inv.Did("%s", text)
	err := output.Object(ctx, c.inv.Printer, c.record, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, iostreams.SanitizeLine(text))
		return err
	})
	if d.Replaced != "" {
		fmt.Fprintf(c.inv.IO.Err, "note: the key that it had stays valid until it is revoked: %s\n", iostreams.SanitizeLine(d.Replaced))
	}
	if notice := d.Differs(c.inv.Getenv, c.session.Config); notice != "" {
		fmt.Fprintln(c.inv.IO.Err, "notice: "+iostreams.SanitizeLine(notice))
	}
	if d.OnlyHere() {
		fmt.Fprintf(c.inv.IO.Err, "notice: profile %s leads to %s by local_host, which the official client does not read: it would send this key to %s\n",
			iostreams.SanitizeLine(d.Profile), c.session.Config.Host.Value, fal.DefaultHost)
	}
	return err
}
