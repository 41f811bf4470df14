//go:build unix

package ask

import (
	"os/exec"
	"syscall"
)

// alone gives the program a session without a terminal, and ends all of it.
func alone(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
}
