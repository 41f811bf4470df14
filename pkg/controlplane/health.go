package controlplane

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/runtime"
	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

// healthInterval is between regular health checks.
const healthInterval = 15 * time.Second

// busyPause is when to look again whether a runner to be checked is idle.
const busyPause = 100 * time.Millisecond

// checkHealth has a runner's health be looked at now, because one of its answers
// asked for that. It does nothing for a runner without a health check.
func (f *fleet) checkHealth(runner string) {
	f.mu.Lock()
	k := f.keepers[runner]
	f.mu.Unlock()
	if k == nil {
		return
	}
	select {
	case k.checks <- struct{}{}:
	default: // that is to be done already
	}
}

// watch looks at the health of a process that was started and is up since then, and
// returns when the process has ended or was found to be ill and is drained.
func (k *keeper) watch(process *runtime.Process, port int, started, up time.Time) {
	check := k.app.Rev.Serving.HealthCheck
	if check == nil {
		return
	}
	ctx, cancel := living(process)
	defer cancel()
	p := newProber()
	defer p.close()
	var regular <-chan time.Time
	if check.CallRegularly {
		ticker := time.NewTicker(cmp.Or(k.fleet.healthEvery, healthInterval))
		defer ticker.Stop()
		regular = ticker.C
	}
	var later <-chan time.Time
	well := up // until then it was, as far as is known
	for failures := 0; ; {
		requested := false
		select {
		case <-process.Done():
			return
		case <-regular:
		case <-k.checks:
			requested = true
		case <-later:
			requested = true
		}
		if k.asked() {
			return
		}
		if !check.AllowOnBusy && k.fleet.state.InFlight(k.runner.ID) > 0 {
			// It may answer nothing else meanwhile; the answer that asked for the
			// check is under way itself.
			if requested {
				later = time.After(busyPause)
			}
			continue
		}
		err := p.ask(ctx, check.Method, port, check.Path, check.Timeout)
		if err == nil || ctx.Err() != nil {
			failures, well = 0, time.Now()
			continue
		}
		if k.isEarly(check, time.Since(started)) {
			k.say(state.LevelWarning, fmt.Sprintf("health check failed: %v; that does not count before it has run for %s", err, k.startPeriod(check)))
			failures = 0
			continue
		}
		failures++
		if !k.ill(check, failures, err) {
			continue
		}
		// It is one that failed, as far as the pace of starting others goes.
		if !check.CallRegularly {
			well = time.Now()
		}
		k.fleet.crashed(k.app.Rev.RevisionID, well.Sub(up))
		k.drain(fmt.Sprintf("unhealthy: %v", err))
		return
	}
}

// startPeriod is how long failures do not count.
func (k *keeper) startPeriod(check *state.HealthCheck) time.Duration {
	return max(check.StartPeriod, k.app.StartupTimeout)
}

// isEarly reports whether a failure does not count yet. Those of checks that are
// not regular do at once.
func (k *keeper) isEarly(check *state.HealthCheck, age time.Duration) bool {
	return check.CallRegularly && age < k.startPeriod(check)
}

// ill logs a failed health check, and reports whether it is one too many. Of
// those that are not regular one is enough.
func (k *keeper) ill(check *state.HealthCheck, failures int, err error) bool {
	if !check.CallRegularly {
		k.say(state.LevelError, fmt.Sprintf("health check failed: %v", err))
		return true
	}
	level, over := state.LevelWarning, failures >= check.FailureThreshold
	if over {
		level = state.LevelError
	}
	k.say(level, fmt.Sprintf("health check failed (%d of %d): %v", failures, check.FailureThreshold, err))
	return over
}

// drain has the runner take no more requests and end, without waiting long for
// those in flight, and another be started where one is wanted.
func (k *keeper) drain(reason string) {
	k.fleet.report(k.runner.ID, k.fleet.state.Discard(context.Background(), k.runner.ID, reason))
}
