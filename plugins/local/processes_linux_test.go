package local

import (
	"bytes"
	"errors"
	"os"
	"strconv"
)

// processesOf lists the processes that were started as exe.
func processesOf(exe string) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		line, err := os.ReadFile("/proc/" + e.Name() + "/cmdline")
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			continue // it has ended meanwhile
		}
		if argv0, _, _ := bytes.Cut(line, []byte{0}); string(argv0) == exe {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}
