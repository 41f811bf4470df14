//go:build unix

package controlplane

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// alive reports whether a process runs. One that has ended and that nobody has
// waited for does not: not every first process of a container waits.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil {
		state := bytes.TrimSpace(stat[bytes.LastIndexByte(stat, ')')+1:])
		return !bytes.HasPrefix(state, []byte("Z")) && !bytes.HasPrefix(state, []byte("X"))
	}
	state, err := exec.Command("ps", "-o", "stat=", "-p", fmt.Sprint(pid)).Output()
	if ended := (*exec.ExitError)(nil); errors.As(err, &ended) {
		return false
	}
	return !strings.HasPrefix(strings.TrimSpace(string(state)), "Z")
}

// commandLines returns the arguments of every process that can be looked at.
func commandLines(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if arguments, err := os.ReadFile(path); err == nil { // it may have ended
			all.Write(bytes.ReplaceAll(arguments, []byte{0}, []byte{' '}))
			all.WriteByte('\n')
		}
	}
	if len(paths) == 0 {
		table, err := exec.Command("ps", "-A", "-ww", "-o", "args=").Output()
		if err != nil {
			t.Fatal(err)
		}
		all.Write(table)
	}
	return all.String()
}
