// Package issuer lets people log in to a control plane: it is an OAuth 2.0
// authorization server for one public client, whose grants are the device
// authorization (RFC 8628) and the refresh token.
//
//	key, err := issuer.NewKey()
//	st, err := state.Open(ctx, db, state.Options{Logins: state.Logins{Tokens: key}})
//	mux.Handle(issuer.Path, issuer.New(st, key, issuer.Options{}))
//
// Its paths, below Path, are those of the service where that has one:
// oauth/device/code, oauth/token, oauth/revoke, userinfo,
// .well-known/openid-configuration, .well-known/jwks.json, and for a browser
// activate, where a person is chosen and the login approved or denied, v2/logout
// and api/auth/cli/session-seed, which lead there. Answers are those of RFC 6749, RFC 7009 and
// OpenID Connect. Its name in tokens is the address by which it was reached, with
// Path and a slash at the end.
//
// Guarantees: access and id tokens are JWTs, RS256, under the Key; an access token
// is good for the audience of the API and not as an id token, nor the other way
// round. A device code is good for one login, and a user code for one decision.
// Refresh tokens rotate: the one before is answered with the same tokens for ten
// seconds, byte for byte and over a restart too, since a client may have died
// before it stored the answer; used later, it ends the login. A login that was
// ended is refused at once, its access tokens too. Tokens are in no log, and of
// refresh tokens the database has hashes alone. Requests that come from another
// web site, or under another host name than this machine's, are refused, and a
// redirect leads to the page of approval only.
//
// What it does not do: it asks nobody who they are. There are no passwords, and
// whoever can open the page, that is every user of this machine, can log in as
// anybody there is: it is for trying things, and is served only when that is asked
// for. It has no sessions in the browser, no other grants, no clients but the
// one, and no consent: scopes decide which tokens are issued, and rights are
// those of the person. Device codes are in memory, so that a restart ends those
// under way; logins go on.
//
// Limits: 128 device codes at a time, 16 KiB a request, ten seconds to send it.
package issuer

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

// Path is what all paths begin with.
const Path = "/auth/"

// The values that clients of the service have built in.
const (
	ClientID = "TwXR51Vz8JbY8GUUMy6EyuVR0fTO7N4N"
	Audience = "fal-cloud"
)

// Options configures New; the zero value is good.
type Options struct {
	TLS                bool          // how the server is reached, which it is not told otherwise
	DeviceCodeLifetime time.Duration // until it expires undecided; 15 min when 0
	PollInterval       time.Duration // what clients are to wait between polls; 1 s when 0
	Now                func() time.Time
	Logger             *slog.Logger // discards when nil
}

// Issuer answers everything below Path. Its methods may be called from any
// goroutine.
type Issuer struct {
	state    *state.State
	key      *Key
	scheme   string
	interval time.Duration
	codes    *codeBook
	page     *template.Template
	policy   string // Content-Security-Policy
	now      func() time.Time
	logger   *slog.Logger
	handler  http.Handler
}

// New returns an issuer for the people of a state, which was opened with the
// same key.
func New(st *state.State, key *Key, o Options) *Issuer {
	i := &Issuer{
		state:    st,
		key:      key,
		scheme:   "http",
		interval: cmp.Or(o.PollInterval, time.Second),
		codes:    newCodeBook(cmp.Or(o.DeviceCodeLifetime, 15*time.Minute)),
		page:     parsePage(),
		now:      o.Now,
		logger:   cmp.Or(o.Logger, slog.New(slog.DiscardHandler)),
	}
	if o.TLS {
		i.scheme = "https"
	}
	if i.now == nil {
		i.now = time.Now
	}
	style := sha256.Sum256([]byte(pageStyle))
	i.policy = "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(style[:]) + "'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
	mux := http.NewServeMux()
	for pattern, handle := range map[string]http.HandlerFunc{
		"POST oauth/device/code":               i.deviceCode,
		"POST oauth/token":                     i.token,
		"POST oauth/revoke":                    i.revoke,
		"GET userinfo":                         i.userInfo,
		"POST userinfo":                        i.userInfo,
		"GET .well-known/jwks.json":            i.keys,
		"GET .well-known/openid-configuration": i.configuration,
		"GET activate":                         i.showApproval,
		"POST activate":                        i.decideApproval,
		"GET v2/logout":                        i.logout,
		"GET api/auth/cli/session-seed":        i.seedSession,
	} {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" "+Path+path, handle)
	}
	mux.HandleFunc(Path, func(w http.ResponseWriter, r *http.Request) {
		answer(w, http.StatusNotFound, failure{Code: "not_found", Description: r.Method + " " + r.URL.Path + " is not served here"})
	})
	i.handler = mux
	return i
}

// requestLimit bounds how long a request may take to come in.
const requestLimit = 10 * time.Second

// maxBody bounds a request's body, in bytes.
const maxBody = 16 << 10

func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	if !ownHost(r.Host) {
		// A foreign name that leads to this machine: a page of that name could read
		// what is answered.
		answer(w, http.StatusForbidden, failure{Code: "invalid_request", Description: "this is served on the loopback interface, under localhost or its address"})
		return
	}
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		answer(w, http.StatusForbidden, failure{Code: "invalid_request", Description: "the request comes from a page of another site"})
		return
	}
	// A server that cannot set deadlines has limits of its own.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(requestLimit))
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	i.handler.ServeHTTP(w, r)
}

// ownHost reports whether a Host header names the loopback interface.
func ownHost(host string) bool {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"), "0"
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return false
	}
	name = strings.ToLower(name)
	ip := net.ParseIP(name)
	return name == "localhost" || strings.HasSuffix(name, ".localhost") || ip != nil && ip.IsLoopback()
}

// base is the address by which a request reached this, without a slash.
func (i *Issuer) base(r *http.Request) string {
	return i.scheme + "://" + r.Host + strings.TrimSuffix(Path, "/")
}

// name is what tokens name the issuer.
func (i *Issuer) name(r *http.Request) string { return i.base(r) + "/" }

// Approve lets the program that shows a user code log in as a person, by name.
// It is what the page does.
func (i *Issuer) Approve(_ context.Context, userCode, person string) error {
	p, err := i.state.Person(person)
	if err != nil {
		return err
	}
	return i.decide(userCode, &p)
}

// Deny refuses it.
func (i *Issuer) Deny(_ context.Context, userCode string) error { return i.decide(userCode, nil) }

func (i *Issuer) decide(userCode string, person *state.Person) error {
	if err := i.codes.decide(userCode, person, i.now()); err != nil {
		return err
	}
	if person == nil {
		i.logger.Info("a login was denied")
	} else {
		i.logger.Info("a login was approved", "person", person.Name)
	}
	return nil
}
