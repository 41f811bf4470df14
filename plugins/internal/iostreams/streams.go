// Package iostreams gives a command its three streams and what it may do with
// them: whether they are terminals, how wide, whether to colour, how to ask.
//
//	s := iostreams.System()
//	s.SetColor(mode)
//	fmt.Fprintln(s.Out, s.PaintOut(iostreams.Green, iostreams.SanitizeLine(name)))
//	ok, err := s.Confirm(ctx, "Stop 2 runners?")
//	err = s.Flush()
//
// What it guarantees:
//   - Out is buffered and nothing is lost in silence: a failed write is
//     returned by that write or by a later one, at the latest by Flush.
//   - What is written to Err appears after what was written to Out before it.
//   - Prompts go to Err, read no more of In than they need, and return when
//     their context ends, with the terminal as it was.
//   - Nothing is read from the environment or the terminal at import time.
//
// A reader that closes the pipe early (| head -1) ends the process: on Unix the
// Go runtime raises SIGPIPE for a write to a broken descriptor 1 or 2, which is
// exit status 141 without a message, as for any other filter. Where there is
// no SIGPIPE, or the program catches it, IsClosedPipe recognises the error.
package iostreams

import (
	"bytes"
	"io"
	"os"
	"strconv"

	"github.com/mattn/go-colorable"
	"github.com/mattn/go-isatty"
	"golang.org/x/term"
)

// Streams are the three streams of one command. The setters are for the time
// before the command runs; afterwards Out and Err of System may be written
// from several goroutines.
type Streams struct {
	In  io.Reader
	Out io.Writer // data; buffered, see Flush
	Err io.Writer // notices, prompts, errors; not buffered

	stdout *stdout   // nil when Out is not buffered
	files  *rawFiles // nil in tests without files

	inTerminal, outTerminal, errTerminal bool

	columns func() int // asks the terminal of stdout
	getenv  func(string) string

	mode               ColorMode
	outColor, errColor bool

	prompt prompter
}

// System returns the streams of the process. On Windows it switches the
// console to escape sequences, or translates them where it cannot.
func System() *Streams {
	return FromFiles(os.Stdin, os.Stdout, os.Stderr)
}

// FromFiles returns streams over open files, terminals or not. They stay the
// caller's to close.
func FromFiles(in, out, errout *os.File) *Streams {
	buffered := newStdout(colorable.NewColorable(out))
	s := &Streams{
		In:          in,
		Out:         buffered,
		Err:         &stderr{before: buffered, w: colorable.NewColorable(errout)},
		stdout:      buffered,
		files:       &rawFiles{in: in, out: out},
		inTerminal:  isTerminal(in),
		outTerminal: isTerminal(out),
		errTerminal: isTerminal(errout),
		columns: func() int {
			width, _, err := term.GetSize(int(out.Fd()))
			if err != nil {
				return 0
			}
			return width
		},
		getenv: os.Getenv,
	}
	s.decideColor()
	return s
}

// Test returns streams over buffers: no terminals, no colour, an empty
// environment. Out is not buffered twice, so it needs no Flush to be seen.
func Test() (s *Streams, in, out, errout *bytes.Buffer) {
	in, out, errout = new(bytes.Buffer), new(bytes.Buffer), new(bytes.Buffer)
	s = &Streams{
		In:      in,
		Out:     out,
		Err:     errout,
		columns: func() int { return 0 },
		getenv:  func(string) string { return "" },
	}
	return s, in, out, errout
}

// SetTerminal declares which streams are terminals, for tests.
func (s *Streams) SetTerminal(in, out, errout bool) {
	s.inTerminal, s.outTerminal, s.errTerminal = in, out, errout
	s.decideColor()
}

// SetWidth fixes the width of the terminal of stdout in columns, for tests.
func (s *Streams) SetWidth(columns int) {
	s.columns = func() int { return columns }
}

// SetEnv replaces the environment that colour and width are decided from, for
// tests.
func (s *Streams) SetEnv(getenv func(string) string) {
	s.getenv = getenv
	s.decideColor()
}

// InTerminal reports whether In is a terminal, so that somebody can be asked.
func (s *Streams) InTerminal() bool { return s.inTerminal }

// OutTerminal reports whether Out is a terminal.
func (s *Streams) OutTerminal() bool { return s.outTerminal }

// OutDiscarded reports whether what is written to Out is lost: stdout was
// closed before the start, or is the null device.
func (s *Streams) OutDiscarded() bool { return s.files != nil && discards(s.files.out) }

// ErrTerminal reports whether Err is a terminal.
func (s *Streams) ErrTerminal() bool { return s.errTerminal }

// Width is the width of the terminal of stdout in columns, or 0 when stdout is
// no terminal or its width is not known: then nothing limits a line. COLUMNS
// overrides what a terminal says of itself, and is ignored without one, since
// shells and watch export it into pipes.
func (s *Streams) Width() int {
	if !s.outTerminal {
		return 0
	}
	if n, err := strconv.Atoi(s.getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	return max(s.columns(), 0)
}

// Flush writes what Out holds back. Its error is the first one of any write to
// Out; IsClosedPipe tells whether it only means that nobody reads any more.
func (s *Streams) Flush() error {
	if s.stdout == nil {
		return nil
	}
	return s.stdout.Flush()
}

func isTerminal(f *os.File) bool {
	return isatty.IsTerminal(f.Fd()) || isatty.IsCygwinTerminal(f.Fd())
}
