package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/localplane"
)

// record is what a running server leaves in its folder for the commands.
type record = localplane.Record

func (d dataDir) saveRecord(r record) error {
	if err := writeJSON(d.file(recordName), r); err != nil {
		return d.failure("cannot write", err)
	}
	return nil
}

// record reads the record; ok is false when there is none that says anything.
func (d dataDir) record() (r record, ok bool, err error) {
	r, ok, err = localplane.Read(string(d))
	if err != nil {
		return record{}, false, d.failure("cannot read", err)
	}
	return r, ok, nil
}

func (d dataDir) removeRecord() error {
	if err := os.Remove(d.file(recordName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return d.failure("cannot delete", err)
	}
	return nil
}

// patience is how long a server that holds the lock may take to answer: it may
// be starting, or ending.
const patience = 20 * time.Second

// instance is a server that has just answered.
type instance struct {
	record
	health health
}

// find asks the server of a folder. It returns nil when none is running, and
// an error when one is that does not answer.
func (d dataDir) find(ctx context.Context) (*instance, error) {
	var found *instance
	var asked record
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := poll(limited, func() (bool, error) {
		r, ok, err := d.record()
		if err != nil {
			return false, err
		}
		if ok {
			asked = r
			if h, err := controlOf(r).health(limited); err == nil {
				found = &instance{record: r, health: h}
				return true, nil
			}
		}
		held, err := d.locked()
		return !held, err
	})
	if err == nil || limited.Err() == nil || errors.Is(ctx.Err(), context.Canceled) {
		return found, err
	}
	return nil, d.unresponsive(asked)
}

func (d dataDir) unresponsive(r record) error {
	who := "a server"
	e := &cli.Error{Code: "unresponsive", Exit: cli.ExitUnavailable}
	if r.PID != 0 {
		who = fmt.Sprintf("the server (process %d)", r.PID)
	}
	e.Message = fmt.Sprintf("%s holds %s and does not answer", who, d)
	return e.WithHint("fal local logs" + d.flag())
}

// running is find for commands that need a server.
func (d dataDir) running(ctx context.Context) (*instance, error) {
	found, err := d.find(ctx)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, (&cli.Error{Code: "not_running", Message: "the local control plane is not running"}).
			WithHint("fal local start" + d.flag())
	}
	return found, nil
}
