package runtime

import (
	"bytes"

	"golang.org/x/sys/unix"
)

// zombieState is SZOMB of <sys/proc.h>.
const zombieState = 5

// bootID returns a value that changes with every start of the system.
func bootID() (string, error) {
	return unix.Sysctl("kern.bootsessionuuid")
}

// processStart returns when the process was started, in microseconds since
// 1970, and whether it is running rather than ended and not waited for.
func processStart(pid int) (start uint64, running bool, err error) {
	info, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil {
		return 0, false, err
	}
	if int(info.Proc.P_pid) != pid {
		return 0, false, unix.ESRCH
	}
	return startOf(info), info.Proc.P_stat != zombieState, nil
}

func startOf(info *unix.KinfoProc) uint64 {
	at := info.Proc.P_starttime
	return uint64(at.Sec)*1_000_000 + uint64(at.Usec)
}

// processes lists all processes that can be seen.
func processes() ([]process, error) {
	table, err := unix.SysctlKinfoProcSlice("kern.proc.all")
	if err != nil {
		return nil, err
	}
	all := make([]process, 0, len(table))
	for i := range table {
		info := &table[i]
		pid := int(info.Proc.P_pid)
		// The table gives an address for the session. What has no session to be
		// asked for has ended or is not ours.
		sid, err := unix.Getsid(pid)
		if err != nil {
			sid = 0
		}
		all = append(all, process{
			pid:    pid,
			ppid:   int(info.Eproc.Ppid),
			pgid:   int(info.Eproc.Pgid),
			sid:    sid,
			start:  startOf(info),
			zombie: info.Proc.P_stat == zombieState,
		})
	}
	return all, nil
}

// markOf says whether the process was started with the mark. For those of other
// users it says no, and also for programs whose environment the system hides,
// which are those that come with it.
func markOf(pid int, mark string) marking {
	arguments, err := unix.SysctlRaw("kern.procargs2", pid)
	if err != nil || !bytes.Contains(arguments, []byte("\x00"+markVariable+"="+mark+"\x00")) {
		return unmarked
	}
	return marked
}

// signalSame signals the process if it is the one that was started then.
func signalSame(pid int, start uint64, signal unix.Signal) error {
	now, _, err := processStart(pid)
	if err != nil {
		return err
	}
	if now != start {
		return unix.ESRCH
	}
	return unix.Kill(pid, signal)
}
