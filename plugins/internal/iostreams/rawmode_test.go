//go:build !windows

package iostreams_test

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// settings are those of a terminal, to be compared.
func settings(t *testing.T, f *os.File) term.State {
	t.Helper()
	s, err := term.GetState(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return *s
}

func TestRawMode(t *testing.T) {
	sc := openScreen(t)
	s := iostreams.FromFiles(sc.tty, sc.tty, sc.tty)
	before := settings(t, sc.tty)
	raw, err := s.EnterRaw()
	if err != nil {
		t.Fatal(err)
	}
	if settings(t, sc.tty) == before {
		t.Error("the terminal is not changed")
	}
	const keys = "\x03\x1a\x04\x1c\x11\x13\r\n\x7fé\x1b[200~x\x1b[201~"
	if _, err := io.WriteString(sc.user, keys); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(keys))
	if _, err := io.ReadFull(raw.In, got); err != nil || string(got) != keys {
		t.Errorf("read %q, %v", got, err)
	}
	if _, err := io.WriteString(raw.Out, "a\nb\x1b[31m\x00"); err != nil {
		t.Error(err)
	}
	sc.waitFor(t, "a\nb\x1b[31m\x00") // no echo, and no \r added
	late := make(chan error, 1)
	go func() { _, err := raw.In.Read(make([]byte, 1)); late <- err }()
	for range 2 {
		if err := raw.Restore(); err != nil {
			t.Error(err)
		}
	}
	if settings(t, sc.tty) != before {
		t.Error("the terminal is not as it was")
	}
	if err := <-late; !errors.Is(err, os.ErrClosed) {
		t.Errorf("a read when it was restored: %v", err)
	}
}

func TestRawModeIsLeftOnPanic(t *testing.T) {
	sc := openScreen(t)
	s := iostreams.FromFiles(sc.tty, sc.tty, sc.tty)
	before := settings(t, sc.tty)
	raw, err := s.EnterRaw()
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Restore()
	panicked := make(chan any, 1)
	go func() {
		defer func() {
			if settings(t, sc.tty) != before {
				t.Error("the terminal is not as it was")
			}
			panicked <- recover()
		}()
		defer raw.RestoreOnPanic()
		panic("oh")
	}()
	if p := <-panicked; p != "oh" {
		t.Errorf("panicked with %v", p)
	}
}

func TestRawModeIsLeftOnSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT} {
		sc := openScreen(t)
		s := iostreams.FromFiles(sc.tty, sc.tty, sc.tty)
		before := settings(t, sc.tty)
		raw, err := s.EnterRaw()
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(os.Getpid(), sig); err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-raw.Signal():
			if got != sig {
				t.Errorf("got %v, want %v", got, sig)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%v: no signal", sig)
		}
		if settings(t, sc.tty) != before {
			t.Errorf("%v: the terminal is not as it was", sig)
		}
		_ = raw.Restore()
	}
}

func TestRawModeNeedsATerminal(t *testing.T) {
	s, _, _, _ := iostreams.Test()
	if _, err := s.EnterRaw(); !errors.Is(err, iostreams.ErrNoTerminal) {
		t.Errorf("got %v", err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if _, err := iostreams.FromFiles(null, null, null).EnterRaw(); !errors.Is(err, iostreams.ErrNoTerminal) {
		t.Errorf("got %v", err)
	}
	var none *iostreams.RawMode
	none.RestoreOnPanic()
	if err := none.Restore(); err != nil || none.Signal() != nil {
		t.Errorf("nothing to restore: %v", err)
	}
}

func TestWatchSize(t *testing.T) {
	sc := openScreen(t)
	s := iostreams.FromFiles(sc.tty, sc.tty, sc.tty)
	size, ok := s.TerminalSize()
	if !ok || size != (iostreams.TerminalSize{Columns: 101, Rows: 24}) {
		t.Fatalf("size %+v, %t", size, ok)
	}
	ctx, stop := context.WithCancel(t.Context())
	sizes, done := make(chan iostreams.TerminalSize), make(chan struct{})
	go func() {
		defer close(done)
		s.WatchSize(ctx, iostreams.TerminalSize{Columns: 80, Rows: 24}, func(now iostreams.TerminalSize) { sizes <- now })
	}()
	if got := <-sizes; got != size {
		t.Errorf("at first %+v", got)
	}
	if err := pty.Setsize(sc.user, &pty.Winsize{Cols: 50, Rows: 10}); err != nil {
		t.Fatal(err)
	}
	// The screen is nobody's controlling terminal, so the signal is ours.
	if err := syscall.Kill(os.Getpid(), syscall.SIGWINCH); err != nil {
		t.Fatal(err)
	}
	if got := <-sizes; got != (iostreams.TerminalSize{Columns: 50, Rows: 10}) {
		t.Errorf("then %+v", got)
	}
	stop()
	<-done
}

func TestUnbuffered(t *testing.T) {
	s, _, out, _ := iostreams.Test()
	w, err := s.Unbuffered()
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(w, "x")
	if out.String() != "x" {
		t.Errorf("%q", out)
	}
	r, f, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s = iostreams.FromFiles(r, f, f)
	_, _ = io.WriteString(s.Out, "held ")
	if w, err = s.Unbuffered(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(w, "shown")
	f.Close()
	if got, _ := io.ReadAll(r); string(got) != "held shown" {
		t.Errorf("%q", got)
	}
	if _, err := io.WriteString(w, "x"); err == nil {
		t.Error("a write to a closed file succeeds")
	}
	r.Close()
}
