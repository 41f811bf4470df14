// Package session is where configuration, login and cache meet the SDK: it
// makes a client for one run of a command and for the account that was chosen,
// says with --verbose where its parts came from, and turns what the SDK and the
// login report into errors with exit codes and hints.
//
//	s, err := session.Open(ctx, inv)
//	if err != nil {
//		return err
//	}
//	defer s.Close()
//	err = s.Error(s.Client.Runners.Stop(ctx, id, nil))
package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/login"
	"github.com/fal-plugins/fal/plugins/internal/cache"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/version"
)

// renewWait bounds how long a command that has failed waits for another token.
const renewWait = 5 * time.Second

// Session is a client and the configuration that it was made from.
type Session struct {
	Client *fal.Client
	Config *config.Config

	inv     *cli.Invocation
	offline bool // made by Offline: quiet, and a login stays as it is
	options fal.Options
	source  *source // of a login; nil for other credentials
	team    string  // the user id of the account to act for
	named   bool    // by an Account, and not by --team

	caching sync.Mutex
	cache   *cache.Cache // of the credentials; nil while nobody needs it

	remembered bool // team is from the cache
}

// Open resolves the configuration and makes the client. It touches the network
// only when it must find out about an account: the one that --team, or the file
// for a login, names, when it is not known from an hour before.
func Open(ctx context.Context, inv *cli.Invocation) (*Session, error) {
	return OpenFor(ctx, inv, Account{})
}

// resolve makes a session that is not connected yet.
func resolve(inv *cli.Invocation, account Account) (*Session, fal.Credentials, error) {
	cfg, err := config.Resolve(config.Inputs{
		Profile:     inv.Profile,
		Host:        inv.Host,
		Team:        cmp.Or(inv.Team, account.Team),
		Environment: inv.Environment,
		Getenv:      inv.Getenv,
	})
	if err != nil {
		return nil, nil, err
	}
	s := &Session{Config: cfg, inv: inv}
	s.name(account)
	s.announce()
	credentials, err := s.credentials()
	return s, credentials, err
}

// announce says what of the configuration does not count and, with --verbose,
// where what counts came from.
func (s *Session) announce() {
	for _, n := range s.Config.Notices {
		fmt.Fprintln(s.inv.IO.Err, "notice: "+n)
	}
	if s.Config.Credentials.Kind == config.CredentialsLogin {
		if by := issuerOf(s.Config, s.inv); by.setAside {
			fmt.Fprintf(s.inv.IO.Err, "notice: %s is ignored: host %s is not its own\n", varAuthURL, s.Config.Host.Value)
		}
	}
	if s.inv.Verbose {
		s.explain(s.inv.IO.Err)
	}
}

// connect makes the client. It does not touch the network.
func (s *Session) connect(credentials fal.Credentials) error {
	roots, err := Roots(s.inv.Getenv)
	if err != nil {
		return err
	}
	s.options = fal.Options{
		Host:           s.Config.Host.Address(),
		RESTURL:        s.Config.RESTURL(),
		Plaintext:      s.Config.Host.Plaintext,
		AllowPlaintext: s.Config.TestMode,
		RootCAs:        roots,
		Proxy:          Proxy(s.inv.Getenv),
		Credentials:    credentials,
		Team:           s.team,
		UserAgent:      version.Get(s.inv.App.Name).UserAgent(),
	}
	if s.inv.Command.Environment {
		s.options.Environment = s.Config.Environment.Value
	}
	if s.inv.Debug {
		s.options.Trace = newTracer(s.inv.IO.Err).event
	}
	s.Client, err = fal.New(s.options)
	return s.Error(err)
}

// ClientIn makes a client for what lies in another environment than the
// session's own, the same in all else. The caller closes it.
func (s *Session) ClientIn(environment string) (*fal.Client, error) {
	options := s.options
	options.Environment = environment
	c, err := fal.New(options)
	return c, s.Error(err)
}

// Person is the account of whoever logged in, whatever account is selected.
func (s *Session) Person(ctx context.Context) (fal.Account, error) {
	options := s.options
	options.Team = ""
	c, err := fal.New(options)
	if err != nil {
		return fal.Account{}, s.Error(err)
	}
	defer c.Close()
	account, err := c.Accounts.Current(ctx)
	return account, s.Error(err)
}

// Close ends the session's connections.
func (s *Session) Close() {
	s.disconnect()
	if s.source != nil {
		s.source.transport.CloseIdleConnections()
	}
}

func (s *Session) disconnect() {
	if s.Client != nil {
		_ = s.Client.Close() // nothing is pending that could be lost
	}
}

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
		s.explainLogin(w)
	case config.CredentialsDisabled:
		fmt.Fprintf(w, "no credentials are sent: %s\n", c.Origin)
	}
	if cfg.Environment.Value != "" && s.inv.Command.Environment {
		fmt.Fprintf(w, "environment %s%s\n", cfg.Environment.Value, from(cfg.Environment.Origin))
	}
}

func (s *Session) explainLogin(w io.Writer) {
	who := ""
	if c := readClaims(storedToken(s.Config.TokenPath)); c.Subject != "" {
		who = " of " + iostreams.SanitizeLine(c.Subject)
	}
	fmt.Fprintf(w, "login%s in %s\n", who, s.Config.Credentials.Origin)
	if team := s.Config.Team; team.Value != "" {
		fmt.Fprintf(w, "account %s from %s\n", iostreams.SanitizeLine(team.Value), team.Origin)
		return
	}
	fmt.Fprintln(w, "account of the login")
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
		return s.loginCredentials()
	}
	e := &cli.Error{Code: "unauthenticated", Exit: cli.ExitAuth, Message: "no credentials", Hint: s.credentialHints()}
	if s.Config.TokenPath == "" {
		e.Message += ", and no home folder is known that a login could be in"
		e.Hint = append(e.Hint, s.folderHints()...)
	}
	return nil, e
}

func (s *Session) loginCredentials() (fal.Credentials, error) {
	client, transport, err := newLogin(s.Config, s.inv, nil)
	if err != nil {
		return nil, err
	}
	s.source = &source{client: client, transport: transport, asIs: s.offline}
	return fal.Login(s.source), nil
}

// credentialHints say how to come by credentials.
func (s *Session) credentialHints() []string {
	if p := s.Config.Profile; p.Value != "" && p.Origin.Kind == config.OriginFlag {
		return append(s.profileKeyHints(p.Value), s.loginHints()...)
	}
	if s.Config.ForceLogin {
		return s.forcedHints()
	}
	hints := append([]string{"export FAL_KEY=<id>:<secret>"}, s.loginHints()...)
	return append(hints, s.localHints()...)
}

// profileKeyHints say how a profile gets a key.
func (s *Session) profileKeyHints(name string) []string {
	flag := " --profile " + cli.Quote(name)
	switch program := s.program("profile"); {
	case program == "fal profile":
		return []string{"fal" + flag + " profile key"}
	case program != "":
		return []string{program + flag + " key"}
	}
	return []string{"profile " + name + " has no key: add `key = \"<id>:<secret>\"` to it in " + s.Config.Path.Value}
}

// forcedHints are those for somebody who set keys aside.
func (s *Session) forcedHints() []string {
	const forced = "FAL_FORCE_AUTH_BY_USER"
	hints := s.loginHints()
	for _, name := range []string{"FAL_KEY", "FAL_KEY_ID"} {
		if s.inv.Getenv(name) != "" {
			return append(hints, "`unset "+forced+"`, which sets "+name+" aside")
		}
	}
	if len(hints) == 0 {
		hints = []string{"`unset " + forced + "`, which asks for a login"}
	}
	return hints
}

// Error turns an error of the SDK into one of the command line; other errors
// stay as they are.
func (s *Session) Error(err error) error {
	var e *fal.Error
	var unknown *login.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &unknown):
		return s.loginError(unknown, err)
	case !errors.As(err, &e):
		return err
	case s.source.failure(e) != nil:
		return s.loginError(s.source.failure(e), err)
	}
	out := &cli.Error{Code: strings.ToLower(e.Code.String()), Message: message(e), Err: err, Exit: cli.ExitFailure}
	switch {
	case errors.Is(err, fal.ErrNotFound):
		out.Exit = cli.ExitNotFound
	case errors.Is(err, fal.ErrInvalidArgument):
		out.Exit = cli.ExitUsage
	case errors.Is(err, fal.ErrUnauthenticated), errors.Is(err, fal.ErrPermissionDenied):
		out.Exit = cli.ExitAuth
		s.notAccepted(out)
		if o := s.Config.Credentials.Origin; s.Config.Credentials.Kind == config.CredentialsKey {
			out.Hint = append(out.Hint, fmt.Sprintf("key %s came from %s; the host is %s", s.Config.Credentials.KeyID, o, s.Config.Host.Value))
			if local := s.local(); local != "" && s.localKeyWouldDo() {
				out.Hint = append(out.Hint, s.envHint(local)+" takes the key of the local control plane")
			}
		}
	case errors.Is(err, fal.ErrDeadlineExceeded):
		out.Exit = cli.ExitUnavailable
		out.Message = fmt.Sprintf("no answer from %s in time", s.Config.Host.Value)
		out.Hint = append(out.Hint, "`--timeout 5m` gives it more time")
	case errors.Is(err, fal.ErrUnavailable):
		out.Exit = cli.ExitUnavailable
		out.Hint = s.reachHints(e)
	}
	return out
}

// notAccepted drops what is kept of a login that was not accepted, or not for
// the account that was chosen, so that the next command starts afresh.
func (s *Session) notAccepted(out *cli.Error) {
	if s.offline {
		return
	}
	s.forget()
	if s.source == nil {
		return
	}
	if team := s.Config.Team; errors.Is(out.Err, fal.ErrPermissionDenied) && s.team != "" {
		out.Hint = append(out.Hint, fmt.Sprintf("team %s came from %s", team.Value, team.Origin))
		if s.remembered {
			out.Hint = append(out.Hint, "what was known of the account was up to an hour old, and is dropped: try again")
		}
		return
	}
	if !errors.Is(out.Err, fal.ErrUnauthenticated) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), renewWait)
	defer cancel()
	renewed, err := s.source.renewLast(ctx)
	if err != nil && s.inv.Debug {
		fmt.Fprintln(s.inv.IO.Err, "debug: the login can not be refreshed:", err)
	}
	out.Hint = append(out.Hint, fmt.Sprintf("the login came from %s; the host is %s", s.Config.Credentials.Origin, s.Config.Host.Value))
	if renewed {
		out.Hint = append(out.Hint, "the login has been refreshed: try again")
		return
	}
	out.Hint = append(out.Hint, s.loginHints()...)
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
	from := hostFrom(host)
	local := s.local()
	if !host.IsLoopback() {
		local = ""
	}
	switch cause := e.Cause(); {
	case cause == fal.CauseNone:
		return nil
	case cause == fal.CauseRefused && local != "":
		return append([]string{from, "`" + local + " start`, if it is the local control plane"}, s.undoHint(local, host)...)
	case cause == fal.CauseRefused:
		return []string{from}
	case cause == fal.CauseDNS:
		return []string{from, "check the name and the network"}
	case cause == fal.CauseTLS:
		return []string{from, "a private certificate authority goes into SSL_CERT_FILE"}
	case cause == fal.CauseProtocol:
		return []string{from, "what listens there is not the service, or only part of it"}
	case local != "":
		return []string{from, "`" + local + " status`, if it is the local control plane"}
	case host.IsLoopback():
		return []string{from}
	}
	return []string{from, "check the network, or a proxy in between"}
}
