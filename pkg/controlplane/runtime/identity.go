package runtime

import "fmt"

// identity tells a process from every other that has or had the same pid.
type identity struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start"` // in the unit of the system
	Boot  string `json:"boot"`
}

func (id identity) String() string {
	return fmt.Sprintf("%d:%d:%s", id.PID, id.Start, id.Boot)
}

// identify asks the system. The process must not vanish meanwhile: it is this
// one, or a child that has not been waited for.
func identify(pid int) (identity, error) {
	boot, err := bootID()
	if err != nil {
		return identity{}, err
	}
	start, _, err := processStart(pid)
	if err != nil {
		return identity{}, err
	}
	return identity{PID: pid, Start: start, Boot: boot}, nil
}

// alive reports whether the very process is running. One that has ended and
// was not waited for is not.
func (id identity) alive() bool {
	if id.PID <= 1 || id.Start == 0 {
		return false
	}
	boot, err := bootID()
	if err != nil || boot != id.Boot {
		return false
	}
	start, running, err := processStart(id.PID)
	return err == nil && running && start == id.Start
}
