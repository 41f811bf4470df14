package project

import (
	"os/exec"
	"syscall"
)

// endWithGroup keeps the console's Ctrl-C from the command, which is killed,
// though not what it started, when its context ends.
func endWithGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}
