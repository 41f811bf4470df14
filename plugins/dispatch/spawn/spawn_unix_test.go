//go:build unix

package spawn_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fal-plugins/fal/plugins/dispatch/spawn"
)

// asParent makes the test binary run its arguments with spawn.Run.
const asParent = "SPAWN_TEST_PARENT"

func TestMain(m *testing.M) {
	if os.Getenv(asParent) == "" {
		goleak.VerifyTestMain(m)
		return
	}
	code, err := spawn.Run(os.Args[1], os.Args[2:], []string{"PATH=/usr/bin:/bin", "GIVEN=yes"})
	if err != nil {
		fmt.Println(err)
		os.Exit(99)
	}
	os.Exit(code)
}

func parent(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	command := exec.CommandContext(ctx, self, args...)
	command.Env = append(os.Environ(), asParent+"=1")
	return command
}

func TestRun(t *testing.T) {
	tests := []struct {
		name, script string
		code         int
		output       string
	}{
		{"code 0", "exit 0", 0, ""},
		{"code 42", "exit 42", 42, ""},
		{"killed", "kill -9 $$", 128 + 9, ""},
		{"terminated", "kill -15 $$", 128 + 15, ""},
		{"streams and environment", `read line; echo "$line $GIVEN $SPAWN_TEST_PARENT"`, 0, "in yes \n"},
		{"arguments", `echo "$0" "$2"`, 0, "zero a  b\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			command := parent(t, "/bin/sh", "-c", test.script, "zero", "one", "a  b")
			command.Stdin = strings.NewReader("in\n")
			var output bytes.Buffer
			command.Stdout = &output
			_ = command.Run()
			if code := command.ProcessState.ExitCode(); code != test.code || output.String() != test.output {
				t.Errorf("code %d, output %q, want %d, %q", code, output.String(), test.code, test.output)
			}
		})
	}
}

func TestRunPassesSignalsOn(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGUSR1} {
		t.Run(signal.String(), func(t *testing.T) {
			script := `trap 'echo caught; exit 7' ` + strconv.Itoa(int(signal)) + `; echo ready; while :; do sleep 0.01; done`
			command := parent(t, "/bin/sh", "-c", script)
			stdout, err := command.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(stdout)
			if !lines.Scan() || lines.Text() != "ready" {
				t.Errorf("the program said %q", lines.Text())
			}
			if err := command.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if !lines.Scan() || lines.Text() != "caught" {
				t.Errorf("the program said %q about the signal", lines.Text())
			}
			_ = command.Wait()
			if code := command.ProcessState.ExitCode(); code != 7 {
				t.Errorf("code %d, want 7", code)
			}
		})
	}
}

func TestRunDiesOfASignalAsItsProgramDoes(t *testing.T) {
	command := parent(t, "/bin/sh", "-c", "echo ready; exec sleep 100")
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() {
		t.Error("the program did not start")
	}
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = command.Wait()
	if code := command.ProcessState.ExitCode(); code != 128+15 {
		t.Errorf("code %d, want %d", code, 128+15)
	}
}

func TestRunRefuses(t *testing.T) {
	if _, err := spawn.Run(filepath.Join(t.TempDir(), "nothing"), nil, nil); !os.IsNotExist(err) {
		t.Errorf("a missing program: %v", err)
	}
	ran := filepath.Join(t.TempDir(), "ran")
	batch := filepath.Join(t.TempDir(), "fal-x.Bat")
	if err := os.WriteFile(batch, []byte("#!/bin/sh\necho >>"+ran+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, arg := range []string{`"&calc`, "%PATH%", "a&b", "a|b", "<a", ">a", "^", "a\nb", "!x!"} {
		if _, err := spawn.Run(batch, []string{"fine", arg}, nil); err == nil || !strings.Contains(err.Error(), "batch file") {
			t.Errorf("the argument %q of a batch file: %v", arg, err)
		}
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("the batch file was run")
	}
	if code, err := spawn.Run(batch, []string{"--since", "1h", "a b", "x=y", "é"}, nil); code != 0 || err != nil {
		t.Errorf("plain arguments of a batch file: %d, %v", code, err)
	}
	if _, err := os.Stat(ran); err != nil {
		t.Error("the batch file was not run")
	}
}
