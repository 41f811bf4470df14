package faltest

import (
	"io"
	"log"
	"maps"
	"net"
	"slices"
)

// A Mode is how the server treats new connections.
type Mode int

const (
	// Serve answers them; the default.
	Serve Mode = iota
	// Silent accepts them, and neither answers nor closes them.
	Silent
	// Garbage answers with bytes that are no protocol, and closes them.
	Garbage
	// WebServer answers as a server of HTTP/1.1 that knows nothing else.
	WebServer
	// Hangup closes them at once.
	Hangup
)

// Connections sets how connections made from now on are treated, and closes
// those that exist.
func (s *Server) Connections(mode Mode) {
	s.mu.Lock()
	s.mode = mode
	s.mu.Unlock()
	s.closeConnections()
}

func (s *Server) closeConnections() {
	s.mu.Lock()
	conns := slices.Collect(maps.Keys(s.conns))
	s.mu.Unlock()
	for _, conn := range conns {
		_ = conn.Close()
	}
}

type connKey struct{}

// behaving is a listener that hands on only what is to be served.
type behaving struct {
	net.Listener
	server *Server
}

func (l *behaving) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		s := l.server
		tracked := &trackedConn{Conn: conn, server: s}
		s.mu.Lock()
		mode := s.mode
		s.accepted++
		s.conns[tracked] = struct{}{}
		s.mu.Unlock()
		if mode == Serve {
			return tracked, nil
		}
		s.running.Go(func() { misbehave(tracked, mode, s.closed) })
	}
}

func misbehave(conn net.Conn, mode Mode, closed <-chan struct{}) {
	defer conn.Close()
	switch mode {
	case Silent:
		<-closed
	case Garbage:
		_, _ = conn.Write([]byte("\x00\x01\x02 this is no protocol that anybody knows \xff\xfe\r\n"))
		drain(conn)
	case WebServer:
		_, _ = conn.Write([]byte("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nbad request\n"))
		drain(conn)
	}
}

// drain reads until the other side closes: closing with unread bytes would
// reset the connection and could take our answer with it.
func drain(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

type trackedConn struct {
	net.Conn
	server *Server
}

func (c *trackedConn) Close() error {
	c.server.mu.Lock()
	delete(c.server.conns, c)
	c.server.mu.Unlock()
	return c.Conn.Close()
}

// reset closes a connection so that the other side sees it reset.
func (c *trackedConn) reset() {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Conn.Close()
}

// hangUp ends a connection so that the other side gets all that was written.
func (c *trackedConn) hangUp() {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
		return
	}
	_ = c.Conn.Close()
}

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }
