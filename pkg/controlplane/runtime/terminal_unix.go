//go:build linux || darwin

package runtime

import (
	"errors"
	"os"
	"syscall"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// openTerminal returns both sides of a new terminal.
func openTerminal(size Size) (ours, theirs *os.File, err error) {
	blocking, theirs, err := pty.Open()
	if err != nil {
		return nil, nil, err
	}
	defer blocking.Close()
	if ours, err = pollable(blocking); err == nil {
		err = resize(ours, size)
	}
	if err != nil {
		if ours != nil {
			ours.Close()
		}
		theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

// pollable returns another file for the same terminal, with deadlines and with a
// Close that ends reads, where the system permits.
func pollable(file *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	polled := os.NewFile(uintptr(fd), file.Name())
	if errors.Is(polled.SetReadDeadline(time.Time{}), os.ErrNoDeadline) {
		if err := unix.SetNonblock(fd, false); err != nil {
			return nil, errors.Join(err, polled.Close())
		}
	}
	return polled, nil
}

// control calls an ioctl without making the file a blocking one.
func control(file *os.File, call func(fd int) error) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var failure error
	if err := raw.Control(func(fd uintptr) { failure = call(int(fd)) }); err != nil {
		return err
	}
	return failure
}

func resize(file *os.File, size Size) error {
	return control(file, func(fd int) error {
		return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: size.Rows, Col: size.Columns})
	})
}

// endOfInput returns the character that ends the input of a terminal, and
// whether the terminal reads line by line.
func endOfInput(file *os.File) (end byte, lines bool, err error) {
	err = control(file, func(fd int) error {
		settings, err := unix.IoctlGetTermios(fd, getTermios)
		if err != nil {
			return err
		}
		end, lines = byte(settings.Cc[unix.VEOF]), settings.Lflag&unix.ICANON != 0
		return nil
	})
	return end, lines, err
}

// isHangup reports whether a read failed because the other side of a terminal
// was closed.
func isHangup(err error) bool { return errors.Is(err, syscall.EIO) }
