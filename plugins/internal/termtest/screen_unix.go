//go:build unix

package termtest

import (
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"
)

// patience is how long a Screen waits for what is to come.
const patience = time.Minute

// A Screen is a real terminal of 90 columns and 30 rows, what is shown on it, and
// the keyboard before it. It ends with the test.
type Screen struct {
	*testing.T
	TTY *os.File // for the streams of a program

	user   *os.File
	before term.State
	mu     sync.Mutex
	shown  strings.Builder
}

// OpenScreen opens a terminal.
func OpenScreen(t *testing.T) *Screen {
	t.Helper()
	user, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	s := &Screen{T: t, TTY: tty, user: user}
	s.Resize(90, 30)
	s.before = s.settings()
	read := make(chan struct{})
	go func() {
		defer close(read)
		for buffer := make([]byte, 4096); ; {
			n, err := user.Read(buffer)
			s.mu.Lock()
			s.shown.Write(buffer[:n])
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		tty.Close()
		user.Close()
		<-read
	})
	return s
}

// Resize changes the size of the terminal.
func (s *Screen) Resize(columns, rows uint16) {
	s.Helper()
	if err := pty.Setsize(s.user, &pty.Winsize{Cols: columns, Rows: rows}); err != nil {
		s.Fatal(err)
	}
}

// Text is all that was shown so far.
func (s *Screen) Text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown.String()
}

// Keys types.
func (s *Screen) Keys(text string) {
	s.Helper()
	if _, err := io.WriteString(s.user, text); err != nil {
		s.Error(err)
	}
}

// Await waits until a text is shown.
func (s *Screen) Await(text string) {
	s.Helper()
	s.Until("the sight of "+text, func() bool { return strings.Contains(s.Text(), text) })
}

// Until waits until something is done.
func (s *Screen) Until(what string, done func() bool) {
	s.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			s.Fatalf("waited in vain for %s; shown: %q", what, s.Text())
		}
	}
}

// Changed reports whether the settings of the terminal are not those that it
// began with, as in raw mode.
func (s *Screen) Changed() bool {
	s.Helper()
	return s.settings() != s.before
}

func (s *Screen) settings() term.State {
	s.Helper()
	state, err := term.GetState(int(s.TTY.Fd()))
	if err != nil {
		s.Fatal(err)
	}
	return *state
}

// Ends waits for the result of a program, and holds it against the one wanted
// and the terminal against what it began as.
func Ends[R comparable](s *Screen, ended <-chan R, want R) {
	s.Helper()
	select {
	case got := <-ended:
		if got != want {
			s.Errorf("ended with %v, want %v; shown: %q", got, want, s.Text())
		}
	case <-time.After(patience):
		s.Fatalf("goes on; shown: %q", s.Text())
	}
	if s.Changed() {
		s.Error("the terminal is not as it was")
	}
}
