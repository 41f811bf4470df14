package local

import (
	"os/exec"
	"strconv"
	"strings"
)

// processesOf lists the processes that were started as exe.
func processesOf(exe string) ([]int, error) {
	out, err := exec.Command("ps", "-axww", "-o", "pid=,command=").Output()
	if err != nil {
		return nil, err
	}
	var pids []int
	for line := range strings.Lines(string(out)) {
		number, command, _ := strings.Cut(strings.TrimSpace(line), " ")
		pid, err := strconv.Atoi(number)
		if err == nil && strings.HasPrefix(strings.TrimSpace(command), exe) {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}
