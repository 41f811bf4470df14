package interop

import (
	"bufio"
	"net"
	"sync"
)

// splitter parts the connections of one listener by the protocol that they
// begin with: gRPC speaks HTTP/2 from its first byte, REST clients HTTP/1.
type splitter struct {
	net.Listener
	http1, http2 *branch

	peeking sync.WaitGroup
}

func split(l net.Listener) *splitter {
	s := &splitter{Listener: l}
	s.http1, s.http2 = newBranch(l.Addr()), newBranch(l.Addr())
	return s
}

// accept hands out connections until the listener is closed.
func (s *splitter) accept() error {
	defer s.peeking.Wait()
	defer s.http1.Close()
	defer s.http2.Close()
	for {
		conn, err := s.Accept()
		if err != nil {
			return err
		}
		s.peeking.Go(func() {
			reader := bufio.NewReader(conn)
			to := s.http1
			if first, err := reader.Peek(3); err == nil && string(first) == "PRI" {
				to = s.http2
			}
			to.give(peekedConn{conn, reader})
		})
	}
}

// peekedConn reads what was peeked at first.
type peekedConn struct {
	net.Conn
	reader *bufio.Reader
}

func (c peekedConn) Read(b []byte) (int, error) { return c.reader.Read(b) }

// branch is a listener of the connections that it is given.
type branch struct {
	addr  net.Addr
	conns chan net.Conn

	once   sync.Once
	closed chan struct{}
}

func newBranch(addr net.Addr) *branch {
	return &branch{addr: addr, conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (b *branch) give(c net.Conn) {
	select {
	case b.conns <- c:
	case <-b.closed:
		c.Close() // nobody waits for it any more
	}
}

// Accept implements [net.Listener].
func (b *branch) Accept() (net.Conn, error) {
	select {
	case c := <-b.conns:
		return c, nil
	case <-b.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (b *branch) Close() error {
	b.once.Do(func() { close(b.closed) })
	return nil
}

// Addr implements [net.Listener].
func (b *branch) Addr() net.Addr { return b.addr }
