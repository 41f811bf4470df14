package transport

import (
	"bufio"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func parseURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func authorizeHTTP(context.Context) (map[string]string, error) {
	return map[string]string{"Authorization": "Key the-id:the-secret"}, nil
}

func newREST(t *testing.T, o RESTOptions) *http.Client {
	t.Helper()
	rt, err := NewRoundTripper(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(rt.CloseIdleConnections)
	return &http.Client{Transport: rt}
}

func do(t *testing.T, client *http.Client, method, target string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return response
}

func TestCredentialsStayWithTheirHost(t *testing.T) {
	seen := make(chan http.Header, 10)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header }))
	defer elsewhere.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /here", func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header })
	mux.HandleFunc("GET /within", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/here", http.StatusFound) })
	mux.HandleFunc("GET /away", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) })
	home := httptest.NewServer(mux)
	defer home.Close()
	client := newREST(t, RESTOptions{Base: parseURL(t, home.URL), Authorize: authorizeHTTP, UserAgent: "fal-test/1"})
	for target, want := range map[string]string{
		home.URL + "/here":   "Key the-id:the-secret",
		home.URL + "/within": "Key the-id:the-secret",
		home.URL + "/away":   "",
		elsewhere.URL:        "",
	} {
		do(t, client, http.MethodGet, target)
		header := <-seen
		if got := header.Get("Authorization"); got != want {
			t.Errorf("%s: authorization %q, want %q", target, got, want)
		}
		if got := header.Get("User-Agent"); got != "fal-test/1" {
			t.Errorf("%s: user agent %q", target, got)
		}
	}
}

func TestOrigins(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"https://rest.fal.ai", "https://REST.fal.ai:443/x?y", true},
		{"http://localhost", "http://localhost:80", true},
		{"https://rest.fal.ai", "http://rest.fal.ai", false},
		{"https://rest.fal.ai", "https://rest.fal.ai:8443", false},
		{"https://rest.fal.ai", "https://rest.fal.ai.example.com", false},
		{"http://[::1]:80", "http://[::1]", true},
	} {
		if got := origin(parseURL(t, c.a)) == origin(parseURL(t, c.b)); got != c.same {
			t.Errorf("%s and %s: %v", c.a, c.b, got)
		}
	}
}

func TestPlaintextStaysOnLoopback(t *testing.T) {
	if _, err := NewRoundTripper(RESTOptions{Base: parseURL(t, "http://rest.example.com")}); err == nil {
		t.Error("an http base on another machine was accepted")
	}
	if _, err := NewRoundTripper(RESTOptions{Base: parseURL(t, "ftp://localhost")}); err == nil {
		t.Error("ftp was accepted")
	}
	client := newREST(t, RESTOptions{Base: parseURL(t, "https://rest.example.com"), Authorize: authorizeHTTP})
	var refusal *plaintextRefusal
	if _, err := client.Get("http://rest.example.com/x"); !errors.As(err, &refusal) {
		t.Errorf("plaintext to another machine: %v", err)
	}
	// A name that looks like this machine and is another one.
	ctx := context.WithValue(t.Context(), onlyLoopbackKey{}, true)
	if conn, err := dialREST(ctx, "tcp", "192.0.2.1:80", nil); !errors.As(err, &refusal) {
		t.Errorf("dialled %v, %v", conn, err)
	}
	d := dialer{target: "x", onlyLoopback: true, monitor: &monitor{}}
	if conn, err := d.dial(t.Context(), "192.0.2.1:80"); !errors.As(err, &refusal) {
		t.Errorf("dialled %v, %v", conn, err)
	}
	if f := d.monitor.latest(); f == nil || !f.Permanent || !strings.Contains(f.Error(), "without TLS") {
		t.Errorf("failure %v", f)
	}
}

func TestAuthorizeErrorEndsTheRequest(t *testing.T) {
	home := httptest.NewServer(http.NotFoundHandler())
	defer home.Close()
	gone := errors.New("no login")
	client := newREST(t, RESTOptions{
		Base:      parseURL(t, home.URL),
		Authorize: func(context.Context) (map[string]string, error) { return nil, gone },
	})
	body := &closing{Reader: strings.NewReader("x")}
	if _, err := client.Post(home.URL, "text/plain", body); !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
	if !body.closed {
		t.Error("the request's body was not closed")
	}
}

type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

func TestHTTPTraceShowsNoSecret(t *testing.T) {
	home := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "id=c00kie")
		w.Header().Set("X-Echo", r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusTeapot)
	}))
	defer home.Close()
	var events []Event
	client := newREST(t, RESTOptions{Base: parseURL(t, home.URL), Authorize: authorizeHTTP, Trace: func(e Event) { events = append(events, e) }})
	do(t, client, http.MethodPost, home.URL+"/logs/history?job_id=a&X-Amz-Signature=s1gn&token=t0k3n&echo=the-secret")
	home.Close()
	if _, err := client.Get(home.URL + "/gone?key=the-secret"); err == nil {
		t.Error("no error from a server that has ended")
	}
	if len(events) != 2 {
		t.Fatalf("%d events", len(events))
	}
	shown := fmt.Sprintf("%+v", events)
	for _, hidden := range []string{"the-secret", "c00kie", "s1gn", "t0k3n"} {
		if strings.Contains(shown, hidden) {
			t.Errorf("%q is shown in %s", hidden, shown)
		}
	}
	if e := events[0]; e.Status != "418" || !strings.HasPrefix(e.Method, "POST /logs/history?") || !strings.Contains(e.Method, "job_id=a") {
		t.Errorf("event %+v", e)
	}
	if e := events[1]; e.Status != "" || e.Error == "" {
		t.Errorf("event %+v", e)
	}
}

func TestRedactURL(t *testing.T) {
	for in, want := range map[string]string{
		"https://h":                      "/",
		"https://h/a%2Fb?x=1":            "/a%2Fb?x=1",
		"https://h/x?token=a&y=2":        "/x?token=[redacted]&y=2",
		"https://u:p@h/x?Signature=a%3D": "/x?Signature=[redacted]",
	} {
		if got := redactURL(parseURL(t, in), nil); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestProxy(t *testing.T) {
	target := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "through") }))
	defer target.Close()
	var authorization string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		authorization = r.Header.Get("Proxy-Authorization")
		if r.Method != http.MethodConnect || r.Host == "refused.example.com:443" {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		server, err := net.Dial("tcp", target.Listener.Addr().String())
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
	}))
	defer proxy.Close()
	address := parseURL(t, proxy.URL)
	address.User = url.UserPassword("user", "pa55")
	d := dialer{target: "api.example.com:443", monitor: &monitor{}, proxy: func(u *url.URL) (*url.URL, error) {
		if u.Scheme != "https" {
			t.Errorf("asked for %s", u)
		}
		return address, nil
	}}
	conn, err := d.dial(t.Context(), "api.example.com:443")
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "Basic dXNlcjpwYTU1" {
		t.Errorf("authorization %q", authorization)
	}
	client := &http.Client{Transport: &http.Transport{
		DialContext:     func(context.Context, string, string) (net.Conn, error) { return conn, nil },
		TLSClientConfig: target.Client().Transport.(*http.Transport).TLSClientConfig,
	}}
	defer client.CloseIdleConnections()
	do(t, client, http.MethodGet, "https://example.com/")

	_, err = d.dial(t.Context(), "refused.example.com:443")
	if f := d.monitor.latest(); err == nil || f == nil || f.Kind != KindNetwork || !strings.Contains(f.Error(), "403") || strings.Contains(f.Error(), "pa55") {
		t.Errorf("refused by the proxy: %v, failure %v", err, f)
	}
	if d.monitor.latest().Permanent != true {
		t.Error("the same proxy is asked again")
	}
	address.Scheme = "ftp"
	if _, err := d.dial(t.Context(), "api.example.com:443"); err == nil || strings.Contains(err.Error(), "pa55") {
		t.Errorf("an unsupported proxy: %v", err)
	}
}

// An answer whose head breaks off anywhere is a lost connection, and not one of a
// server that does not speak HTTP.
func TestClassifyCutHead(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
	answers := map[string]Kind{"220 mail.example.test ready\r\n": KindProtocol, "HTTP 1.1": KindProtocol, "": KindReset}
	for i := 1; i < len(head); i++ {
		answers[head[:i]] = KindReset
	}
	for answer, want := range answers {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			defer listener.Close()
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			_, _ = http.ReadRequest(bufio.NewReader(conn))
			_, _ = io.WriteString(conn, answer)
		}()
		at := &url.URL{Scheme: "http", Host: listener.Addr().String()}
		rest, err := NewRoundTripper(RESTOptions{Base: at})
		if err != nil {
			t.Fatal(err)
		}
		response, err := (&http.Client{Transport: rest}).Post(at.String(), "", nil)
		if err == nil {
			response.Body.Close()
			t.Fatalf("%q is an answer", answer)
		}
		if f := ClassifyHTTP(at, err); f.Kind != want || f.Permanent != (want == KindProtocol) {
			t.Errorf("%q: %v %v", answer, f.Kind, f)
		}
	}
}

// A connection that died without a word is found out, and what is tried again goes
// over another one.
func TestDeadConnectionIsLeft(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, r.Proto)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var dies atomic.Bool // the first one
	var carried sync.WaitGroup
	defer carried.Wait()
	over := make(chan struct{})
	defer close(over)
	defer listener.Close()
	carried.Go(func() {
		for number := 0; ; number++ {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			upstream, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				client.Close()
				continue
			}
			carry := func(to, from net.Conn) {
				defer to.Close()
				buffer := make([]byte, 4096)
				for {
					n, err := from.Read(buffer)
					if number == 0 && dies.Load() {
						<-over
						return
					}
					if _, failed := to.Write(buffer[:n]); err != nil || failed != nil {
						return
					}
				}
			}
			carried.Go(func() { carry(upstream, client) })
			carried.Go(func() { carry(client, upstream) })
		}
	})
	at := &url.URL{Scheme: "https", Host: listener.Addr().String()}
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	rest, err := NewRoundTripper(RESTOptions{Base: at, RootCAs: roots})
	if err != nil {
		t.Fatal(err)
	}
	if pings := rest.base.HTTP2; pings.SendPingTimeout <= 0 || pings.PingTimeout <= 0 {
		t.Errorf("pings %+v", pings)
	}
	rest.base.HTTP2 = &http.HTTP2Config{SendPingTimeout: 100 * time.Millisecond, PingTimeout: 100 * time.Millisecond}
	defer rest.base.CloseIdleConnections()
	put := func() (string, error) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, at.String(), strings.NewReader("part"))
		if err != nil {
			return "", err
		}
		response, err := rest.RoundTrip(request)
		if err != nil {
			return "", err
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		return string(text), err
	}
	if text, err := put(); text != "HTTP/2.0" || err != nil {
		t.Fatalf("%q, %v", text, err)
	}
	dies.Store(true)
	if text, err := put(); err == nil {
		t.Fatalf("a dead connection answers %q", text)
	} else if f := ClassifyHTTP(at, err); f.Permanent {
		t.Errorf("taken for %+v", f)
	}
	if text, err := put(); text != "HTTP/2.0" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

// A server that breaks a request off over HTTP/2 says so in another way.
func TestClassifyLostHTTP2(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"reset": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"closed": func(_ http.ResponseWriter, r *http.Request) {
			_ = connOf(r).Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(handler)
			server.EnableHTTP2 = true
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.Config.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
				return context.WithValue(ctx, connKey{}, conn)
			}
			server.StartTLS()
			defer server.Close()
			at, err := url.Parse(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			roots := x509.NewCertPool()
			roots.AddCert(server.Certificate())
			rest, err := NewRoundTripper(RESTOptions{Base: at, RootCAs: roots})
			if err != nil {
				t.Fatal(err)
			}
			defer rest.base.CloseIdleConnections()
			response, err := (&http.Client{Transport: rest}).Post(at.String(), "", strings.NewReader("part"))
			if err == nil {
				response.Body.Close()
				t.Fatal("there is an answer")
			}
			if f := ClassifyHTTP(at, err); f.Kind != KindReset || f.Permanent {
				t.Errorf("taken for %+v", f)
			}
		})
	}
}

type connKey struct{}

func connOf(r *http.Request) net.Conn { return r.Context().Value(connKey{}).(net.Conn) }
