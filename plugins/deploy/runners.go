package deploy

import (
	"context"
	"fmt"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// runners are those of the app, as far as the service tells them in time.
func (j *job) runners(ctx context.Context, patience time.Duration) (runners []fal.Runner) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for r, err := range j.session.Client.Apps.Runners(ctx, j.loaded.App.Name, nil) {
		if err != nil {
			break
		}
		runners = append(runners, r)
	}
	return runners
}

// wayBack is the hint that leads away from a revision which crashes: to one that
// serves or, if none does, to the one before, unless that crashes as well. It is
// empty if there is none.
func (j *job) wayBack(ctx context.Context, previous string) string {
	up, crashes := "", false
	for _, r := range j.runners(ctx, lookAfter) {
		switch {
		case r.Revision == j.revision:
		case r.State.Serves() && (up == "" || r.Revision == previous):
			up = r.Revision
		case r.State == fal.RunnerCrashBackoff:
			crashes = crashes || r.Revision == previous
		}
	}
	switch {
	case up != "":
		return "`" + j.again("set-rev", up) + "` goes back to the revision that serves"
	case previous != "" && !crashes:
		return "`" + j.again("set-rev", previous) + "` goes back to the revision before"
	}
	return ""
}

// isUp reports whether a runner of a revision is seen to take requests.
func (j *job) isUp(ctx context.Context, revision string) bool {
	for _, r := range j.runners(ctx, lookWhenBroken) {
		if r.Revision == revision && r.State.Serves() {
			return true
		}
	}
	return false
}

// countOld counts the runners that a rollout nobody waits for has yet to
// replace. A service that does not tell at once is not waited for.
func (j *job) countOld(ctx context.Context, d *fal.Deployment) (count int) {
	if d.Before == nil || j.params.Attach != nil {
		return 0
	}
	for _, r := range j.runners(ctx, j.o.lookBehind) {
		if r.Revision != d.Revision && !r.State.Leaving() {
			count++
		}
	}
	return count
}

// followHint says that a rollout goes on, and how to follow it; empty if there
// is no need to. That the old revision still answers is for scripts too; that
// the new one starts is not.
func (j *job) followHint(v view.Deployment) string {
	if j.attached() || v.Status != view.Deployed {
		return ""
	}
	follow := "`" + j.again("status") + " --wait` follows the rollout"
	switch {
	case j.old == 1:
		return "hint: 1 runner of an earlier revision is being replaced: " + follow
	case j.old > 1:
		return fmt.Sprintf("hint: %d runners of an earlier revision are being replaced: %s", j.old, follow)
	case j.starts && j.inv.IO.ErrTerminal():
		return "hint: " + follow
	}
	return ""
}
