package controlplane

import (
	"os/exec"
	"testing"

	"golang.org/x/sys/windows"
)

// alive reports whether a process exists.
func alive(pid int) bool {
	process, err := windows.OpenProcess(windows.SYNCHRONIZE, false, uint32(pid))
	if err != nil {
		return false
	}
	defer windows.CloseHandle(process)
	event, err := windows.WaitForSingleObject(process, 0)
	return err == nil && event == uint32(windows.WAIT_TIMEOUT)
}

// commandLines returns the arguments of every process that can be looked at.
func commandLines(t *testing.T) string {
	t.Helper()
	table, err := exec.Command("powershell", "-NoProfile", "-Command", "(Get-CimInstance Win32_Process).CommandLine").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(table)
}
