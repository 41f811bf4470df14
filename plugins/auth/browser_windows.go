package auth

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

func opener(url string) (name string, args []string) {
	return "rundll32", []string{"url.dll,FileProtocolHandler", url}
}

func hasDisplay(func(string) string) bool { return true }

func isRoot() bool { return false }

// detach keeps Ctrl-C, which is for this program, away from the browser.
func detach(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
}
