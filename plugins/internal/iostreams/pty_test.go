//go:build !windows

package iostreams_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// screen is a terminal and what was shown on it.
type screen struct {
	user, tty *os.File

	mu    sync.Mutex
	shown bytes.Buffer
}

func openScreen(t *testing.T) *screen {
	t.Helper()
	user, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(user, &pty.Winsize{Rows: 24, Cols: 101}); err != nil {
		t.Fatal(err)
	}
	sc := &screen{user: user, tty: tty}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 1024)
		for {
			n, err := user.Read(b)
			sc.mu.Lock()
			sc.shown.Write(b[:n])
			sc.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { tty.Close(); user.Close(); <-done })
	return sc
}

func (sc *screen) text() string {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	return sc.shown.String()
}

func (sc *screen) waitFor(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !strings.Contains(sc.text(), text); {
		if time.Now().After(deadline) {
			t.Fatalf("%q is not shown: %q", text, sc.text())
		}
		time.Sleep(time.Millisecond)
	}
}

func TestTerminal(t *testing.T) {
	sc := openScreen(t)
	s := iostreams.FromFiles(sc.tty, sc.tty, sc.tty)
	if !s.InTerminal() || !s.OutTerminal() || !s.ErrTerminal() {
		t.Error("a terminal is not recognised")
	}
	s.SetEnv(environment(""))
	if got := s.Width(); got != 101 {
		t.Errorf("width %d", got)
	}
	if !s.OutColor() || !s.ErrColor() {
		t.Error("no colour")
	}
}

func TestReadSecretOnTerminal(t *testing.T) {
	tests := []struct {
		name, typed, want string
		err               error
	}{
		{"line", "geheim\r", "geheim", nil},
		{"corrected", "geheimü\x7f\x7fn\r", "gehein", nil},
		{"backspace on nothing", "\x7f\x7fa\r", "a", nil},
		{"started again", "wrong\x15right\n", "right", nil},
		{"ended with Ctrl-D", "geheim\x04", "geheim", nil},
		{"nothing but Ctrl-D", "\x04", "", io.EOF},
		{"Ctrl-C", "gehe\x03", "", context.Canceled},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sc := openScreen(t)
			s := iostreams.FromFiles(sc.tty, sc.tty, sc.tty)
			before, err := term.GetState(int(sc.tty.Fd()))
			if err != nil {
				t.Fatal(err)
			}
			type answer struct {
				secret string
				err    error
			}
			done := make(chan answer, 1)
			go func() {
				secret, err := s.ReadSecret(context.Background(), "Key: ")
				done <- answer{secret, err}
			}()
			sc.waitFor(t, "Key: ")
			if _, err := io.WriteString(sc.user, test.typed); err != nil {
				t.Fatal(err)
			}
			got := <-done
			if got.secret != test.want || !errors.Is(got.err, test.err) {
				t.Errorf("%q, %v; want %q, %v", got.secret, got.err, test.want, test.err)
			}
			sc.waitFor(t, "\n")
			if shown := strings.TrimSpace(sc.text()); shown != "Key:" {
				t.Errorf("shown: %q", shown)
			}
			after, err := term.GetState(int(sc.tty.Fd()))
			if err != nil || *after != *before {
				t.Errorf("the terminal is left changed: %v, %v", after, err)
			}
		})
	}
}

// What nobody sees being typed, and can hardly be meant, is not taken.
func TestReadSecretRefusesControlCharacters(t *testing.T) {
	for typed, want := range map[string]string{
		"abc\x1b[Dd\r":          `\x1b`,
		"abc\x1b[Dd\x04":        `\x1b`,
		"a\x01b\n":              `\x01`,
		"a\x00\n":               `\x00`,
		"a\u0085b\r":            `\u0085`,
		"a\tb\r":                "",
		"wrong\x1b[A\x15b\r":    "",
		"a\x1b\x7fb\r":          "",
		"\xff\xfe, not UTF-8\r": "",
	} {
		sc := openScreen(t)
		s := iostreams.FromFiles(sc.tty, sc.tty, sc.tty)
		done := make(chan error, 1)
		secret := ""
		go func() {
			var err error
			secret, err = s.ReadSecret(context.Background(), "Key: ")
			done <- err
		}()
		sc.waitFor(t, "Key: ")
		if _, err := io.WriteString(sc.user, typed); err != nil {
			t.Fatal(err)
		}
		err := <-done
		if want == "" {
			if err != nil || secret == "" {
				t.Errorf("%q: %q, %v", typed, secret, err)
			}
			continue
		}
		var coder interface{ ExitCode() int }
		if secret != "" || !errors.As(err, &coder) || coder.ExitCode() != 2 || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q, %v", typed, secret, err)
		}
	}
}

func TestReadSecretRestoresTerminalOnCancel(t *testing.T) {
	sc := openScreen(t)
	s := iostreams.FromFiles(sc.tty, sc.tty, sc.tty)
	before, err := term.GetState(int(sc.tty.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { _, err := s.ReadSecret(ctx, "Key: "); done <- err }()
	sc.waitFor(t, "Key: ")
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	after, err := term.GetState(int(sc.tty.Fd()))
	if err != nil || *after != *before {
		t.Errorf("the terminal is left changed: %v, %v", after, err)
	}
	// The read that is still pending ends with the next line, which is kept.
	if _, err := io.WriteString(sc.user, "next\n"); err != nil {
		t.Fatal(err)
	}
	if got, err := s.ReadLine(context.Background(), ""); err != nil || got != "next" {
		t.Errorf("next prompt: %q, %v", got, err)
	}
}

func TestInterruptedPromptExitsWith130(t *testing.T) {
	sc := openScreen(t)
	s := iostreams.FromFiles(sc.tty, sc.tty, sc.tty)
	done := make(chan error, 1)
	go func() { _, err := s.ReadSecret(context.Background(), "Key: "); done <- err }()
	sc.waitFor(t, "Key: ")
	if _, err := sc.user.Write([]byte{3}); err != nil {
		t.Fatal(err)
	}
	var coder interface{ ExitCode() int }
	if err := <-done; !errors.As(err, &coder) || coder.ExitCode() != 130 {
		t.Errorf("got %v", err)
	}
}
