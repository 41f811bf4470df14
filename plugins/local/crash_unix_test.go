//go:build !windows

package local

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestKilledServer(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first := b.start("--sample", "--port", quietPort(t))
	key := b.key()
	if n := len(b.processes()); n != 1+2*sampleRunners {
		t.Fatalf("%d processes", n)
	}
	if err := syscall.Kill(*first.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	b.gone() // no orphan

	// What it left behind deceives nobody.
	if _, err := os.Stat(filepath.Join(b.data(), recordName)); err != nil {
		t.Fatal(err)
	}
	b.run("status").exits(1)
	b.run("env").exits(1).prints("")
	b.run("stop").ok().prints("not running\n")

	b.run("start").ok()
	second := b.status()
	if *second.Address != *first.Address || *second.PID == *first.PID || b.key() != key {
		t.Errorf("after the crash: %+v", second)
	}
	// The app was kept, and runs again without being asked for.
	eventually(t, func() error {
		if s := b.status(); !s.Sample || s.Runners["IDLE"] != sampleRunners {
			return fmt.Errorf("sample runners: %+v", s)
		}
		return nil
	})
	b.stop()
	b.gone()
}

// A process that has got the pid of a killed server is none of ours.
func TestStaleRecordNamesAStranger(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.start()
	stranger := exec.Command("sleep", "1000")
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stranger.Process.Kill(); _ = stranger.Wait() }()
	dir := dataDir(b.data())
	r, ok, err := dir.record()
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if err := syscall.Kill(r.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	b.gone()
	r.PID = stranger.Process.Pid
	if err := dir.saveRecord(r); err != nil {
		t.Fatal(err)
	}
	b.run("stop").ok().prints("not running\n")
	b.run("reset", "--yes").ok()
	if err := stranger.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the stranger was hit: %v", err)
	}
}

func TestServerIsDetached(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	// A descriptor beyond the three streams, as scripts and build tools have
	// them: whoever reads its other end must not wait for the server.
	mine, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer mine.Close()
	cmd := b.command(nil, "start")
	cmd.ExtraFiles = []*os.File{theirs}
	b.finish(cmd).ok()
	theirs.Close()
	if err := mine.SetReadDeadline(time.Now().Add(deadline)); err != nil {
		t.Fatal(err)
	}
	if n, err := mine.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("the descriptor is still open: %v", err)
	}
	s := b.status()
	if sid, err := unix.Getsid(*s.PID); err != nil || sid != *s.PID {
		t.Errorf("session %d of %d, %v", sid, *s.PID, err)
	}
	// SIGTERM is a graceful end too.
	if err := syscall.Kill(*s.PID, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	b.gone()
	if _, err := os.Stat(filepath.Join(b.data(), recordName)); !os.IsNotExist(err) {
		t.Errorf("the record is left: %v", err)
	}
	b.run("logs").ok()
}

// foreground is a server that the test is the terminal of.
type foreground struct {
	b      *bench
	cmd    *exec.Cmd
	lines  chan string // of stderr
	waited chan error
}

func (b *bench) foreground(args ...string) *foreground {
	b.t.Helper()
	f := &foreground{b: b, cmd: b.command(nil, append([]string{"start", "--foreground"}, args...)...), lines: make(chan string, 1000), waited: make(chan error, 1)}
	stdout, err := f.cmd.StdoutPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	stderr, err := f.cmd.StderrPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	if err := f.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	first, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || !strings.HasPrefix(first, "listening on 127.0.0.1:") {
		b.t.Fatalf("%q, %v", first, err)
	}
	go func() {
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			f.lines <- lines.Text()
		}
		close(f.lines)
		f.waited <- f.cmd.Wait()
	}()
	return f
}

func (f *foreground) signal(s os.Signal) {
	f.b.t.Helper()
	if err := f.cmd.Process.Signal(s); err != nil {
		f.b.t.Fatal(err)
	}
}

// logs waits for a line on stderr.
func (f *foreground) logs(part string) {
	f.b.t.Helper()
	timeout := time.After(deadline)
	for {
		select {
		case line, ok := <-f.lines:
			if !ok {
				f.b.t.Fatalf("it ended without %q", part)
			}
			if strings.Contains(line, part) {
				return
			}
		case <-timeout:
			f.b.t.Fatalf("no line with %q", part)
		}
	}
}

func (f *foreground) ends() *os.ProcessState {
	f.b.t.Helper()
	go func() { // so that it can write on
		for range f.lines {
		}
	}()
	select {
	case <-f.waited:
	case <-time.After(deadline):
		f.b.t.Fatal("it does not end")
	}
	return f.cmd.ProcessState
}

func TestForeground(t *testing.T) {
	t.Parallel()
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			f := b.foreground("--sample")
			f.logs("control plane started")
			if s := b.status(); *s.PID != f.cmd.Process.Pid {
				t.Errorf("%+v is not process %d", s, f.cmd.Process.Pid)
			}
			b.run("start").ok().says("already running")
			f.signal(s)
			f.logs("stopping")
			if end := f.ends(); end.ExitCode() != 0 {
				t.Errorf("it ended with %v", end)
			}
			b.gone()
			b.run("status").exits(1)
			if r := b.run("logs").ok(); !strings.Contains(r.stdout, "control plane started") {
				t.Errorf("not in the log file:\n%s", r.stdout)
			}
		})
	}
	t.Run("stop", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		f := b.foreground()
		b.stop()
		if end := f.ends(); end.ExitCode() != 0 {
			t.Errorf("it ended with %v", end)
		}
		b.gone()
	})
}

// A runner that does not end holds a graceful stop up; a second interrupt is
// not held up by anything.
func TestSecondInterrupt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	f := b.foreground("--sample")
	b.run("start", "--sample").ok() // all of them are up
	server := f.cmd.Process.Pid
	for _, pid := range b.processes() {
		if pid != server {
			// Its supervisor among them, so that nothing is done in time.
			if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
		}
	}
	f.signal(syscall.SIGINT)
	f.logs("stopping")
	f.signal(syscall.SIGINT)
	end := f.ends()
	if status := end.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGINT {
		t.Errorf("it ended with %v", end)
	}
	for _, pid := range b.processes() {
		if err := syscall.Kill(pid, syscall.SIGCONT); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Fatal(err)
		}
	}
	b.gone()
}

// Ctrl-C while start waits takes the half-started server with it.
func TestInterruptedStart(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if err := dataDir(b.data()).prepare(); err != nil {
		t.Fatal(err)
	}
	// Nobody ever writes to it, so that the server waits while it starts.
	if err := unix.Mkfifo(filepath.Join(b.data(), "credentials"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := b.command(nil, "start")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		if n := len(b.processes()); n != 2 {
			return fmt.Errorf("%d processes", n)
		}
		return nil
	})
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(deadline, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	_ = cmd.Wait() // the code says it
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit %d", code)
	}
	b.gone()
}

func TestUnresponsiveServer(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.start()
	if err := syscall.Kill(*s.PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("the server (process %d) holds %s and does not answer", *s.PID, b.data())
	eventually(t, func() error { // a busy machine lets it run on for a moment
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		if found, err := dataDir(b.data()).find(ctx); found != nil || err == nil || !strings.Contains(err.Error(), want) {
			return fmt.Errorf("%+v, %v", found, err)
		}
		return nil
	})
	if err := syscall.Kill(*s.PID, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	b.stop()
	b.gone()
}

// A folder without the right to write. For root there is none, so that root
// asks on behalf of somebody else.
func TestReadOnlyDataDir(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	dir, err := os.MkdirTemp("", "fal-local-read-only-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) result {
		cmd := exec.Command(os.Getenv(binaryVariable), args...)
		cmd.Env = slices.Concat(b.env, []string{"HOME=" + dir})
		cmd.Dir = dir
		if os.Getuid() == 0 {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		}
		return b.finish(cmd)
	}
	run("start").exits(1).prints("").says("error: cannot create " + dir).says("permission denied").says("hint:")
	run("start", "--data-dir", dir).exits(1).prints("").says("error: cannot write " + dir).says("permission denied")
	run("status").exits(1)
	run("stop").ok()
}
