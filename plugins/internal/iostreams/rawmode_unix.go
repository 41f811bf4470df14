//go:build !windows

package iostreams

import (
	"errors"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

func (r *RawMode) enter(f *rawFiles) error {
	wait, wake, err := os.Pipe()
	if err != nil {
		return err
	}
	fd := int(f.in.Fd())
	before, err := term.MakeRaw(fd)
	if err != nil {
		return errors.Join(err, wait.Close(), wake.Close())
	}
	r.In = &keyReader{in: f.in, wait: wait, inFD: fd, waitFD: int(wait.Fd())}
	r.restore = func() error { return errors.Join(term.Restore(fd, before), wake.Close()) }
	return nil
}

// keyReader reads the terminal until wait can be read, so that no reader
// outlives raw mode and takes keys that are for whoever comes next.
type keyReader struct {
	in, wait     *os.File
	inFD, waitFD int
}

func (k *keyReader) Read(p []byte) (int, error) {
	for {
		var ready unix.FdSet
		ready.Set(k.inFD)
		ready.Set(k.waitFD)
		_, err := unix.Select(max(k.inFD, k.waitFD)+1, &ready, nil, nil, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 0, os.NewSyscallError("select", err)
		case ready.IsSet(k.waitFD):
			return 0, os.ErrClosed
		default:
			return k.in.Read(p)
		}
	}
}

// catchEnding catches the signals that would end the process, but for those
// that it was started to ignore, as by nohup. A broken pipe goes apart: it
// must end nothing, and is an error of the write.
func catchEnding(ending, pipe chan<- os.Signal) {
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
		if !signal.Ignored(sig) {
			signal.Notify(ending, sig)
		}
	}
	signal.Notify(pipe, syscall.SIGPIPE)
}

// sizeSignals tells when to look at the size of the terminal again.
func sizeSignals() (looks <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGWINCH)
	return c, func() { signal.Stop(c) }
}
