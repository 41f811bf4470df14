//go:build unix

package spawn

import (
	"os"
	"syscall"
)

func relayed() []os.Signal {
	return []os.Signal{
		syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM,
		syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGCONT, syscall.SIGWINCH,
	}
}

// relay ignores that the child may have ended, which Run sees by itself.
func relay(child *os.Process, caught os.Signal) { _ = child.Signal(caught) }

// tie has nothing to do where signals can be passed on.
func tie(*os.Process) (release func(), err error) { return func() {}, nil }

func code(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}
