//go:build unix

package runners

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fal-plugins/fal/pkg/fal/faltest"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/termtest"
)

// console is a terminal with a command on it.
type console struct{ *termtest.Screen }

func openConsole(t *testing.T) console { return console{termtest.OpenScreen(t)} }

// start runs a command on the screen. The result is its exit code, or what it
// panicked with.
func (sc console) start(ctx context.Context, tm *term, argv ...string) <-chan any {
	streams := iostreams.FromFiles(sc.TTY, sc.TTY, sc.TTY)
	streams.SetEnv(tm.Getenv)
	d := dependencies{connect: session.Open, now: time.Now, poll: time.Millisecond}
	ended := make(chan any, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				ended <- p
			}
		}()
		ended <- cli.Run(ctx, app(d), cli.Process{Args: argv, Streams: streams, Getenv: tm.Getenv})
	}()
	return ended
}

func TestTerminalSession(t *testing.T) {
	for _, argv := range []string{"shell " + idA, "exec " + idA + " -it -- sh", "exec -ti " + idA + " -- sh", "exec --interactive " + idA + " -- sh"} {
		sc, tm := openConsole(t), newTerm(t)
		var input strings.Builder
		var sizes []string
		tm.Server.HandleStream("ShellRunner", func(st *faltest.Stream) faltest.Answer {
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
		sc.Until("the prompt", func() bool { return strings.Contains(sc.Text(), "\x1b[1mprompt\n") })
		if !sc.Changed() {
			t.Error("the terminal is not raw")
		}
		const keys = "\x03\x1a\x04\x1c\x7f\x1b[A\x1b[200~é\x1b[201~\r~~ exit"
		sc.Keys(keys)
		sc.Resize(120, 50)
		if err := syscall.Kill(os.Getpid(), syscall.SIGWINCH); err != nil {
			t.Fatal(err)
		}
		termtest.Ends[any](sc.Screen, ended, 42)
		sc.Until("the last output", func() bool { return strings.Contains(sc.Text(), "prompt\nbye") })
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
	signal := func(sig syscall.Signal) func(console, context.CancelFunc) {
		return func(sc console, _ context.CancelFunc) {
			if err := syscall.Kill(os.Getpid(), sig); err != nil {
				sc.Fatal(err)
			}
		}
	}
	cut := make(chan struct{}, 1)
	tests := []struct {
		name  string
		serve func(*faltest.Stream) faltest.Answer
		act   func(console, context.CancelFunc)
		code  int
		shown string
	}{
		{"escape", hang, func(sc console, _ context.CancelFunc) { sc.Keys("ls\r~.") }, 255, "the session was ended: ~. was typed"},
		{"escape while the runner takes nothing", func(*faltest.Stream) faltest.Answer { return faltest.Hang() },
			func(sc console, _ context.CancelFunc) { sc.Keys(strings.Repeat("x", 2000) + "\r~.") }, 255, "~. was typed"},
		{"broken connection", func(st *faltest.Stream) faltest.Answer { <-cut; return faltest.Reset() },
			func(console, context.CancelFunc) { cut <- struct{}{} }, 255, "connection lost: "},
		{"cancelled", hang, func(_ console, cancel context.CancelFunc) { cancel() }, 130, ""},
		{"SIGTERM", hang, signal(syscall.SIGTERM), 143, ""},
		{"SIGHUP", hang, signal(syscall.SIGHUP), 129, ""},
		{"SIGINT from elsewhere", hang, signal(syscall.SIGINT), 130, ""},
		{"SIGQUIT", hang, signal(syscall.SIGQUIT), 131, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sc, tm := openConsole(t), newTerm(t)
			tm.Server.HandleStream("ShellRunner", tt.serve)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := sc.start(ctx, tm, "shell", idA)
			sc.Until("raw mode", sc.Changed)
			tt.act(sc, cancel)
			termtest.Ends[any](sc.Screen, ended, tt.code)
			sc.Until("the message", func() bool { return strings.Contains(sc.Text(), tt.shown) })
		})
	}
}

// TestTerminalWithoutInput: -t alone sends nothing that is typed.
func TestTerminalWithoutInput(t *testing.T) {
	sc, tm := openConsole(t), newTerm(t)
	var messages []string
	next := make(chan struct{})
	tm.Server.HandleStream("ShellRunner", func(st *faltest.Stream) faltest.Answer {
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
	if sc.Changed() {
		t.Error("the terminal is raw")
	}
	sc.Keys("typed\r")
	sc.Resize(40, 10)
	sc.Until("the end", func() bool {
		_ = syscall.Kill(os.Getpid(), syscall.SIGWINCH) // it may not be watched for yet
		return len(ended) > 0
	})
	termtest.Ends[any](sc.Screen, ended, 0)
	if want := `{"tty_size":{"height":10,"width":40}}`; len(messages) != 3 || messages[2] != want || !strings.Contains(messages[0], "width") {
		t.Errorf("sent %q", messages)
	}
}
