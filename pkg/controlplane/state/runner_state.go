package state

import "fmt"

// RunnerState is a state of the wire, with its number.
type RunnerState int

// The states. A runner is Idle or Running according to whether it has
// requests in flight; that change is not part of its history.
const (
	Running      RunnerState = 0
	Pending      RunnerState = 1
	Setup        RunnerState = 2
	Draining     RunnerState = 5
	Terminating  RunnerState = 6
	Terminated   RunnerState = 7
	Idle         RunnerState = 8
	FailureDelay RunnerState = 9
)

// String returns the name on the wire.
func (s RunnerState) String() string {
	switch s {
	case Running:
		return "RUNNING"
	case Pending:
		return "PENDING"
	case Setup:
		return "SETUP"
	case Draining:
		return "DRAINING"
	case Terminating:
		return "TERMINATING"
	case Terminated:
		return "TERMINATED"
	case Idle:
		return "IDLE"
	case FailureDelay:
		return "FAILURE_DELAY"
	}
	return fmt.Sprintf("RunnerState(%d)", int(s))
}

// Replacement says whether a runner is to be, or was, replaced before it ends.
type Replacement int

// The values of the wire.
const (
	NoReplace Replacement = iota
	WillReplace
	DidReplace
)

// permits reports whether a runner may go from s to next. Running is not
// stored: what has requests in flight moves as Idle does.
func (s RunnerState) permits(next RunnerState) bool {
	switch s {
	case Pending:
		return next == Setup || next == FailureDelay || next == Draining || next == Terminating || next == Terminated
	case Setup:
		return next == Idle || next == FailureDelay || next == Draining || next == Terminating || next == Terminated
	case Idle:
		return next == Draining || next == Terminating || next == Terminated
	case FailureDelay:
		return next == Pending || next == Terminated
	case Draining:
		return next == Terminating || next == Terminated
	case Terminating:
		return next == Terminated
	}
	return false
}

// leaving reports whether the runner is on its way out.
func (s RunnerState) leaving() bool { return s == Draining || s == Terminating || s == Terminated }
