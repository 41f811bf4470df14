package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// RESTOptions say where a [NewRoundTripper] sends credentials, and how it
// connects.
type RESTOptions struct {
	// Base is the URL below which credentials are sent: its scheme, host and
	// port decide.
	Base *url.URL
	// AllowPlaintext lets Base be http for a host that is not loopback, which
	// is meant for tests.
	AllowPlaintext bool
	RootCAs        *x509.CertPool
	// Proxy, Authorize, UserAgent and Trace are as in [Options]; Authorize
	// answers headers.
	Proxy     func(*url.URL) (*url.URL, error)
	Authorize func(context.Context) (map[string]string, error)
	UserAgent string
	Trace     func(Event)
}

// A RoundTripper adds the user agent to each request, and the credentials to
// those for its host. It follows no redirect itself, so that what an
// [http.Client] above it sends elsewhere goes without credentials.
type RoundTripper struct {
	origin         string
	allowPlaintext bool
	base           *http.Transport
	proxy          func(*url.URL) (*url.URL, error)
	authorize      func(context.Context) (map[string]string, error)
	agent          string
	trace          func(Event)
}

// NewRoundTripper checks the options; it does not touch the network.
func NewRoundTripper(o RESTOptions) (*RoundTripper, error) {
	if o.Base.Scheme != "https" && o.Base.Scheme != "http" || o.Base.Host == "" {
		return nil, fmt.Errorf("%s is no http or https URL", o.Base.Redacted())
	}
	if o.Base.Scheme == "http" && !IsLoopback(o.Base.Host) && !o.AllowPlaintext {
		return nil, fmt.Errorf("refusing to connect to %s without TLS: only loopback addresses may be", o.Base.Host)
	}
	base := &http.Transport{
		ForceAttemptHTTP2:   true,
		TLSClientConfig:     &tls.Config{RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: connectTimeout,
		IdleConnTimeout:     90 * time.Second,
		MaxIdleConnsPerHost: 10,
		// As of gRPC: who tries again is not to find a connection that is dead.
		HTTP2: &http.HTTP2Config{SendPingTimeout: keepaliveTime, PingTimeout: keepaliveTimeout},
	}
	if o.Proxy != nil {
		base.Proxy = func(r *http.Request) (*url.URL, error) {
			proxy, err := proxyFor(o.Proxy, r.URL)
			if needsOwnTunnel(proxy, r.URL) {
				return nil, err
			}
			return proxy, err
		}
		base.OnProxyConnectResponse = refusedTunnel
	}
	base.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		return dialREST(ctx, network, address, o.RootCAs)
	}
	return &RoundTripper{
		origin:         origin(o.Base),
		allowPlaintext: o.AllowPlaintext,
		base:           base,
		proxy:          o.Proxy,
		authorize:      o.Authorize,
		agent:          o.UserAgent,
		trace:          o.Trace,
	}, nil
}

// refusedTunnel keeps what a proxy answered, of which net/http passes on the
// words alone.
func refusedTunnel(_ context.Context, proxy *url.URL, request *http.Request, response *http.Response) error {
	if response.StatusCode == http.StatusOK {
		return nil
	}
	host, err := proxyAddress(proxy)
	if err != nil {
		host = proxy.Host
	}
	return &proxyError{host: host, err: &tunnelRefusal{address: request.Host, status: response.Status, code: response.StatusCode}}
}

// proxyFor is the proxy for a URL, nil for none.
func proxyFor(find func(*url.URL) (*url.URL, error), u *url.URL) (*url.URL, error) {
	if find == nil || IsLoopback(u.Host) {
		return nil, nil
	}
	proxy, err := find(u)
	if err != nil {
		return nil, &proxyError{err: err}
	}
	return proxy, nil
}

// needsOwnTunnel reports whether net/http could not make the tunnel: to a proxy
// with TLS it offers HTTP/2, as to the target, and then speaks HTTP/1.
func needsOwnTunnel(proxy, target *url.URL) bool {
	return proxy != nil && proxy.Scheme == "https" && target.Scheme == "https"
}

type (
	onlyLoopbackKey struct{}
	tunnelKey       struct{}
)

func dialREST(ctx context.Context, network, address string, roots *x509.CertPool) (net.Conn, error) {
	var tcp net.Dialer
	if proxy, ok := ctx.Value(tunnelKey{}).(*url.URL); ok {
		return connectThrough(ctx, &tcp, proxy, roots, address)
	}
	if ctx.Value(onlyLoopbackKey{}) != nil {
		tcp.Control = refuseOthers
	}
	return tcp.DialContext(ctx, network, address)
}

// RoundTrip implements [http.RoundTripper].
func (t *RoundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	if r.URL.Scheme == "http" && !t.allowPlaintext {
		if !IsLoopback(r.URL.Host) {
			closeBody(r)
			return nil, &plaintextRefusal{address: r.URL.Host}
		}
		ctx = context.WithValue(ctx, onlyLoopbackKey{}, true)
	}
	if proxy, err := proxyFor(t.proxy, r.URL); err == nil && needsOwnTunnel(proxy, r.URL) { // net/http meets the error as well
		ctx = context.WithValue(ctx, tunnelKey{}, proxy)
	}
	r = r.Clone(ctx)
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", t.agent)
	}
	if t.authorize != nil && origin(r.URL) == t.origin {
		headers, err := t.authorize(ctx)
		if err != nil {
			closeBody(r)
			return nil, err
		}
		for name, value := range headers {
			r.Header.Set(name, value)
		}
	}
	started := time.Now()
	response, err := t.base.RoundTrip(r)
	if t.trace != nil {
		t.trace(httpEvent(r, response, err, started))
	}
	return response, err
}

// CloseIdleConnections closes the connections that carry no request.
func (t *RoundTripper) CloseIdleConnections() { t.base.CloseIdleConnections() }

// closeBody does what a RoundTripper owes a request that it does not send.
func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}

// origin is the scheme, host and port of a URL, the port always written out.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(net.JoinHostPort(u.Hostname(), port))
}

func httpEvent(r *http.Request, response *http.Response, err error, started time.Time) Event {
	secrets := secretValues(r.Header)
	e := Event{
		Method:   r.Method + " " + redactURL(r.URL, secrets),
		Target:   r.URL.Host,
		Start:    started,
		Duration: time.Since(started),
		Attempt:  1,
		Request:  redact(r.Header, secrets),
		Sent:     r.ContentLength,
		Received: -1,
	}
	if err != nil {
		e.Error = scrub(err.Error(), secrets)
		return e
	}
	e.Status = strconv.Itoa(response.StatusCode)
	e.Response = redact(response.Header, append(secretValues(response.Header), secrets...))
	e.Received = response.ContentLength
	return e
}

// ClassifyHTTP makes a Failure of the error with which an [http.Client] with
// this package's RoundTripper failed to get an answer.
func ClassifyHTTP(u *url.URL, err error) *Failure {
	target := u.Host
	if u.Port() == "" {
		target = net.JoinHostPort(u.Hostname(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	}
	var (
		refusal   *plaintextRefusal
		proxy     *proxyError
		operation *net.OpError
		dns       *net.DNSError
		verify    *tls.CertificateVerificationError
		record    tls.RecordHeaderError
		alert     tls.AlertError
		roots     x509.SystemRootsError
	)
	switch {
	case errors.As(err, &proxy):
		return classifyDial(target, err)
	case errors.As(err, &operation) && operation.Op == "proxyconnect":
		return &Failure{Kind: KindNetwork, Target: target, Err: err, text: fmt.Sprintf("cannot reach %s: the proxy does not answer: %s", target, innermost(err))}
	case errors.As(err, &refusal), errors.As(err, &dns), errors.As(err, &operation) && operation.Op == "dial":
		return classifyDial(target, err)
	case errors.As(err, &verify), errors.As(err, &record), errors.As(err, &alert), errors.As(err, &roots):
		return classifyHandshake(target, err)
	case isTimeout(err):
		return &Failure{Kind: KindTimeout, Target: target, Err: err, text: fmt.Sprintf("timed out waiting for %s", target)}
	case isReset(err), errors.Is(err, io.EOF), isUnreachable(err), isCutHead(err), isLostHTTP2(err):
		return classifyLoss(target, err, true)
	}
	return &Failure{Kind: KindProtocol, Target: target, Err: err, Permanent: true,
		text: fmt.Sprintf("the server at %s did not answer with HTTP: %s", target, innermost(err))}
}

// isCutHead reports whether the head of an answer may have ended too early: net/http
// takes the half of a line, behind which the connection was lost, for a bad line. What
// begins as HTTP counts as such.
func isCutHead(err error) bool {
	var header textproto.ProtocolError
	if errors.As(err, &header) {
		return strings.HasPrefix(string(header), "malformed MIME header")
	}
	const begin = "HTTP/1."
	if line, ok := malformed(err, "HTTP response"); ok {
		return strings.HasPrefix(line, begin) || strings.HasPrefix(begin, line)
	}
	digits, ok := malformed(err, "HTTP status code")
	return ok && len(digits) < 3 && strings.Trim(digits, "0123456789") == ""
}

// isLostHTTP2 reports whether a connection of HTTP/2 was lost, or the request on it
// broken off. The errors of net/http that say so have no types that others know.
func isLostHTTP2(err error) bool {
	text := err.Error()
	return slices.ContainsFunc([]string{
		"http2: client conn", "http2: server sent GOAWAY", "http2: Transport received Server's graceful shutdown GOAWAY", "stream error: stream ID ",
	}, func(lost string) bool { return strings.Contains(text, lost) })
}

// malformed returns what net/http says is no such thing.
func malformed(err error, what string) (string, bool) {
	_, quoted, found := strings.Cut(err.Error(), "malformed "+what+" ")
	text, err := strconv.Unquote(quoted)
	return text, found && err == nil
}
