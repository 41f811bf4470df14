package runners

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/runnerlist"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// noticed is how long before its deadline a request may fail for it.
const noticed = 50 * time.Millisecond

// await looks until the accepted runners have ended, and marks them.
func (j *job) await(ctx context.Context, actions []view.RunnerAction) error {
	for {
		waiting := 0
		rows, err := j.list(ctx)
		if deadline, ok := ctx.Deadline(); ok && err != nil && time.Until(deadline) < noticed {
			<-ctx.Done() // gRPC notices the same deadline a moment earlier
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
		for i, a := range actions {
			if a.Result != "accepted" {
				continue
			}
			alive := slices.ContainsFunc(rows, func(r view.Runner) bool { return r.RunnerID == a.RunnerID && !runnerlist.Ended(r.State) })
			if err == nil && !alive {
				actions[i].Result = "done"
			} else {
				waiting++
			}
		}
		if waiting == 0 {
			return nil
		}
		timer := time.NewTimer(j.poll)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			if errors.Is(ctx.Err(), context.Canceled) {
				return ctx.Err()
			}
			e := &cli.Error{Code: "timeout", Message: fmt.Sprintf("%s did not end within %s", view.Count(waiting, "runner"), j.inv.Timeout)}
			for _, a := range actions {
				if a.Result == "accepted" {
					e = e.WithHint("fal runners kill " + cli.Quote(a.RunnerID))
				}
			}
			return e
		}
	}
}
