//go:build linux || darwin

package runtime

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	goruntime "runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// reportsFD is where a supervisor finds its events pipe, and inputFD what
	// its process is to read from if there is something.
	reportsFD = 3
	inputFD   = 4

	// cleanDelay is how long descendants may take to die of SIGKILL.
	cleanDelay = 5 * time.Second

	// lingerDelay is how long they may take to end of a SIGHUP once the process
	// itself has.
	lingerDelay = time.Second
)

// detach gives the supervisor a session of its own, the events pipe, and the
// input if there is one.
func detach(cmd *exec.Cmd, reports, input *os.File) error {
	cmd.ExtraFiles = []*os.File{reports}
	if input != nil {
		cmd.ExtraFiles = append(cmd.ExtraFiles, input)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return nil
}

func openReports() (*os.File, error) {
	var status unix.Stat_t
	if err := unix.Fstat(reportsFD, &status); err != nil {
		return nil, err
	}
	if status.Mode&unix.S_IFMT != unix.S_IFIFO {
		return nil, fmt.Errorf("file %d is no pipe", reportsFD)
	}
	if err := keepFiles(); err != nil {
		return nil, err
	}
	return os.NewFile(reportsFD, "reports"), nil
}

// closeOnExec marks the files that are listed in the folder, but the standard ones.
func closeOnExec(folder string) error {
	files, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, file := range files {
		fd, err := strconv.Atoi(file.Name())
		if err != nil || fd < reportsFD {
			continue
		}
		_, err = unix.FcntlInt(uintptr(fd), unix.F_SETFD, unix.FD_CLOEXEC)
		// The file that the folder was read with is closed by now.
		if err != nil && !errors.Is(err, unix.EBADF) {
			return err
		}
	}
	return nil
}

// child is a process as its supervisor sees it.
type child struct {
	pid   int
	start uint64

	mu     sync.Mutex
	ended  bool // the pid may belong to another process
	hungUp bool
	killed bool
}

func startChild(order launch) (*child, error) {
	// The kernel takes the end of the thread that forked for the end of the
	// parent. This goroutine keeps it for as long as it runs.
	goruntime.LockOSThread()
	if err := adoptOrphans(); err != nil {
		return nil, err
	}
	// Received and not ignored: what is ignored would be ignored by the child.
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT)

	pid, err := fork(order)
	if err != nil {
		return nil, err
	}
	c := &child{pid: pid}
	start, _, err := processStart(pid)
	if err != nil {
		c.kill()
		c.wait()
		return nil, err
	}
	c.start = start
	go func() {
		for s := range signals {
			c.signal(s.(syscall.Signal))
		}
	}()
	return c, nil
}

// fork executes the process. The end of a pipe that it reads from is its own
// alone, so that nobody can write once it has closed it. The terminal is held
// until the supervisor ends: its other side sees the end then, and not while
// the process has closed it for a moment.
func fork(order launch) (int, error) {
	attributes := &syscall.ProcAttr{Dir: order.Dir, Env: order.Env, Sys: childAttributes()}
	switch order.Streams {
	case pipes:
		defer unix.Close(inputFD)
		attributes.Files = []uintptr{inputFD, 1, 1}
	case terminal:
		attributes.Files = []uintptr{inputFD, inputFD, inputFD}
		attributes.Sys.Setpgid = false // the leader of a session leads a group
		attributes.Sys.Setsid = true
		attributes.Sys.Setctty = true
		attributes.Sys.Ctty = 0
	default:
		null, err := os.Open(os.DevNull)
		if err != nil {
			return 0, err
		}
		defer null.Close()
		attributes.Files = []uintptr{null.Fd(), 1, 2}
	}
	return syscall.ForkExec(order.Path, order.Argv, attributes)
}

func (c *child) terminate() { c.signal(unix.SIGTERM) }

func (c *child) kill() {
	c.mu.Lock()
	c.killed = true
	c.mu.Unlock()
	c.signal(unix.SIGKILL)
}

// hangup tells everything that the process has started, stopped jobs included,
// that whoever it worked for has gone.
func (c *child) hangup() {
	c.mu.Lock()
	c.hungUp = true
	c.mu.Unlock()
	all, err := processes()
	if err != nil {
		c.signal(unix.SIGHUP)
		c.signal(unix.SIGCONT)
		return
	}
	for _, p := range remains(all, os.Getpid(), c.pid) {
		// The one possible error is that it has ended.
		_ = signalSame(p.pid, p.start, unix.SIGHUP)
		_ = signalSame(p.pid, p.start, unix.SIGCONT)
	}
}

// linger returns when nothing is left to end of a SIGHUP, if there was one.
func (c *child) linger() {
	deadline := time.Now().Add(lingerDelay)
	for pause := time.Millisecond; time.Now().Before(deadline); pause = min(2*pause, 50*time.Millisecond) {
		c.mu.Lock()
		patient := c.hungUp && !c.killed
		c.mu.Unlock()
		if !patient {
			return
		}
		all, err := processes()
		if err != nil || len(remains(all, os.Getpid(), c.pid)) == 0 {
			return
		}
		time.Sleep(pause)
	}
}

// signal reaches the whole group.
func (c *child) signal(s syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		// It can fail only because all of them have ended.
		_ = unix.Kill(-c.pid, s)
	}
}

// wait returns when the process has ended and what it left has been killed.
func (c *child) wait() event {
	awaitEnd(c.pid)
	c.linger()
	// Until the process has been waited for, its pid cannot be used again, and
	// so the last signal to the group is certain to reach the right one.
	c.mu.Lock()
	_ = unix.Kill(-c.pid, unix.SIGKILL)
	c.ended = true
	c.mu.Unlock()

	report := event{kind: eventExited, code: -1}
	var status unix.WaitStatus
	if err := wait4(c.pid, &status, 0); err == nil {
		if status.Signaled() {
			report.signal = int(status.Signal())
		} else {
			report.code = status.ExitStatus()
		}
	}
	report.left = !clean(c.pid, time.Now().Add(cleanDelay))
	return report
}

// clean kills what the process has left until nothing is.
func clean(pid int, deadline time.Time) bool {
	self := os.Getpid()
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		gone, err := reapOrphans()
		if gone {
			return true
		}
		var all []process
		if err == nil {
			all, err = processes()
		}
		if err == nil {
			left := remains(all, self, pid)
			if !adopts {
				left = append(left, escaped(all, self)...)
			}
			if len(left) == 0 && !adopts {
				return true
			}
			for _, p := range left {
				// What cannot be killed is still there in the next round.
				_ = killSame(p.pid, p.start)
			}
		}
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(pause)
	}
}

// remains returns the live processes that are in the session of the supervisor,
// or in that of its child if it leads one, or descend from it, without itself.
func remains(all []process, supervisor, child int) []process {
	parents := make(map[int]int, len(all))
	for _, p := range all {
		parents[p.pid] = p.ppid
	}
	descends := func(pid int) bool {
		// A table that is read while it changes can have a cycle.
		for range len(all) {
			parent, ok := parents[pid]
			if !ok {
				return false
			}
			if parent == supervisor {
				return true
			}
			pid = parent
		}
		return false
	}
	var left []process
	for _, p := range all {
		if p.pid != supervisor && !p.zombie && (p.sid == supervisor || p.sid == child || descends(p.pid)) {
			left = append(left, p)
		}
	}
	return left
}

// escaped returns the live processes that bear the mark of the supervisor, for
// systems where a parent that ends takes the knowledge of its children with it.
func escaped(all []process, supervisor int) []process {
	mark := os.Getenv(markVariable)
	since, _, err := processStart(supervisor)
	if mark == "" || err != nil {
		return nil
	}
	var left []process
	for _, p := range all {
		if p.pid != supervisor && !p.zombie && p.start >= since && markOf(p.pid, mark) == marked {
			left = append(left, p)
		}
	}
	return left
}

func wait4(pid int, status *unix.WaitStatus, options int) error {
	for {
		_, err := unix.Wait4(pid, status, options, nil)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func signalName(number int) string {
	if number == 0 {
		return ""
	}
	return unix.SignalName(syscall.Signal(number))
}

// isBroken reports whether a write failed because nobody can read it.
func isBroken(err error) bool {
	return errors.Is(err, unix.EPIPE) || errors.Is(err, os.ErrClosed)
}
