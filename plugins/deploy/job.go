package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
	task    *progress.Task
	params  fal.DeployParams

	loaded *project.Loaded
	took   time.Duration // to load
	shown  *string       // the revision that was shown before it was confirmed; nil for none
}

// newJob settles how an app is deployed, before anything is run or sent.
func (o *options) newJob(ctx context.Context, inv *cli.Invocation, sessions *sessions, display *progress.Display, target *project.Target) (*job, error) {
	j := &job{o: o, inv: inv, target: target}
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
		if s := j.params.Strategy; s != nil && *s == fal.StrategyRecreate {
			flag := map[bool]string{true: "--attach", false: "--detach"}[o.attach]
			return nil, cli.Usagef("%s is for rolling deployments, and %s is deployed by %s", flag, target.DisplayName, *s).
				WithHint("leave " + flag + " out, or use --strategy rolling")
		}
	}
	var err error
	if j.session, err = sessions.of(ctx, target.Team); err != nil {
		return nil, err
	}
	j.client = o.client(j.session)
	j.task = display.Task(cmp.Or(target.DisplayName, target.Name, target.Ref))
	for _, n := range target.Notices {
		display.Say(inv.IO.PaintErr(iostreams.Dim, "notice: "+iostreams.SanitizeLine(n)))
	}
	return j, nil
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
		j.task.Begin(progress.Step{Doing: "loading " + j.target.Ref, Done: "loaded " + j.target.Ref})
	}
	loaded, err := j.target.Load(ctx)
	j.took = j.o.now().Sub(began)
	if err != nil {
		j.task.End(err, "")
		if interrupted(ctx) {
			return nothingSent()
		}
		return err
	}
	j.loaded = loaded
	j.task.End(nil, "")
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
	if environment := j.session.Config.Environment.Value; environment != "main" {
		return environment
	}
	return ""
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
	lines := append(j.summary(planned).Lines(), planned.PlanLines()...)
	return append(lines, "would deploy "+iostreams.SanitizeLine(j.name()))
}

// deploy deploys the app.
func (j *job) deploy(ctx context.Context) (view.Deployment, error) {
	d, err := bounded(ctx, j, j.client.Deploy)
	if err != nil {
		if interrupted(ctx) {
			return view.Deployment{}, j.interruption(ctx, err)
		}
		return view.Deployment{}, j.failure(ctx, err)
	}
	return view.NewDeployment(d, j.loaded.App, j.params.ResetScale, j.took), nil
}

// bounded makes a call that must begin to answer in time, and may then take as
// long as it does.
func bounded[T any](ctx context.Context, j *job, call func(context.Context, fal.App, *fal.DeployParams) (T, error)) (T, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(cmp.Or(j.inv.Timeout, cli.DefaultTimeout), func() { cancel(context.DeadlineExceeded) })
	defer timer.Stop()
	params := j.params
	params.Progress = func(e fal.DeployEvent) {
		timer.Stop()
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
	if note := v.InheritedNote(); note != "" {
		lines = append(lines, "note: "+note)
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

// again is a command of fal-apps about the app, for the same account and
// environment.
func (j *job) again(verb string) string {
	line := "fal apps " + verb + " " + cli.Quote(j.loaded.App.Name)
	if environment := j.environment(); environment != "" {
		line += " --env " + cli.Quote(environment)
	}
	if team := cmp.Or(j.inv.Team, j.target.Team); team != "" {
		line += " --team " + cli.Quote(team)
	}
	return line
}
