package local

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// detach takes the command off the console, so that neither Ctrl-C nor the end
// of its window reaches it.
func detach(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{
		CreationFlags: windows.DETACHED_PROCESS | windows.CREATE_NEW_PROCESS_GROUP,
		HideWindow:    true,
	}
	return nil
}
