//go:build unix

package watch

import (
	"os"

	"golang.org/x/sys/unix"
)

// deserted reports whether f is a pipe that nobody reads any more. A write
// would tell it too, but a watch may have nothing to write for hours.
func deserted(f *os.File) bool {
	fds := []unix.PollFd{{Fd: int32(f.Fd())}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n > 0 && fds[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0
}
