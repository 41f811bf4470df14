package ask

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// alone gives the program no console of ours, and no window either.
func alone(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NO_WINDOW}
}
