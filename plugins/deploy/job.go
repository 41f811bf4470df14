package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/project"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/progress"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// job is one app on its way.
type job struct {
	o       *options
	inv     *cli.Invocation
	session *session.Session
	client  deployer
	target  *project.Target
	display *progress.Display
	task    *progress.Task
	params  fal.DeployParams

	loaded *project.Loaded
	took   time.Duration       // to load
	phases []fal.PhaseDuration // that took place, the load too
	rolled bool                // something was logged of the rollout
	idle   bool                // no runner had to be started
	starts bool                // runners are started, whether anybody calls or not
	old    int                 // runners of earlier revisions that are yet to be replaced
	shown  *string             // the revision that was shown before it was confirmed; nil for none
	phase  atomic.Value        // the fal.DeployPhase that was begun last

	err                error  // why it is not deployed, of several
	revision, previous string // that a deployment that failed left behind, and found
}

// newJob settles what is asked for. It is to be opened, and closed at the end.
func (o *options) newJob(inv *cli.Invocation, display *progress.Display, target *project.Target) *job {
	j := &job{o: o, inv: inv, target: target, display: display}
	j.task = display.Task(j.label())
	j.params = fal.DeployParams{
		Strategy: target.Strategy, NoCache: o.noCache || o.forceBuild,
		Message: o.message, Annotations: o.annotations, Progress: j.progress,
	}
	if o.strategy != nil {
		j.params.Strategy = o.strategy
	}
	j.params.ResetScale = o.resetScale || !o.noScale && target.ResetScale != nil && *target.ResetScale
	if o.attach || o.detach {
		j.params.Attach = new(o.attach)
	}
	return j
}

// open settles how the app is deployed, before anything is run or sent.
func (j *job) open(ctx context.Context, sessions *sessions) error {
	if s := j.params.Strategy; j.params.Attach != nil && s != nil && *s == fal.StrategyRecreate {
		flag := map[bool]string{true: "--attach", false: "--detach"}[*j.params.Attach]
		return cli.Usagef("%s is for rolling deployments, and %s is deployed by %s", flag, j.target.DisplayName, *s).
			WithHint("leave " + flag + " out, or use --strategy rolling")
	}
	opened, err := sessions.of(ctx, j.target)
	if err != nil {
		return err
	}
	j.session, j.client = opened, j.o.client(opened)
	j.params.Uploads = uploadMemory(j.session)
	j.announce(j.target.Notices)
	return nil
}

// label tells one of several apps from the others.
func (j *job) label() string { return cmp.Or(j.target.Name, j.target.Ref, j.target.DisplayName) }

// announce says what people should know.
func (j *job) announce(notices []string) {
	for _, n := range notices {
		if j.o.all {
			n = j.label() + ": " + n
		}
		j.display.Say(j.inv.IO.PaintErr(iostreams.Dim, "notice: "+iostreams.SanitizeLine(n)))
	}
}

// close removes what loading left, and ends what is shown.
func (j *job) close() {
	j.task.Close()
	if j.loaded == nil {
		return
	}
	if err := j.loaded.Close(); err != nil {
		notice(j.inv, err.Error())
	}
}

// load makes the app from its project.
func (j *job) load(ctx context.Context) error {
	began := j.o.now()
	if j.target.Kind != project.ImageOnly {
		what := cmp.Or(j.target.Ref, j.target.DisplayName)
		if j.o.all {
			what = "the app"
		}
		j.task.Begin(progress.Step{Doing: "loading " + what, Done: "loaded " + what})
	}
	loaded, err := j.target.Load(ctx)
	j.display.Flush()
	j.took = j.o.now().Sub(began)
	j.phases = []fal.PhaseDuration{{Phase: view.DeployLoad, Duration: j.took}}
	if err != nil {
		j.task.End(err, "")
		if interrupted(ctx) {
			return nothingSent()
		}
		return err
	}
	j.loaded = loaded
	j.task.End(nil, "")
	j.announce(loaded.Notices[len(j.target.Notices):])
	return nil
}

// name is the app's name as people are told it.
func (j *job) name() string {
	name := cmp.Or(j.target.Name, j.target.DisplayName, j.target.Ref)
	if j.loaded != nil {
		name = cmp.Or(j.loaded.App.Name, name)
	}
	if environment := j.environment(); environment != "" {
		return name + " in " + environment
	}
	return name
}

// environment is that of the session, empty for the main one.
func (j *job) environment() string {
	if environment := j.wanted(); environment != "main" {
		return environment
	}
	return ""
}

// wanted is the environment as it was asked for.
func (j *job) wanted() string {
	if j.session == nil {
		return cmp.Or(j.inv.Environment, j.inv.Getenv("FAL_ENV"))
	}
	return j.session.Config.Environment.Value
}

// failed is what is known of the deployment behind its failure.
func (j *job) failed(err error) view.Deployment {
	f := view.FailedDeployment{App: j.target.Name, Environment: j.wanted(), Revision: j.revision, Previous: j.previous, Phases: j.phases, Err: err}
	if j.loaded != nil {
		f.App, f.AuthMode = j.loaded.App.Name, j.loaded.App.AuthMode
	}
	return view.NewFailedDeployment(f)
}

func (j *job) heading() string {
	verb := "deploying "
	if j.o.dryRun {
		verb = "planning "
	}
	return iostreams.SanitizeLine(fmt.Sprintf("%s%s (%s)", verb, j.name(), j.target.Kind))
}

// plan asks what would be sent and changed.
func (j *job) plan(ctx context.Context) (view.Deployment, error) {
	p, err := bounded(ctx, j, j.client.PlanDeploy)
	if err != nil {
		if interrupted(ctx) {
			return view.Deployment{}, nothingSent()
		}
		return view.Deployment{}, j.failure(ctx, err)
	}
	return view.NewPlannedDeployment(p, j.loaded.App, j.session.Config.Environment.Value, j.params.ResetScale, j.took), nil
}

// summary is what people are shown of a plan.
func (j *job) summary(planned view.Deployment) view.DeploySummary {
	strategy := fal.StrategyRolling
	if j.params.Strategy != nil {
		strategy = *j.params.Strategy
	}
	return view.DeploySummary{Deployment: planned, Strategy: strategy.String(), NoCache: j.params.NoCache, Attach: j.params.Attach}
}

func (j *job) planText(planned view.Deployment) []string {
	lines := j.summary(planned).Lines()
	for _, out := range j.loaded.LeftOut {
		lines = append(lines, iostreams.SanitizeLine("  - "+out.Path+"  left out by "+out.Pattern+", a default ignore rule"))
	}
	lines = append(lines, planned.PlanLines()...)
	return append(lines, "would deploy "+iostreams.SanitizeLine(j.name()))
}

// deploy deploys the app.
func (j *job) deploy(ctx context.Context) (view.Deployment, error) {
	j.phases = j.phases[:1] // what a plan took before is none of it
	silenced := j.tellInterruption(ctx)
	defer silenced()
	d, err := bounded(ctx, j, j.client.Deploy)
	if err != nil {
		if interrupted(ctx) {
			return view.Deployment{}, j.interruption(ctx, err)
		}
		return view.Deployment{}, j.failure(ctx, err)
	}
	j.starts = !j.needsNoRunner(d.Before)
	j.idle = !j.rolled && !j.starts
	j.old = j.countOld(ctx, d)
	return view.NewDeployment(d, j.loaded.App, j.params.ResetScale, j.took), nil
}

// needsNoRunner reports whether the app has runners for requests alone.
func (j *job) needsNoRunner(before *fal.AppInfo) bool {
	if before != nil && !j.params.ResetScale {
		return before.MinConcurrency == 0 && before.ConcurrencyBuffer == 0
	}
	app := j.loaded.App
	return (app.MinConcurrency == nil || *app.MinConcurrency == 0) && (app.ConcurrencyBuffer == nil || *app.ConcurrencyBuffer == 0)
}

// answered reports whether an event tells that the service is at work: it logs,
// has taken bytes, or has ended a phase.
func answered(e fal.DeployEvent) bool {
	return e.Log != nil || e.Bytes > 0 || e.Ended && e.Err == nil
}

// bounded makes a call that must begin to answer in time, and may then take as
// long as it does. Any first event comes behind a first answer: what the app is
// now is asked before anything is read here. That does for the time that counts
// unless one was given: builds may be silent for longer. One that was given is
// for the work itself, and does not run while files are read.
func bounded[T any](ctx context.Context, j *job, call func(context.Context, fal.App, *fal.DeployParams) (T, error)) (T, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	patience := cmp.Or(j.inv.Timeout, cli.DefaultTimeout)
	timer := time.AfterFunc(patience, func() { cancel(context.DeadlineExceeded) })
	defer timer.Stop()
	params := j.params
	params.Progress = func(e fal.DeployEvent) {
		switch {
		case e.Phase == fal.DeployHash && e.Ended && j.inv.Timeout > 0:
			timer.Reset(patience)
		case e.Phase == fal.DeployHash, j.inv.Timeout == 0, answered(e):
			timer.Stop()
		}
		j.progress(e)
	}
	result, err := call(ctx, j.loaded.App, &params)
	if err != nil && errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		return result, &cli.Error{Code: "deadline_exceeded", Exit: cli.ExitUnavailable, Err: err,
			Message: fmt.Sprintf("no answer from %s in time", j.session.Config.Host.Value), Hint: []string{"`--timeout 5m` gives it more time"}}
	}
	return result, err
}

// after says what else is to be known of a deployment.
func (j *job) after(v view.Deployment) error {
	var lines []string
	head := "note: "
	if j.o.all {
		head += j.label() + ": "
	}
	for _, note := range []string{v.InheritedNote(), v.AuthNote()} {
		if note != "" {
			lines = append(lines, head+note)
		}
	}
	if hint := j.followHint(v); hint != "" {
		lines = append(lines, hint)
	}
	if j.o.attach && v.Status == view.Deployed && j.idle {
		lines = append(lines, head+"no runner was started: min_concurrency is 0; the first request starts one")
	}
	if v.Status == view.RollingOut {
		lines = append(lines, "hint: `"+j.again("status")+" --wait` waits for the rollout", "hint: `"+j.again("rollback")+"` goes back to the revision before")
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(j.inv.IO.Err, j.inv.IO.PaintErr(iostreams.Dim, iostreams.SanitizeLine(line))); err != nil {
			return err
		}
	}
	return nil
}

// again is a command of fal-apps about the app, and perhaps more, for the same
// account and environment.
func (j *job) again(verb string, more ...string) string {
	line := "fal apps " + verb
	for _, arg := range append([]string{j.loaded.App.Name}, more...) {
		line += " " + cli.Quote(arg)
	}
	if environment := j.environment(); environment != "" {
		line += " --env " + cli.Quote(environment)
	}
	return line + j.teamFlag()
}

// teamFlag is the flag that acts for the same account; empty if none is needed.
func (j *job) teamFlag() string {
	if team := cmp.Or(j.inv.Team, j.target.Team); team != "" {
		return " --team " + cli.Quote(team)
	}
	return ""
}
