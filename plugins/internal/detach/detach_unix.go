//go:build !windows

package detach

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// From gives the command a session of its own, out of reach of the terminal's
// signals. What this process was started with beyond the three streams stays
// here: a program that held the end of somebody's pipe would keep him waiting
// for as long as it runs.
func From(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
	return nil
}
