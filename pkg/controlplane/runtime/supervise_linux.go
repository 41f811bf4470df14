package runtime

import (
	"errors"
	"math"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// adopts says that orphaned descendants become children of the supervisor.
const adopts = true

func adoptOrphans() error {
	return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
}

// keepFiles makes the child inherit none but the standard files, whatever the
// control plane itself may have inherited.
func keepFiles() error {
	err := unix.CloseRange(reportsFD, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC)
	if err == nil {
		return nil
	}
	return closeOnExec("/proc/self/fd") // an old kernel, or not permitted
}

const (
	getTermios  = unix.TCGETS // asks for the settings of a terminal
	noCharacter = 0           // that a key of a terminal is set to to have none
)

// widen makes a pipe hold more. That it may not is no failure.
func widen(pipe *os.File) {
	_ = control(pipe, func(fd int) error {
		_, err := unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, pipeSize)
		return err
	})
}

func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: unix.SIGKILL}
}

// siginfoPID is where the kernel puts si_pid on all 64-bit systems.
const siginfoPID = 16

// awaitEnd returns when the process has ended, without waiting for it in the
// kernel's sense. Adopted orphans that end meanwhile are disposed of.
func awaitEnd(pid int) {
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOWAIT, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return // no child at all
		}
		ended := int(*(*int32)(unsafe.Add(unsafe.Pointer(&info), siginfoPID)))
		if ended == pid {
			return
		}
		if err := wait4(ended, nil, 0); err != nil {
			return
		}
	}
}

// reapOrphans disposes of adopted orphans that have ended, and reports whether
// none is left. A live descendant always has a forefather that is a child.
func reapOrphans() (gone bool, err error) {
	for {
		pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.ECHILD):
			return true, nil
		case err != nil:
			return false, err
		case pid == 0:
			return false, nil
		}
	}
}
