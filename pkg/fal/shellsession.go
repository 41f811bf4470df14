package fal

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fal-plugins/fal/pkg/internal/controllerpb"
)

// ErrSessionEnded is what writing to a session that has ended gives.
var ErrSessionEnded = io.ErrClosedPipe

const (
	// shellChunk is the most input in one message, in bytes: far below what
	// any server takes, and as much as a pipe holds.
	shellChunk = 64 << 10
	// shellGrace is how long Close waits for the service to end the session,
	// shellDrain how long a stream whose session has ended may stay open.
	shellGrace = time.Second
	shellDrain = 200 * time.Millisecond
)

// A ShellSession is a program that runs in a runner, as [RunnersService.Shell]
// started it. Reading, writing (Write, CloseWrite, Resize) and closing may be
// done at the same time by one goroutine each.
//
// Output and error output of the program arrive as one: the wire has a single
// channel for them.
type ShellSession struct {
	stream *grpcShell
	cancel context.CancelFunc
	broken <-chan struct{} // closed when the context has ended

	answered chan struct{}
	watching sync.WaitGroup

	// sending is the turn to send, which the stream gives one at a time.
	sending chan struct{}
	closed  atomic.Bool // for writing
	// receiving guards what follows; read is what came and was not taken yet.
	receiving sync.Mutex
	message   controllerpb.ShellRunnerOutput
	read      []byte
	end       error // nil: goes on; io.EOF: an orderly end
	closing   sync.Once

	mu     sync.Mutex
	exit   int
	exited bool
}

func newShellSession(ctx context.Context, cancel context.CancelFunc, stream *grpcShell) *ShellSession {
	s := &ShellSession{stream: stream, cancel: cancel, broken: ctx.Done(), answered: make(chan struct{}), sending: make(chan struct{}, 1)}
	s.watching.Go(func() {
		defer close(s.answered)
		_, _ = stream.Header() // an error is that of the next read too
	})
	return s
}

// Answered is closed when the service has answered for the first time: with
// output, the end of the session, or an error. A service may wait with its
// answer until there is output.
func (s *ShellSession) Answered() <-chan struct{} { return s.answered }

// Read reads output. It returns io.EOF at the end of the session, when
// [ShellSession.ExitCode] may tell how the program ended, and an *[Error] when
// the session was refused, broke or was closed.
func (s *ShellSession) Read(p []byte) (int, error) {
	s.receiving.Lock()
	defer s.receiving.Unlock()
	for len(s.read) == 0 {
		if len(p) == 0 {
			return 0, nil
		}
		if s.end != nil {
			return 0, s.end
		}
		s.receive()
	}
	n := copy(p, s.read)
	s.read = s.read[n:]
	return n, nil
}

// WriteTo writes all output to w until the end of the session, as io.Copy
// expects. An orderly end is no error.
func (s *ShellSession) WriteTo(w io.Writer) (n int64, err error) {
	s.receiving.Lock()
	defer s.receiving.Unlock()
	for {
		if len(s.read) > 0 {
			k, err := w.Write(s.read)
			n += int64(k)
			s.read = s.read[k:]
			if err != nil {
				return n, err
			}
			continue
		}
		switch {
		case s.end == io.EOF:
			return n, nil
		case s.end != nil:
			return n, s.end
		}
		s.receive()
	}
}

// receive takes the next message.
func (s *ShellSession) receive() {
	err := s.stream.RecvMsg(&s.message)
	switch {
	case err == io.EOF: // and not the io.EOF that a lost connection wraps
		s.end = io.EOF
		return
	case err != nil:
		s.end = lost(callError(s.stream.method, err))
		return
	}
	s.read = s.message.GetData()
	if s.message.ExitCode != nil {
		s.mu.Lock()
		s.exit, s.exited = int(s.message.GetExitCode()), true
		s.mu.Unlock()
	}
	if s.message.ExitCode != nil || s.message.GetClose() {
		s.end = io.EOF
		s.drain()
	}
}

// lost makes sure that nobody takes an error for the end of the output.
func lost(err error) error {
	var e *Error
	if errors.As(err, &e) && errors.Is(e.cause, io.EOF) {
		e.cause = io.ErrUnexpectedEOF
	}
	return err
}

// drain lets a stream whose session is over end in order, or breaks it.
func (s *ShellSession) drain() {
	s.endInput()
	defer time.AfterFunc(shellDrain, s.cancel).Stop()
	for s.stream.RecvMsg(new(controllerpb.ShellRunnerOutput)) == nil {
	}
}

// ExitCode is how the program ended; false if the service did not say, or has
// not said yet.
func (s *ShellSession) ExitCode() (code int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.exit, s.exited
}

// Write sends input. It waits while the other side takes nothing, and gives
// [ErrSessionEnded] when the session has ended: reading tells why.
func (s *ShellSession) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		chunk := p[:min(len(p), shellChunk)]
		if err := s.send(&controllerpb.ShellRunnerInput{Data: chunk}); err != nil {
			return n, err
		}
		n += len(chunk)
		p = p[len(chunk):]
	}
	return n, nil
}

// Resize tells the program that its terminal has another size.
func (s *ShellSession) Resize(size TerminalSize) error {
	wire, err := size.wire()
	if err != nil {
		return err
	}
	return s.send(&controllerpb.ShellRunnerInput{TtySize: wire})
}

// CloseWrite tells the program that its input has ended. Nothing can be
// written and no size be told after it.
func (s *ShellSession) CloseWrite() error {
	s.sending <- struct{}{}
	defer func() { <-s.sending }()
	return s.closeSend()
}

func (s *ShellSession) send(m *controllerpb.ShellRunnerInput) error {
	s.sending <- struct{}{}
	defer func() { <-s.sending }()
	if s.closed.Load() {
		return ErrSessionEnded
	}
	err := s.stream.SendMsg(m)
	switch {
	case err == io.EOF: // and not the io.EOF that a lost connection wraps
		return ErrSessionEnded
	case err != nil:
		return callError(s.stream.method, err)
	}
	return nil
}

// closeSend must be called by whoever has the turn to send.
func (s *ShellSession) closeSend() error {
	if s.closed.Swap(true) {
		return nil
	}
	if err := s.stream.CloseSend(); err != nil {
		return callError(s.stream.method, err)
	}
	return nil
}

// endInput is CloseWrite for when nobody may be waited for.
func (s *ShellSession) endInput() {
	select {
	case s.sending <- struct{}{}:
		defer func() { <-s.sending }()
		_ = s.closeSend() // the session is over anyhow
	default:
	}
}

// Close ends the session, and makes Read and Write return. If the program
// still runs, the service is told so and given a second to end the session in
// order; then the connection is broken off. Close may be called at any time,
// more than once, and returns nil. After CloseWrite there is no way to say so,
// and the connection is broken off at once.
func (s *ShellSession) Close() error {
	s.closing.Do(func() {
		timer := time.AfterFunc(shellGrace, s.cancel)
		s.sayGoodbye()
		s.awaitEnd()
		timer.Stop()
		s.cancel()
		s.watching.Wait()
	})
	return nil
}

// sayGoodbye ends once it has the turn to send, at the latest when the context
// has ended.
func (s *ShellSession) sayGoodbye() {
	s.sending <- struct{}{}
	defer func() { <-s.sending }()
	if s.closed.Load() { // nothing more can be said on the stream
		s.cancel()
	} else if s.stream.SendMsg(&controllerpb.ShellRunnerInput{Close: true}) == nil {
		_ = s.closeSend()
	}
}

// awaitEnd receives until the session has ended, unless somebody else does.
func (s *ShellSession) awaitEnd() {
	const pause = 5 * time.Millisecond
	for {
		if s.receiving.TryLock() {
			for s.end == nil {
				s.receive()
				s.read = nil
			}
			s.receiving.Unlock()
			return
		}
		select {
		case <-s.broken:
			return
		case <-time.After(pause):
		}
	}
}
