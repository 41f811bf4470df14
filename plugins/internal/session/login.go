package session

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/login"
	"github.com/fal-plugins/fal/plugins/internal/cache"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// VerifyIDToken is what [login.Options] has it for: only a program that logs
// people in links it.
type VerifyIDToken = func(ctx context.Context, raw string, want login.Expected) error

// Login is the login of a command line, for what is done with it beside making
// calls: the host decides the issuer, and the configuration where the files
// are. Keys do not count.
type Login struct {
	*login.Client
	Config *config.Config

	inv       *cli.Invocation
	transport *http.Transport
}

// NewLogin resolves the configuration. It opens no connection. verify may be
// nil where nobody is logged in.
func NewLogin(inv *cli.Invocation, verify VerifyIDToken) (*Login, error) {
	own := inv
	if inv.Profile == "" { // which alone would decide
		own = withoutKeys(inv)
	}
	resolved, err := config.Resolve(config.Inputs{Profile: inv.Profile, Host: inv.Host, Team: inv.Team, Getenv: own.Getenv})
	if err != nil {
		return nil, err
	}
	cfg := *resolved
	if cfg.Credentials.Kind != config.CredentialsLogin { // there is none yet, or the profile that was named has a key
		cfg.Credentials = config.Credentials{Kind: config.CredentialsLogin, Origin: config.Origin{Kind: config.OriginFile, Path: cfg.TokenPath}}
	}
	l := &Login{Config: &cfg, inv: own}
	s := &Session{Config: l.Config, inv: own}
	s.announce()
	if l.Client, l.transport, err = newLogin(l.Config, inv, verify); err != nil {
		return nil, err
	}
	return l, nil
}

// withoutKeys is inv for which the keys of variables do not count.
func withoutKeys(inv *cli.Invocation) *cli.Invocation {
	own := *inv
	own.Getenv = func(name string) string {
		if name == "FAL_FORCE_AUTH_BY_USER" {
			return "1"
		}
		return inv.Getenv(name)
	}
	return &own
}

// Open makes a session as the person who logged in, whatever account is
// selected.
func (l *Login) Open() (*Session, error) {
	s := &Session{Config: l.Config, inv: l.inv}
	s.source = &source{client: l.Client, transport: l.transport}
	return s, s.connect(fal.Login(s.source))
}

// Begin is that of the client. A login for this machine does not take the place
// of one that is not: it has a folder of its own.
func (l *Login) Begin(ctx context.Context, params *login.BeginParams) (*login.Device, error) {
	if by := issuerOf(l.Config, l.inv); by.derived && !by.service() {
		if err := l.Check(); errors.Is(err, login.OtherIssuer) {
			return nil, err
		}
	}
	return l.Client.Begin(ctx, params)
}

// DropKept drops what the cache holds of whoever is logged in.
func (l *Login) DropKept() {
	if token := storedToken(l.Config.TokenPath); token != "" {
		s := &Session{Config: l.Config, inv: l.inv, cache: cache.Open(l.inv.Getenv, l.Config.RESTURL(), holder(token))}
		s.forget()
	}
}

// Error turns an error of the login into one of the command line; other errors
// stay as they are.
func (l *Login) Error(err error) error {
	s := &Session{Config: l.Config, inv: l.inv}
	told := s.Error(err)
	var known *cli.Error
	if errors.As(told, &known) && (errors.Is(err, login.NotLoggedIn) || errors.Is(err, login.Refused)) {
		known.Hint = s.loginHints() // a key would not do
	}
	return told
}

// Close ends the connections to the issuer.
func (l *Login) Close() { l.transport.CloseIdleConnections() }

// newLogin makes a client for the login that cfg leads to.
func newLogin(cfg *config.Config, inv *cli.Invocation, verify VerifyIDToken) (*login.Client, *http.Transport, error) {
	roots, err := Roots(inv.Getenv)
	if err != nil {
		return nil, nil, err
	}
	find := Proxy(inv.Getenv)
	transport := &http.Transport{
		Proxy:               func(r *http.Request) (*url.URL, error) { return find(r.URL) },
		TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: 10 * time.Second,
		ForceAttemptHTTP2:   true,
	}
	var through http.RoundTripper = transport
	if inv.Debug {
		through = &issuerTrace{base: transport, out: newTracer(inv.IO.Err)}
	}
	by := issuerOf(cfg, inv)
	client, err := login.New(login.Options{
		Endpoints:     by.Endpoints,
		Admit:         by.admit,
		Dir:           cfg.LoginDir.Value,
		HTTPClient:    &http.Client{Transport: through},
		VerifyIDToken: verify,
		Notice:        func(text string) { fmt.Fprintln(inv.IO.Err, "notice: "+iostreams.SanitizeLine(text)) },
	})
	if err != nil {
		return nil, nil, (&Session{Config: cfg, inv: inv}).Error(err)
	}
	return client, transport, nil
}

// source gives the access tokens of a login to the SDK.
type source struct {
	client    *login.Client
	transport *http.Transport
	asIs      bool // the login is not refreshed

	mu      sync.Mutex
	token   string   // the last one given
	failed  *noToken // why there was none the last time
	renewed bool     // one was not accepted
}

// noToken is a call that could not be made for want of a token.
type noToken struct {
	why  *login.Error
	call *fal.Error // what the SDK makes of it
}

func (e *noToken) Error() string   { return e.why.Error() }
func (e *noToken) Unwrap() []error { return []error{e.why, e.call} }

// Token implements [fal.TokenSource]. Its errors wrap what the SDK takes for
// its own, and so passes on without another attempt.
func (s *source) Token(ctx context.Context) (string, error) {
	token, err := s.ask(ctx)
	return token, s.note(token, err)
}

// Renew implements [fal.TokenRenewer].
func (s *source) Renew(ctx context.Context, rejected string) error {
	if s.asIs {
		return &fal.Error{Code: fal.CodeUnauthenticated, Message: "the login was not accepted"}
	}
	token, err := s.client.Renew(ctx, rejected)
	s.mu.Lock()
	s.renewed = true
	s.mu.Unlock()
	return s.note(token, err)
}

// note keeps the last token, or why there is none.
func (s *source) note(token string, err error) error {
	var failed *noToken
	var why *login.Error
	if errors.As(err, &why) {
		code := fal.CodeUnauthenticated
		if why.Kind == login.Network {
			code = fal.CodeUnavailable
		}
		failed = &noToken{why: why, call: &fal.Error{Code: code, Message: why.Message}}
		err = failed
	}
	s.mu.Lock()
	s.token, s.failed = token, failed
	s.mu.Unlock()
	return err
}

func (s *source) ask(ctx context.Context) (string, error) {
	if s.asIs {
		return s.client.Stored()
	}
	return s.client.Token(ctx)
}

// failure is why there was no token for a call; nil when it failed for another
// reason. The SDK may have kept its own part of the error only, or that there
// was no time left.
func (s *source) failure(e *fal.Error) *login.Error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil && (e == s.failed.call || errors.Is(e, fal.ErrDeadlineExceeded)) {
		return s.failed.why
	}
	return nil
}

// renewLast renews the token that was given last, unless that is what it comes
// of: for calls that the SDK does not make again.
func (s *source) renewLast(ctx context.Context) (done bool, err error) {
	s.mu.Lock()
	token, renewed := s.token, s.renewed
	s.mu.Unlock()
	if token == "" || renewed {
		return false, nil
	}
	err = s.Renew(ctx, token)
	return err == nil, err
}

// issuerTrace writes --debug for what is asked of the issuer: no header and no
// body, which are nothing but secrets.
type issuerTrace struct {
	base http.RoundTripper
	out  *tracer
}

func (t *issuerTrace) RoundTrip(r *http.Request) (*http.Response, error) {
	begin := time.Now()
	response, err := t.base.RoundTrip(r)
	e := fal.TraceEvent{Target: r.URL.Host, Method: r.Method + " " + r.URL.Path, Attempt: 1, Sent: -1, Received: -1, Duration: time.Since(begin)}
	if err != nil {
		e.Status, e.Error = "failed", err.Error()
	} else {
		e.Status = response.Status
	}
	t.out.event(e)
	return response, err
}
