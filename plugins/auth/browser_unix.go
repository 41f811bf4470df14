//go:build unix && !darwin

package auth

import (
	"os"
	"os/exec"
	"syscall"
)

func opener(url string) (name string, args []string) { return "xdg-open", []string{url} }

func hasDisplay(getenv func(string) string) bool {
	return getenv("DISPLAY") != "" || getenv("WAYLAND_DISPLAY") != ""
}

func isRoot() bool { return os.Geteuid() == 0 }

// detach keeps Ctrl-C, which is for this program, away from the browser.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
