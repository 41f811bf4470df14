package transport

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// A tunneller is an HTTP proxy that leads every tunnel to one address, or
// answers each request for one with a status.
func tunneller(t *testing.T, to string, status int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status != 0 {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "<html>log in first</html>")
			return
		}
		server, err := net.Dial("tcp", to)
		if err != nil {
			http.Error(w, "no", http.StatusBadGateway)
			return
		}
		client, err := tunnelled(w)
		if err != nil {
			t.Error(err)
			_ = server.Close()
			return
		}
		splice(client, server)
	})
}

// tunnelled answers that there is a tunnel, and returns its near end. It takes
// the connection over before the answer: afterwards the server may have read the
// first byte of what the client sends through the tunnel.
func tunnelled(w http.ResponseWriter) (net.Conn, error) {
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, err
	}
	if n := buffered.Reader.Buffered(); n > 0 {
		_ = client.Close()
		return nil, fmt.Errorf("%d bytes came before the tunnel was there", n)
	}
	if _, err := io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		_ = client.Close()
		return nil, err
	}
	return client, nil
}

func splice(a, b net.Conn) {
	go func() { _, _ = io.Copy(a, b); _ = a.Close() }()
	go func() { _, _ = io.Copy(b, a); _ = b.Close() }()
}

// socksServer speaks as much of SOCKS 5 as a client with or without a user
// name needs, and leads every connection to one address.
func socksServer(t *testing.T, to string) (address string, asked func() string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	names := make(chan string, 10)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			name, err := greetSOCKS(conn)
			if err != nil {
				t.Error(err)
				_ = conn.Close()
				continue
			}
			names <- name
			server, err := net.Dial("tcp", to)
			if err != nil {
				t.Error(err)
				_ = conn.Close()
				continue
			}
			splice(conn, server)
		}
	}()
	t.Cleanup(func() { _ = listener.Close(); <-done })
	return listener.Addr().String(), func() string { return <-names }
}

func greetSOCKS(conn net.Conn) (name string, err error) {
	read := func(n int) []byte {
		b := make([]byte, n)
		if err == nil {
			_, err = io.ReadFull(conn, b)
		}
		return b
	}
	write := func(b ...byte) {
		if err == nil {
			_, err = conn.Write(b)
		}
	}
	methods := read(int(read(2)[1]))
	if strings.ContainsRune(string(methods), 2) {
		write(5, 2)
		user := read(int(read(2)[1]))
		password := read(int(read(1)[0]))
		if string(user) != "user" || string(password) != "pa55" {
			return "", errors.New("other credentials")
		}
		write(1, 0)
	} else {
		write(5, 0)
	}
	head := read(5)
	if err == nil && head[3] != 3 {
		return "", errors.New("the name was looked up here")
	}
	name = string(read(int(head[4])))
	read(2)
	write(5, 0, 0, 1, 127, 0, 0, 1, 0, 0)
	return name, err
}

// Both sides go through each kind of proxy, and name one that makes no tunnel.
func TestProxiesAreTheSameForBothSides(t *testing.T) {
	target := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "through") }))
	defer target.Close()
	roots := x509.NewCertPool()
	roots.AddCert(target.Certificate())
	to := target.Listener.Addr().String()
	plain := httptest.NewServer(tunneller(t, to, 0))
	defer plain.Close()
	encrypted := httptest.NewUnstartedServer(tunneller(t, to, 0))
	encrypted.EnableHTTP2 = true // as many do
	encrypted.StartTLS()
	defer encrypted.Close()
	roots.AddCert(encrypted.Certificate())
	socksAddress, asked := socksServer(t, to)
	login := httptest.NewServer(tunneller(t, to, http.StatusProxyAuthRequired))
	defer login.Close()
	broken := httptest.NewServer(tunneller(t, to, http.StatusBadGateway))
	defer broken.Close()

	for name, tt := range map[string]struct {
		proxy string
		want  string // in the error
		final bool
	}{
		"http":               {proxy: plain.URL},
		"https":              {proxy: encrypted.URL},
		"socks5":             {proxy: "socks5://" + socksAddress},
		"socks5h with login": {proxy: "socks5h://user:pa55@" + socksAddress},
		"login wanted":       {proxy: strings.Replace(login.URL, "://", "://user:pa55@", 1), want: "407", final: true},
		"bad gateway":        {proxy: broken.URL, want: "502"},
	} {
		t.Run(name, func(t *testing.T) {
			address := parseURL(t, tt.proxy)
			proxy := func(*url.URL) (*url.URL, error) { return address, nil }
			d := dialer{target: "example.com:443", monitor: &monitor{}, proxy: proxy, roots: roots}
			conn, err := d.dial(t.Context(), "example.com:443")
			if err == nil {
				once := &http.Client{Transport: &http.Transport{
					DialContext:     func(context.Context, string, string) (net.Conn, error) { return conn, nil },
					TLSClientConfig: target.Client().Transport.(*http.Transport).TLSClientConfig,
				}}
				do(t, once, http.MethodGet, "https://example.com/")
				once.CloseIdleConnections()
			}
			tripper, errREST := NewRoundTripper(RESTOptions{Base: parseURL(t, "https://example.com"), RootCAs: roots, Proxy: proxy})
			if errREST != nil {
				t.Fatal(errREST)
			}
			defer tripper.CloseIdleConnections()
			request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://example.com/", nil)
			response, errREST := (&http.Client{Transport: tripper}).Do(request)
			if errREST == nil {
				_ = response.Body.Close()
			}
			if tt.want == "" {
				if err != nil || errREST != nil {
					t.Fatalf("gRPC %v, REST %v", err, errREST)
				}
				for range 2 { // by each side
					if !strings.HasPrefix(tt.proxy, "socks") {
						break
					}
					if name := asked(); name != "example.com" {
						t.Errorf("asked for %s", name)
					}
				}
				return
			}
			if err == nil || errREST == nil {
				t.Fatalf("gRPC %v, REST %v", err, errREST)
			}
			for side, f := range map[string]*Failure{"gRPC": d.monitor.latest(), "REST": ClassifyHTTP(request.URL, errREST)} {
				if f.Kind != KindNetwork || f.Permanent != tt.final || !strings.Contains(f.Error(), tt.want) ||
					!strings.Contains(f.Error(), "proxy "+address.Host) || strings.Contains(f.Error(), "pa55") {
					t.Errorf("%s: %+v %s", side, f, f)
				}
			}
		})
	}
}

func TestAProxySettingThatCannotBeUsed(t *testing.T) {
	proxy := func(*url.URL) (*url.URL, error) { return nil, errors.New("HTTPS_PROXY is no URL") }
	d := dialer{target: "example.com:443", monitor: &monitor{}, proxy: proxy}
	if _, err := d.dial(t.Context(), "example.com:443"); err == nil || !strings.Contains(d.monitor.latest().Error(), "HTTPS_PROXY is no URL") {
		t.Errorf("gRPC: %v", err)
	}
	tripper, err := NewRoundTripper(RESTOptions{Base: parseURL(t, "https://example.com"), Proxy: proxy})
	if err != nil {
		t.Fatal(err)
	}
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://example.com/", nil)
	_, err = (&http.Client{Transport: tripper}).Do(request)
	if f := ClassifyHTTP(request.URL, err); err == nil || f.Kind != KindNetwork || !strings.Contains(f.Error(), "HTTPS_PROXY is no URL") {
		t.Errorf("REST: %v", f)
	}
}
