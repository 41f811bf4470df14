package spawn

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

func relayed() []os.Signal { return []os.Signal{os.Interrupt, syscall.SIGTERM} }

// relay has nothing to send: the console gives its events to the child too.
// Having caught them is what keeps this process waiting.
func relay(*os.Process, os.Signal) {}

// tie puts the child into a job that ends when this process does, however
// that happens. Programs that the child starts are not in the job, so that it
// can leave one running.
func tie(child *os.Process) (release func(), err error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return nil, fmt.Errorf("create a job object: %w", err)
	}
	// The handle is closed for certain when this process ends, whatever
	// closing it earlier gives.
	release = func() { _ = windows.CloseHandle(job) }
	limits := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{}
	limits.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | windows.JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK
	if _, err := windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits))); err != nil {
		release()
		return nil, fmt.Errorf("set the limits of a job object: %w", err)
	}
	var assigned error
	err = child.WithHandle(func(handle uintptr) {
		assigned = windows.AssignProcessToJobObject(job, windows.Handle(handle))
	})
	if err == nil {
		err = assigned
	}
	if err != nil && !ended(child) {
		release()
		return nil, fmt.Errorf("put the program into a job object: %w", err)
	}
	return release, nil
}

// ended says whether the child is done already, so that it cannot be put into
// a job and need not be.
func ended(child *os.Process) bool {
	done := false
	err := child.WithHandle(func(handle uintptr) {
		event, waitErr := windows.WaitForSingleObject(windows.Handle(handle), 0)
		done = waitErr == nil && event == windows.WAIT_OBJECT_0
	})
	return err == nil && done
}

// interrupted is the code of a program that Ctrl-C ended.
const interrupted = 0xC000013A

func code(state *os.ProcessState) int {
	if uint32(state.ExitCode()) == interrupted {
		return 128 + 2
	}
	return state.ExitCode()
}
