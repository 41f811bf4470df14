//go:build unix

package project

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// endWithGroup has the command lead a process group, which is killed instead
// of the command alone.
func endWithGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		if errors.Is(err, syscall.ESRCH) {
			return os.ErrProcessDone
		}
		return err
	}
}
