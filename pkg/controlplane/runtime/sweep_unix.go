//go:build linux || darwin

package runtime

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// process is a row of the process table.
type process struct {
	pid, ppid, pgid, sid int
	start                uint64
	zombie               bool
}

// marking says whether a process was started with a mark in its environment.
type marking int

const (
	unmarked marking = iota
	marked
	unsettled // it is about to execute a program and has no environment yet
)

// sweep kills everything that belongs to the record and returns the pids, in
// ascending order. If the supervisor is a child of this process it must not have
// been waited for: as long as it is at least a zombie, the number of its session
// is certain to be its own.
func sweep(rec record) ([]int, error) {
	boot, err := bootID()
	if err != nil {
		return nil, err
	}
	if boot != rec.Supervisor.Boot {
		return nil, nil
	}
	killed := make(map[int]bool)
	trust := false
	deadline := time.Now().Add(cleanDelay)
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		all, err := processes()
		if err != nil {
			return pids(killed), err
		}
		// A leader that has been seen may be gone in the next round, but numbers
		// are not used again within the time of a sweep.
		trust = trust || rec.leads(all)
		left, settled := rec.members(all, trust)
		late := time.Now().After(deadline)
		if len(left) == 0 && (settled || late) {
			return pids(killed), nil
		}
		if late {
			return pids(killed), fmt.Errorf("processes %v are still running", pids(left))
		}
		for pid, start := range left {
			// What cannot be killed is still there in the next round.
			if killSame(pid, start) == nil {
				killed[pid] = true
			}
		}
		time.Sleep(pause)
	}
}

// killSame sends SIGKILL to the process if it is the one that was started then.
func killSame(pid int, start uint64) error { return signalSame(pid, start, unix.SIGKILL) }

func pids[V any](set map[int]V) []int {
	return slices.Sorted(maps.Keys(set))
}

// is reports whether the process is the very one.
func (id identity) is(p process) bool {
	return id.PID > 1 && id.Start != 0 && p.pid == id.PID && p.start == id.Start
}

// leads reports whether the leader of the session or of the group is there, also
// as a zombie, so that these numbers belong to the record.
func (rec record) leads(all []process) bool {
	return slices.ContainsFunc(all, func(p process) bool {
		return rec.Supervisor.is(p) || rec.Process.is(p)
	})
}

// members returns the running processes that belong to the record, with their
// start times. Unless the numbers of group and session are to be trusted, only
// the leaders themselves and what bears the mark do. It is not settled if there
// are processes of which that cannot be said at this moment.
func (rec record) members(all []process, trust bool) (members map[int]uint64, settled bool) {
	members, settled = make(map[int]uint64), true
	for _, p := range all {
		if p.zombie || p.pid <= 1 || p.start < rec.Supervisor.Start {
			continue
		}
		if rec.Supervisor.is(p) || rec.Process.is(p) ||
			trust && p.sid == rec.Supervisor.PID ||
			trust && rec.Process.PID > 1 && (p.pgid == rec.Process.PID || p.sid == rec.Process.PID) {
			members[p.pid] = p.start
			continue
		}
		switch markOf(p.pid, rec.Mark) {
		case marked:
			members[p.pid] = p.start
		case unsettled:
			settled = false
		}
	}
	return members, settled
}
