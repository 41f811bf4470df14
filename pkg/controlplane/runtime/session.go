package runtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
)

// ErrNoTerminal is returned by [Runtime.Open] where the system has no terminals
// that it could give: on Windows.
var ErrNoTerminal = errors.New("there are no terminals on this system")

// pipeSize is what the pipes of a session hold, in bytes, where that can be
// chosen: fewer changes between who writes and who reads. A user may have 64 MiB
// of them before all of the user's pipes become small.
const pipeSize = 256 << 10

// Size is that of a terminal, in characters.
type Size struct{ Rows, Columns uint16 }

// Session is a process that somebody talks with. It ends as every [Process]
// does, and Done is closed when nothing of it is left; what it has written until
// then can still be read. One goroutine may read, one write and close the input,
// and others call the rest.
type Session struct {
	*Process
	terminal bool
	input    *os.File // the same as output if it is a terminal
	output   *os.File
	last     byte // that was written
	drained  int  // bytes read since the end
	ended    atomic.Bool
}

// Open starts a process like Start, but with streams. With a terminal of the
// given size, the process leads a session that this is the controlling terminal
// of. Without one, it has a pipe as standard input and another one as both
// standard output and standard error.
func (r *Runtime) Open(ctx context.Context, spec Spec, size *Size) (*Session, error) {
	s := &Session{terminal: size != nil}
	kind := pipes
	var theirs *os.File
	var err error
	if s.terminal {
		kind = terminal
		s.output, theirs, err = openTerminal(*size)
		s.input = s.output
	} else if theirs, s.input, err = os.Pipe(); err == nil {
		widen(s.input)
	}
	if err != nil {
		return nil, &StartError{ID: spec.ID, Op: string(kind), Err: err}
	}
	defer theirs.Close()
	s.Process, err = r.run(ctx, spec, kind, theirs, func(sup *supervisor) sink {
		sup.stderr.Close()
		if s.terminal {
			sup.stdout.Close()
		} else {
			s.output = sup.stdout
			widen(s.output)
		}
		return s
	})
	if err != nil {
		s.input.Close()
		return nil, err
	}
	return s, nil
}

func (s *Session) start() {}

// finish lets reads fail if something that escaped holds the output open.
func (s *Session) finish() {
	s.ended.Store(true)
	expect(s.output)
}

// Read returns what the process and its descendants write. The error is io.EOF
// when they have ended and everything was read, or after Close.
func (s *Session) Read(p []byte) (int, error) {
	if s.ended.Load() {
		if s.drained > 2*pipeSize { // more than there could have been
			return 0, io.EOF
		}
		expect(s.output)
	}
	n, err := s.output.Read(p)
	if s.ended.Load() {
		s.drained += n
	}
	if err != nil && (isHangup(err) || errors.Is(err, os.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded)) {
		err = io.EOF
	}
	return n, err
}

// Write gives the process something to read. It blocks while the process does
// not, and fails when it has ended or closed its input, or after Close.
func (s *Session) Write(p []byte) (int, error) {
	n, err := s.input.Write(p)
	if n > 0 {
		s.last = p[n-1]
	}
	return n, err
}

// CloseInput lets the process read the end of its input. On a terminal this is
// the character that means it, if there is one, which a process need not take
// for the end.
func (s *Session) CloseInput() error {
	if !s.terminal {
		return s.input.Close()
	}
	end, lines, err := endOfInput(s.input)
	if err != nil || end == noCharacter {
		return err
	}
	keys := []byte{end}
	if lines && s.last != 0 && s.last != '\n' && s.last != '\r' && s.last != end {
		keys = append(keys, end) // the first one only ends the line
	}
	_, err = s.Write(keys)
	return err
}

// Resize changes the size of the terminal, of which its foreground group is
// told with SIGWINCH. Without a terminal it does nothing.
func (s *Session) Resize(size Size) error {
	if !s.terminal {
		return nil
	}
	return resize(s.input, size)
}

// Hangup sends SIGHUP to the process and everything that it has started, as when
// the line to a terminal breaks; on Windows it is Terminate. It does not wait.
// The error is os.ErrProcessDone if the process has ended already.
func (s *Session) Hangup() error { return s.order(orderHangup) }

// ExitCode returns how the process ended as shells put it: its exit code, or 128
// and the number of the signal. It waits for Done. The error is ErrSupervisorLost
// if it is not known.
func (s *Session) ExitCode() (int, error) {
	exit := s.Exit()
	switch {
	case exit.Code >= 0:
		return exit.Code, nil
	case s.signal > 0:
		return 128 + s.signal, nil
	}
	return -1, fmt.Errorf("process %d: %w", s.PID(), exit.Err)
}

// Close kills what has not ended, waits for its end and closes the streams. It
// may be called more than once.
func (s *Session) Close() error {
	err := s.Kill()
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	<-s.Done()
	for _, file := range []*os.File{s.input, s.output} {
		if closing := file.Close(); closing != nil && !errors.Is(closing, os.ErrClosed) {
			err = errors.Join(err, closing)
		}
	}
	return err
}
