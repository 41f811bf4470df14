//go:build !windows

package local

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

// On a terminal reset asks, and does as it is told.
func TestResetAsks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.start()
	ask := func(answer string) (string, int) {
		t.Helper()
		cmd := b.command(nil, "reset")
		terminal, err := pty.Start(cmd)
		if err != nil {
			t.Fatal(err)
		}
		defer terminal.Close()
		timer := time.AfterFunc(deadline, func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
		var shown bytes.Buffer
		buffer, answered := make([]byte, 1024), false
		for {
			n, err := terminal.Read(buffer) // EIO when it has ended
			shown.Write(buffer[:n])
			if !answered && strings.Contains(shown.String(), "[y/N]") {
				answered = true
				if _, err := terminal.WriteString(answer); err != nil {
					t.Fatal(err)
				}
			}
			if err != nil {
				break
			}
		}
		_ = cmd.Wait() // the code says it
		return shown.String(), cmd.ProcessState.ExitCode()
	}
	for answer, code := range map[string]int{"n\n": 1, "\n": 1, "\x04": 1, "\x03": 130} {
		text, got := ask(answer)
		if got != code || !strings.Contains(text, "Stop the control plane and delete everything in "+b.data()+"?") {
			t.Errorf("%q: exit %d\n%s", answer, got, text)
		}
	}
	b.status()
	if text, code := ask("y\n"); code != 0 || !strings.Contains(text, "deleted "+b.data()) {
		t.Errorf("exit %d\n%s", code, text)
	}
	if _, err := os.Stat(b.data()); !os.IsNotExist(err) {
		t.Error(err)
	}
	b.gone()
}
