package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/networktest"
)

// bounded is what a check gets that is to hang.
func bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func hang(ctx context.Context, _, _ string) (net.Conn, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestDNS(t *testing.T) {
	s := newScene(t)
	s.deps.resolver = fakeResolver{
		"good.invalid": "192.0.2.1", "slow.invalid": struct{}{}, "proxy.invalid": "192.0.2.7", "mapped.invalid": "::ffff:192.0.2.2",
		"late.invalid":   &net.DNSError{Err: "i/o timeout", Name: "late.invalid", IsTimeout: true},
		"broken.invalid": &net.DNSError{Err: "server misbehaving", Name: "broken.invalid"},
	}
	through := func(h hop, proxy string) hop {
		env := map[string]string{"HTTPS_PROXY": proxy}
		old := s.env
		s.env = env
		defer func() { s.env = old }()
		p := s.patient()
		h.proxy, h.proxyErr = p.proxy(mustParse(t, "https://"+h.host))
		return h
	}
	for _, tt := range []struct {
		hop                 hop
		status, found, hint string
	}{
		{hop{host: "good.invalid"}, "ok", "good.invalid is 192.0.2.1", ""},
		{hop{host: "mapped.invalid"}, "ok", "mapped.invalid is 192.0.2.2", ""},
		{hop{host: "::1"}, "skipped", "::1 needs no lookup", ""},
		{hop{host: "missing.invalid"}, "failed", "there is no host missing.invalid", "check the spelling"},
		{hop{host: "late.invalid"}, "failed", "did not answer in time", "name servers"},
		{hop{host: "slow.invalid"}, "failed", "did not answer in time", "name servers"},
		{hop{host: "broken.invalid"}, "failed", "server misbehaving", "name servers"},
		{through(hop{host: "missing.invalid"}, "http://user:pa55@proxy.invalid:3128"), "ok", "proxy.invalid is 192.0.2.7; the proxy looks missing.invalid up", ""},
		{through(hop{host: "missing.invalid"}, "http://10.0.0.1"), "skipped", "10.0.0.1 needs no lookup; the proxy looks missing.invalid up", ""},
		{through(hop{host: "missing.invalid"}, "http://none.invalid"), "failed", "there is no host none.invalid", "check the spelling in HTTPS_PROXY"},
		{through(hop{host: "missing.invalid"}, "ftp://none.invalid"), "skipped", "not tried, because of proxy", ""},
		{hop{host: "missing.invalid", assumed: true}, "failed", "there is no host missing.invalid", "check the network, and the name servers"},
	} {
		ctx := t.Context()
		if tt.hop.host == "slow.invalid" {
			ctx = bounded(t)
		}
		s.wants(s.patient().checkDNS(ctx, tt.hop), tt.status, tt.found, tt.hint)
	}
}

func TestTCP(t *testing.T) {
	s := newScene(t)
	p := s.patient()
	s.wants(p.checkTCP(t.Context(), hop{address: s.server.Host()}), "ok", "connected to "+s.server.Host(), "")
	s.wants(p.checkTCP(t.Context(), hop{host: "api.fal.invalid", address: "api.fal.invalid:443", proxy: mustParse(t, "http://user:pa55@"+s.server.Host())}), "ok", "connected to proxy "+s.server.Host(), "")

	refuse := func(_ context.Context, _, address string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	for _, tt := range []struct {
		hop         hop
		dial        func(context.Context, string, string) (net.Conn, error)
		found, hint string
	}{
		{hop{address: "api.fal.invalid:443"}, refuse, "no connection to api.fal.invalid:443: connection refused", "check the network"},
		{hop{address: "api.fal.invalid:443"}, hang, "no connection to api.fal.invalid:443: no answer in time", "HTTPS_PROXY"},
		{hop{host: "api.fal.invalid", address: "api.fal.invalid:443", proxy: mustParse(t, "https://user:pa55@proxy.invalid")}, hang, "no connection to proxy proxy.invalid:443: no answer in time", "NO_PROXY=api.fal.invalid"},
		{hop{address: "127.0.0.1:1", loopback: true}, refuse, "refused", ""},
	} {
		p.dial = tt.dial
		s.wants(p.checkTCP(bounded(t), tt.hop), "failed", tt.found, tt.hint)
	}
	s.write("bin/fal-local", "")
	if err := os.Chmod(s.home+"/bin/fal-local", 0o755); err != nil {
		t.Fatal(err)
	}
	p = s.patient()
	p.dial = refuse
	if _, found := p.finder.Find([]string{"local"}); found { // on Windows the name would need an extension
		s.wants(p.checkTCP(t.Context(), hop{address: "127.0.0.1:1", loopback: true}), "failed", "refused", "fal local start")
	}
}

func TestTLS(t *testing.T) {
	s := newScene(t)
	const host, other, official = "api.fal.invalid", "other.fal.invalid", "api.alpha.fal.ai"
	company, public := networktest.NewAuthority(t, "Example Corp"), networktest.NewAuthority(t, "Google Trust Services LLC")
	old, soon := networktest.NewAuthority(t, "Example Corp"), networktest.NewAuthority(t, "DigiCert Inc")
	old.NotBefore, old.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)
	soon.NotAfter = time.Now().Add(49 * time.Hour)
	front := func(a *networktest.Authority) string { return networktest.TLS(t, a, s.server.Host(), host, official) }
	corporate, trusted, expired, ending := front(company), front(public), front(old), front(soon)
	silent, onlyHTTP1 := oldServer(t, public, host), oldServer(t, public, host, "http/1.1")
	intercepting := oldServer(t, company, host, "http/1.1")

	for _, tt := range []struct {
		name, host, at string
		trust          *networktest.Authority
		proxied        int // 0: directly; else the status of the proxy, 200 for a tunnel
		status         string
		found, hint    string
	}{
		{"public", host, trusted, public, 0, "ok", "certificate of api.fal.invalid issued by Google Trust Services LLC, 90 days left, TLS 1.3", ""},
		{"private, of one's own", host, corporate, company, 0, "ok", "issued by Example Corp", ""},
		{"through a proxy that only tunnels", host, trusted, public, 200, "ok", "Google", ""},
		{"intercepted and trusted", host, corporate, company, 200, "warning", "intercepts the connection", "NO_PROXY=api.fal.invalid"},
		{"intercepted", host, corporate, nil, 200, "failed", "intercepts the connection: the certificate of api.fal.invalid is issued by Example Corp", "SSL_CERT_FILE"},
		{"the service, intercepted without a proxy", official, corporate, company, 0, "warning", "something on the way intercepts", "ask who runs your network"},
		{"the service, intercepted and not trusted", official, corporate, nil, 0, "failed", "something on the way intercepts", "SSL_CERT_FILE"},
		{"the service", official, trusted, public, 0, "ok", "90 days left", ""},
		{"not trusted", host, corporate, nil, 0, "failed", "issued by Example Corp", "SSL_CERT_FILE"},
		{"another name", other, trusted, public, 0, "failed", "is for api.fal.invalid, api.alpha.fal.ai and not for other.fal.invalid", "log in"},
		{"expired", host, expired, old, 0, "failed", "and the clock of this machine says", "set the clock"},
		{"about to expire", host, ending, soon, 0, "warning", "2 days left", "renew"},
		{"no TLS", host, s.server.Host(), public, 0, "failed", "does not speak TLS", "check the port"},
		{"the proxy's own page", host, s.server.Host(), public, 200, "failed", "answers itself", "NO_PROXY="},
		{"no protocol", host, silent, public, 0, "failed", "does not offer HTTP/2", "HTTP/1"},
		{"no HTTP/2", host, onlyHTTP1, public, 0, "failed", "does not offer HTTP/2", "HTTP/1"},
		{"a proxy that wants a login", host, trusted, public, 407, "failed", "does not accept the user and the password in HTTPS_PROXY: HTTP status 407 Proxy Authentication Required", "written as %40"},
		{"an intercepting proxy without HTTP/2", host, intercepting, company, 200, "failed", "does not offer HTTP/2", "`export NO_PROXY=api.fal.invalid` goes without it"},
		{"a proxy that forbids", host, trusted, public, 403, "failed", "answers itself, with HTTP status 403", "let api.fal.invalid through"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.t = t
			delete(s.env, "SSL_CERT_FILE")
			if tt.trust != nil {
				s.env["SSL_CERT_FILE"] = tt.trust.File()
			}
			p := s.patient()
			h := hop{host: tt.host, address: tt.host + ":443", wantsH2: true}
			p.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				if address == h.address {
					address = tt.at
				}
				return (&net.Dialer{}).DialContext(ctx, network, address)
			}
			if tt.proxied != 0 {
				proxy := networktest.NewProxy(t, map[string]string{h.address: tt.at})
				if tt.proxied != http.StatusOK {
					proxy.Refuse(tt.proxied)
				}
				h.proxy = mustParse(t, strings.Replace(proxy.URL, "://", "://user:pa55@", 1))
			}
			before := len(s.server.Calls())
			f := p.checkTLS(t.Context(), h)
			s.wants(f, tt.status, tt.found, tt.hint)
			if f.status == "ok" && f.roundTrip <= 0 || strings.Contains(f.found+f.hint, "pa55") || len(s.server.Calls()) > before {
				t.Errorf("%+v", f)
			}
		})
	}
	s.t = t
	p := s.patient()
	p.dial = hang
	s.wants(p.checkTLS(bounded(t), hop{host: host, address: host + ":443"}), "failed", "no answer in time", "check the network")
	s.wants(p.checkTLS(t.Context(), hop{host: "127.0.0.1", address: "127.0.0.1:1", plaintext: true}), "skipped", "without TLS", "")
	s.env["SSL_CERT_FILE"] = s.home + "/missing.pem"
	s.wants(s.patient().checkTLS(t.Context(), hop{host: host, address: host + ":443"}), "skipped", "not tried, because of proxy", "")
}

func TestAProxyThatWantsALogin(t *testing.T) {
	s := newScene(t)
	proxy := networktest.NewProxy(t, nil)
	proxy.Refuse(http.StatusProxyAuthRequired)
	h := hop{host: "api.fal.invalid", address: "api.fal.invalid:443", wantsH2: true, proxy: mustParse(t, proxy.URL)}
	s.wants(s.patient().checkTLS(t.Context(), h), "failed", "answers itself, with HTTP status 407 Proxy Authentication Required", "http://<user>:<password>@")
}

// What listens is there, and needs no start.
func TestAListenerThatIsNoControlPlane(t *testing.T) {
	s := newScene(t)
	s.write("bin/fal-local", "")
	if err := os.Chmod(s.home+"/bin/fal-local", 0o755); err != nil {
		t.Fatal(err)
	}
	address := oldServer(t, networktest.NewAuthority(t, "Example Corp"), "127.0.0.1", "h2")
	s.env["FAL_GRPC_HOST"], s.env["FAL_REST_HOST"] = "http://"+address, "http://"+address
	_, rows := s.diagnose()
	if c := rows["grpc"]; c.Status != "failed" || !strings.Contains(text(c.Hint), "https://"+address) || strings.Contains(text(c.Hint), "start") {
		t.Errorf("%+v %s", c, text(c.Hint))
	}
	resets, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := resets.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	defer func() { _ = resets.Close(); <-done }()
	h := hop{host: "127.0.0.1", address: resets.Addr().String(), loopback: true, wantsH2: true}
	s.wants(s.patient().checkTLS(t.Context(), h), "failed", "no TLS session", "http://"+h.address)
}

func TestAroundTheProxy(t *testing.T) {
	s := newScene(t)
	h := hop{host: "api.fal.invalid"}
	for variable, want := range map[string]string{"": "api.fal.invalid", "NO_PROXY": `"$NO_PROXY,api.fal.invalid"`, "no_proxy": `"$no_proxy,api.fal.invalid"`} {
		delete(s.env, "no_proxy")
		delete(s.env, "NO_PROXY")
		s.env[variable] = "other.invalid"
		if got := s.patient().around(h); got != "`export NO_PROXY="+want+"` goes without it" {
			t.Errorf("%s: %s", variable, got)
		}
	}
}

// oldServer speaks TLS and knows these protocols above it.
func oldServer(t *testing.T, authority *networktest.Authority, name string, protocols ...string) string {
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{authority.Certificate(name)}, NextProtos: protocols})
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.NotFoundHandler(), ErrorLog: log.New(io.Discard, "", 0)}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return listener.Addr().String()
}

// A proxy that speaks TLS has a handshake of its own before that of the host.
func TestTLSThroughAProxyWithTLS(t *testing.T) {
	s := newScene(t)
	authority := networktest.NewAuthority(t, "Amazon")
	front := networktest.TLS(t, authority, s.server.Host(), "api.fal.invalid")
	proxy := networktest.NewProxy(t, map[string]string{"api.fal.invalid:443": front})
	encrypted := networktest.TLS(t, authority, strings.TrimPrefix(proxy.URL, "http://"), "proxy.invalid")
	s.env["SSL_CERT_FILE"] = authority.File()
	p := s.patient()
	p.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if address != "proxy.invalid:8443" {
			return nil, errors.New("not the proxy: " + address)
		}
		return (&net.Dialer{}).DialContext(ctx, network, encrypted)
	}
	h := hop{host: "api.fal.invalid", address: "api.fal.invalid:443", proxy: mustParse(t, "https://proxy.invalid:8443")}
	s.wants(p.checkTLS(t.Context(), h), "ok", "certificate of api.fal.invalid issued by Amazon", "")
	h.proxy = mustParse(t, "https://other.invalid:8443")
	s.wants(p.checkTLS(t.Context(), h), "failed", "not the proxy", "NO_PROXY=")
}
