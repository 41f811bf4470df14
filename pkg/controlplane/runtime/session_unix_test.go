//go:build linux || darwin

package runtime

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func openSession(t *testing.T, rt *Runtime, size *Size, argv ...string) *Session {
	t.Helper()
	s, err := rt.Open(t.Context(), Spec{ID: t.Name(), Argv: argv, Env: []string{path()}}, size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// readUntil reads until the text has come.
func readUntil(t *testing.T, s *Session, text string) string {
	t.Helper()
	var all strings.Builder
	buffer := make([]byte, 1<<10)
	for !strings.Contains(all.String(), text) {
		n, err := s.Read(buffer)
		all.Write(buffer[:n])
		if err != nil {
			t.Fatalf("%v before %q after %q", err, text, all.String())
		}
	}
	return all.String()
}

func finish(t *testing.T, s *Session, want int) string {
	t.Helper()
	rest, err := io.ReadAll(s)
	if err != nil {
		t.Error(err)
	}
	wait(t, s.Process)
	if code, err := s.ExitCode(); code != want || err != nil {
		t.Errorf("exit code %d, %v, want %d", code, err, want)
	}
	return string(rest)
}

func TestSessionOnPipes(t *testing.T) {
	rt := newRuntime(t)
	s := openSession(t, rt, nil, shell(`echo err >&2; cat; exit 4`)...)
	if err := s.Resize(Size{1, 1}); err != nil {
		t.Error(err)
	}
	if _, err := io.WriteString(s, "in\x00\xff"); err != nil {
		t.Fatal(err)
	}
	if err := s.CloseInput(); err != nil {
		t.Fatal(err)
	}
	if got := finish(t, s, 4); got != "err\nin\x00\xff" {
		t.Errorf("%q", got)
	}
	if err := s.Hangup(); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("hangup after the end: %v", err)
	}
}

func TestSessionOnATerminal(t *testing.T) {
	rt := newRuntime(t)
	s := openSession(t, rt, &Size{Rows: 12, Columns: 34}, shell(`stty size; trap 'stty size; exit 5' WINCH; echo ready; while :; do sleep 0.02; done`)...)
	if got := readUntil(t, s, "ready\r\n"); !strings.HasPrefix(got, "12 34\r\n") {
		t.Errorf("%q", got)
	}
	if err := s.Resize(Size{Rows: 56, Columns: 78}); err != nil {
		t.Fatal(err)
	}
	if got := finish(t, s, 5); got != "56 78\r\n" {
		t.Errorf("%q", got)
	}
}

// A process may close its terminal for a while and go on.
func TestTerminalClosedForAWhile(t *testing.T) {
	rt := newRuntime(t)
	s := openSession(t, rt, &Size{}, shell(`exec </dev/null >/dev/null 2>&1; sleep 0.1; echo back >/dev/tty`)...)
	if got := finish(t, s, 0); got != "back\r\n" {
		t.Errorf("%q", got)
	}
}

// Without a character for it a terminal has no end of input.
func TestTerminalWithoutEndOfInput(t *testing.T) {
	rt := newRuntime(t)
	s := openSession(t, rt, &Size{}, shell(`stty eof undef -echo; echo ready; read line; echo "[$line]"`)...)
	readUntil(t, s, "ready\r\n")
	if err := s.CloseInput(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(s, "more\n"); err != nil {
		t.Fatal(err)
	}
	if got := finish(t, s, 0); got != "[more]\r\n" {
		t.Errorf("%q", got)
	}
}

// What has closed its input is not written to in vain.
func TestInputClosedByTheProcess(t *testing.T) {
	rt := newRuntime(t)
	s := openSession(t, rt, nil, shell(`exec 0<&-; echo closed; sleep 1000`)...)
	readUntil(t, s, "closed")
	if _, err := s.Write(make([]byte, 1)); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("%v", err)
	}
}

// Jobs have groups of their own; what is stopped hears of a hangup as well, and
// each has a moment to put its affairs in order.
func TestHangupReachesJobs(t *testing.T) {
	rt := newRuntime(t)
	dir := t.TempDir()
	job := func(name string) string {
		return `sh -c 'trap "sleep 0.1; echo bye >` + filepath.Join(dir, name) + `; exit" HUP; echo $$; while :; do sleep 0.02; done' & `
	}
	s := openSession(t, rt, &Size{}, shell(`set -m; trap 'gone=yes' HUP; `+job("running")+job("stopped")+`sleep 0.1; kill -STOP $!; echo stopped; while [ -z "$gone" ]; do wait; done; exit 6; exit 6`)...)
	said := readUntil(t, s, "stopped")
	var jobs []int
	for _, word := range strings.Fields(said) {
		if pid, err := strconv.Atoi(word); err == nil {
			jobs = append(jobs, pid)
		}
	}
	if len(jobs) != 2 {
		t.Fatalf("%q", said)
	}
	if err := s.Hangup(); err != nil {
		t.Fatal(err)
	}
	finish(t, s, 6)
	gone(t, jobs...)
	for _, name := range []string{"running", "stopped"} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); string(text) != "bye\n" {
			t.Errorf("the %s job did not hear of it: %q, %v", name, text, err)
		}
	}
}

func TestCloseEndsSession(t *testing.T) {
	rt := newRuntime(t)
	for _, size := range []*Size{nil, {}} {
		s := openSession(t, rt, size, shell(`trap '' HUP TERM INT; sleep 1000 & echo $!; wait`)...)
		pid, err := strconv.Atoi(strings.TrimSpace(readUntil(t, s, "\n")))
		if err != nil {
			t.Fatal(err)
		}
		blocked := make(chan error)
		go func() {
			var err error
			for err == nil { // nothing reads it
				_, err = s.Write(make([]byte, 64<<10))
			}
			blocked <- err
		}()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		select {
		case <-blocked:
		case <-time.After(patience):
			t.Fatal("a write outlives Close")
		}
		if code, err := s.ExitCode(); code != 128+9 || err != nil {
			t.Errorf("exit code %d, %v", code, err)
		}
		gone(t, pid)
	}
}

func TestSupervisorOfASessionKilled(t *testing.T) {
	rt := newRuntime(t)
	for _, size := range []*Size{nil, {}} {
		s := openSession(t, rt, size, shell(`set -m 2>/dev/null; trap '' HUP; sleep 1000 & echo $!; sh -c 'trap "" HUP; echo $$; exec sleep 1000'`)...)
		var pids []int
		for len(pids) < 2 {
			pid, err := strconv.Atoi(strings.TrimSpace(readLine(t, s)))
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
		if err := syscall.Kill(s.supervisor.identity.PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		wait(t, s.Process)
		if code, err := s.ExitCode(); !errors.Is(err, ErrSupervisorLost) {
			t.Errorf("exit code %d, %v", code, err)
		}
		gone(t, append(pids, s.PID())...)
	}
}

func readLine(t *testing.T, s *Session) string {
	t.Helper()
	var line []byte
	var b [1]byte
	for b[0] != '\n' {
		if _, err := s.Read(b[:]); err != nil {
			t.Fatalf("%v after %q", err, line)
		}
		line = append(line, b[0])
	}
	return string(line)
}

func TestOpenFails(t *testing.T) {
	rt := newRuntime(t)
	for _, size := range []*Size{nil, {}} {
		_, err := rt.Open(t.Context(), Spec{Argv: []string{"no-such-program"}, Env: []string{path()}}, size)
		var failure *StartError
		if !errors.As(err, &failure) || failure.Op != "execute" || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v", err)
		}
	}
	if err := rt.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := rt.Open(t.Context(), Spec{Argv: shell("true")}, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
