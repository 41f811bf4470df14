package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"

	"github.com/fal-plugins/fal/plugins/internal/localplane"
	"github.com/fal-plugins/fal/plugins/internal/version"
)

// checkLocal asks the control plane of this machine.
func (p *patient) checkLocal(ctx context.Context) finding {
	folder, err := localplane.Folder(p.inv.Getenv)
	if err != nil {
		return skipped(err.Error())
	}
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		return skipped("none has been started")
	}
	record, recorded, err := localplane.Read(folder)
	switch {
	case err != nil:
		return failed(err.Error(), "")
	case !recorded:
		return p.stopped(folder, "")
	}
	var health struct {
		Stopping bool   `json:"stopping"`
		Problem  string `json:"problem"`
	}
	if err := record.Call(ctx, http.MethodGet, localplane.PathHealth, &health); err != nil {
		if ctx.Err() != nil {
			return warning(fmt.Sprintf("process %d does not answer at %s", record.PID, record.Address), "fal local logs")
		}
		return p.stopped(folder, record.Address)
	}
	speaks := "without TLS"
	if record.TLS {
		speaks = "with TLS"
	}
	found := fmt.Sprintf("running at %s %s, process %d", record.Address, speaks, record.PID)
	mine := version.Get(p.inv.App.Name).Version
	switch {
	case health.Stopping:
		return warning(found+"; it is stopping", "")
	case health.Problem != "":
		return warning(found+"\n"+health.Problem, "fal local logs")
	case record.Version != mine:
		return warning(found+"; it is of version "+record.Version+", and this is "+mine, "fal local stop && fal local start")
	}
	return ok(found)
}

// stopped is a control plane that does not run. last is where it was last, if
// it ended without saying so.
func (p *patient) stopped(folder, last string) finding {
	found := "not running; its data is in " + shown(folder)
	if last == "" {
		return ok(found)
	}
	found += "\nit ended without tidying up; it was last at " + last
	if p.settings.grpc() == last {
		return warning(found, "fal local start")
	}
	return ok(found)
}
