package runtime

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// These tell a supervisor the handles of its events pipe, and of what its
// process is to read from if there is something.
const (
	reportsVariable = "FAL_LOCAL_REPORTS"
	inputVariable   = "FAL_LOCAL_INPUT"
)

// detach gives the supervisor a console of its own, without a window, the
// events pipe, and the input if there is one. A terminal's Ctrl-C does not reach that console, and a Ctrl-Break
// sent within it reaches the process.
func detach(cmd *exec.Cmd, reports, input *os.File) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{
		CreationFlags: windows.CREATE_NO_WINDOW | windows.CREATE_NEW_PROCESS_GROUP,
	}
	if err := bequeath(cmd, reportsVariable, reports); err != nil || input == nil {
		return err
	}
	return bequeath(cmd, inputVariable, input)
}

// bequeath makes a file known to the supervisor by the name of a variable.
func bequeath(cmd *exec.Cmd, variable string, file *os.File) error {
	handle := windows.Handle(file.Fd())
	if err := windows.SetHandleInformation(handle, windows.HANDLE_FLAG_INHERIT, windows.HANDLE_FLAG_INHERIT); err != nil {
		return err
	}
	cmd.Env = append(cmd.Env, variable+"="+strconv.FormatUint(uint64(handle), 10))
	cmd.SysProcAttr.AdditionalInheritedHandles = append(cmd.SysProcAttr.AdditionalInheritedHandles, syscall.Handle(handle))
	return nil
}

func openReports() (*os.File, error) { return inherited(reportsVariable) }

// inherited opens what was bequeathed; nothing else inherits it.
func inherited(variable string) (*os.File, error) {
	value, err := strconv.ParseUint(os.Getenv(variable), 10, 64)
	if err != nil {
		return nil, err
	}
	handle := windows.Handle(value)
	if err := windows.SetHandleInformation(handle, windows.HANDLE_FLAG_INHERIT, 0); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(handle), variable), nil
}

// child is a process as its supervisor sees it.
type child struct {
	pid   int
	start uint64
	cmd   *exec.Cmd

	mu    sync.Mutex
	ended bool
}

func startChild(order launch) (*child, error) {
	if err := confine(); err != nil {
		return nil, err
	}
	cmd := &exec.Cmd{
		Path:   order.Path,
		Args:   order.Argv,
		Env:    order.Env,
		Dir:    order.Dir,
		Stdout: os.Stdout,
		Stderr: os.Stderr,
		SysProcAttr: &syscall.SysProcAttr{
			CreationFlags: windows.CREATE_NEW_PROCESS_GROUP,
		},
	}
	if order.Streams == pipes {
		input, err := inherited(inputVariable)
		if err != nil {
			return nil, err
		}
		// Nobody can write once the process, which gets a duplicate, has closed it.
		defer input.Close()
		cmd.Stdin, cmd.Stderr = input, os.Stdout
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{pid: cmd.Process.Pid, cmd: cmd}
	start, _, err := processStart(c.pid)
	if err != nil {
		c.kill()
		c.wait()
		return nil, err
	}
	c.start = start
	return c, nil
}

// confine puts this process, and so everything it starts, into a job that ends
// when its last handle is closed. This process holds the only one, for as long
// as it lives, and so the job ends with it in whatever way it ends.
func confine() error {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return err
	}
	limits := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{
		BasicLimitInformation: windows.JOBOBJECT_BASIC_LIMIT_INFORMATION{
			LimitFlags: windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
		},
	}
	if _, err := windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits))); err != nil {
		return errors.Join(err, windows.CloseHandle(job))
	}
	if err := windows.AssignProcessToJobObject(job, windows.CurrentProcess()); err != nil {
		return errors.Join(err, windows.CloseHandle(job))
	}
	return nil
}

// terminate sends Ctrl-Break to the group. A process that has no console to
// receive it with is killed.
func (c *child) terminate() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	if windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(c.pid)) != nil {
		// The one possible error is that it has ended already.
		_ = c.cmd.Process.Kill()
	}
}

// hangup is all that a console can say as well.
func (c *child) hangup() { c.terminate() }

// kill ends the process. Its descendants end with the job, which is as soon as
// the supervisor has reported the end of the process.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
}

func (c *child) wait() event {
	report := event{kind: eventExited, code: -1}
	err := c.cmd.Wait()
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	var exit *exec.ExitError
	if err == nil || errors.As(err, &exit) {
		report.code = c.cmd.ProcessState.ExitCode()
	}
	return report
}

func signalName(int) string { return "" }

// isBroken reports whether a write failed because nobody can read it.
func isBroken(err error) bool {
	return errors.Is(err, windows.ERROR_BROKEN_PIPE) || errors.Is(err, windows.ERROR_NO_DATA) ||
		errors.Is(err, os.ErrClosed) || errors.Is(err, io.ErrClosedPipe)
}
