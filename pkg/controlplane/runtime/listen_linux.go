package runtime

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// Listens reports whether a TCP socket that listens on a port belongs to the
// process or to what it has started. The error is errors.ErrUnsupported where the
// system does not say: outside of Linux, and of programs whose files are hidden
// from this user, such as those that run as another one.
func (p *Process) Listens(port int) (bool, error) {
	sockets := make(map[string]bool)
	for _, name := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		table, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // without IPv6
		}
		if err != nil {
			return false, err
		}
		for _, inode := range listening(table, port) {
			sockets["socket:["+inode+"]"] = true
		}
	}
	if len(sockets) == 0 {
		return false, nil
	}
	all, err := processes()
	if err != nil {
		return false, err
	}
	// While it is under supervision, its group and session are its own.
	members, _ := p.supervisor.record.members(all, true)
	hidden := false
	for pid := range members {
		if pid == p.supervisor.record.Supervisor.PID {
			continue
		}
		holds, err := holdsOne(pid, sockets)
		if holds {
			return true, nil
		}
		hidden = hidden || errors.Is(err, fs.ErrPermission)
	}
	if hidden {
		return false, errors.ErrUnsupported
	}
	return false, nil
}

// tcpListen is TCP_LISTEN of the kernel's states.
const tcpListen = "0A"

// listening returns the inodes of the sockets in a table, as /proc/net/tcp has it,
// that listen on a port.
func listening(table []byte, port int) []string {
	var inodes []string
	suffix := fmt.Sprintf(":%04X", port)
	lines := bufio.NewScanner(bytes.NewReader(table))
	for lines.Scan() {
		// sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode …
		fields := strings.Fields(lines.Text())
		if len(fields) > 9 && fields[3] == tcpListen && strings.HasSuffix(fields[1], suffix) {
			inodes = append(inodes, fields[9])
		}
	}
	return inodes
}

// holdsOne reports whether a process has one of the sockets open.
func holdsOne(pid int, sockets map[string]bool) (bool, error) {
	folder := "/proc/" + strconv.Itoa(pid) + "/fd"
	descriptors, err := os.ReadDir(folder)
	if err != nil {
		return false, err
	}
	for _, descriptor := range descriptors {
		// One may have been closed meanwhile.
		if target, err := os.Readlink(folder + "/" + descriptor.Name()); err == nil && sockets[target] {
			return true, nil
		}
	}
	return false, nil
}
