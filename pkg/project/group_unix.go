//go:build unix

package project

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// endWithGroup has the command lead a session, and so a process group, which is
// killed instead of the command alone. A session of its own has no terminal:
// who asks the user something there is refused, where a group in the background
// would be stopped.
func endWithGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = endWithParent(&syscall.SysProcAttr{Setsid: true})
	cmd.Cancel = func() error {
		err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		if errors.Is(err, syscall.ESRCH) {
			return os.ErrProcessDone
		}
		return err
	}
}
