package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"

	"github.com/fal-plugins/fal/pkg/controlplane/loopback"
)

// wire is a connection to a runner that knows what went over it. What cannot be
// written any more is not known to the writer before nothing more can be read: a
// runner may have answered, whole, and gone without waiting for the rest of what it
// was asked, and http.Transport reads no answer after an error to write.
type wire struct {
	*net.TCPConn
	written, read atomic.Int64
	end           atomic.Pointer[error] // why nothing more can be read

	once sync.Once
	over chan struct{} // closed when nothing more can be read
}

// dial connects with a runner.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := loopback.Dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return newWire(conn), nil
}

func newWire(conn *net.TCPConn) *wire { return &wire{TCPConn: conn, over: make(chan struct{})} }

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.TCPConn.Read(p)
	w.read.Add(int64(n))
	if err != nil {
		if !errors.Is(err, net.ErrClosed) {
			w.end.CompareAndSwap(nil, &err)
		}
		w.finish()
	}
	return n, err
}

func (w *wire) finish() { w.once.Do(func() { close(w.over) }) }

// Close implements net.Conn.
func (w *wire) Close() error {
	w.finish()
	return w.TCPConn.Close()
}

func (w *wire) Write(p []byte) (int, error) {
	n, err := w.TCPConn.Write(p)
	w.written.Add(int64(n))
	if err != nil {
		// A connection that cannot be written to is broken: it can be read to its
		// end, and somebody does, or closes it.
		<-w.over
	}
	return n, err
}

// ReadFrom is that of net.TCPConn by way of Write.
func (w *wire) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{w}, r)
}

// plain is an error without the addresses of a connection to a runner, which mean
// nothing to who called it.
func plain(err error) error {
	var place *placeError
	var op *net.OpError
	if errors.As(err, &place) || !errors.As(err, &op) {
		return err
	}
	cause := op.Err
	for inner := (*net.OpError)(nil); errors.As(cause, &inner); {
		cause = inner.Err
	}
	if system := (*os.SyscallError)(nil); errors.As(cause, &system) {
		cause = system.Err
	}
	if op.Op == "dial" {
		return fmt.Errorf("it could not be reached: %w", cause)
	}
	return fmt.Errorf("the connection broke: %w", cause)
}
