package runtime

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/windows"
)

// cleanDelay is how long a process may take to die.
const cleanDelay = 5 * time.Second

// bootID is empty: the creation time of a process is absolute.
func bootID() (string, error) { return "", nil }

// processStart returns when the process was created, in units of 100 ns since
// 1601, and whether it is running.
func processStart(pid int) (start uint64, running bool, err error) {
	handle, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION|windows.SYNCHRONIZE, false, uint32(pid))
	if err != nil {
		return 0, false, err
	}
	defer windows.CloseHandle(handle)
	if start, err = creation(handle); err != nil {
		return 0, false, err
	}
	state, err := windows.WaitForSingleObject(handle, 0)
	return start, state == uint32(windows.WAIT_TIMEOUT), err
}

func creation(handle windows.Handle) (uint64, error) {
	var created, exited, kernel, user windows.Filetime
	if err := windows.GetProcessTimes(handle, &created, &exited, &kernel, &user); err != nil {
		return 0, err
	}
	return uint64(created.HighDateTime)<<32 | uint64(created.LowDateTime), nil
}

// sweep ends the supervisor of the record, and with it the job that holds
// everything else.
func sweep(rec record) ([]int, error) {
	var killed []int
	for _, id := range []identity{rec.Process, rec.Supervisor} {
		done, err := id.kill()
		if err != nil {
			return killed, err
		}
		if done {
			killed = append(killed, id.PID)
		}
	}
	slices.Sort(killed)
	return killed, nil
}

// kill ends the very process, if it is running, and waits for its end.
func (id identity) kill() (bool, error) {
	if id.PID <= 1 || id.Start == 0 {
		return false, nil
	}
	const access = windows.PROCESS_QUERY_LIMITED_INFORMATION | windows.PROCESS_TERMINATE | windows.SYNCHRONIZE
	handle, err := windows.OpenProcess(access, false, uint32(id.PID))
	if errors.Is(err, windows.ERROR_INVALID_PARAMETER) {
		return false, nil // no such process
	}
	if err != nil {
		if !id.alive() {
			return false, nil // the pid belongs to one that must not be opened
		}
		return false, fmt.Errorf("process %d: %w", id.PID, err)
	}
	defer windows.CloseHandle(handle)
	start, err := creation(handle)
	if err != nil {
		return false, fmt.Errorf("process %d: %w", id.PID, err)
	}
	state, err := windows.WaitForSingleObject(handle, 0)
	if err != nil {
		return false, fmt.Errorf("process %d: %w", id.PID, err)
	}
	if start != id.Start || state != uint32(windows.WAIT_TIMEOUT) {
		return false, nil
	}
	if err := windows.TerminateProcess(handle, 1); err != nil {
		return false, fmt.Errorf("process %d: %w", id.PID, err)
	}
	state, err = windows.WaitForSingleObject(handle, uint32(cleanDelay.Milliseconds()))
	if err != nil || state != windows.WAIT_OBJECT_0 {
		return false, errors.Join(err, fmt.Errorf("process %d is still running", id.PID))
	}
	return true, nil
}
