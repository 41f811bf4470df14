package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	goruntime "runtime"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/localplane"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

// Stopped is what stop prints as JSON.
type Stopped struct {
	Stopped bool   `json:"stopped"` // false: it was not running
	DataDir string `json:"data_dir"`
}

func newStop() *cli.Command {
	o := &folderOptions{}
	return &cli.Command{
		Name:        "stop",
		Summary:     "Stop the control plane and its runners",
		Description: "Lets requests in flight end, ends every runner, and returns when all are gone. What the control plane keeps stays in its data folder.",
		Output:      cli.Text,
		Single:      true,
		JSON:        Stopped{},
		Flags:       []*cli.Flag{o.flag()},
		Examples:    []cli.Example{{Comment: "end it with all that it runs", Line: "fal local stop"}},
		Run: func(ctx context.Context, inv *cli.Invocation) error {
			dir, err := o.open(inv)
			if err != nil {
				return err
			}
			was, err := stopServer(ctx, dir)
			if err != nil {
				return err
			}
			said := "stopped"
			if !was {
				said = "not running"
			}
			err = output.Object(ctx, inv.Printer, Stopped{Stopped: was, DataDir: string(dir)}, func(w io.Writer) error {
				_, err := fmt.Fprintln(w, said)
				return err
			})
			if err == nil && (inv.Format == output.Pretty || inv.Format == output.Wide) {
				adviseUndo(ctx, inv, dir)
			}
			return err
		},
	}
}

// adviseUndo says how a shell gets rid of what leads it to a control plane that
// is there no more.
func adviseUndo(ctx context.Context, inv *cli.Invocation, dir dataDir) {
	if len(undone(ctx, dir, inv.Getenv).variables()) == 0 {
		return
	}
	undo := localplane.GuessShell(inv.Getenv, goruntime.GOOS).Source(inv.Typed() + " env --unset" + dir.flag())
	hint(inv, "`"+undo+"`, since this shell still leads there")
}

// stopServer asks a running server to end and waits until it has. It tells
// whether there was one.
func stopServer(ctx context.Context, dir dataDir) (bool, error) {
	found, err := dir.find(ctx)
	if err != nil || found == nil {
		return false, err
	}
	// Refused or cut off: it is ending by itself, which the lock tells.
	_ = controlOf(found.record).stop(ctx)
	return true, dir.awaitEnd(ctx, found.record)
}

// awaitEnd returns when the server that wrote r has ended.
func (d dataDir) awaitEnd(ctx context.Context, r record) error {
	err := d.awaitUnlocked(ctx)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return (&cli.Error{Code: "timeout", Err: err,
			Message: fmt.Sprintf("the server (process %d) did not end in time", r.PID)}).
			WithHint("fal local logs" + d.flag())
	}
	return err
}
