//go:build unix

package signaltest

import (
	"os"
	"os/signal"
	"syscall"
)

// Heed is called by TestMain. Signals that end a terminal's programs and were
// ignored are no longer; those that were not stay as they are.
func Heed() {
	heard := make(chan os.Signal, 1)
	for _, sig := range []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM} {
		if signal.Ignored(sig) {
			signal.Notify(heard, sig)
		}
	}
}
