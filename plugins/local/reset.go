package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/gofrs/flock"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

// Reset is what reset prints as JSON.
type Reset struct {
	Deleted bool   `json:"deleted"` // false: there was nothing
	DataDir string `json:"data_dir"`
}

type resetOptions struct {
	folder folderOptions
	yes    bool
}

func newReset() *cli.Command {
	o := &resetOptions{}
	return &cli.Command{
		Name:        "reset",
		Summary:     "Stop the control plane and delete what it keeps",
		Description: "Deletes the data folder: apps, keys, history and logs. Asks first; without a terminal --yes is needed.",
		Output:      cli.Text,
		Single:      true,
		JSON:        Reset{},
		Flags: []*cli.Flag{
			{Name: "yes", Aliases: []string{"y"}, Value: cli.Bool(&o.yes), Usage: "do not ask"},
			o.folder.flag(),
		},
		Waits:    func() bool { return !o.yes },
		Examples: []cli.Example{{Comment: "begin anew, from a script", Line: "fal local reset --yes && fal local start --sample"}},
		Run:      func(ctx context.Context, inv *cli.Invocation) error { return runReset(ctx, inv, o) },
	}
}

func runReset(ctx context.Context, inv *cli.Invocation, o *resetOptions) error {
	dir, err := o.folder.open(inv)
	if err != nil {
		return err
	}
	ours, empty, err := dir.inspect()
	switch {
	case err != nil:
		return dir.failure("cannot read", err)
	case !ours && !empty:
		return cli.Failuref("%s is not a data folder of fal local: nothing was deleted", dir)
	case ours && !o.yes && !inv.IO.InTerminal():
		return cli.Usagef("everything in %s would be deleted, and there is no terminal to ask on", dir).
			WithHint("fal local reset --yes" + dir.flag())
	case ours && !o.yes:
		yes, err := inv.IO.Confirm(ctx, fmt.Sprintf("Stop the control plane and delete everything in %s?", dir))
		if err != nil {
			return err
		}
		if !yes {
			return cli.Failuref("nothing was deleted")
		}
	}
	if ours {
		if err := reset(ctx, dir); err != nil {
			return err
		}
	}
	said := "deleted " + dir.String()
	if !ours {
		said = "nothing to delete in " + dir.String()
	}
	return output.Object(ctx, inv.Printer, Reset{Deleted: ours, DataDir: string(dir)}, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, said)
		return err
	})
}

// reset ends the server and deletes the folder. The marker goes last but the
// lock: what was interrupted can be done again.
func reset(ctx context.Context, dir dataDir) error {
	if _, err := stopServer(ctx, dir); err != nil {
		return err
	}
	lock, err := dir.tryLock()
	if err != nil {
		return dir.failure("cannot lock", err)
	}
	if lock == nil {
		return cli.Failuref("a server was started meanwhile: nothing was deleted")
	}
	if err := errors.Join(dir.empty(), dir.removeLock(lock)); err != nil {
		return dir.failure("cannot delete", err)
	}
	// What stays when this fails is an empty folder, or one in which another
	// server has just started.
	_ = os.Remove(string(dir))
	return nil
}

// removeLock deletes the file while it is held, so that nobody else can have
// locked it, or after that where an open file cannot be deleted.
func (d dataDir) removeLock(lock *flock.Flock) error {
	err := os.Remove(d.file(lockName))
	closed := lock.Close()
	if err != nil {
		err = os.Remove(d.file(lockName))
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, closed)
}

// empty deletes what is in the folder, but for the lock.
func (d dataDir) empty() error {
	entries, err := os.ReadDir(string(d))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == lockName || e.Name() == markerName {
			continue
		}
		if err := os.RemoveAll(d.file(e.Name())); err != nil {
			return err
		}
	}
	return os.Remove(d.file(markerName))
}
