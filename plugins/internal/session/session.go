// Package session is where configuration meets the SDK: it makes a client for
// one run of a command, says with --verbose where its parts came from, and
// turns what the SDK and the configuration report into errors with exit codes
// and hints.
//
//	s, err := session.Open(ctx, inv)
//	if err != nil {
//		return err
//	}
//	defer s.Close()
//	err = s.Error(s.Client.Runners.Stop(ctx, id, nil))
package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/version"
)

// Session is a client and the configuration that it was made from.
type Session struct {
	Client *fal.Client
	Config *config.Config

	inv *cli.Invocation
}

// Open resolves the configuration and makes the client. It touches the network
// only when --team must be checked against a key.
func Open(ctx context.Context, inv *cli.Invocation) (*Session, error) {
	cfg, err := config.Resolve(config.Inputs{
		Profile:     inv.Profile,
		Host:        inv.Host,
		Team:        inv.Team,
		Environment: inv.Environment,
		Getenv:      inv.Getenv,
	})
	if err != nil {
		return nil, err
	}
	s := &Session{Config: cfg, inv: inv}
	for _, n := range cfg.Notices {
		fmt.Fprintln(inv.IO.Err, "notice: "+n)
	}
	if inv.Verbose {
		s.explain(inv.IO.Err)
	}
	credentials, err := s.credentials()
	if err != nil {
		return nil, err
	}
	roots, err := rootCAs(inv.Getenv)
	if err != nil {
		return nil, err
	}
	options := fal.Options{
		Host:           cfg.Host.Address(),
		RESTURL:        cfg.RESTURL(),
		Plaintext:      cfg.Host.Plaintext,
		AllowPlaintext: cfg.TestMode,
		RootCAs:        roots,
		Proxy:          proxy(inv.Getenv),
		Credentials:    credentials,
		UserAgent:      version.Get(inv.App.Name).UserAgent(),
	}
	if inv.Command.Environment {
		options.Environment = cfg.Environment.Value
	}
	if inv.Debug {
		options.Trace = newTracer(inv.IO.Err).event
	}
	if s.Client, err = fal.New(options); err != nil {
		return nil, s.Error(err)
	}
	if err := s.checkTeam(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Close ends the client's connections.
func (s *Session) Close() { _ = s.Client.Close() } // nothing is pending that could be lost

// explain says where host, account and credentials came from.
func (s *Session) explain(w io.Writer) {
	cfg := s.Config
	fmt.Fprintf(w, "host %s%s\n", cfg.Host.Value, from(cfg.Host.Origin))
	if cfg.Profile.Value != "" {
		fmt.Fprintf(w, "profile %s%s\n", cfg.Profile.Value, from(cfg.Profile.Origin))
	}
	switch c := cfg.Credentials; c.Kind {
	case config.CredentialsKey:
		fmt.Fprintf(w, "account of key %s from %s\n", c.KeyID, c.Origin)
		if cfg.Team.Value != "" && cfg.Team.Origin.Kind != config.OriginFlag {
			fmt.Fprintf(w, "team %s from %s is not used: the key decides the account\n", cfg.Team.Value, cfg.Team.Origin)
		}
	case config.CredentialsLogin:
		fmt.Fprintf(w, "account of the login in %s\n", c.Origin)
	case config.CredentialsDisabled:
		fmt.Fprintf(w, "no credentials are sent: %s\n", c.Origin)
	}
	if cfg.Environment.Value != "" && s.inv.Command.Environment {
		fmt.Fprintf(w, "environment %s%s\n", cfg.Environment.Value, from(cfg.Environment.Origin))
	}
}

func from(o config.Origin) string {
	if o.Kind == config.OriginDefault {
		return ", the default"
	}
	return " from " + o.String()
}

func (s *Session) credentials() (fal.Credentials, error) {
	switch c := s.Config.Credentials; c.Kind {
	case config.CredentialsKey:
		return fal.Key{ID: c.KeyID, Secret: c.Secret.Reveal()}, nil
	case config.CredentialsDisabled:
		return fal.Anonymous, nil
	case config.CredentialsLogin:
		return nil, &cli.Error{Code: "unauthenticated", Exit: cli.ExitAuth,
			Message: "there is a login in " + c.Origin.String() + ", and this program authenticates with keys only",
			Hint:    s.keyHints()}
	}
	return nil, &cli.Error{Code: "unauthenticated", Exit: cli.ExitAuth, Message: "no credentials", Hint: s.keyHints()}
}

func (s *Session) keyHints() []string {
	if p := s.Config.Profile; p.Value != "" && p.Origin.Kind == config.OriginFlag {
		return []string{"profile " + p.Value + " has no key: add `key = \"<id>:<secret>\"` to it in " + s.Config.Path.Value}
	}
	hints := []string{"export FAL_KEY=<id>:<secret>"}
	if local := s.local(); local != "" {
		hints = append(hints, local+" start, to try it on this machine")
	}
	return hints
}

// checkTeam holds an explicit --team against the account of the key, which
// decides: a command must not run on another account than the one named.
func (s *Session) checkTeam(ctx context.Context) error {
	team := s.Config.Team
	if team.Value == "" || team.Origin.Kind != config.OriginFlag || s.Config.Credentials.Kind != config.CredentialsKey {
		return nil
	}
	ctx, cancel := s.inv.RequestContext(ctx)
	defer cancel()
	account, err := s.Client.Accounts.Current(ctx)
	if err != nil {
		return s.Error(err)
	}
	if strings.EqualFold(account.Nickname, team.Value) {
		return nil
	}
	return &cli.Error{Code: "wrong_account", Exit: cli.ExitAuth,
		Message: fmt.Sprintf("the key from %s belongs to %s, not to team %s", s.Config.Credentials.Origin, account.Nickname, team.Value),
		Hint:    []string{"use a key of that team, or leave out --team"}}
}

// Error turns an error of the SDK into one of the command line; other errors
// stay as they are.
func (s *Session) Error(err error) error {
	var e *fal.Error
	if err == nil || !errors.As(err, &e) {
		return err
	}
	out := &cli.Error{Code: strings.ToLower(e.Code.String()), Message: message(e), Err: err, Exit: cli.ExitFailure}
	switch {
	case errors.Is(err, fal.ErrNotFound):
		out.Exit = cli.ExitNotFound
	case errors.Is(err, fal.ErrInvalidArgument):
		out.Exit = cli.ExitUsage
	case errors.Is(err, fal.ErrUnauthenticated), errors.Is(err, fal.ErrPermissionDenied):
		out.Exit = cli.ExitAuth
		if o := s.Config.Credentials.Origin; s.Config.Credentials.Kind == config.CredentialsKey {
			out.Hint = append(out.Hint, fmt.Sprintf("key %s came from %s; the host is %s", s.Config.Credentials.KeyID, o, s.Config.Host.Value))
			if local := s.local(); local != "" && s.Config.Host.IsLoopback() {
				out.Hint = append(out.Hint, fmt.Sprintf("eval \"$(%s env)\" takes the key of the local control plane", local))
			}
		}
	case errors.Is(err, fal.ErrDeadlineExceeded):
		out.Exit = cli.ExitUnavailable
		out.Message = fmt.Sprintf("no answer from %s in time", s.Config.Host.Value)
		out.Hint = append(out.Hint, "--timeout gives it more time, as in --timeout 5m")
	case errors.Is(err, fal.ErrUnavailable):
		out.Exit = cli.ExitUnavailable
		out.Hint = s.reachHints(e)
	}
	return out
}

// message is what the service said, with its name for the call where that may
// help someone else to look it up.
func message(e *fal.Error) string {
	text := e.Message
	if text == "" {
		text = strings.ToLower(strings.ReplaceAll(e.Code.String(), "_", " "))
	}
	switch e.Code {
	case fal.CodeUnknown, fal.CodeInternal, fal.CodeDataLoss, fal.CodeResourceExhausted:
		if e.RequestID != "" {
			text += " (request id " + e.RequestID + ")"
		}
	}
	return text
}

// reachHints say what to do when the service can not be reached.
func (s *Session) reachHints(e *fal.Error) []string {
	host := s.Config.Host
	if strings.Contains(e.Method, " /") { // "GET /users/current" is of the other side
		host = s.Config.RESTHost
	}
	from := fmt.Sprintf("host %s came from %s", host.Value, host.Origin)
	if host.Origin.Kind == config.OriginDefault {
		from = "host " + host.Value + " is the default"
	}
	local := s.local()
	if !host.IsLoopback() {
		local = ""
	}
	switch cause := e.Cause(); {
	case cause == fal.CauseNone:
		return nil
	case cause == fal.CauseRefused && local != "":
		return []string{from, local + " start, if it is the local control plane"}
	case cause == fal.CauseRefused:
		return []string{from}
	case cause == fal.CauseDNS:
		return []string{from, "check the name and the network"}
	case cause == fal.CauseTLS:
		return []string{from, "a private certificate authority goes into SSL_CERT_FILE"}
	case cause == fal.CauseProtocol:
		return []string{from, "what listens there is not the service, or only part of it"}
	case local != "":
		return []string{from, local + " status, if it is the local control plane"}
	case host.IsLoopback():
		return []string{from}
	}
	return []string{from, "check the network, or a proxy in between"}
}
