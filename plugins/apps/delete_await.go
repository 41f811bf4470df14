package apps

import (
	"context"
	"errors"
	"fmt"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// endingRunners are the runners of apps that are being deleted, by id under
// their app's alias.
type endingRunners map[string]map[string]bool

// runnersOf gets the runners that the deletion of apps will end. One request
// does for all of them, and later, when the names are gone, there is no other.
func (j *deletion) runnersOf(ctx context.Context, targets []view.AppDeletion) (endingRunners, error) {
	e := make(endingRunners, len(targets))
	for _, t := range targets {
		e[t.Alias] = make(map[string]bool)
	}
	err := j.eachRunner(ctx, func(r fal.Runner) {
		if ids, ok := e[r.Alias]; ok && r.State != fal.RunnerTerminated {
			ids[r.ID] = true
		}
	})
	return e, err
}

func (j *deletion) eachRunner(ctx context.Context, take func(fal.Runner)) error {
	ctx, cancel := j.inv.RequestContext(ctx)
	defer cancel()
	for r, err := range j.session.Client.Runners.List(ctx, nil) {
		if err != nil {
			return j.session.Error(err)
		}
		take(r)
	}
	return nil
}

// await looks until the runners of the deleted apps are gone, and marks these.
func (j *deletion) await(ctx context.Context, runners endingRunners, targets []view.AppDeletion) error {
	started, left := j.now(), map[string]int{}
	wanted := 0
	for _, t := range targets {
		if t.Result == "accepted" {
			left[t.Alias] = len(runners[t.Alias])
			wanted += left[t.Alias]
		}
	}
	if wanted > 0 && j.inv.IO.ErrTerminal() {
		fmt.Fprintln(j.inv.IO.Err, "waiting for "+view.Count(wanted, "runner")+" to end")
	}
	err := j.until(ctx, j.inv, func() (bool, error) {
		if wanted == 0 {
			return true, nil
		}
		seen := map[string]int{}
		err := j.eachRunner(ctx, func(r fal.Runner) {
			if r.State != fal.RunnerTerminated && runners[r.Alias][r.ID] {
				seen[r.Alias]++
			}
		})
		if err != nil {
			return false, err
		}
		over := true
		for _, t := range targets {
			over = over && (t.Result != "accepted" || seen[t.Alias] == 0)
		}
		left = seen
		return over, nil
	})
	remaining, took := 0, secondsBetween(started, j.now())
	kill := "fal runners kill"
	for i, t := range targets {
		if t.Result != "accepted" {
			continue
		}
		total := len(runners[t.Alias])
		remaining += left[t.Alias]
		targets[i].Runners = &view.RunnersEnded{Ended: total - left[t.Alias], Total: total, Seconds: took}
		if left[t.Alias] == 0 {
			targets[i].Result = "done"
			continue
		}
		kill += " --app " + cli.Quote(t.Alias)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &cli.Error{Code: "timeout", Message: fmt.Sprintf("%s did not end within %s", view.Count(remaining, "runner"), j.inv.Timeout),
			Hint: []string{kill}}
	}
	return err
}
