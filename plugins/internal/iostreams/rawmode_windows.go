package iostreams

import (
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/sys/windows"
	"golang.org/x/term"
)

// sizePoll is how often the size is looked at: the console has no signal.
const sizePoll = 250 * time.Millisecond

func (r *RawMode) enter(f *rawFiles) error {
	fd := int(f.in.Fd())
	before, err := term.MakeRaw(fd)
	if err != nil {
		return err
	}
	r.In = &consoleReader{console: windows.Handle(f.in.Fd())}
	r.restore = func() error { return term.Restore(fd, before) }
	out := windows.Handle(f.out.Fd())
	var mode uint32
	if windows.GetConsoleMode(out, &mode) != nil {
		return nil // the output goes elsewhere
	}
	raw := mode | windows.ENABLE_PROCESSED_OUTPUT | windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING
	if windows.SetConsoleMode(out, raw|windows.DISABLE_NEWLINE_AUTO_RETURN) != nil && windows.SetConsoleMode(out, raw) != nil {
		return nil // an old console: escape sequences go on being translated
	}
	r.Out = unbuffered{f.out}
	restoreIn := r.restore
	r.restore = func() error {
		err := windows.SetConsoleMode(out, mode)
		if inErr := restoreIn(); inErr != nil {
			return inErr
		}
		return err
	}
	return nil
}

func catchEnding(ending, _ chan<- os.Signal) {
	signal.Notify(ending, os.Interrupt, syscall.SIGTERM) // the latter when the window is closed
}

func sizeSignals() (looks <-chan time.Time, stop func()) {
	t := time.NewTicker(sizePoll)
	return t.C, t.Stop
}

// consoleReader reads keys as UTF-8. Reading the console as a file would take
// Ctrl-Z for the end of input.
type consoleReader struct {
	console windows.Handle
	high    uint16 // half of a character whose other half was not read yet
	rest    []byte
}

func (c *consoleReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(c.rest) == 0 {
		var units [1024]uint16
		var n uint32
		if err := windows.ReadConsole(c.console, &units[0], uint32(len(units)), &n, nil); err != nil {
			return 0, err
		}
		if n == 0 {
			return 0, io.EOF
		}
		c.decode(units[:n])
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *consoleReader) decode(units []uint16) {
	for _, u := range units {
		switch {
		case c.high != 0:
			c.rest = utf8.AppendRune(c.rest, utf16.DecodeRune(rune(c.high), rune(u)))
			c.high = 0
		case u >= 0xd800 && u < 0xdc00:
			c.high = u
		default:
			c.rest = utf8.AppendRune(c.rest, rune(u))
		}
	}
}
