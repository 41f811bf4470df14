//go:build unix

package e2e

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"
)

// terminal is a terminal on which a program runs.
type terminal struct {
	*testing.T
	user, tty *os.File
	before    term.State
	cmd       *exec.Cmd
	ended     chan error

	mu    sync.Mutex
	shown strings.Builder
}

// openTerminal starts a program on a terminal of its own.
func openTerminal(t *testing.T, env []string, argv ...string) *terminal {
	t.Helper()
	user, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	tm := &terminal{T: t, user: user, tty: tty, ended: make(chan error, 1)}
	tm.resize(100, 30)
	tm.before = tm.settings()
	tm.cmd = exec.Command(argv[0], argv[1:]...)
	tm.cmd.Env = env
	tm.cmd.Stdin, tm.cmd.Stdout, tm.cmd.Stderr = tty, tty, tty
	tm.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := tm.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { tm.ended <- tm.cmd.Wait() }()
	read := make(chan struct{})
	go func() {
		defer close(read)
		for buffer := make([]byte, 4096); ; {
			n, err := user.Read(buffer)
			tm.mu.Lock()
			tm.shown.Write(buffer[:n])
			tm.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = tm.cmd.Process.Kill() // mostly it has ended
		tty.Close()
		user.Close()
		<-read
	})
	return tm
}

func (tm *terminal) settings() term.State {
	tm.Helper()
	s, err := term.GetState(int(tm.tty.Fd()))
	if err != nil {
		tm.Fatal(err)
	}
	return *s
}

func (tm *terminal) resize(columns, rows uint16) {
	tm.Helper()
	if err := pty.Setsize(tm.user, &pty.Winsize{Cols: columns, Rows: rows}); err != nil {
		tm.Fatal(err)
	}
}

func (tm *terminal) text() string {
	tm.mu.Lock()
	defer tm.mu.Unlock()
	return tm.shown.String()
}

func (tm *terminal) await(text string) {
	tm.Helper()
	tm.until("the sight of "+text, func() bool { return strings.Contains(tm.text(), text) })
}

func (tm *terminal) until(what string, done func() bool) {
	tm.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			tm.Fatalf("waited in vain for %s; shown: %q", what, tm.text())
		}
	}
}

func (tm *terminal) keys(text string) {
	tm.Helper()
	if _, err := io.WriteString(tm.user, text); err != nil {
		tm.Fatal(err)
	}
}

// ends holds the exit code, and the terminal's settings against those before.
func (tm *terminal) ends(code int) {
	tm.Helper()
	select {
	case err := <-tm.ended:
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			tm.Fatal(err)
		}
	case <-time.After(patience):
		tm.Fatalf("goes on; shown: %q", tm.text())
	}
	if got := tm.cmd.ProcessState.ExitCode(); got != code {
		tm.Errorf("exit code %d, want %d; shown: %q", got, code, tm.text())
	}
	if tm.settings() != tm.before {
		tm.Error("the terminal is not as it was")
	}
}

// startSample starts a control plane with runners, and answers the environment
// of its clients and the id of a runner.
func startSample(t *testing.T) (bin string, env []string, id string) {
	t.Helper()
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	env = []string{"HOME=" + t.TempDir(), "PATH=" + bin + ":/usr/local/bin:/usr/bin:/bin", "TERM=xterm"}
	run := func(name string, args ...string) string {
		cmd := exec.Command(filepath.Join(bin, name), args...)
		cmd.Env = env
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s %q: %v", name, args, err)
		}
		return string(out)
	}
	run("fal-local", "start", "--sample")
	t.Cleanup(func() { run("fal-local", "stop") })
	for line := range strings.Lines(run("fal-local", "env")) {
		if name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "="); ok {
			env = append(env, name+"="+strings.Trim(value, "'"))
		}
	}
	return bin, env, strings.TrimSpace(run("fal-runners", "list", "--jq", ".runners[0].runner_id"))
}

func TestShell(t *testing.T) {
	bin, env, id := startSample(t)
	runners := filepath.Join(bin, "fal-runners")
	// A shell that is the same everywhere.
	sh := []string{runners, "exec", id, "-it", "--", "env", "PS1=ready> ", "sh", "-i"}
	open := func(t *testing.T) *terminal {
		tm := openTerminal(t, env, sh...)
		tm.await("ready> ")
		if tm.settings() == tm.before {
			t.Error("the terminal is not raw")
		}
		return tm
	}

	t.Run("exit", func(t *testing.T) {
		tm := openTerminal(t, env, runners, "shell", id)
		tm.until("raw mode", func() bool { return tm.settings() != tm.before })
		tm.keys("echo $((40+2))_; exit 7\r")
		tm.await("42_")
		tm.ends(7)
	})
	t.Run("window", func(t *testing.T) {
		tm := open(t)
		tm.keys("stty size\r")
		tm.await("30 100")
		tm.resize(133, 41)
		tm.until("the new size", func() bool {
			tm.keys("stty size\r")
			time.Sleep(50 * time.Millisecond)
			return strings.Contains(tm.text(), "41 133")
		})
		tm.keys("exit\r")
		tm.ends(0)
	})
	t.Run("control keys", func(t *testing.T) {
		tm := open(t)
		long := fmt.Sprint(1e6 + os.Getpid()) // seconds that nobody else sleeps
		tm.keys("echo go$((1)); sleep " + long + "\r")
		tm.await("go1")
		if runtime.GOOS == "linux" {
			tm.until("the sleep", func() bool { return len(processesNaming("sleep\x00"+long)) > 0 })
		}
		tm.keys("\x03")
		tm.keys("echo still $((1+1))_\r")
		tm.await("still 2_")
		if left := processesNaming("sleep\x00" + long); len(left) > 0 {
			t.Errorf("left: %q", left)
		}
		tm.keys("\x04")
		<-tm.ended
		if tm.settings() != tm.before {
			t.Error("the terminal is not as it was")
		}
	})
	t.Run("editor", func(t *testing.T) {
		vi, err := exec.LookPath("vi")
		if err != nil {
			t.Log("there is no vi on this machine")
			return
		}
		file := filepath.Join(t.TempDir(), "text")
		tm := open(t)
		tm.keys(fmt.Sprintf("%s -u NONE %s\r", vi, file))
		tm.until("its screen", func() bool { // which marks empty lines
			shown := tm.text()
			return strings.Contains(shown, "~ ") || strings.Contains(shown, "~\x1b") || strings.Contains(shown, "~\r")
		})
		tm.keys("ihello é\x1b:wq\r")
		tm.until("the file", func() bool { b, _ := os.ReadFile(file); return string(b) == "hello é\n" })
		tm.keys("exit 3\r")
		tm.ends(3)
	})
	t.Run("escape", func(t *testing.T) {
		tm := open(t)
		tm.keys("sleep 2000\r~.")
		tm.ends(255)
		tm.await("the session was ended: ~. was typed")
		tm.until("the end of what ran", func() bool { return len(processesNaming("sleep\x002000")) == 0 })
	})
	for sig, code := range map[syscall.Signal]int{syscall.SIGTERM: 143, syscall.SIGHUP: 129, syscall.SIGINT: 130, syscall.SIGQUIT: 131} {
		t.Run(sig.String(), func(t *testing.T) {
			tm := open(t)
			if err := tm.cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			tm.ends(code)
		})
	}
	// The last one, since it takes the control plane away.
	t.Run("lost connection", func(t *testing.T) {
		tm := open(t)
		stop := exec.Command(filepath.Join(bin, "fal-local"), "stop")
		stop.Env = env
		if out, err := stop.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		<-tm.ended
		if code := tm.cmd.ProcessState.ExitCode(); code == 0 {
			t.Errorf("exit code %d", code)
		}
		if tm.settings() != tm.before {
			t.Error("the terminal is not as it was")
		}
	})
}
