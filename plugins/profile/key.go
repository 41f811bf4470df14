package profile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/complete"
	"github.com/fal-plugins/fal/plugins/internal/profilestore"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type keyOptions struct {
	dependencies
	choice

	noVerify bool
	timeout  time.Duration
	debug    bool
}

func newKey(d dependencies) *cli.Command {
	o := &keyOptions{dependencies: d}
	return &cli.Command{
		Name:    "key",
		Summary: "Set the key of a profile",
		Description: "Asks for a key, <id>:<secret>, without showing it, and saves it in a profile: in the one in use, or in NAME. Without a terminal the key is the first line of standard input, bare or as `fal keys create` prints it.\n\n" +
			"Before it is saved the service is asked, at the host of the profile, whose key it is. A key that is refused is not saved, and neither is one that could not be checked.",
		Args:   []cli.Arg{{Name: "NAME", Usage: "name of the profile, instead of the one in use", Optional: true, Value: cli.Func(o.setName), Complete: complete.Profiles()}},
		Output: cli.Text,
		Single: true,
		JSON:   view.ProfileAction{},
		Flags: []*cli.Flag{
			o.flag("the same as NAME"),
			{Name: "no-verify", Value: cli.Bool(&o.noVerify), Usage: "save the key without asking the service"},
			{Name: "timeout", Placeholder: "TIME", Value: cli.Duration(&o.timeout), Usage: "wait so long for the service, as in 30s or 5m"},
			{Name: "debug", Value: cli.Bool(&o.debug), Usage: "show requests, timings and metadata on stderr, secrets redacted"},
		},
		Examples: []cli.Example{
			{Comment: "typed or pasted, and not shown", Line: "fal profile key"},
			{Comment: "from another program", Line: "pass show fal/ci | fal profile key ci"},
		},
		// For the time of a question.
		Waits: func() bool { return true },
		Run:   func(ctx context.Context, inv *cli.Invocation) error { return runKey(ctx, inv, o) },
	}
}

// setName takes the argument. A key in its place is refused, and not repeated.
func (o *keyOptions) setName(text string) error {
	if strings.Contains(text, ":") {
		return cli.Usagef("a key is not given on the command line, where others may see it").
			WithHint("without one the key is asked for, or read from standard input")
	}
	return o.argument(text)
}

func runKey(ctx context.Context, inv *cli.Invocation, o *keyOptions) error {
	name, host, err := o.prove(inv)
	if err != nil {
		return err
	}
	if host == config.DefaultHost && inv.IO.InTerminal() && inv.IO.ErrTerminal() {
		note(inv, "keys are made at https://fal.ai/dashboard/keys, or by `fal keys create`")
	}
	key, err := readKey(ctx, inv, name)
	if err != nil {
		return err
	}
	account := ""
	if !o.noVerify {
		if account, err = o.verify(ctx, inv, name, key); err != nil {
			return err
		}
	}
	var did view.ProfileAction
	replaced := ""
	err = config.Update(path(inv), func(f *config.File) error {
		if err := mustExist(f, name); err != nil {
			return err
		}
		replaced = profilestore.KeyID(f, name)
		if err := f.Set(name, profilestore.Key, key); err != nil {
			return err
		}
		did = done(f, "key", name)
		return nil
	})
	if err != nil {
		return err
	}
	text := "saved key " + *did.Key + " in profile " + name
	if account != "" {
		text += ", of account " + account
	}
	err = printDone(ctx, inv, did, text)
	if replaced != "" && !strings.HasPrefix(key, replaced+":") {
		note(inv, "note: the key that it had stays valid until it is revoked: fal keys revoke %s", cli.Quote(replaced))
	}
	return err
}

// prove finds the profile and makes sure that it can be written, before anybody
// types.
func (o *keyOptions) prove(inv *cli.Invocation) (name, host string, err error) {
	err = profilestore.Prove(path(inv), func(f *config.File) error {
		var err error
		if name, err = target(inv, f, o.profile); err != nil {
			return err
		}
		host = leadsTo(f, name)
		return f.Set(name, profilestore.Key, "id:secret")
	})
	return name, host, err
}

// readKey reads a key that nobody sees.
func readKey(ctx context.Context, inv *cli.Invocation, profile string) (string, error) {
	from := "standard input"
	if inv.IO.InTerminal() {
		from = "the terminal"
	}
	line, err := inv.IO.ReadSecret(ctx, "Key of profile "+profile+", <id>:<secret>: ")
	if errors.Is(err, io.EOF) {
		return "", cli.Usagef("no key on %s", from).WithHint("a key reads <id>:<secret>")
	}
	if err != nil {
		return "", err
	}
	key := bare(line)
	if _, _, err := config.ParseKey(key, from); err != nil {
		return "", err
	}
	return key, nil
}

// bare is the key of a line that may set FAL_KEY for a shell.
func bare(line string) string {
	line = strings.TrimSpace(line)
	assignment := strings.TrimSpace(strings.TrimPrefix(line, "export "))
	value, ok := strings.CutPrefix(assignment, "FAL_KEY=")
	if !ok {
		return line
	}
	for _, quote := range []string{"'", `"`} {
		if len(value) > 1 && strings.HasPrefix(value, quote) && strings.HasSuffix(value, quote) {
			return value[1 : len(value)-1]
		}
	}
	return value
}

// verify asks the service whose key it is. Its errors say that nothing was
// saved.
func (o *keyOptions) verify(ctx context.Context, inv *cli.Invocation, profile, key string) (account string, err error) {
	asking := *inv
	asking.Debug = o.debug
	s, err := o.connect(&asking, profile, key)
	if err != nil {
		return "", err
	}
	defer s.Close()
	if s.Config.AuthDisabled {
		note(inv, "notice: ISOLATE_AUTH_DISABLED is set: the key is not checked")
		return "", nil
	}
	ctx, cancel := context.WithTimeout(ctx, o.patience())
	defer cancel()
	a, err := s.Client.Accounts.Current(ctx)
	if err == nil {
		return a.Nickname, nil
	}
	told := s.Error(err)
	var e *cli.Error
	if !errors.As(told, &e) {
		return "", told
	}
	const unchecked = "--no-verify saves it unchecked"
	if e.Exit == cli.ExitAuth {
		e.Message = fmt.Sprintf("%s refuses the key: %s", s.Config.RESTHost.Value, e.Message)
		e.Hint = []string{"it was not saved; a key is good for the host that made it alone", unchecked}
		return "", e
	}
	e.Message = "the key could not be checked, and was not saved: " + e.Message
	return "", e.WithHint(unchecked)
}

func (o *keyOptions) patience() time.Duration {
	if o.timeout > 0 {
		return o.timeout
	}
	return cli.DefaultTimeout
}
