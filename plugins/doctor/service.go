package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/localplane"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/version"
)

// How far a clock may be off: tokens are good for a time that the service and
// this machine must agree on.
const (
	skewWorthSaying = 30 * time.Second
	skewTooFar      = 5 * time.Minute
)

// probe is what the answers of the REST side told besides.
type probe struct {
	mu sync.Mutex
	// date is what the service's clock said at the time at.
	date, at time.Time
}

// anonymous makes a client that sends no credentials: whether the service is
// there must not depend on them. heard is told of every attempt of a call.
func (p *patient) anonymous(heard func(fal.TraceEvent)) (*fal.Client, error) {
	cfg := p.settings.hosts
	roots, err := session.Roots(p.inv.Getenv)
	if err != nil {
		return nil, err
	}
	return fal.New(fal.Options{
		Host:           cfg.Host.Address(),
		RESTURL:        cfg.RESTURL(),
		Plaintext:      cfg.Host.Plaintext,
		AllowPlaintext: cfg.TestMode,
		RootCAs:        roots,
		Proxy:          p.proxy,
		Credentials:    fal.Anonymous,
		UserAgent:      version.Get(p.inv.App.Name).UserAgent(),
		Trace:          heard,
	})
}

// answers makes a call twice, since a connection must be made for the first,
// and returns how the second one went.
func (p *patient) answers(call func(*fal.Client) error, heard func(fal.TraceEvent)) (took time.Duration, err error) {
	var mu sync.Mutex
	client, err := p.anonymous(func(e fal.TraceEvent) {
		mu.Lock()
		defer mu.Unlock()
		took = e.Duration
		heard(e)
	})
	if err != nil {
		return 0, err
	}
	defer func() { _ = client.Close() }() // nothing is pending that could be lost
	for range 2 {
		if err = answered(call(client)); err != nil {
			return 0, err
		}
	}
	mu.Lock()
	defer mu.Unlock()
	return took, nil
}

// answered takes away the errors that only the service itself could have
// given: that it wants credentials shows that it is there.
func answered(err error) error {
	var e *fal.Error
	if !errors.As(err, &e) || e.Cause() != fal.CauseNone {
		return err
	}
	switch e.Code {
	case fal.CodeUnauthenticated, fal.CodePermissionDenied:
		return nil
	}
	return err
}

func (p *patient) checkGRPC(ctx context.Context) finding {
	if _, err := session.Roots(p.inv.Getenv); err != nil {
		return because("proxy")
	}
	took, err := p.answers(func(c *fal.Client) error {
		for _, err := range c.Environments.List(ctx, nil) {
			return err
		}
		return nil
	}, func(fal.TraceEvent) {})
	return p.answer(took, err, p.settings.hosts.Host, "gRPC")
}

func (p *patient) checkREST(ctx context.Context) finding {
	if _, err := session.Roots(p.inv.Getenv); err != nil {
		return because("proxy")
	}
	took, err := p.answers(func(c *fal.Client) error {
		_, err := c.Accounts.Current(ctx)
		return err
	}, p.service.hear)
	return p.answer(took, err, p.settings.hosts.RESTHost, "REST")
}

func (p *patient) answer(took time.Duration, err error, host config.Endpoint, side string) finding {
	if err == nil {
		f := ok(host.Value + " answers to " + side)
		f.roundTrip = took
		return f
	}
	var e *fal.Error
	if !errors.As(err, &e) {
		return failed(p.foreign(err.Error()), hintsOf(err))
	}
	h := p.hop(host, schemeOf(host))
	said := p.foreign(e.Message)
	switch {
	case e.Code == fal.CodeDeadlineExceeded:
		return failed(host.Value+" does not answer to "+side+" in time", p.listenerHint(h))
	case e.Code == fal.CodeNotFound, e.Code == fal.CodeUnimplemented:
		return failed(host.Value+" answers, and does not know the calls of the "+side+" side: "+said, p.hostHint(host, side))
	case e.Cause() == fal.CauseProtocol:
		hint := p.hostHint(host, side)
		if h.proxy != nil {
			hint = "proxy " + h.proxyHost() + " may have answered itself; " + p.around(h)
		}
		return failed(said, hint)
	case e.Cause() == fal.CauseNone:
		return failed(host.Value+" answers with an error: "+said, "try again later")
	}
	if e.Cause() == fal.CauseRefused {
		return failed(said, p.reachHint(h))
	}
	return failed(said, p.listenerHint(h))
}

func (p *patient) hostHint(host config.Endpoint, side string) string {
	variable := "FAL_GRPC_HOST"
	if side == "REST" {
		variable = "FAL_REST_HOST"
	}
	from := host.Value + " is the default"
	if host.Origin.Kind != config.OriginDefault {
		from = host.Value + " came from " + host.Origin.String()
	}
	if profile := p.settings.hosts.Profile; profile.Origin.Kind == config.OriginFlag {
		// It goes before the variables.
		return from + "; host or local_host in the profile " + profile.Value + " names another one"
	}
	if host.Origin.Kind == config.OriginFlag {
		return from + ", which may name another one"
	}
	return from + "; " + variable + " names another one"
}

// hear keeps the service's time.
func (s *probe) hear(e fal.TraceEvent) {
	for name, values := range e.Response {
		if !strings.EqualFold(name, "Date") || len(values) == 0 {
			continue
		}
		if date, err := http.ParseTime(values[0]); err == nil {
			s.mu.Lock()
			s.date, s.at = date, e.Start.Add(e.Duration/2)
			s.mu.Unlock()
		}
	}
}

func (p *patient) checkClock(context.Context) finding {
	p.service.mu.Lock()
	date, at := p.service.date, p.service.at
	p.service.mu.Unlock()
	if date.IsZero() {
		return skipped("the service does not tell its time")
	}
	skew := at.Sub(date)
	// The service tells whole seconds.
	if skew > 0 {
		skew = max(skew-time.Second, 0)
	}
	off := skew.Abs().Round(time.Second)
	direction := "ahead of"
	if skew < 0 {
		direction = "behind"
	}
	found := fmt.Sprintf("%s %s the service's", off, direction)
	const hint = "set the clock of this machine, or have it set by NTP"
	switch {
	case off > skewTooFar:
		return failed(found, hint)
	case off > skewWorthSaying:
		return warning(found, hint)
	}
	return ok("within a second or two of the service's")
}

// checkAccount asks who the credentials are.
func (p *patient) checkAccount(ctx context.Context) finding {
	if p.settings.credentials == nil {
		return p.settings.unknown()
	}
	switch p.settings.credentials.Credentials.Kind {
	case config.CredentialsDisabled:
		return skipped("no credentials are sent")
	case config.CredentialsNone:
		return skipped("there are no credentials")
	}
	// What session says of the configuration was found already.
	inv := *p.inv
	if !inv.Debug {
		inv.IO, inv.Verbose = &iostreams.Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}, false
	}
	s, err := p.connect(ctx, &inv)
	if err != nil {
		return p.refusedAs(err)
	}
	defer s.Close()
	account, err := s.Client.Accounts.Current(ctx)
	if err != nil {
		return p.refusedAs(s.Error(err))
	}
	found := "accepted, as the account " + p.foreign(account.Nickname)
	if account.Nickname == "" {
		found = "accepted, as the account " + p.foreign(account.UserID)
	} else if account.FullName != "" && account.FullName != account.Nickname {
		found += " (" + p.foreign(account.FullName) + ")"
	}
	if p.settings.credentials.Credentials.Kind != config.CredentialsKey {
		return ok(found)
	}
	scope, err := p.scope(ctx, s)
	if err != nil {
		return ok(found + "; the scope of the key is not known: " + p.foreign(s.Error(err).Error()))
	}
	return ok(found + "; " + scope)
}

// scope is what the key may do. A key that may list the keys finds itself.
func (p *patient) scope(ctx context.Context, s *session.Session) (string, error) {
	for key, err := range s.Client.Keys.List(ctx, nil) {
		if errors.Is(err, fal.ErrPermissionDenied) {
			return "the key may call apps, and not manage keys", nil
		}
		if err != nil {
			return "", err
		}
		if key.ID == p.settings.credentials.Credentials.KeyID {
			return "the key is of scope " + key.Scope.String(), nil
		}
	}
	return "the key may manage keys", nil
}

func (p *patient) refusedAs(err error) finding {
	found, hint := p.foreign(err.Error()), p.foreign(p.usableHints(err))
	var known *cli.Error
	if errors.As(err, &known) && known.Exit == cli.ExitAuth {
		found = "not accepted: " + found
	}
	return failed(found, hint)
}

// usableHints are those of an error that lead somewhere: what is not there has
// no credentials to take.
func (p *patient) usableHints(err error) string {
	hints := strings.Split(hintsOf(err), "\n")
	if folder, err := localplane.Folder(p.inv.Getenv); err == nil {
		if _, recorded, err := localplane.Read(folder); err == nil && recorded {
			return strings.Join(hints, "\n")
		}
	}
	return strings.Join(slices.DeleteFunc(hints, func(hint string) bool { return strings.Contains(hint, "local env") }), "\n")
}

func hintsOf(err error) string {
	var hinted interface{ Hints() []string }
	if errors.As(err, &hinted) {
		return strings.Join(hinted.Hints(), "\n")
	}
	return ""
}
