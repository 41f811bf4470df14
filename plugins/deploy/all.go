package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/fal-plugins/fal/pkg/project"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/outcome"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/progress"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// runAll deploys several apps, some at a time. One that fails does not keep the
// others from it.
func runAll(ctx context.Context, inv *cli.Invocation, o *options, display *progress.Display, targets []*project.Target) error {
	if !o.yes && !o.dryRun && !canAsk(inv) {
		return cli.Usagef("%s to deploy and no terminal to ask on", view.Count(len(targets), "app")).WithHint(inv.Again("--yes"))
	}
	sessions := o.sessions(inv)
	defer sessions.close()
	jobs := make([]*job, len(targets))
	confirm := false
	for i, t := range targets {
		j := o.newJob(inv, display, t)
		defer j.close()
		jobs[i] = j
		asks := false
		if j.err = j.open(ctx, sessions); j.err == nil {
			asks, j.err = o.mustConfirm(ctx, inv, j.session)
		}
		confirm = confirm || asks
	}
	if interrupted(ctx) {
		return nothingSent()
	}
	if err := sameForAll(jobs); err != nil {
		return err
	}
	if err := o.agree(ctx, inv, display, jobs, confirm); err != nil {
		return err
	}
	results := make([]view.Deployment, len(jobs))
	each(o, living(jobs), func(j *job) {
		results[slices.Index(jobs, j)], j.err = j.whole(ctx)
	})
	display.Close()
	for i, j := range jobs {
		switch {
		case j.err != nil:
			results[i] = j.failed(j.err)
		case !o.dryRun:
			inv.Did("deployed %s as revision %s", results[i].AppName, results[i].Revision)
		}
	}
	failed := failure(jobs, map[bool]string{false: "deployed", true: "planned"}[o.dryRun])
	if own := (*cli.Error)(nil); interrupted(ctx) && errors.As(failed, &own) {
		own.Code, own.Exit = "interrupted", cli.ExitInterrupted
	}
	return outcome.Joined(failed, o.printAll(ctx, inv, jobs, results))
}

// agree has the apps that can be deployed agreed to, where that is wanted, and
// names the others before.
func (o *options) agree(ctx context.Context, inv *cli.Invocation, display *progress.Display, jobs []*job, confirm bool) error {
	if o.dryRun || o.yes && !confirm {
		return nil
	}
	for _, j := range jobs {
		if j.err != nil {
			j.leaveOut(j.err)
		}
	}
	if !confirm {
		return o.askForAll(ctx, inv, display, living(jobs))
	}
	each(o, living(jobs), func(j *job) {
		if err := j.load(ctx); err != nil {
			j.leaveOut(err)
		}
	})
	if interrupted(ctx) {
		return nothingSent()
	}
	return o.confirm(ctx, inv, display, living(jobs)...)
}

// leaveOut keeps one of several apps from being deployed, and says so before
// somebody agrees to the others.
func (j *job) leaveOut(err error) {
	j.err = err
	j.display.Say(j.inv.IO.PaintErr(iostreams.Yellow, iostreams.SanitizeLine(j.label()+" is left out: "+cli.ErrorLines(err)[0])))
}

// living are the jobs that nothing speaks against so far.
func living(jobs []*job) []*job {
	return slices.DeleteFunc(slices.Clone(jobs), func(j *job) bool { return j.err != nil })
}

// sameForAll is the error that keeps every app from being deployed, in the same
// words: it is told once.
func sameForAll(jobs []*job) error {
	for _, j := range jobs {
		if j.err == nil || j.err.Error() != jobs[0].err.Error() {
			return nil
		}
	}
	return jobs[0].err
}

// failure is the error of those that failed; nil if none did.
func failure(jobs []*job, done string) error {
	names, failures := make([]string, len(jobs)), make([]error, len(jobs))
	for i, j := range jobs {
		names[i], failures[i] = j.label(), j.err
	}
	return outcome.Failure(outcome.Words{Noun: "app", Done: done}, names, failures)
}

// whole does all that there is to do for one of several apps.
func (j *job) whole(ctx context.Context) (view.Deployment, error) {
	if interrupted(ctx) {
		return view.Deployment{}, nothingSent()
	}
	if j.loaded == nil {
		if err := j.load(ctx); err != nil {
			return view.Deployment{}, err
		}
	}
	if j.o.dryRun {
		return j.plan(ctx)
	}
	return j.deploy(ctx)
}

// each does something for all apps, some at a time.
func each(o *options, jobs []*job, do func(*job)) {
	var group errgroup.Group
	group.SetLimit(cmp.Or(o.jobs, defaultJobs))
	for _, j := range jobs {
		group.Go(func() error {
			do(j)
			return nil
		})
	}
	_ = group.Wait() // each job keeps its own failure
}

// askForAll names the apps and asks.
func (o *options) askForAll(ctx context.Context, inv *cli.Invocation, display *progress.Display, jobs []*job) error {
	for _, j := range jobs {
		display.Say(iostreams.SanitizeLine(fmt.Sprintf("%s  %s", j.name(), j.target.Kind)))
	}
	var yes bool
	var err error
	display.Pause(func() { yes, err = inv.IO.Confirm(ctx, "Deploy "+view.Count(len(jobs), "app")+"?") })
	switch {
	case err != nil && interrupted(ctx):
		return nothingSent()
	case err != nil:
		return err
	case !yes:
		return cli.Failuref("nothing was deployed")
	}
	return nil
}

// printAll prints what came of several apps.
func (o *options) printAll(ctx context.Context, inv *cli.Invocation, jobs []*job, results []view.Deployment) error {
	ctx = context.WithoutCancel(ctx)
	if !forPeople(inv) {
		return output.List(ctx, inv.Printer, view.Deployments(), results)
	}
	for i, v := range results {
		var lines []string
		if v.Plan != nil {
			lines = jobs[i].planText(v)
		}
		if err := jobs[i].writeText(inv.IO.Out, v, lines); err != nil {
			return err
		}
	}
	if err := inv.IO.Flush(); err != nil {
		return err
	}
	for i, v := range results {
		if v.Status == view.Deployed || v.Status == view.RollingOut {
			if err := jobs[i].after(v); err != nil {
				return err
			}
		}
	}
	return nil
}
