package runners

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// keys filters what is typed: `~.` at the beginning of a line ends the
// session, `~~` there is one tilde, and a tilde before anything else is
// itself. It begins at the beginning of a line.
type keys struct {
	inLine bool // something was typed since Return
	tilde  bool // a tilde at the beginning of a line waits for the next key
}

// filter appends to out what is to be sent of p. It stops at the keys that end
// the session.
func (k *keys) filter(out, p []byte) (_ []byte, ends bool) {
	for _, c := range p {
		if k.tilde {
			k.tilde = false
			if c == '.' {
				return out, true
			}
			out = append(out, '~')
			if c == '~' {
				k.inLine = true
				continue
			}
		} else if c == '~' && !k.inLine {
			k.tilde = true
			continue
		}
		out = append(out, c)
		k.inLine = c != '\r' && c != '\n'
	}
	return out, false
}

const (
	// keyRead is the most that a terminal gives at once, keyBacklog how many
	// such reads may wait for a runner that takes nothing: enough that what is
	// typed at a hung session does not keep `~.` from being seen.
	keyRead    = 4096
	keyBacklog = 256
)

// errEscaped: the keys that end a session were typed.
var errEscaped = errors.New("the session was ended: ~. was typed")

// readKeys reads the terminal until the session is ended by its keys, the
// context ends or the terminal is given back. Should the terminal be gone
// before that, typed is closed.
func readKeys(ctx context.Context, r io.Reader, typed chan<- []byte) error {
	var k keys
	buffer := make([]byte, keyRead)
	for {
		n, err := r.Read(buffer)
		out, ends := k.filter(make([]byte, 0, n+1), buffer[:n])
		if ends {
			return errEscaped
		}
		if len(out) > 0 {
			select {
			case typed <- out:
			case <-ctx.Done():
				return nil
			}
		}
		if errors.Is(err, os.ErrClosed) {
			return nil
		}
		if err != nil {
			close(typed)
			return nil
		}
	}
}

// sendKeys sends what was typed.
func sendKeys(ctx context.Context, session *fal.ShellSession, typed <-chan []byte) {
	for {
		select {
		case p, more := <-typed:
			if !more {
				_ = session.CloseWrite() // reading tells why
				return
			}
			if _, err := session.Write(p); err != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// terminalSize is the size to ask for; terminals that know none are taken for
// what they were for a long time.
func terminalSize(streams *iostreams.Streams) iostreams.TerminalSize {
	if size, ok := streams.TerminalSize(); ok {
		return size
	}
	return iostreams.TerminalSize{Columns: 80, Rows: 24}
}

// endedBySignal is the exit of a process that a signal ended.
func endedBySignal(sig os.Signal) error {
	if number, ok := sig.(syscall.Signal); ok {
		return cli.Silent(128 + int(number))
	}
	return cli.Silent(cli.ExitInterrupted)
}
