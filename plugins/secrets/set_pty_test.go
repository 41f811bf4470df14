//go:build unix

package secrets

import (
	"strings"
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/termtest"
)

// console is a terminal with a command on it.
type console struct{ *termtest.Screen }

func openConsole(t *testing.T) console { return console{termtest.OpenScreen(t)} }

func (c console) start(tm *term, argv ...string) <-chan int {
	streams := iostreams.FromFiles(c.TTY, c.TTY, c.TTY)
	streams.SetEnv(tm.Getenv)
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Run(c.Context(), app(testDependencies()), cli.Process{Args: argv, Streams: streams, Getenv: tm.Getenv})
	}()
	return ended
}

// ends waits for the end of a command, which is to have shown no value.
func (c console) ends(ended <-chan int, want int) {
	c.Helper()
	termtest.Ends(c.Screen, ended, want)
	if strings.Contains(c.Text(), "canary") {
		c.Errorf("the value was shown: %q", c.Text())
	}
}

func TestPrompt(t *testing.T) {
	c, tm := openConsole(t), newTerm(t)
	ended := c.start(tm, "set", "TOKEN", "OTHER", "--env", "staging")
	c.Await("Value of TOKEN: ")
	c.Keys("canary-1x\x7f\r")
	c.Await("Value of OTHER: ")
	c.Keys("canary-2\r")
	c.Await("set TOKEN, OTHER in staging\r\n")
	c.ends(ended, 0)
	if got := c.Text(); !strings.HasPrefix(got, "Value of TOKEN: \r\nValue of OTHER: \r\nset TOKEN, OTHER in staging\r\n") || strings.Count(got, "\n") != 4 {
		t.Errorf("shown: %q", got)
	}
	if got := tm.values(); got["TOKEN"] != "canary-1" || got["OTHER"] != "canary-2" {
		t.Errorf("%q", got)
	}
}

func TestPromptInterrupted(t *testing.T) {
	c, tm := openConsole(t), newTerm(t)
	ended := c.start(tm, "set", "A=1", "TOKEN")
	c.Await("Value of TOKEN: ")
	c.Keys("canary\x03")
	c.ends(ended, cli.ExitInterrupted)
	tm.WantRequests()
}

// Of several pasted lines one would be the value, and a shell would run the
// others.
func TestPromptWithSeveralLines(t *testing.T) {
	for _, pasted := range []string{"canary\ntouch canary\n", "canary\rcanary", "canary\n\x1b[31mcanary\n" + strings.Repeat("canary\n", 100)} {
		c, tm := openConsole(t), newTerm(t)
		ended := c.start(tm, "set", "TOKEN")
		c.Await("Value of TOKEN: ")
		c.Keys(pasted)
		c.Await("more than one line was typed for TOKEN: nothing was set")
		c.ends(ended, cli.ExitUsage)
		tm.WantRequests()
		rest := make(chan string, 1)
		go func() {
			line := make([]byte, 100)
			n, _ := c.TTY.Read(line)
			rest <- string(line[:n])
		}()
		c.Keys("next\n")
		if got := <-rest; got != "next\n" {
			t.Errorf("left on the terminal: %q", got)
		}
	}
}
