package fal

import (
	"fmt"
	"strings"
)

// A RunnerState is where a runner is in its life. Numbers that this package
// does not know are kept, and their names are UNKNOWN(<n>).
type RunnerState int32

const (
	RunnerRunning      RunnerState = 0
	RunnerPending      RunnerState = 1
	RunnerSetup        RunnerState = 2
	RunnerDockerPull   RunnerState = 4
	RunnerDraining     RunnerState = 5
	RunnerTerminating  RunnerState = 6
	RunnerTerminated   RunnerState = 7
	RunnerIdle         RunnerState = 8
	RunnerCrashBackoff RunnerState = 9

	// runnerDead is how older servers say terminated. A [Runner] never has it.
	runnerDead RunnerState = 3
)

// current is the state by which older names of it are known today.
func (s RunnerState) current() RunnerState {
	if s == runnerDead {
		return RunnerTerminated
	}
	return s
}

// String is the state's name as people see it, in upper case: what the wire
// calls FAILURE_DELAY is CRASH_BACKOFF, and DEAD is TERMINATED.
func (s RunnerState) String() string {
	switch s {
	case RunnerRunning:
		return "RUNNING"
	case RunnerPending:
		return "PENDING"
	case RunnerSetup:
		return "SETUP"
	case RunnerDockerPull:
		return "DOCKER_PULL"
	case RunnerDraining:
		return "DRAINING"
	case RunnerTerminating:
		return "TERMINATING"
	case RunnerTerminated, runnerDead:
		return "TERMINATED"
	case RunnerIdle:
		return "IDLE"
	case RunnerCrashBackoff:
		return "CRASH_BACKOFF"
	}
	return fmt.Sprintf("UNKNOWN(%d)", int32(s))
}

// Serves reports whether a runner takes requests.
func (s RunnerState) Serves() bool { return s == RunnerRunning || s == RunnerIdle }

// Leaving reports whether a runner is on its way out, or has ended.
func (s RunnerState) Leaving() bool {
	switch s.current() {
	case RunnerDraining, RunnerTerminating, RunnerTerminated:
		return true
	}
	return false
}

// RunnerStates are the names of the known states in lower case, in the order
// of a runner's life.
func RunnerStates() []string {
	states := []RunnerState{
		RunnerPending, RunnerDockerPull, RunnerSetup, RunnerRunning, RunnerIdle,
		RunnerDraining, RunnerTerminating, RunnerTerminated, RunnerCrashBackoff,
	}
	names := make([]string, len(states))
	for i, s := range states {
		names[i] = strings.ToLower(s.String())
	}
	return names
}

// ParseRunnerState reads a state's name in any case. Beside those of
// [RunnerStates] it accepts dead (terminated) and failure_delay
// (crash_backoff). The error is [ErrInvalidArgument].
func ParseRunnerState(name string) (RunnerState, error) {
	switch strings.ToLower(name) {
	case "running":
		return RunnerRunning, nil
	case "pending":
		return RunnerPending, nil
	case "setup":
		return RunnerSetup, nil
	case "docker_pull":
		return RunnerDockerPull, nil
	case "draining":
		return RunnerDraining, nil
	case "terminating":
		return RunnerTerminating, nil
	case "terminated", "dead":
		return RunnerTerminated, nil
	case "idle":
		return RunnerIdle, nil
	case "crash_backoff", "failure_delay":
		return RunnerCrashBackoff, nil
	}
	return 0, invalid("", "unknown runner state %q: want one of %s", name, strings.Join(RunnerStates(), ", "))
}

// A RunnerReplacement says whether another runner takes a runner's place when
// it stops.
type RunnerReplacement int32

const (
	RunnerNoReplace   RunnerReplacement = 0
	RunnerWillReplace RunnerReplacement = 1
	RunnerDidReplace  RunnerReplacement = 2
)

// String is the name of the wire in upper case; UNKNOWN(<n>) for a number that
// this package does not know.
func (r RunnerReplacement) String() string {
	switch r {
	case RunnerNoReplace:
		return "NO_REPLACE"
	case RunnerWillReplace:
		return "WILL_REPLACE"
	case RunnerDidReplace:
		return "DID_REPLACE"
	}
	return fmt.Sprintf("UNKNOWN(%d)", int32(r))
}
