package iostreams

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"

	"github.com/mattn/go-colorable"
	"golang.org/x/term"
)

// rawFiles are the files that raw mode and sizes are about.
type rawFiles struct{ in, out *os.File }

// TerminalSize is the size of a terminal in characters.
type TerminalSize struct{ Columns, Rows int }

// TerminalSize is the size of the terminal of In, or else of Out; false if
// neither is a terminal that knows its size. COLUMNS does not count: the size
// is told to a program that draws on the real one.
func (s *Streams) TerminalSize() (TerminalSize, bool) {
	if s.files == nil {
		return TerminalSize{}, false
	}
	for _, f := range []*os.File{s.files.out, s.files.in} { // on Windows only the output has a size
		if columns, rows, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 && rows > 0 {
			return TerminalSize{columns, rows}, true
		}
	}
	return TerminalSize{}, false
}

// WatchSize calls changed whenever the terminal's size is another than the
// last one, which in the beginning is the given one, until the context ends.
func (s *Streams) WatchSize(ctx context.Context, last TerminalSize, changed func(TerminalSize)) {
	looks, stop := sizeSignals()
	defer stop()
	for {
		if size, ok := s.TerminalSize(); ok && size != last {
			last = size
			changed(size)
		}
		select {
		case <-looks:
		case <-ctx.Done():
			return
		}
	}
}

// Unbuffered is Out without its buffer, for streams that must show at once and
// for bytes that are no text. What Out holds back is written first.
func (s *Streams) Unbuffered() (io.Writer, error) {
	if s.files == nil {
		return s.Out, nil
	}
	return unbuffered{colorable.NewColorable(s.files.out)}, s.Flush()
}

type unbuffered struct{ w io.Writer }

func (u unbuffered) Write(p []byte) (int, error) {
	n, err := u.w.Write(p)
	return n, outputError(err)
}

// RawMode is the terminal of In while every key is passed on as it is typed.
// Whoever entered it must Restore it, and each goroutine that runs meanwhile
// must defer RestoreOnPanic. A signal that asks the process to end restores it
// too, see Signal, and SIGPIPE does not end the process: the write fails. Of a
// nil RawMode, a terminal that is left alone, the methods do nothing.
type RawMode struct {
	// In reads the keys, until os.ErrClosed when the terminal is restored (a
	// read on Windows goes on to the next key), and Out shows what comes,
	// escape sequences included.
	In  io.Reader
	Out io.Writer

	restore func() error
	signals chan os.Signal
	pipe    chan os.Signal
	caught  chan os.Signal
	done    chan struct{}
	once    sync.Once
	err     error
	running sync.WaitGroup
}

// ErrNoTerminal is the error of EnterRaw when In is no terminal.
var ErrNoTerminal = errors.New("standard input is no terminal")

// EnterRaw puts the terminal of In into raw mode: no echo, no line editing, no
// signals from keys.
func (s *Streams) EnterRaw() (*RawMode, error) {
	if s.files == nil || !s.inTerminal {
		return nil, ErrNoTerminal
	}
	out, err := s.Unbuffered()
	if err != nil {
		return nil, err
	}
	r := &RawMode{
		In: s.files.in, Out: out,
		signals: make(chan os.Signal, 1), pipe: make(chan os.Signal, 1),
		caught: make(chan os.Signal, 1), done: make(chan struct{}),
	}
	// First, so that no signal comes between the two unseen.
	catchEnding(r.signals, r.pipe)
	if err := r.enter(s.files); err != nil {
		signal.Stop(r.signals)
		signal.Stop(r.pipe)
		return nil, fmt.Errorf("cannot put the terminal into raw mode: %w", err)
	}
	r.running.Go(func() {
		select {
		case sig := <-r.signals:
			_ = r.giveBack()
			r.caught <- sig
		case <-r.done:
		}
	})
	return r, nil
}

// Signal gives the signal that asks the process to end. The terminal is
// restored before it is given, and a second one is not caught any more.
func (r *RawMode) Signal() <-chan os.Signal {
	if r == nil {
		return nil
	}
	return r.caught
}

// Restore gives the terminal back as it was found. It may be called by any
// goroutine and more than once.
func (r *RawMode) Restore() error {
	if r == nil {
		return nil
	}
	err := r.giveBack()
	r.running.Wait()
	return err
}

func (r *RawMode) giveBack() error {
	r.once.Do(func() {
		r.err = r.restore()
		signal.Stop(r.signals)
		signal.Stop(r.pipe)
		close(r.done)
	})
	return r.err
}

// RestoreOnPanic restores the terminal when the goroutine panics, so that the
// trace can be read, and goes on panicking. It must be deferred itself.
func (r *RawMode) RestoreOnPanic() {
	if p := recover(); p != nil {
		if r != nil {
			_ = r.giveBack()
		}
		panic(p)
	}
}
