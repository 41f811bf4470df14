package iostreams

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"sync"
)

// bufferSize of stdout in bytes: that of a pipe on Linux, so that a long list
// is a few hundred system calls rather than one a row.
const bufferSize = 64 << 10

// stdout is a buffered writer for several goroutines. After a failed write it
// keeps returning that error.
type stdout struct {
	mu  sync.Mutex
	buf *bufio.Writer
}

func newStdout(w io.Writer) *stdout {
	return &stdout{buf: bufio.NewWriterSize(w, bufferSize)}
}

func (o *stdout) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := o.buf.Write(p)
	return n, outputError(err)
}

func (o *stdout) WriteString(s string) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := o.buf.WriteString(s)
	return n, outputError(err)
}

func (o *stdout) Flush() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return outputError(o.buf.Flush())
}

// stderr keeps the order in which a reader of both streams sees them.
type stderr struct {
	before *stdout
	w      io.Writer
	mu     sync.Mutex
}

func (e *stderr) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	// A failure stays in the buffer's writer and is returned by Streams.Flush.
	_ = e.before.Flush()
	return e.w.Write(p)
}

// outputError names the stream in words rather than by the descriptor's path,
// and keeps the cause for errors.Is.
func outputError(err error) error {
	if err == nil {
		return nil
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return &writeError{err}
}

type writeError struct{ err error }

func (e *writeError) Error() string { return "writing to standard output: " + e.err.Error() }
func (e *writeError) Unwrap() error { return e.err }

// IsOutputError reports whether err comes from writing to Out.
func IsOutputError(err error) bool {
	var e *writeError
	return errors.As(err, &e)
}

// IsClosedPipe reports whether err comes from writing to a stream that nobody
// reads any more, which is no failure of the command. A full disk and a
// descriptor that was closed before the start are failures.
func IsClosedPipe(err error) bool {
	return err != nil && (errors.Is(err, io.ErrClosedPipe) || isBrokenPipe(err))
}
