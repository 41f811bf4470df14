// Package faltest is a recording server for tests of the SDK and of programs
// made with it. It answers gRPC and REST on one loopback port, as the local
// control plane does:
//
//	server := faltest.New(t)
//	server.SetRunners(faltest.Runner{ID: "4f2a", Alias: "checkout", State: 8})
//	client, err := fal.New(server.Options())
//	…
//	server.Calls("ListRunners") // what was asked, as protobuf JSON
//
// What is scripted ([Server.Script], [Server.Handle], [Server.HandleStream],
// [Server.HandleREST]) comes first. Without a script, what was given by
// [Server.SetRunners], [Server.SetApps], [Server.SetRevisions],
// [Server.SetKeys], [Server.SetSecrets] and [Server.SetEnvironments] is listed
// and changed as the calls say. The calls of a deployment are answered as
// [Server.SetBuild], [Server.SetMetadata] and [Server.SetRegister] say, and
// [Server.ServeUploads] takes files. Every other gRPC method answers its empty
// message, and REST answers 404. [Server.Connections] makes the server
// misbehave before any call.
//
// The server ends with the test. It knows no rule of the service and checks no
// credentials.
package faltest

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fal-plugins/fal/pkg/fal"
)

// Transports of a [Call].
const (
	GRPC = "grpc"
	REST = "rest"
)

// A Call is one request that reached the server.
type Call struct {
	Transport string
	// Method is "ListRunners" for gRPC, "GET /users/current" for REST.
	Method string
	// Metadata are the call's metadata or headers; names are in lower case.
	Metadata map[string][]string
	// Request is the message of a gRPC call as JSON with the field names of
	// the wire; the first one, if the client streams.
	Request json.RawMessage
	// Query and Body are those of a REST request.
	Query url.Values
	Body  []byte
}

// Get is the first value of a metadata name, in lower case; empty if there is none.
func (c Call) Get(name string) string {
	if values := c.Metadata[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// A Server is made with [New] or [NewTLS].
type Server struct {
	t        testing.TB
	listener net.Listener
	server   *http.Server
	rest     *http.ServeMux
	tls      *certificate
	closed   chan struct{}
	running  sync.WaitGroup

	mu       sync.Mutex
	mode     Mode
	conns    map[net.Conn]struct{}
	accepted int
	calls    []Call
	scripts  map[string][]Answer
	handlers map[string]func(Call) Answer
	streams  map[string]func(*Stream) Answer
	logs     map[string]*Log

	runners      table[Runner]
	apps         table[App]
	revisions    table[Revision]
	keys         table[Key]
	created      atomic.Int64 // keys
	secrets      table[Secret]
	environments table[Environment]
	accounts     table[Account]

	builds        table[Build]
	runs          table[run]
	registrations table[Registration]
	registered    atomic.Int64
}

// New starts a server that speaks plaintext.
func New(t testing.TB) *Server {
	t.Helper()
	return start(t, nil)
}

// NewTLS starts a server that speaks TLS with a certificate of its own making,
// for 127.0.0.1 and, to be mistrusted, for no name.
func NewTLS(t testing.TB) *Server {
	t.Helper()
	c, err := newCertificate()
	if err != nil {
		t.Fatalf("faltest: %v", err)
	}
	return start(t, c)
}

func start(t testing.TB, c *certificate) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("faltest: %v", err)
	}
	s := &Server{
		t:        t,
		listener: listener,
		rest:     http.NewServeMux(),
		tls:      c,
		closed:   make(chan struct{}),
		conns:    make(map[net.Conn]struct{}),
		scripts:  make(map[string][]Answer),
		handlers: make(map[string]func(Call) Answer),
		streams:  make(map[string]func(*Stream) Answer),
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(c == nil)
	s.server = &http.Server{
		Handler:   http.HandlerFunc(s.serve),
		Protocols: protocols,
		ErrorLog:  quiet(),
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, conn)
		},
	}
	var serving net.Listener = &behaving{Listener: listener, server: s}
	if c != nil {
		s.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{c.pair}, NextProtos: []string{"h2", "http/1.1"}}
		serving = tls.NewListener(serving, s.server.TLSConfig)
	}
	s.running.Go(func() {
		if err := s.server.Serve(serving); !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("faltest: %v", err)
		}
	})
	t.Cleanup(s.Close)
	return s
}

// Close ends the server and every connection: from then on connections are
// refused. It is called at the end of the test, and may be called before.
func (s *Server) Close() {
	s.mu.Lock()
	if s.isClosed() {
		s.mu.Unlock()
		return
	}
	close(s.closed)
	s.mu.Unlock()
	s.closeConnections()
	_ = s.server.Close()
	s.running.Wait()
}

func (s *Server) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// Host is the server's host:port, for gRPC.
func (s *Server) Host() string { return s.listener.Addr().String() }

// RESTURL is the server's base URL, for REST.
func (s *Server) RESTURL() string {
	if s.tls != nil {
		return "https://" + s.Host()
	}
	return "http://" + s.Host()
}

// Key are credentials for the server; it accepts any other too.
func (s *Server) Key() fal.Key { return fal.Key{ID: "testid", Secret: "testsecret"} }

// Options are those of a client of this server.
func (s *Server) Options() fal.Options {
	o := fal.Options{Host: s.Host(), RESTURL: s.RESTURL(), Plaintext: s.tls == nil, Credentials: s.Key()}
	if s.tls != nil {
		o.RootCAs = s.tls.pool()
	}
	return o
}

// CertificatePEM is the certificate of a TLS server, as SSL_CERT_FILE wants it;
// nil without TLS.
func (s *Server) CertificatePEM() []byte {
	if s.tls == nil {
		return nil
	}
	return bytes.Clone(s.tls.pem)
}

// Calls are the requests that came so far, in their order: all of them, or
// those of the named methods.
func (s *Server) Calls(methods ...string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var calls []Call
	for _, call := range s.calls {
		if len(methods) == 0 || slices.Contains(methods, call.Method) {
			calls = append(calls, call)
		}
	}
	return calls
}

// Accepted is the number of connections that were made so far.
func (s *Server) Accepted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted
}

// Script gives the answers to the next calls of a gRPC method, one for each;
// after them the server goes on as before.
func (s *Server) Script(method string, answers ...Answer) {
	s.mustKnow(method)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts[method] = append(s.scripts[method], answers...)
}

// Handle answers the calls of a gRPC method that no script covers. It may be
// called by several goroutines at once.
func (s *Server) Handle(method string, answer func(Call) Answer) {
	s.mustKnow(method)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handlers[method] = answer
}

// HandleREST answers REST requests; the pattern is that of [http.ServeMux].
func (s *Server) HandleREST(pattern string, handler http.HandlerFunc) {
	s.rest.HandleFunc(pattern, handler)
}

func (s *Server) mustKnow(method string) {
	s.t.Helper()
	if methodDescriptor(method) == nil {
		s.t.Fatalf("faltest: the service has no method %q", method)
	}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.isClosed() {
		s.mu.Unlock()
		return
	}
	s.running.Add(1)
	s.mu.Unlock()
	defer s.running.Done()
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
		s.serveGRPC(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.record(Call{
		Transport: REST,
		Method:    r.Method + " " + r.URL.Path,
		Metadata:  metadataOf(r.Header),
		Query:     r.URL.Query(),
		Body:      body,
	})
	if _, pattern := s.rest.Handler(r); pattern == "" {
		if answer := s.accountsHandler(r); answer != nil {
			answer(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"detail": "Not Found"}`)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	s.rest.ServeHTTP(w, r)
}

func (s *Server) record(c Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, c)
}

func metadataOf(h http.Header) map[string][]string {
	md := make(map[string][]string, len(h))
	for name, values := range h {
		md[strings.ToLower(name)] = slices.Clone(values)
	}
	return md
}
