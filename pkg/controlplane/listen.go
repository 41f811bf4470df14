package controlplane

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// listenLoopback refuses to be reachable from another machine.
func listenLoopback(ctx context.Context, address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("listen address: %w", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("listen address %s: the control plane answers on the loopback interface only, as 127.0.0.1", address)
	}
	return new(net.ListenConfig).Listen(ctx, "tcp", address)
}

// sniffTimeout bounds how long a new connection may take to say what it speaks.
const sniffTimeout = 10 * time.Second

// portMux hands each connection of one listener to one of two servers by what
// it speaks: HTTP/2 with prior knowledge, or as the only protocol that the
// client offers in TLS, is gRPC; everything else is REST over HTTP/1.1. A TLS
// client that offers both gets HTTP/1.1, since no gRPC client offers that.
// Each server owns its connections, so that gRPC runs on its own transport,
// which is several times as fast as its http.Handler.
type portMux struct {
	listener net.Listener
	tls      *tls.Config // nil for plaintext
	grpc     *handover
	rest     *handover

	serving  sync.WaitGroup // the two servers
	sniffing sync.WaitGroup

	mu      sync.Mutex
	sniffed map[net.Conn]struct{} // connections whose protocol is not known yet
	closed  bool
}

func newPortMux(listener net.Listener, config *tls.Config) *portMux {
	return &portMux{
		listener: listener,
		tls:      config,
		grpc:     newHandover(listener.Addr()),
		rest:     newHandover(listener.Addr()),
		sniffed:  make(map[net.Conn]struct{}),
	}
}

func (m *portMux) start() { m.sniffing.Go(m.accept) }

func (m *portMux) accept() {
	pause := time.Millisecond
	for {
		conn, err := m.listener.Accept()
		if err != nil {
			if m.isClosed() {
				return
			}
			// Out of descriptors, for instance: others will be freed.
			time.Sleep(pause)
			pause = min(2*pause, time.Second)
			continue
		}
		pause = time.Millisecond
		if !m.track(conn) {
			conn.Close()
			continue
		}
		m.sniffing.Go(func() { m.route(conn) })
	}
}

func (m *portMux) isClosed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.closed
}

func (m *portMux) track(conn net.Conn) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.sniffed[conn] = struct{}{}
	}
	return !m.closed
}

func (m *portMux) route(raw net.Conn) {
	conn, to, err := m.sniff(raw)
	m.mu.Lock()
	delete(m.sniffed, raw)
	m.mu.Unlock()
	if err != nil || !to.give(conn) {
		raw.Close()
	}
}

// sniff reads what tells HTTP/2 from HTTP/1: no method begins with "PRI ".
func (m *portMux) sniff(conn net.Conn) (net.Conn, *handover, error) {
	if err := conn.SetDeadline(time.Now().Add(sniffTimeout)); err != nil {
		return nil, nil, err
	}
	if m.tls != nil {
		secured := tls.Server(conn, m.tls)
		if err := secured.Handshake(); err != nil {
			explainTLS(err)
			return nil, nil, err
		}
		conn = secured
	}
	head := make([]byte, len("PRI "))
	if _, err := io.ReadFull(conn, head); err != nil {
		return nil, nil, err
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return nil, nil, err
	}
	to := m.rest
	if string(head) == "PRI " {
		to = m.grpc
	}
	return &replayConn{Conn: conn, head: head}, to, nil
}

// explainTLS tells a client that speaks plain HTTP/1 what is wrong.
func explainTLS(err error) {
	var header tls.RecordHeaderError
	if !errors.As(err, &header) || header.Conn == nil || header.RecordHeader[0] < 'A' || header.RecordHeader[0] > 'Z' {
		return
	}
	// It may have gone away, which is all the same.
	_, _ = io.WriteString(header.Conn, "HTTP/1.0 400 Bad Request\r\nContent-Type: application/json\r\n\r\n{\"detail\":\"this port speaks TLS\"}\n")
}

// close stops accepting; connections that were handed over stay open.
func (m *portMux) close() error {
	m.mu.Lock()
	m.closed = true
	for conn := range m.sniffed {
		conn.Close()
	}
	m.mu.Unlock()
	err := m.listener.Close()
	m.sniffing.Wait()
	return err
}

// replayConn gives back what was read from a connection to look at it.
type replayConn struct {
	net.Conn
	head []byte
}

func (c *replayConn) Read(p []byte) (int, error) {
	if len(c.head) > 0 {
		n := copy(p, c.head)
		c.head = c.head[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// handover is a net.Listener that is given its connections.
type handover struct {
	address net.Addr
	conns   chan net.Conn
	done    chan struct{}
	once    sync.Once
}

func newHandover(address net.Addr) *handover {
	return &handover{address: address, conns: make(chan net.Conn), done: make(chan struct{})}
}

// give waits until the server takes the connection; false when it has ended.
func (h *handover) give(conn net.Conn) bool {
	select {
	case h.conns <- conn:
		return true
	case <-h.done:
		return false
	}
}

func (h *handover) Accept() (net.Conn, error) {
	select {
	case conn := <-h.conns:
		return conn, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

func (h *handover) Close() error {
	h.once.Do(func() { close(h.done) })
	return nil
}

func (h *handover) Addr() net.Addr { return h.address }
