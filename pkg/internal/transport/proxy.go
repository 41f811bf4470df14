package transport

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
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

// connectThrough asks an HTTP proxy for a tunnel to address.
func connectThrough(ctx context.Context, tcp *net.Dialer, proxy *url.URL, address string) (net.Conn, error) {
	port := proxy.Port()
	switch {
	case proxy.Scheme != "http" && proxy.Scheme != "https":
		return nil, &proxyError{host: proxy.Host, err: fmt.Errorf("scheme %q is not supported, only http and https", proxy.Scheme)}
	case port == "" && proxy.Scheme == "https":
		port = "443"
	case port == "":
		port = "80"
	}
	host := net.JoinHostPort(proxy.Hostname(), port)
	conn, err := tcp.DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, &proxyError{host: host, err: err}
	}
	if proxy.Scheme == "https" {
		conn = tls.Client(conn, &tls.Config{ServerName: proxy.Hostname(), MinVersion: tls.VersionTLS12})
	}
	tunnel, err := openTunnel(ctx, conn, proxy, address)
	if err != nil {
		_ = conn.Close()
		return nil, &proxyError{host: host, err: err}
	}
	return tunnel, nil
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
		return nil, fmt.Errorf("no tunnel to %s: HTTP status %s", address, response.Status)
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
