package runtime

import (
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// adopts says that orphaned descendants become children of the supervisor.
const adopts = false

func adoptOrphans() error { return nil }

// keepFiles makes the child inherit none but the standard files, whatever the
// control plane itself may have inherited.
func keepFiles() error { return closeOnExec("/dev/fd") }

const (
	getTermios  = unix.TIOCGETA // asks for the settings of a terminal
	noCharacter = 0xff          // that a key of a terminal is set to to have none
)

// widen has nothing to do: pipes grow with what is written.
func widen(*os.File) {}

func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// awaitEnd returns when the process has ended, without waiting for it in the
// kernel's sense.
func awaitEnd(pid int) {
	queue, err := unix.Kqueue()
	if err != nil {
		pollEnd(pid)
		return
	}
	defer unix.Close(queue)
	unix.CloseOnExec(queue)
	var change unix.Kevent_t
	unix.SetKevent(&change, pid, unix.EVFILT_PROC, unix.EV_ADD|unix.EV_ONESHOT)
	change.Fflags = unix.NOTE_EXIT
	events := make([]unix.Kevent_t, 1)
	for {
		n, err := unix.Kevent(queue, []unix.Kevent_t{change}, events, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil, n == 0, events[0].Flags&unix.EV_ERROR != 0:
			pollEnd(pid) // most likely it has ended before
			return
		default:
			return
		}
	}
}

// pollEnd is for when the kernel does not tell.
func pollEnd(pid int) {
	for {
		if _, running, err := processStart(pid); err != nil || !running {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// reapOrphans has nothing to do: launchd adopts orphans.
func reapOrphans() (gone bool, err error) { return false, nil }
