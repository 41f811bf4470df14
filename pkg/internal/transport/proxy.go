package transport

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	socks "golang.org/x/net/proxy"
)

// proxyError is a failure between us and a proxy; it never shows the
// credentials that the proxy's address may hold.
type proxyError struct {
	host string
	err  error
}

func (e *proxyError) Error() string {
	if e.host == "" {
		return fmt.Sprintf("the proxy setting cannot be used: %v", e.err)
	}
	return fmt.Sprintf("proxy %s: %s", e.host, innermost(e.err))
}

func (e *proxyError) Unwrap() error { return e.err }

// tunnelRefusal is the answer of a proxy that makes no tunnel.
type tunnelRefusal struct {
	address, status string
	code            int
}

func (e *tunnelRefusal) Error() string {
	return fmt.Sprintf("no tunnel to %s: HTTP status %s", e.address, e.status)
}

// isFinal reports whether a proxy would answer so again: it wants credentials,
// or does not let anybody through.
func isFinal(err error) bool {
	var refusal *tunnelRefusal
	return errors.As(err, &refusal) && refusal.code/100 == 4
}

// connectThrough asks a proxy for a tunnel to address.
func connectThrough(ctx context.Context, tcp *net.Dialer, proxy *url.URL, roots *x509.CertPool, address string) (net.Conn, error) {
	host, err := proxyAddress(proxy)
	if err != nil {
		return nil, &proxyError{host: proxy.Host, err: err}
	}
	if proxy.Scheme == "socks5" || proxy.Scheme == "socks5h" {
		conn, err := throughSOCKS(ctx, tcp, proxy, host, address)
		if err != nil {
			return nil, &proxyError{host: host, err: err}
		}
		return conn, nil
	}
	conn, err := tcp.DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, &proxyError{host: host, err: err}
	}
	if proxy.Scheme == "https" {
		conn = tls.Client(conn, &tls.Config{RootCAs: roots, ServerName: proxy.Hostname(), MinVersion: tls.VersionTLS12})
	}
	tunnel, err := openTunnel(ctx, conn, proxy, address)
	if err != nil {
		_ = conn.Close()
		return nil, &proxyError{host: host, err: err}
	}
	return tunnel, nil
}

// proxyAddress is host:port of a proxy. The schemes and their ports are those
// that net/http takes, so that gRPC and REST go through the same proxies.
func proxyAddress(proxy *url.URL) (string, error) {
	port := proxy.Port()
	switch {
	case proxy.Scheme != "http" && proxy.Scheme != "https" && proxy.Scheme != "socks5" && proxy.Scheme != "socks5h":
		return "", fmt.Errorf("scheme %q is not supported, only http, https, socks5 and socks5h", proxy.Scheme)
	case port != "":
	case proxy.Scheme == "http":
		port = "80"
	case proxy.Scheme == "https":
		port = "443"
	default:
		port = "1080"
	}
	return net.JoinHostPort(proxy.Hostname(), port), nil
}

// throughSOCKS leaves it to the proxy to look the name in address up.
func throughSOCKS(ctx context.Context, tcp *net.Dialer, proxy *url.URL, host, address string) (net.Conn, error) {
	var auth *socks.Auth
	if user := proxy.User; user != nil {
		password, _ := user.Password()
		auth = &socks.Auth{User: user.Username(), Password: password}
	}
	dialer, err := socks.SOCKS5("tcp", host, auth, tcp)
	if err != nil {
		return nil, err
	}
	through, ok := dialer.(socks.ContextDialer)
	if !ok {
		return nil, errors.New("SOCKS cannot be ended by a context")
	}
	return through.DialContext(ctx, "tcp", address)
}

func openTunnel(ctx context.Context, conn net.Conn, proxy *url.URL, address string) (net.Conn, error) {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	request := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{}}
	if user := proxy.User; user != nil {
		password, _ := user.Password()
		request.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)))
	}
	if err := request.Write(conn); err != nil {
		return nil, err
	}
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, &tunnelRefusal{address: address, status: response.Status, code: response.StatusCode}
	}
	if !stop() {
		return nil, context.Cause(ctx)
	}
	return &bufferedConn{Conn: conn, reader: reader}, nil
}

// bufferedConn reads first what came in the same packet as the proxy's answer.
type bufferedConn struct {
	net.Conn
	reader *bufio.Reader
}

func (c *bufferedConn) Read(p []byte) (int, error) { return c.reader.Read(p) }
