//go:build !windows

package iostreams

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// stopPatience is how long to wait for a stop that may not come: nobody stops a
// process group that no shell could continue.
const stopPatience = 200 * time.Millisecond

// notifyResumed tells when the process goes on after it was stopped.
func notifyResumed(resumed chan<- os.Signal) { signal.Notify(resumed, syscall.SIGCONT) }

// canSuspend reports whether the process lets itself be stopped.
func canSuspend() bool { return !signal.Ignored(syscall.SIGTSTP) }

// stopGroup stops the process and those beside it in its pipeline, and returns
// when it goes on. A stop that comes later than it should is told by resumed.
func stopGroup(ctx context.Context, resumed <-chan os.Signal) {
	if err := syscall.Kill(0, syscall.SIGTSTP); err != nil {
		return
	}
	late := time.NewTimer(stopPatience)
	defer late.Stop()
	select {
	case <-resumed:
	case <-late.C:
	case <-ctx.Done():
	}
}
