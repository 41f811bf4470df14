// Package networktest has what stands between a program and a service in a
// company's network, for tests: certificate authorities, servers with TLS in
// front of others, and HTTP proxies.
//
//	authority := networktest.NewAuthority(t, "Example Corp")
//	front := networktest.TLS(t, authority, server.Host(), "api.example.com")
//	proxy := networktest.NewProxy(t, map[string]string{"api.example.com:443": front})
//
// Everything listens on the loopback interface and ends with the test.
package networktest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// An Authority issues certificates.
type Authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	// NotBefore and NotAfter bound what is issued: an hour ago and in ninety
	// days, unless changed.
	NotBefore, NotAfter time.Time
}

// NewAuthority makes an authority of an organization.
func NewAuthority(t testing.TB, organization string) *Authority {
	t.Helper()
	a := &Authority{t: t, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(90*24*time.Hour + time.Hour)}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{Organization: []string{organization}, CommonName: organization + " CA"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(1000 * time.Hour),
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	a.cert, a.key = a.issue(template, nil, nil)
	return a
}

func (a *Authority) issue(template, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

// PEM is the authority's own certificate.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// File writes the authority's own certificate to a file in a folder of its
// own, and returns its path.
func (a *Authority) File() string {
	a.t.Helper()
	path := filepath.Join(a.t.TempDir(), "authority.pem")
	if err := os.WriteFile(path, a.PEM(), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}

// Certificate issues a certificate for host names.
func (a *Authority) Certificate(names ...string) tls.Certificate {
	a.t.Helper()
	cert, key := a.issue(&x509.Certificate{
		SerialNumber: big.NewInt(2),
		Subject:      pkix.Name{CommonName: names[0]},
		NotBefore:    a.NotBefore,
		NotAfter:     a.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     names,
	}, a.cert, a.key)
	return tls.Certificate{Certificate: [][]byte{cert.Raw, a.cert.Raw}, PrivateKey: key}
}

// TLS stands before a server that speaks plaintext, and speaks TLS for it
// under the given names. It returns its address.
func TLS(t testing.TB, authority *Authority, server string, names ...string) (address string) {
	t.Helper()
	config := &tls.Config{Certificates: []tls.Certificate{authority.Certificate(names...)}, NextProtos: []string{"h2", "http/1.1"}}
	return serve(t, func(conn net.Conn) (net.Conn, error) {
		encrypted := tls.Server(conn, config)
		if err := encrypted.Handshake(); err != nil {
			return nil, err
		}
		return encrypted, nil
	}, server)
}

// serve leads every connection to another server, once open has made of it
// what is to be led there. A connection for which open fails is closed.
func serve(t testing.TB, open func(net.Conn) (net.Conn, error), to string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var tunnels tunnels
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			tunnels.add(conn)
			accepting.Go(func() {
				if opened, err := open(conn); err == nil {
					tunnels.join(opened, to)
				}
				_ = conn.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		tunnels.close()
		accepting.Wait()
	})
	return listener.Addr().String()
}

// tunnels are open connections, which end with the test.
type tunnels struct {
	mu     sync.Mutex
	closed bool
	conns  []net.Conn
}

func (s *tunnels) add(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns = append(s.conns, conn)
	if s.closed {
		_ = conn.Close()
	}
}

func (s *tunnels) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, conn := range s.conns {
		_ = conn.Close()
	}
}

// join copies both ways until either side ends.
func (s *tunnels) join(conn net.Conn, to string) {
	server, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	s.add(server)
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(server, conn); _ = server.Close() })
	both.Go(func() { _, _ = io.Copy(conn, server); _ = conn.Close() })
	both.Wait()
}

// A Proxy is an HTTP proxy that makes tunnels to the servers it knows.
type Proxy struct {
	// URL is http://127.0.0.1:port.
	URL string

	mu      sync.Mutex
	refuse  int
	routes  map[string]string
	asked   []string
	tunnels tunnels
}

// NewProxy starts a proxy that knows under which host:port it leads where. It
// answers 502 for others.
func NewProxy(t testing.TB, routes map[string]string) *Proxy {
	t.Helper()
	p := &Proxy{routes: routes}
	server := httptest.NewUnstartedServer(http.HandlerFunc(p.serve))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	p.URL = server.URL
	t.Cleanup(func() {
		p.tunnels.close()
		server.Close()
	})
	return p
}

// Refuse makes the proxy answer every request with a page of its own, and
// this HTTP status.
func (p *Proxy) Refuse(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = status
}

// Asked are the host:port that tunnels were wanted to.
func (p *Proxy) Asked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.asked...)
}

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, r.Host)
	to, refuse := p.routes[r.Host], p.refuse
	p.mu.Unlock()
	switch {
	case refuse != 0:
		http.Error(w, "<html>log in first</html>", refuse)
		return
	case r.Method != http.MethodConnect || to == "":
		http.Error(w, "no way there", http.StatusBadGateway)
		return
	}
	// The answer comes after the connection was taken over: behind an earlier
	// one the server could read the first byte of what goes through the tunnel.
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		conn.Close()
		return
	}
	p.tunnels.add(conn)
	p.tunnels.join(conn, to)
}
