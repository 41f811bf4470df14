package detach

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// From takes the command off the console, so that neither Ctrl-C nor the end of
// its window reaches it.
func From(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{
		CreationFlags: windows.DETACHED_PROCESS | windows.CREATE_NEW_PROCESS_GROUP,
		HideWindow:    true,
	}
	return nil
}
