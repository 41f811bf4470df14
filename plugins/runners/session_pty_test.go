//go:build !windows

package runners

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"
	xterm "golang.org/x/term"

	"github.com/fal-plugins/fal/pkg/fal/faltest"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/session"
)

// console is a terminal with a command on it.
type console struct {
	*testing.T
	user, tty *os.File
	before    xterm.State

	mu    sync.Mutex
	shown strings.Builder
}

func openConsole(t *testing.T) *console {
	t.Helper()
	user, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	sc := &console{T: t, user: user, tty: tty}
	sc.resize(90, 30)
	sc.before = sc.settings()
	read := make(chan struct{})
	go func() {
		defer close(read)
		buffer := make([]byte, 4096)
		for {
			n, err := user.Read(buffer)
			sc.mu.Lock()
			sc.shown.Write(buffer[:n])
			sc.mu.Unlock()
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
	return sc
}

func (sc *console) resize(columns, rows uint16) {
	sc.Helper()
	if err := pty.Setsize(sc.user, &pty.Winsize{Cols: columns, Rows: rows}); err != nil {
		sc.Fatal(err)
	}
}

func (sc *console) text() string {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	return sc.shown.String()
}

func (sc *console) await(what string, done func() bool) {
	sc.Helper()
	for end := time.Now().Add(time.Minute); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			sc.Fatalf("waited in vain for %s; shown: %q", what, sc.text())
		}
	}
}

func (sc *console) settings() xterm.State {
	sc.Helper()
	state, err := xterm.GetState(int(sc.tty.Fd()))
	if err != nil {
		sc.Fatal(err)
	}
	return *state
}

func (sc *console) isRaw() bool { return sc.settings() != sc.before }

func (sc *console) key(text string) {
	sc.Helper()
	if _, err := io.WriteString(sc.user, text); err != nil {
		sc.Error(err)
	}
}

// start runs a command on the screen. The result is its exit code, or what it
// panicked with.
func (sc *console) start(ctx context.Context, tm *term, argv ...string) <-chan any {
	streams := iostreams.FromFiles(sc.tty, sc.tty, sc.tty)
	getenv := func(name string) string { return tm.env[name] }
	streams.SetEnv(getenv)
	d := dependencies{connect: session.Open, now: time.Now, poll: time.Millisecond}
	ended := make(chan any, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				ended <- p
			}
		}()
		ended <- cli.Run(ctx, app(d), cli.Process{Args: argv, Streams: streams, Getenv: getenv})
	}()
	return ended
}

// ends waits for the end of a command, and holds its terminal against what it
// was before.
func (sc *console) ends(ended <-chan any, want any) {
	sc.Helper()
	select {
	case got := <-ended:
		if got != want {
			sc.Errorf("ended with %v, want %v; shown: %q", got, want, sc.text())
		}
	case <-time.After(time.Minute):
		sc.Fatalf("goes on; shown: %q", sc.text())
	}
	if sc.isRaw() {
		sc.Error("the terminal is not as it was")
	}
}

func TestTerminalSession(t *testing.T) {
	for _, argv := range []string{"shell " + idA, "exec " + idA + " -it -- sh", "exec -ti " + idA + " -- sh", "exec --interactive " + idA + " -- sh"} {
		sc, tm := openConsole(t), newTerm(t)
		var input strings.Builder
		var sizes []string
		tm.server.HandleStream("ShellRunner", func(st *faltest.Stream) faltest.Answer {
			if err := st.Send(outData("\x1b[1mprompt\n")); err != nil {
				t.Error(err)
			}
			for !strings.Contains(input.String(), "exit") || len(sizes) < 3 {
				m, err := st.Receive()
				if err != nil {
					t.Errorf("%v after %q", err, input.String())
					break
				}
				var in struct{ Data []byte }
				if err := json.Unmarshal(m, &in); err != nil {
					t.Error(err)
				}
				input.Write(in.Data)
				if strings.Contains(string(m), "tty_size") {
					sizes = append(sizes, string(m))
				}
			}
			return faltest.Reply(outData("bye"), `{"exit_code": 42}`)
		})
		ended := sc.start(t.Context(), tm, strings.Fields(argv)...)
		sc.await("the prompt", func() bool { return strings.Contains(sc.text(), "\x1b[1mprompt\n") })
		if !sc.isRaw() {
			t.Error("the terminal is not raw")
		}
		const keys = "\x03\x1a\x04\x1c\x7f\x1b[A\x1b[200~é\x1b[201~\r~~ exit"
		sc.key(keys)
		sc.resize(120, 50)
		if err := syscall.Kill(os.Getpid(), syscall.SIGWINCH); err != nil {
			t.Fatal(err)
		}
		sc.ends(ended, 42)
		sc.await("the last output", func() bool { return strings.Contains(sc.text(), "prompt\nbye") })
		if want := strings.ReplaceAll(keys, "~~ ", "~ "); input.String() != want {
			t.Errorf("%s: sent %q, want %q", argv, input.String(), want)
		}
		command := `"command":["sh"],`
		if strings.HasPrefix(argv, "shell") {
			command = ""
		}
		want := []string{`{` + command + `"runner_id":"` + idA + `","tty_size":{"height":30,"width":90}}`,
			`{"tty_size":{"height":30,"width":90}}`, `{"tty_size":{"height":50,"width":120}}`}
		if diff := cmp.Diff(want, sizes); diff != "" {
			t.Errorf("%s: %s", argv, diff)
		}
	}
}

// TestTerminalSessionEnds in each way that is not the program's.
func TestTerminalSessionEnds(t *testing.T) {
	hang := func(st *faltest.Stream) faltest.Answer {
		for {
			if _, err := st.Receive(); err != nil {
				return faltest.Reply(`{"close": true}`)
			}
		}
	}
	signal := func(sig syscall.Signal) func(*console, context.CancelFunc) {
		return func(sc *console, _ context.CancelFunc) {
			if err := syscall.Kill(os.Getpid(), sig); err != nil {
				sc.Fatal(err)
			}
		}
	}
	cut := make(chan struct{}, 1)
	tests := []struct {
		name  string
		serve func(*faltest.Stream) faltest.Answer
		act   func(*console, context.CancelFunc)
		code  int
		shown string
	}{
		{"escape", hang, func(sc *console, _ context.CancelFunc) { sc.key("ls\r~.") }, 255, "the session was ended: ~. was typed"},
		{"escape while the runner takes nothing", func(*faltest.Stream) faltest.Answer { return faltest.Hang() },
			func(sc *console, _ context.CancelFunc) { sc.key(strings.Repeat("x", 2000) + "\r~.") }, 255, "~. was typed"},
		{"broken connection", func(st *faltest.Stream) faltest.Answer { <-cut; return faltest.Reset() },
			func(*console, context.CancelFunc) { cut <- struct{}{} }, 255, "connection lost: "},
		{"cancelled", hang, func(_ *console, cancel context.CancelFunc) { cancel() }, 130, ""},
		{"SIGTERM", hang, signal(syscall.SIGTERM), 143, ""},
		{"SIGHUP", hang, signal(syscall.SIGHUP), 129, ""},
		{"SIGINT from elsewhere", hang, signal(syscall.SIGINT), 130, ""},
		{"SIGQUIT", hang, signal(syscall.SIGQUIT), 131, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sc, tm := openConsole(t), newTerm(t)
			tm.server.HandleStream("ShellRunner", tt.serve)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := sc.start(ctx, tm, "shell", idA)
			sc.await("raw mode", sc.isRaw)
			tt.act(sc, cancel)
			sc.ends(ended, tt.code)
			sc.await("the message", func() bool { return strings.Contains(sc.text(), tt.shown) })
		})
	}
}

// TestTerminalWithoutInput: -t alone sends nothing that is typed.
func TestTerminalWithoutInput(t *testing.T) {
	sc, tm := openConsole(t), newTerm(t)
	var messages []string
	next := make(chan struct{})
	tm.server.HandleStream("ShellRunner", func(st *faltest.Stream) faltest.Answer {
		for range 2 {
			m, err := st.Receive()
			if err != nil {
				t.Error(err)
			}
			messages = append(messages, string(m))
		}
		close(next)
		m, _ := st.Receive() // the new size, and no key before it
		messages = append(messages, string(m))
		return faltest.Reply(`{"exit_code": 0}`)
	})
	ended := sc.start(t.Context(), tm, "exec", "-t", idA, "--", "top")
	<-next
	if sc.isRaw() {
		t.Error("the terminal is raw")
	}
	sc.key("typed\r")
	sc.resize(40, 10)
	sc.await("the end", func() bool {
		_ = syscall.Kill(os.Getpid(), syscall.SIGWINCH) // it may not be watched for yet
		return len(ended) > 0
	})
	sc.ends(ended, 0)
	if want := `{"tty_size":{"height":10,"width":40}}`; len(messages) != 3 || messages[2] != want || !strings.Contains(messages[0], "width") {
		t.Errorf("sent %q", messages)
	}
}
