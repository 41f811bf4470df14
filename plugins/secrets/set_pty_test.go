//go:build !windows

package secrets

import (
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	xterm "golang.org/x/term"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
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
	c := &console{T: t, user: user, tty: tty}
	c.before = c.settings()
	read := make(chan struct{})
	go func() {
		defer close(read)
		buffer := make([]byte, 4096)
		for {
			n, err := user.Read(buffer)
			c.mu.Lock()
			c.shown.Write(buffer[:n])
			c.mu.Unlock()
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
	return c
}

func (c *console) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.shown.String()
}

func (c *console) settings() xterm.State {
	c.Helper()
	state, err := xterm.GetState(int(c.tty.Fd()))
	if err != nil {
		c.Fatal(err)
	}
	return *state
}

func (c *console) await(text string) {
	c.Helper()
	for end := time.Now().Add(time.Minute); !strings.Contains(c.text(), text); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			c.Fatalf("waited in vain for %q; shown: %q", text, c.text())
		}
	}
}

func (c *console) key(text string) {
	c.Helper()
	if _, err := io.WriteString(c.user, text); err != nil {
		c.Error(err)
	}
}

func (c *console) start(tm *term, argv ...string) <-chan int {
	streams := iostreams.FromFiles(c.tty, c.tty, c.tty)
	getenv := func(name string) string { return tm.env[name] }
	streams.SetEnv(getenv)
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Run(c.Context(), app(testDependencies()), cli.Process{Args: argv, Streams: streams, Getenv: getenv})
	}()
	return ended
}

// ends waits for the end of a command, and holds its terminal against what it
// was before.
func (c *console) ends(ended <-chan int, want int) {
	c.Helper()
	select {
	case got := <-ended:
		if got != want {
			c.Errorf("exit %d, want %d; shown: %q", got, want, c.text())
		}
	case <-time.After(time.Minute):
		c.Fatalf("goes on; shown: %q", c.text())
	}
	if c.settings() != c.before {
		c.Error("the terminal is not as it was")
	}
	if strings.Contains(c.text(), "canary") {
		c.Errorf("the value was shown: %q", c.text())
	}
}

func TestPrompt(t *testing.T) {
	c, tm := openConsole(t), newTerm(t)
	ended := c.start(tm, "set", "TOKEN", "OTHER", "--env", "staging")
	c.await("Value of TOKEN: ")
	c.key("canary-1x\x7f\r")
	c.await("Value of OTHER: ")
	c.key("canary-2\r")
	c.await("set TOKEN, OTHER in staging\r\n")
	c.ends(ended, 0)
	if got := c.text(); got != "Value of TOKEN: \r\nValue of OTHER: \r\nset TOKEN, OTHER in staging\r\n" {
		t.Errorf("shown: %q", got)
	}
	if got := tm.values(); got["TOKEN"] != "canary-1" || got["OTHER"] != "canary-2" {
		t.Errorf("%q", got)
	}
}

func TestPromptInterrupted(t *testing.T) {
	c, tm := openConsole(t), newTerm(t)
	ended := c.start(tm, "set", "A=1", "TOKEN")
	c.await("Value of TOKEN: ")
	c.key("canary\x03")
	c.ends(ended, cli.ExitInterrupted)
	tm.wantRequests()
}

// Of several pasted lines one would be the value, and a shell would run the
// others.
func TestPromptWithSeveralLines(t *testing.T) {
	for _, pasted := range []string{"canary\ntouch canary\n", "canary\rcanary", "canary\n\x1b[31mcanary\n" + strings.Repeat("canary\n", 100)} {
		c, tm := openConsole(t), newTerm(t)
		ended := c.start(tm, "set", "TOKEN")
		c.await("Value of TOKEN: ")
		c.key(pasted)
		c.await("more than one line was typed for TOKEN: nothing was set")
		c.ends(ended, cli.ExitUsage)
		tm.wantRequests()
		rest := make(chan string, 1)
		go func() {
			line := make([]byte, 100)
			n, _ := c.tty.Read(line)
			rest <- string(line[:n])
		}()
		c.key("next\n")
		if got := <-rest; got != "next\n" {
			t.Errorf("left on the terminal: %q", got)
		}
	}
}
