package runtime

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// Supervise is the whole life of a supervisor: it reads from standard input
// what to run, runs it, and returns when it has ended, with the exit code for
// this process. The main function calls it before anything else if the
// arguments are those of Options.Supervisor, and exits at once when it returns:
//
//	if len(os.Args) == 2 && os.Args[1] == "__supervise" {
//		return runtime.Supervise()
//	}
//
// When standard input closes, which happens when the control plane ends in
// whatever way, everything that was started is killed. Supervise is of no use
// in a process that was not started by a [Runtime].
func Supervise() int {
	reports, err := openReports()
	if err != nil {
		fmt.Fprintln(os.Stderr, "supervise: not started by a control plane:", err)
		return 2
	}
	defer reports.Close()
	// A report that cannot be written has no reader any more, which the
	// standard input tells as well.
	report := func(e event) { _, _ = io.WriteString(reports, e.String()) }

	order, err := readLaunch(os.Stdin)
	if err != nil {
		report(event{kind: eventFailed, text: err.Error()})
		return 2
	}
	c, err := startChild(order)
	if err != nil {
		failure := event{kind: eventFailed, text: err.Error()}
		var errno syscall.Errno
		if errors.As(err, &errno) {
			failure.errno = int(errno)
		}
		report(failure)
		return 1
	}
	report(event{kind: eventStarted, pid: c.pid, start: c.start})
	go obey(os.Stdin, c)
	report(c.wait())
	return 0
}

// obey carries out orders until there is nobody left who could give any.
func obey(orders io.Reader, c *child) {
	var order [1]byte
	for {
		if _, err := io.ReadFull(orders, order[:]); err != nil {
			c.kill()
			return
		}
		switch order[0] {
		case orderTerminate:
			c.terminate()
		case orderKill:
			c.kill()
		case orderHangup:
			c.hangup()
		}
	}
}
