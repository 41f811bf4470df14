package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/plugins/internal/session"
)

// A hop is an address of the service, and the proxy on the way to it.
type hop struct {
	host      string // without the port
	address   string // host:port; "" when it is not known
	plaintext bool
	loopback  bool
	wantsH2   bool // gRPC is spoken there
	assumed   bool // nobody named the host: it is the default
	scheme    string

	proxy    *url.URL // nil: none
	proxyErr error
}

func (p *patient) hop(e config.Endpoint, scheme string) hop {
	h := hop{address: e.Address(), plaintext: e.Plaintext, loopback: e.IsLoopback(), wantsH2: e == p.settings.hosts.Host,
		assumed: e.Origin.Kind == config.OriginDefault, scheme: scheme}
	h.host, _, _ = net.SplitHostPort(h.address)
	if !h.loopback {
		h.proxy, h.proxyErr = p.proxy(&url.URL{Scheme: scheme, Host: h.address})
	}
	return h
}

// protocols are those that are offered: HTTP/2 alone for gRPC, as gRPC does.
// A proxy with TLS gets the same offer, and must be spoken to by HTTP/1.
func (h hop) protocols() *http.Protocols {
	var p http.Protocols
	p.SetHTTP1(h.throughTLS() || !h.wantsH2)
	p.SetHTTP2(!h.throughTLS())
	return &p
}

// throughTLS reports whether the proxy itself speaks TLS.
func (h hop) throughTLS() bool { return h.proxy != nil && h.proxy.Scheme == "https" }

// proxyHost is host:port of the proxy as it may be shown: without credentials.
func (h hop) proxyHost() string {
	if h.proxy.Port() != "" {
		return h.proxy.Host
	}
	port := map[string]string{"https": "443", "socks5": "1080", "socks5h": "1080"}[h.proxy.Scheme]
	if port == "" {
		port = "80"
	}
	return net.JoinHostPort(h.proxy.Hostname(), port)
}

func (p *patient) checkDNS(ctx context.Context, h hop) finding {
	name, more := h.host, ""
	switch {
	case h.proxyErr != nil:
		return because("proxy")
	case h.proxy != nil:
		name, more = h.proxy.Hostname(), "; the proxy looks "+h.host+" up"
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return skipped(name + " needs no lookup" + more)
	}
	started := time.Now()
	found, err := p.resolver.LookupNetIP(ctx, "ip", name)
	took := time.Since(started)
	var dns *net.DNSError
	switch {
	case ctx.Err() != nil || errors.As(err, &dns) && dns.IsTimeout:
		return failed("the name servers did not answer in time when asked for "+name, "check the network, and the name servers of this machine")
	case errors.As(err, &dns) && dns.IsNotFound && h.proxy != nil:
		return failed("there is no host "+name, "check the spelling in "+p.proxyVariable(h))
	case errors.As(err, &dns) && dns.IsNotFound && h.assumed:
		return failed("there is no host "+name+", as the name servers of this machine say", "check the network, and the name servers of this machine")
	case errors.As(err, &dns) && dns.IsNotFound:
		return failed("there is no host "+name, "check the spelling, and whether the name is known outside a VPN")
	case err != nil:
		return failed("looking "+name+" up failed: "+err.Error(), "check the network, and the name servers of this machine")
	case len(found) == 0:
		return failed(name+" has no address", "")
	}
	addresses := make([]string, len(found))
	for i, a := range found {
		addresses[i] = a.Unmap().String()
	}
	f := ok(name + " is " + strings.Join(addresses, ", ") + more)
	f.roundTrip = took
	return f
}

func (p *patient) checkTCP(ctx context.Context, h hop) finding {
	address, who := h.address, h.address
	if h.proxy != nil {
		address = h.proxyHost()
		who = "proxy " + address
	}
	started := time.Now()
	conn, err := p.dial(ctx, "tcp", address)
	if err != nil {
		return failed("no connection to "+who+": "+p.foreign(reason(ctx, err)), p.reachHint(h))
	}
	f := ok("connected to " + who)
	f.roundTrip = time.Since(started)
	_ = conn.Close() // nothing was sent
	return f
}

func (p *patient) reachHint(h hop) string {
	switch {
	case h.proxy != nil:
		return "check " + p.proxyVariable(h) + "; " + p.around(h)
	case h.loopback:
		if _, here := p.finder.Find([]string{"local"}); here {
			return "`fal local start`, if it is the local control plane"
		}
		return ""
	}
	return "check the network; a company's network may want a proxy in HTTPS_PROXY"
}

// listenerHint is for a host that takes connections, and does no more.
func (p *patient) listenerHint(h hop) string {
	switch {
	case h.proxy != nil || !h.loopback:
		return p.reachHint(h)
	case h.plaintext:
		return "what listens there may be something else, or want TLS: the host is written https://" + h.address + " then"
	}
	return "what listens there may be something else, or speak no TLS: the host is written http://" + h.address + " then"
}

// around says how to go without the proxy.
func (p *patient) around(h hop) string {
	list := h.host
	for _, name := range []string{"NO_PROXY", "no_proxy"} {
		if p.inv.Getenv(name) != "" {
			list = `"$` + name + "," + h.host + `"`
			break
		}
	}
	return "`export NO_PROXY=" + list + "` goes without it"
}

// proxyVariable is the variable that the proxy came from.
func (p *patient) proxyVariable(h hop) string {
	name := "HTTPS_PROXY"
	if h.scheme == "http" {
		name = "HTTP_PROXY"
	}
	if lower := strings.ToLower(name); p.inv.Getenv(name) == "" && p.inv.Getenv(lower) != "" {
		return lower
	}
	return name
}

// reason is an error of the network without addresses, which stand before it.
func reason(ctx context.Context, err error) string {
	var timeout interface{ Timeout() bool }
	if ctx.Err() != nil || errors.As(err, &timeout) && timeout.Timeout() {
		return "no answer in time"
	}
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return err.Error()
}

// proxyAnswer is what a proxy says instead of making a tunnel.
type proxyAnswer struct {
	status string
	code   int
}

func (e *proxyAnswer) Error() string { return "the proxy answered " + e.status }

func (p *patient) checkTLS(ctx context.Context, h hop) finding {
	if h.plaintext {
		return skipped(h.address + " is spoken to without TLS")
	}
	roots, err := session.Roots(p.inv.Getenv)
	if err != nil {
		return because("proxy")
	}
	state, took, err := p.handshake(ctx, h, roots)
	if err != nil {
		return p.failedHandshake(ctx, h, err)
	}
	leaf := state.PeerCertificates[0]
	days := int(leaf.NotAfter.Sub(p.now()).Hours() / 24)
	found := fmt.Sprintf("certificate of %s issued by %s, %d days left, %s", h.host, issuer(leaf), days, tls.VersionName(state.Version))
	f := ok(found)
	switch {
	case h.wantsH2 && !h.throughTLS() && state.NegotiatedProtocol != "h2":
		f = p.withoutHTTP2(h)
	case h.proxy != nil && !isUsual(state):
		f = warning(found+"\nthat is no public authority: proxy "+h.proxyHost()+" intercepts the connection, and reads what is sent", p.around(h)+", if your network lets you")
	case isOfTheService(h.host) && !isUsual(state):
		f = warning(found+"\nthat is no public authority: something on the way intercepts the connection, and reads what is sent", "ask who runs your network")
	case days < 7:
		f = warning(found, "whoever runs "+h.host+" has to renew it")
	}
	f.roundTrip = took
	return f
}

func (p *patient) withoutHTTP2(h hop) finding {
	hint := "something on the way, such as a proxy that intercepts, lets only HTTP/1 through"
	if h.proxy != nil {
		hint = "proxy " + h.proxyHost() + " may let only HTTP/1 through; " + p.around(h)
	}
	return failed(h.address+" does not offer HTTP/2, which gRPC needs", hint)
}

// noCommonProtocol is the alert of a server that offers none of the protocols
// that it was offered (RFC 7301).
const noCommonProtocol = tls.AlertError(120)

// handshake makes a TLS connection, through the proxy if there is one, and
// ends it: nothing is sent on it.
func (p *patient) handshake(ctx context.Context, h hop, roots *x509.CertPool) (state tls.ConnectionState, took time.Duration, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	transport := &http.Transport{
		DialContext:       p.dial,
		TLSClientConfig:   &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12, Time: p.now},
		Protocols:         h.protocols(),
		DisableKeepAlives: true,
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, response *http.Response) error {
			if response.StatusCode != http.StatusOK {
				return &proxyAnswer{status: response.Status, code: response.StatusCode}
			}
			return nil
		},
	}
	if h.proxy != nil {
		transport.Proxy = http.ProxyURL(h.proxy)
	}
	defer transport.CloseIdleConnections()
	// The last handshake is that with the host: before it comes that with a
	// proxy that speaks TLS itself.
	awaited := 1
	if h.throughTLS() {
		awaited = 2
	}
	type outcome struct {
		state tls.ConnectionState
		err   error
		at    time.Time
	}
	shaken := make(chan outcome, awaited)
	started := time.Now()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		TLSHandshakeDone: func(state tls.ConnectionState, err error) {
			shaken <- outcome{state, err, time.Now()}
			if len(shaken) == awaited {
				cancel() // before the request is sent
			}
		},
	})
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, "https://"+h.address+"/", nil)
	if err != nil {
		return state, 0, err
	}
	response, err := transport.RoundTrip(request)
	if err == nil {
		_ = response.Body.Close()
	}
	for n := 1; ; n++ {
		select {
		case last := <-shaken:
			if last.err != nil {
				return state, 0, last.err
			}
			if n == awaited {
				return last.state, last.at.Sub(started), nil
			}
		default:
			if err == nil {
				err = errors.New("no TLS session came about")
			}
			return state, 0, err
		}
	}
}

func (p *patient) failedHandshake(ctx context.Context, h hop, err error) finding {
	var (
		answer   *proxyAnswer
		verify   *tls.CertificateVerificationError
		record   tls.RecordHeaderError
		unknown  x509.UnknownAuthorityError
		invalid  x509.CertificateInvalidError
		hostname x509.HostnameError
	)
	var leaf *x509.Certificate
	if errors.As(err, &verify) && len(verify.UnverifiedCertificates) > 0 {
		leaf = verify.UnverifiedCertificates[0]
	}
	trust := "if you trust that authority, a file with its certificate goes into SSL_CERT_FILE"
	switch {
	case errors.As(err, &answer) && answer.code == http.StatusProxyAuthRequired && h.proxy.User != nil:
		return failed("proxy "+h.proxyHost()+" does not accept the user and the password in "+p.proxyVariable(h)+": HTTP status "+p.foreign(answer.status), "check them, and whether signs such as @ in them are written as %40")
	case errors.As(err, &answer) && answer.code == http.StatusProxyAuthRequired:
		return failed("proxy "+h.proxyHost()+" answers itself, with HTTP status "+p.foreign(answer.status), "the user and the password go into "+p.proxyVariable(h)+", as in http://<user>:<password>@"+h.proxyHost())
	case errors.As(err, &answer):
		return failed("proxy "+h.proxyHost()+" answers itself, with HTTP status "+p.foreign(answer.status), "whoever runs it has to let "+h.host+" through; "+p.around(h))
	case errors.As(err, &unknown) && leaf != nil && h.proxy != nil:
		return failed(fmt.Sprintf("proxy %s intercepts the connection: the certificate of %s is issued by %s, which this machine does not trust", h.proxyHost(), h.host, issuer(leaf)), trust+"; "+p.around(h))
	case errors.As(err, &unknown) && leaf != nil && isOfTheService(h.host):
		return failed(fmt.Sprintf("something on the way intercepts the connection: the certificate of %s is issued by %s, which this machine does not trust", h.host, issuer(leaf)), trust)
	case errors.As(err, &unknown) && leaf != nil:
		return failed(fmt.Sprintf("the certificate of %s is issued by %s, which this machine does not trust", h.host, issuer(leaf)), trust)
	case errors.As(err, &hostname) && leaf != nil:
		return failed(fmt.Sprintf("the certificate, issued by %s, is for %s and not for %s", issuer(leaf), namesOf(leaf), h.host), "what answers is another server, or the page on which a network wants you to log in")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && leaf != nil:
		return failed(fmt.Sprintf("the certificate of %s is good from %s to %s, and the clock of this machine says %s", h.host, day(leaf.NotBefore), day(leaf.NotAfter), day(p.now())), "set the clock, if it is wrong")
	case h.wantsH2 && isAlert(err, noCommonProtocol):
		return p.withoutHTTP2(h)
	case errors.As(err, &record):
		found := "what answers at " + h.address + " does not speak TLS"
		if h.proxy != nil {
			return failed(found+": proxy "+h.proxyHost()+" answers itself", p.around(h))
		}
		if h.loopback {
			return failed(found, "write the host as http://"+h.address)
		}
		return failed(found, "check the port")
	}
	return failed("no TLS session with "+h.address+": "+p.foreign(reason(ctx, err)), p.listenerHint(h))
}

// isAlert reports whether the other side ended a handshake with an alert. The
// type that alerts have over TCP is the library's own; its words are not.
func isAlert(err error, alert tls.AlertError) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		if err.Error() == alert.Error() {
			return true
		}
	}
	return false
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

func namesOf(c *x509.Certificate) string {
	names := append([]string{}, c.DNSNames...)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return "nobody"
	}
	if len(names) > 3 {
		names = append(names[:3:3], "others")
	}
	return strings.Join(names, ", ")
}
