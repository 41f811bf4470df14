package runtime

import (
	"bufio"
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Listens reports whether a TCP socket that listens on a port belongs to the
// process or to what it has started. The error is errors.ErrUnsupported where the
// system does not say: outside of Linux, and of programs whose files are hidden
// from this user, such as those that run as another one.
func (p *Process) Listens(port int) (bool, error) {
	own, hidden, err := p.listensOn(func(other int) bool { return other == port })
	if err == nil && len(own) == 0 && hidden {
		err = errors.ErrUnsupported
	}
	return len(own) > 0, err
}

// Ports returns the ports of TCP sockets that listen and belong to the process or to
// what it has started, in order. The error is that of [Process.Listens].
func (p *Process) Ports() ([]int, error) {
	own, hidden, err := p.listensOn(func(int) bool { return true })
	if err == nil && hidden {
		err = errors.ErrUnsupported
	}
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(own)), nil
}

// listensOn returns those of the wanted ports that the process and what it has
// started listen on, and whether it is hidden what some of them do.
func (p *Process) listensOn(wanted func(port int) bool) (own map[int]bool, hidden bool, err error) {
	sockets := make(map[string]int)
	for _, name := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		table, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // without IPv6
		}
		if err != nil {
			return nil, false, err
		}
		for inode, port := range listening(table) {
			if wanted(port) {
				sockets["socket:["+inode+"]"] = port
			}
		}
	}
	own = make(map[int]bool)
	if len(sockets) == 0 {
		return own, false, nil
	}
	all, err := processes()
	if err != nil {
		return nil, false, err
	}
	// While it is under supervision, its group and session are its own.
	members, _ := p.supervisor.record.members(all, true)
	for pid := range members {
		if pid == p.supervisor.record.Supervisor.PID {
			continue
		}
		err := collect(own, pid, sockets)
		hidden = hidden || errors.Is(err, fs.ErrPermission)
	}
	return own, hidden, nil
}

// tcpListen is TCP_LISTEN of the kernel's states.
const tcpListen = "0A"

// listening returns the ports of the sockets in a table, as /proc/net/tcp has it,
// that listen, by inode.
func listening(table []byte) map[string]int {
	ports := make(map[string]int)
	lines := bufio.NewScanner(bytes.NewReader(table))
	for lines.Scan() {
		// sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode …
		fields := strings.Fields(lines.Text())
		if len(fields) <= 9 || fields[3] != tcpListen {
			continue
		}
		_, text, _ := strings.Cut(fields[1], ":")
		if port, err := strconv.ParseUint(text, 16, 16); err == nil {
			ports[fields[9]] = int(port)
		}
	}
	return ports
}

// collect adds the ports of those of the sockets that a process has open.
func collect(own map[int]bool, pid int, sockets map[string]int) error {
	folder := "/proc/" + strconv.Itoa(pid) + "/fd"
	descriptors, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, descriptor := range descriptors {
		// One may have been closed meanwhile.
		if target, err := os.Readlink(folder + "/" + descriptor.Name()); err == nil {
			if port, ok := sockets[target]; ok {
				own[port] = true
			}
		}
	}
	return nil
}
