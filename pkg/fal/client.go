package fal

import (
	"context"
	"crypto/x509"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/internal/transport"
)

// DefaultHost is the host of the service.
const DefaultHost = "api.alpha.fal.ai"

// Options say which service a [Client] talks to, and as whom. Only Credentials
// are required.
type Options struct {
	// Host is the host[:port] of the gRPC side; [DefaultHost] if empty, and
	// port 443 if there is none.
	Host string
	// RESTURL is the base of the REST side (https://rest.alpha.fal.ai). If
	// empty it follows from Host as in the official client: a leading "api"
	// becomes "rest"; with Plaintext its scheme is http.
	RESTURL string
	// Plaintext speaks gRPC without TLS, which is allowed with loopback hosts
	// only, unless AllowPlaintext is set too: that is for tests.
	Plaintext, AllowPlaintext bool
	// RootCAs replace the system's root certificates.
	RootCAs *x509.CertPool
	// Proxy answers the proxy for a URL (http, https or socks5), or nil for none; loopback hosts
	// are reached without. Nil: no proxy is used.
	Proxy func(*url.URL) (*url.URL, error)

	// Credentials authenticate every call.
	Credentials Credentials
	// Team is the user id of the account to act as; empty: the login's own. It
	// goes with a [Login]: together with a [Key], which decides the account by
	// itself, it is an error.
	Team string
	// Environment is where apps are looked for by name: empty for the
	// account's default, which is what "main" says explicitly.
	Environment string

	// UserAgent is put before that of gRPC and of this package.
	UserAgent string
	// Trace, if not nil, is told of every attempt of every call, from several
	// goroutines at once. Secrets are redacted.
	Trace func(TraceEvent)
}

// A TraceEvent is one attempt of a call.
type TraceEvent = transport.Event

// A Client talks to one service as one account. It is safe for use by several
// goroutines at once.
type Client struct {
	// Apps are the names under which revisions are called.
	Apps *AppsService
	// Runners are the processes in which apps run.
	Runners *RunnersService
	// Keys are the account's API keys.
	Keys *KeysService
	// Secrets are what runners get as environment variables.
	Secrets *SecretsService
	// Environments keep apps and secrets apart.
	Environments *EnvironmentsService
	// Accounts are those that the credentials may act as.
	Accounts *AccountsService

	conn        *transport.Conn
	renewer     TokenRenewer // of a login that has one
	rest        *http.Client
	bare        *http.Client // rest without credentials
	restURL     *url.URL
	environment string
	pause       func(context.Context, time.Duration) bool
	uploads     sharedUploads
	patience    time.Duration // with a call of an upload that stands still
}

// New checks the options and makes a client. It does not touch the network.
// Its errors are [ErrInvalidArgument], or [ErrUnauthenticated] if the
// credentials are missing.
func New(o Options) (*Client, error) {
	if o.Credentials == nil {
		return nil, &Error{Code: CodeUnauthenticated, Message: "no credentials"}
	}
	if pointer, ok := o.Credentials.(*Key); ok && pointer != nil {
		o.Credentials = *pointer
	}
	if key, ok := o.Credentials.(Key); ok {
		switch {
		case key.ID == "" || key.Secret == "":
			return nil, &Error{Code: CodeUnauthenticated, Message: "the key is incomplete: it needs an id and a secret"}
		case !headerSafe(key.ID) || !headerSafe(key.Secret):
			return nil, invalid("", "the key holds characters that no key has")
		case o.Team != "":
			return nil, invalid("", "a key decides the account by itself: it cannot act as %s", o.Team)
		}
	}
	if !headerSafe(o.Team) || !headerSafe(o.UserAgent) {
		return nil, invalid("", "the team and the user agent must be printable ASCII")
	}
	host := o.Host
	if host == "" {
		host = DefaultHost
	}
	agent := strings.TrimSpace(o.UserAgent + " fal-go")
	c := &Client{environment: o.Environment, pause: sleep, patience: uploadPatience}
	if person, ok := o.Credentials.(login); ok {
		c.renewer, _ = person.source.(TokenRenewer)
	}
	metadata, header := o.Credentials.metadata, o.Credentials.header
	restURL, err := restBase(o, host)
	if err != nil {
		return nil, invalid("", "%v", err)
	}
	withoutCredentials := transport.RESTOptions{
		Base:           restURL,
		AllowPlaintext: o.AllowPlaintext,
		RootCAs:        o.RootCAs,
		Proxy:          o.Proxy,
		UserAgent:      agent,
		Trace:          o.Trace,
	}
	withCredentials := withoutCredentials
	withCredentials.Authorize = authorizer(header, o.Team)
	rest, err := transport.NewRoundTripper(withCredentials)
	if err != nil {
		return nil, invalid("", "%v", err)
	}
	bare, err := transport.NewRoundTripper(withoutCredentials)
	if err != nil {
		return nil, invalid("", "%v", err)
	}
	conn, err := transport.Dial(transport.Options{
		Target:         host,
		Plaintext:      o.Plaintext,
		AllowPlaintext: o.AllowPlaintext,
		RootCAs:        o.RootCAs,
		Proxy:          o.Proxy,
		Authorize:      authorizer(metadata, o.Team),
		UserAgent:      agent,
		Trace:          o.Trace,
	})
	if err != nil {
		return nil, invalid("", "%v", err)
	}
	c.conn, c.restURL = conn, restURL
	c.rest, c.bare = &http.Client{Transport: rest}, &http.Client{Transport: bare}
	c.Apps = &AppsService{client: c}
	c.Runners = &RunnersService{client: c}
	c.Keys = &KeysService{client: c}
	c.Secrets = &SecretsService{client: c}
	c.Environments = &EnvironmentsService{client: c}
	c.Accounts = &AccountsService{client: c}
	return c, nil
}

// Close ends the client's connections and the calls on them. It may be called
// more than once; calls made afterwards are [ErrFailedPrecondition].
func (c *Client) Close() error {
	c.rest.CloseIdleConnections()
	c.bare.CloseIdleConnections()
	return c.conn.Close()
}

func headerSafe(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}
