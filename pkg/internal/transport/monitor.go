package transport

import (
	"bytes"
	"context"
	"net"
	"strconv"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc/credentials"
)

// A monitor keeps what happened last to the connections of one Conn. gRPC
// turns the causes of its failures into text; the monitor sees them as they
// occur, in the dialer, in the handshake and on the socket.
type monitor struct {
	target string

	mu       sync.Mutex
	failures uint64
	last     *Failure
	waiting  map[*context.CancelFunc]struct{}
}

func (m *monitor) failed(f *Failure) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failures++
	m.last = f
	for cancel := range m.waiting {
		(*cancel)()
	}
	m.waiting = nil
}

// count is the number of failures so far.
func (m *monitor) count() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.failures
}

// latest is the last failure, nil before the first.
func (m *monitor) latest() *Failure {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last
}

// since is the last failure if it came after the first n of them, else nil.
func (m *monitor) since(n uint64) *Failure {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failures == n {
		return nil
	}
	return m.last
}

// untilFailure returns a context that ends with ctx or at the next failure.
func (m *monitor) untilFailure(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	key := &cancel
	m.mu.Lock()
	if m.waiting == nil {
		m.waiting = make(map[*context.CancelFunc]struct{})
	}
	m.waiting[key] = struct{}{}
	m.mu.Unlock()
	return ctx, func() {
		m.mu.Lock()
		delete(m.waiting, key)
		m.mu.Unlock()
		cancel()
	}
}

// watchedCredentials report the failures of the handshake, and of every
// connection that it returns, to a monitor.
type watchedCredentials struct {
	credentials.TransportCredentials
	monitor *monitor
}

func (c *watchedCredentials) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := c.TransportCredentials.ClientHandshake(ctx, authority, raw)
	if err != nil {
		c.monitor.failed(classifyHandshake(c.monitor.target, err))
		return nil, nil, err
	}
	return &watchedConn{Conn: conn, monitor: c.monitor}, info, nil
}

func (c *watchedCredentials) Clone() credentials.TransportCredentials {
	return &watchedCredentials{TransportCredentials: c.TransportCredentials.Clone(), monitor: c.monitor}
}

// frameHeader is the length of an HTTP/2 frame's header. A server's first frame
// is SETTINGS on stream 0; whatever else comes first is not HTTP/2.
const frameHeader = 9

// helloLimit is how much of a greeting is kept: enough for the status of
// HTTP/1, "HTTP/1.1 400", with which such a server answers HTTP/2's preface.
const helloLimit = 16

// watchedConn recognises a peer that does not speak HTTP/2 by its first bytes,
// and reports the way in which the connection ends.
type watchedConn struct {
	net.Conn
	monitor *monitor

	greeted atomic.Bool

	mu       sync.Mutex
	hello    []byte
	spoke    bool
	reported bool
}

func (c *watchedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && !c.greeted.Load() {
		if err := c.greet(p[:n]); err != nil {
			return 0, err
		}
	}
	if err != nil {
		c.end(err)
	}
	return n, err
}

func (c *watchedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err != nil {
		c.end(err)
	}
	return n, err
}

func (c *watchedConn) Close() error {
	err := c.Conn.Close()
	c.end(nil)
	return err
}

// greet looks at the first bytes. Its error ends the connection: gRPC would
// wait on for the rest of what it takes for a frame.
func (c *watchedConn) greet(p []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hello = append(c.hello, p[:min(len(p), helloLimit-len(c.hello))]...)
	const settings = 4
	const statusEnd = len("HTTP/1.1 400")
	http1 := bytes.HasPrefix(c.hello, []byte("HTTP/1."))
	var f *Failure
	switch {
	case isTLSAlert(c.hello):
		f = wantsTLS(c.monitor.target)
	case len(c.hello) < frameHeader, http1 && len(c.hello) < statusEnd:
		return nil
	case http1:
		status, _ := strconv.Atoi(string(c.hello[statusEnd-3 : statusEnd]))
		f = notGRPC(c.monitor.target, status, nil)
	case c.hello[3] == settings && bytes.Equal(c.hello[5:frameHeader], []byte{0, 0, 0, 0}):
		c.spoke = true
	default:
		f = notGRPC(c.monitor.target, 0, nil)
	}
	c.hello = nil
	c.greeted.Store(true)
	if f == nil {
		return nil
	}
	c.report(f)
	return f
}

// isTLSAlert recognises what a TLS server says to plaintext.
func isTLSAlert(hello []byte) bool {
	const alert, major = 21, 3
	return len(hello) >= 2 && hello[0] == alert && hello[1] == major
}

func (c *watchedConn) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.spoke && len(c.hello) > 0 {
		c.report(notGRPC(c.monitor.target, 0, err))
		return
	}
	c.report(classifyLoss(c.monitor.target, err, c.spoke))
}

// report passes on the first failure: a later one only follows from it. The
// caller holds mu.
func (c *watchedConn) report(f *Failure) {
	if c.reported {
		return
	}
	c.reported = true
	c.monitor.failed(f)
}
