package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"

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
		j, err := o.newJob(ctx, inv, sessions, display, t)
		if err != nil {
			return err
		}
		defer j.close()
		asks, err := o.mustConfirm(ctx, inv, j.session)
		if err != nil {
			return err
		}
		jobs[i], confirm = j, confirm || asks
	}
	var err error
	switch {
	case o.dryRun:
	case confirm:
		if err = each(ctx, o, jobs, (*job).load); err == nil {
			err = o.confirm(ctx, inv, display, jobs...)
		}
	case !o.yes:
		err = o.askForAll(ctx, inv, display, jobs)
	}
	if err != nil {
		return err
	}
	results := make([]view.Deployment, len(jobs))
	failures := make([]error, len(jobs))
	var group errgroup.Group
	group.SetLimit(cmp.Or(o.jobs, defaultJobs))
	for i, j := range jobs {
		group.Go(func() error {
			results[i], failures[i] = j.whole(ctx)
			return nil
		})
	}
	_ = group.Wait() // failures are kept one by one
	display.Close()
	names := make([]string, len(jobs))
	for i, j := range jobs {
		names[i] = j.label()
		if failures[i] != nil {
			results[i] = view.NewFailedDeployment(names[i], j.session.Config.Environment.Value, j.phases, failures[i])
			continue
		}
		if !o.dryRun {
			inv.Did("deployed %s as revision %s", results[i].AppName, results[i].Revision)
		}
	}
	failed := outcome.Failure(outcome.Words{Noun: "app", Done: map[bool]string{false: "deployed", true: "planned"}[o.dryRun]}, names, failures)
	if own := (*cli.Error)(nil); interrupted(ctx) && errors.As(failed, &own) {
		own.Code, own.Exit = "interrupted", cli.ExitInterrupted
	}
	return outcome.Joined(failed, o.printAll(ctx, inv, jobs, results))
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

// each does something for all apps, some at a time, and reports what failed.
func each(ctx context.Context, o *options, jobs []*job, do func(*job, context.Context) error) error {
	names, failures := make([]string, len(jobs)), make([]error, len(jobs))
	var group errgroup.Group
	group.SetLimit(cmp.Or(o.jobs, defaultJobs))
	for i, j := range jobs {
		names[i] = j.label()
		group.Go(func() error {
			failures[i] = do(j, ctx)
			return nil
		})
	}
	_ = group.Wait() // failures are kept one by one
	return outcome.Failure(outcome.Words{Noun: "app", Done: "loaded"}, names, failures)
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
	if inv.Format != output.Pretty && inv.Format != output.Wide {
		return output.List(ctx, inv.Printer, view.Deployments(), results)
	}
	for i, v := range results {
		var lines []string
		if v.Plan != nil {
			lines = jobs[i].planText(v)
		}
		if err := o.writeText(inv, inv.IO.Out, v, lines); err != nil {
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
