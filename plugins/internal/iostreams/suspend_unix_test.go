//go:build !windows

package iostreams_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// suspendRole says what the test program is in the session of
// TestSuspendedPrompt: the shell, or the program that it runs.
const suspendRole = "IOSTREAMS_TEST_SUSPEND"

// TestSuspendRole is no test by itself: it is the processes of the other one.
func TestSuspendRole(t *testing.T) {
	switch os.Getenv(suspendRole) {
	case "shell":
		shell(t)
	case "program":
		s := iostreams.FromFiles(os.Stdin, os.Stdout, os.Stderr)
		secret, err := s.ReadSecret(context.Background(), "Key: ")
		fmt.Printf("got %q, %v.\n", secret, err)
	}
}

// shell runs a program in the foreground of its terminal, and continues it as
// often as it is stopped.
func shell(t *testing.T) {
	program := exec.Command(os.Args[0], "-test.run=^TestSuspendRole$")
	program.Env = append(os.Environ(), suspendRole+"=program")
	program.Stdin, program.Stdout, program.Stderr = os.Stdin, os.Stdout, os.Stderr
	program.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Foreground: true, Ctty: 0}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	pid := program.Process.Pid
	for stops := 1; ; {
		var status syscall.WaitStatus
		if _, err := syscall.Wait4(pid, &status, syscall.WUNTRACED, nil); err != nil {
			if err == syscall.EINTR {
				continue
			}
			t.Fatal(err)
		}
		if !status.Stopped() {
			fmt.Printf("ended with %d.\n", status.ExitStatus())
			return
		}
		fmt.Printf("stop %d by %s, echo %t.\n", stops, status.StopSignal(), echoes(t))
		stops++
		if err := syscall.Kill(-pid, syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
	}
}

func echoes(t *testing.T) bool {
	settings, err := unix.IoctlGetTermios(0, readTermios)
	if err != nil {
		t.Fatal(err)
	}
	return settings.Lflag&unix.ECHO != 0 && settings.Lflag&unix.ICANON != 0
}

// Ctrl-Z gives the terminal to the shell, and the prompt goes on where it was.
func TestSuspendedPrompt(t *testing.T) {
	sc := openScreen(t)
	session := exec.Command(os.Args[0], "-test.run=^TestSuspendRole$")
	session.Env = append(os.Environ(), suspendRole+"=shell")
	session.Stdin, session.Stdout, session.Stderr = sc.tty, sc.tty, sc.tty
	session.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	if err := session.Start(); err != nil {
		t.Fatal(err)
	}
	overdue := time.AfterFunc(2*time.Minute, func() { _ = session.Process.Kill() })
	defer overdue.Stop()
	typing := func(text string) {
		t.Helper()
		if _, err := sc.user.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	sc.waitFor(t, "Key: ")
	typing("half\x1a")
	stopped := "stop 1 by " + syscall.SIGTSTP.String() + ", echo true."
	sc.waitFor(t, stopped+"\r\n\rKey: ")
	typing(" and\x1a")
	sc.waitFor(t, "stop 2 by "+syscall.SIGTSTP.String()+", echo true.\r\n\rKey: ")
	typing(" half\r")
	sc.waitFor(t, `got "half and half", <nil>.`)
	sc.waitFor(t, "ended with 0.")
	if err := session.Wait(); err != nil {
		t.Errorf("%v: %q", err, sc.text())
	}
}
