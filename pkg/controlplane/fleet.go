package controlplane

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fal-plugins/fal/pkg/controlplane/runtime"
	"github.com/fal-plugins/fal/pkg/controlplane/schedule"
	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

const (
	// retryInterval is when to plan again after an action failed.
	retryInterval = time.Second
	// settledAfter is how long a runner has to be up for its crash to be held
	// against it alone, and not against the revision.
	settledAfter = 10 * time.Second
	// parallelActions bounds the actions of a plan that wait for the disk at once.
	parallelActions = 16
	// longestGoodbye bounds the grace period when the control plane itself ends.
	longestGoodbye = 10 * time.Second
	// planPause is between two plans that changes lead to, of which requests
	// make many.
	planPause = 5 * time.Millisecond
)

// fleet makes what runs follow from what should run.
type fleet struct {
	state   *state.State
	runtime *runtime.Runtime
	logger  *slog.Logger
	workDir string // holds a folder for each runner whose app names none
	deploys *deploys
	fixed   fixedPorts

	healthEvery time.Duration // between regular health checks; 0 means healthInterval
	strayAfter  time.Duration // 0 means strayGrace

	calls  chan func()   // run between two plans
	nudge  chan struct{} // asks for another plan
	stop   chan struct{}
	done   chan struct{}
	ctx    context.Context // ends when runners have to be gone
	cancel context.CancelFunc

	keeping sync.WaitGroup
	mu      sync.Mutex
	keepers map[string]*keeper // by runner ID
	crashes map[string]crashes // by revision ID
}

// crashes counts runners in a row that ended soon after they were up.
type crashes struct {
	count     int
	notBefore time.Time
}

func newFleet(st *state.State, rt *runtime.Runtime, logger *slog.Logger, workDir string) *fleet {
	ctx, cancel := context.WithCancel(context.Background())
	return &fleet{
		state: st, runtime: rt, logger: logger, workDir: workDir,
		calls: make(chan func()), nudge: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
		ctx: ctx, cancel: cancel,
		keepers: make(map[string]*keeper),
		crashes: make(map[string]crashes),
	}
}

// run is the reconcile loop.
func (f *fleet) run() {
	defer close(f.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	var last time.Time
	for {
		select {
		case <-f.stop:
			return
		case call := <-f.calls:
			call()
		case <-f.nudge:
		case <-f.state.Changed():
			if pause := time.Until(last.Add(planPause)); pause > 0 {
				timer.Reset(pause)
				continue
			}
		case <-timer.C:
		}
		timer.Stop()
		last = time.Now()
		if next := f.reconcile(time.Now()); !next.IsZero() {
			timer.Reset(time.Until(next))
		}
	}
}

// reconcile carries out one plan and returns when to make the next one though
// nothing changed.
func (f *fleet) reconcile(now time.Time) time.Time {
	// Keepers first: one that is missing here has recorded its end already.
	kept := f.snapshotKeepers()
	apps, runners := f.state.Snapshot()
	byName := make(map[string]*state.App, len(apps))
	wanted := make([]schedule.App, 0, len(apps))
	for _, app := range apps {
		byName[appKey(app.Account, app.Alias)] = app.App
		wanted = append(wanted, f.wanted(app))
	}
	var present []schedule.Runner
	var group errgroup.Group
	group.SetLimit(parallelActions)
	act := func(runner string, action func() error) {
		group.Go(func() error {
			err := action()
			if isConflict(err) {
				return nil // it has changed meanwhile, which leads to another plan
			}
			f.report(runner, err)
			return err
		})
	}
	for i := range runners {
		r := &runners[i]
		k := kept[r.ID]
		if k == nil && r.State != state.FailureDelay {
			// What its keeper had to record could not be written.
			act(r.ID, func() error { return f.state.Ended(f.ctx, r.ID, "its process is gone") })
			continue
		}
		one := standing(r, k)
		if f.state.Single(one.Revision) {
			one.Force = one.Force || one.Replace
			if since := f.fixed.awaited(one.ID); one.Hasty.IsZero() {
				one.Hasty = since
			}
		}
		present = append(present, one)
	}
	f.forgetCrashes(wanted)
	plan := schedule.Make(now, wanted, present)
	f.state.SetExpiries(plan.Expiries)
	for _, action := range plan.Actions {
		act(action.Runner, func() error { return f.apply(action, byName[action.App], kept[action.Runner]) })
	}
	if group.Wait() != nil {
		if retry := now.Add(retryInterval); plan.Next.IsZero() || retry.Before(plan.Next) {
			return retry
		}
	}
	return plan.Next
}

func appKey(account int64, alias string) string { return fmt.Sprintf("%d/%s", account, alias) }

func (f *fleet) snapshotKeepers() map[string]*keeper {
	f.mu.Lock()
	defer f.mu.Unlock()
	kept := make(map[string]*keeper, len(f.keepers))
	for id, k := range f.keepers {
		kept[id] = k
	}
	return kept
}

// wanted is what requests and settings ask of an app. Where only one runner can
// bind its port, the next one starts after it.
func (f *fleet) wanted(app state.Demand) schedule.App {
	f.mu.Lock()
	defer f.mu.Unlock()
	wanted := schedule.App{
		Name:      appKey(app.Account, app.Alias),
		Revision:  app.Rev.RevisionID,
		Min:       app.MinConcurrency,
		Max:       app.MaxConcurrency,
		KeepAlive: app.KeepAlive,
		NotBefore: f.crashes[app.Rev.RevisionID].notBefore,
		Recreate:  state.Strategy(app.Strategy) == state.Recreate,
		Demand: schedule.Demand{
			Held:          app.Held,
			Multiplexing:  app.MaxMultiplexing,
			Buffer:        app.ConcurrencyBuffer,
			BufferPercent: app.ConcurrencyBufferPerc,
			ScalingDelay:  app.ScalingDelay,
		},
	}
	if f.state.Single(app.Rev.RevisionID) {
		wanted.Max, wanted.Recreate = 1, true
	}
	return wanted
}

func standing(r *state.Standing, k *keeper) schedule.Runner {
	return schedule.Runner{
		ID:        r.ID,
		App:       appKey(r.Account, r.Alias),
		Revision:  r.Revision,
		Phase:     phase(r.State),
		Since:     r.Since,
		CreatedAt: r.CreatedAt,
		InFlight:  len(r.Leases),
		Capacity:  r.App.MaxMultiplexing,
		IdleSince: r.IdleSince,
		Wanted:    r.Wanted,
		RetryAt:   r.RetryAt,
		Kill:      r.Kill,
		Killed:    k != nil && k.wasKilled(),
		Replace:   r.Replacement == state.WillReplace,
		Force:     r.Force,
		Replaces:  r.Replaces,
		Timeout:   r.Timeout,
		Grace:     r.App.Rev.GracePeriod,
		Hasty:     r.Hasty,

		FailingSince: r.FailingSince,
	}
}

func phase(st state.RunnerState) schedule.Phase {
	switch st {
	case state.FailureDelay:
		return schedule.Waiting
	case state.Idle, state.Running:
		return schedule.Up
	case state.Draining:
		return schedule.Draining
	case state.Terminating, state.Terminated:
		return schedule.Terminating
	default:
		return schedule.Starting
	}
}

func (f *fleet) apply(action schedule.Action, app *state.App, k *keeper) error {
	switch action.Kind {
	case schedule.Create:
		_, err := f.create(app, action.Runner, action.Reason)
		return err
	case schedule.Relaunch:
		return f.relaunch(action.Runner, action.Reason)
	case schedule.Drain:
		if action.IfIdle {
			return f.state.DrainIdle(f.ctx, action.Runner, action.Reason)
		}
		return f.state.Drain(f.ctx, action.Runner, action.Reason)
	case schedule.Terminate:
		err := f.state.Terminate(f.ctx, action.Runner, action.Reason)
		if err == nil && k != nil {
			k.terminate()
		}
		return err
	case schedule.Kill:
		// The signal first: it has been promised, and the note can wait.
		if k != nil && k.kill() {
			return f.state.Note(f.ctx, action.Runner, "SIGKILL: "+action.Reason)
		}
		return nil
	}
	return fmt.Errorf("no such action: %s", action.Kind)
}

func (f *fleet) create(app *state.App, replaces, reason string) (*state.Runner, error) {
	r, err := f.state.CreateRunner(f.ctx, app, replaces, reason)
	if err == nil {
		f.keep(r, app)
	}
	return r, err
}

func (f *fleet) relaunch(id, reason string) error {
	r, app, err := f.state.Relaunch(f.ctx, id, reason)
	if err == nil && app != nil {
		f.keep(r, app)
	}
	return err
}

// report logs what went wrong with a runner. That it has ended meanwhile, or
// may not be created any more, is nothing wrong.
func (f *fleet) report(runner string, err error) {
	if err != nil && !isConflict(err) {
		f.logger.Error("runner", "id", runner, "error", err)
	}
}

func isConflict(err error) bool {
	var e *state.Error
	return errors.As(err, &e) && e.Kind == state.Conflict
}

// startRunner starts a runner beside those that the app keeps.
func (f *fleet) startRunner(ctx context.Context, app *state.App) (*state.Runner, error) {
	type outcome struct {
		runner *state.Runner
		err    error
	}
	result := make(chan outcome, 1)
	call := func() {
		r, err := f.create(app, "", "started on demand")
		result <- outcome{r, err}
	}
	select {
	case f.calls <- call:
	case <-f.done:
		return nil, errors.New("the control plane has stopped")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	o := <-result
	return o.runner, o.err
}

// crashed counts a runner that ended unasked, after being up for so long.
func (f *fleet) crashed(revision string, lived time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if lived >= settledAfter {
		delete(f.crashes, revision)
		return
	}
	c := f.crashes[revision]
	c.count++
	c.notBefore = time.Now().Add(schedule.Backoff(c.count))
	f.crashes[revision] = c
}

// forgetCrashes drops those of revisions that no app points to.
func (f *fleet) forgetCrashes(apps []schedule.App) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for revision := range f.crashes {
		if !slices.ContainsFunc(apps, func(app schedule.App) bool { return app.Revision == revision }) {
			delete(f.crashes, revision)
		}
	}
}

// close ends every runner: SIGTERM, then SIGKILL after the longest of their
// grace periods (ten seconds at most) or when ctx ends. No runner is created any more.
func (f *fleet) close(ctx context.Context) {
	close(f.stop)
	<-f.done
	defer f.cancel()
	kept := f.snapshotKeepers()
	_, runners := f.state.Snapshot()
	var grace time.Duration
	var group errgroup.Group
	group.SetLimit(parallelActions)
	for _, r := range runners {
		grace = max(grace, r.App.Rev.GracePeriod)
		group.Go(func() error {
			if k := kept[r.ID]; k != nil {
				defer k.terminate()
			}
			f.report(r.ID, f.state.Terminate(f.ctx, r.ID, "control plane stopped"))
			return nil
		})
	}
	// Each failure was reported where it happened.
	_ = group.Wait()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		f.keeping.Wait()
	}()
	timer := time.NewTimer(min(grace, longestGoodbye))
	defer timer.Stop()
	select {
	case <-gone:
		return
	case <-timer.C:
	case <-ctx.Done():
	}
	for _, k := range f.snapshotKeepers() {
		k.kill()
	}
	<-gone
}
