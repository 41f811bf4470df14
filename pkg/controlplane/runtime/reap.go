package runtime

import (
	"errors"
	"fmt"
	"io/fs"
)

// Outcome says what Reap did about a record.
type Outcome string

const (
	// Killed: something was still running and has been killed.
	Killed Outcome = "killed"
	// Gone: nothing was running any more, or its pid belongs to another process.
	Gone Outcome = "gone"
	// Unreadable: the record says nothing. Records are replaced whole, so that
	// only a crash of the system leaves such a one, and no process with it.
	Unreadable Outcome = "unreadable"
)

// Reaped is a process that an earlier control plane left a record of.
type Reaped struct {
	ID       string // of the Spec; empty if unreadable
	Identity string // as Process.Identity gave it; empty if it never started
	Outcome  Outcome
	Killed   []int // the pids that were killed, in ascending order
}

// Reap kills what earlier control planes left running, by the records in
// Options.Dir, and removes the records. It is to be called once after New. Each
// process is compared by start time and boot, never by pid alone. Processes of
// this Runtime are left alone, and so are those of another control plane that
// is still alive.
//
// The error joins those of all records; one whose processes could not be killed
// within a few seconds is kept.
func (r *Runtime) Reap() ([]Reaped, error) {
	marks, unfinished, err := r.records.list()
	if err != nil {
		return nil, fmt.Errorf("reap: %w", err)
	}
	var all []Reaped
	var errs []error
	for _, mark := range unfinished {
		if r.isLive(mark) {
			continue
		}
		if err := r.records.discard(r.records.path(mark) + temporarySuffix); err != nil {
			errs = append(errs, fmt.Errorf("reap: %w", err))
		}
	}
	for _, mark := range marks {
		if r.isLive(mark) {
			continue
		}
		reaped, found, err := r.reap(mark)
		if err != nil {
			errs = append(errs, fmt.Errorf("reap: %w", err))
		}
		if found {
			all = append(all, reaped)
		}
	}
	return all, errors.Join(errs...)
}

func (r *Runtime) reap(mark string) (reaped Reaped, found bool, err error) {
	rec, err := r.records.read(mark)
	switch {
	case errors.Is(err, fs.ErrNotExist): // its process ended meanwhile
		return Reaped{}, false, nil
	case errors.Is(err, errUnreadable):
		return Reaped{Outcome: Unreadable}, true, r.records.remove(mark)
	case err != nil:
		return Reaped{}, false, err
	}
	if rec.Owner != r.owner && rec.Owner.alive() {
		return Reaped{}, false, nil
	}
	reaped = Reaped{ID: rec.ID, Outcome: Gone}
	if rec.Process.PID != 0 {
		reaped.Identity = rec.Process.String()
	}
	reaped.Killed, err = sweep(rec)
	if len(reaped.Killed) > 0 {
		reaped.Outcome = Killed
	}
	if err != nil {
		return reaped, true, fmt.Errorf("%s: %w", rec.ID, err)
	}
	return reaped, true, r.records.remove(mark)
}
