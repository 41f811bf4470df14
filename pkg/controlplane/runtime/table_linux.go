package runtime

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// bootID returns a value that changes with every start of the system.
func bootID() (string, error) {
	data, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(data)), err
}

// processStart returns when the process was started, in clock ticks since the
// system was, and whether it is running rather than ended and not waited for.
func processStart(pid int) (start uint64, running bool, err error) {
	p, err := readProcess(pid)
	return p.start, err == nil && !p.zombie, err
}

// processStatus is what /proc/<pid>/stat says.
type processStatus struct {
	process
	executing bool // see unsettled
}

func readProcess(pid int) (processStatus, error) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return processStatus{}, err
	}
	return parseStat(data)
}

// kernelThread is PF_KTHREAD of the kernel's flags.
const kernelThread = 0x00200000

// parseStat reads /proc/<pid>/stat. The second field is the name of the
// program, which can contain spaces and parentheses.
func parseStat(data []byte) (processStatus, error) {
	malformed := fmt.Errorf("malformed process status %.80q", data)
	head, _, ok := bytes.Cut(data, []byte(" ("))
	end := bytes.LastIndexByte(data, ')')
	if !ok || end < len(head) {
		return processStatus{}, malformed
	}
	// From the third field on: state ppid pgrp session … flags, the 9th, …
	// threads, the 20th, … start, the 22nd, … end of the environment, the 51st.
	fields := strings.Fields(string(data[end+1:]))
	if len(fields) < 49 {
		return processStatus{}, malformed
	}
	flags, err := strconv.ParseUint(fields[6], 10, 32)
	if err != nil {
		return processStatus{}, malformed
	}
	var p processStatus
	p.executing = flags&kernelThread == 0 && fields[48] == "0"
	// If its first thread alone has ended, a process looks like a zombie.
	p.zombie = (fields[0] == "Z" || fields[0] == "X") && (fields[17] == "0" || fields[17] == "1")
	for _, field := range []struct {
		text  string
		value *int
	}{{string(head), &p.pid}, {fields[1], &p.ppid}, {fields[2], &p.pgid}, {fields[3], &p.sid}} {
		n, err := strconv.Atoi(field.text)
		if err != nil {
			return processStatus{}, malformed
		}
		*field.value = n
	}
	start, err := strconv.ParseUint(fields[19], 10, 64)
	if err != nil {
		return processStatus{}, malformed
	}
	p.start = start
	return p, nil
}

// processes lists all processes that can be seen.
func processes() ([]process, error) {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer proc.Close()
	names, err := proc.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var all []process
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		p, err := readProcess(pid)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			continue // it has ended meanwhile
		}
		if err != nil {
			return nil, err
		}
		all = append(all, p.process)
	}
	return all, nil
}

// markOf says whether the process was started with the mark. For those of other
// users it says no.
func markOf(pid int, mark string) marking {
	environment, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return unmarked
	}
	entry := markVariable + "=" + mark + "\x00"
	if bytes.HasPrefix(environment, []byte(entry)) || bytes.Contains(environment, []byte("\x00"+entry)) {
		return marked
	}
	if len(environment) == 0 {
		if p, err := readProcess(pid); err == nil && p.executing {
			return unsettled
		}
	}
	return unmarked
}

// signalSame signals the process if it is the one that was started then.
func signalSame(pid int, start uint64, signal unix.Signal) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil && !errors.Is(err, unix.ESRCH) {
		fd = -1 // not permitted here, or an old kernel
	} else if err != nil {
		return err
	}
	if fd >= 0 {
		defer unix.Close(fd)
	}
	// The descriptor stays with the process that had the pid when it was opened.
	now, _, err := processStart(pid)
	if err != nil {
		return err
	}
	if now != start {
		return unix.ESRCH
	}
	if fd >= 0 {
		return unix.PidfdSendSignal(fd, signal, nil, 0)
	}
	return unix.Kill(pid, signal)
}
