package runners

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/outcome"
	"github.com/fal-plugins/fal/plugins/internal/runnerlist"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// endOptions are what stop and kill have in common.
type endOptions struct {
	ids    []string
	apps   []string
	states []string
	all    bool
	yes    bool
	dryRun bool
	wait   bool
}

// ending is one way to end a runner.
type ending struct {
	verb, doing, done string
	eligible          func(view.Runner) bool
	refilled          bool // an app may start others in the place of those that end
	call              func(ctx context.Context, s *session.Session, id string) error
}

const parallelCalls = 8

func (o *endOptions) arg(d dependencies) cli.Arg {
	return cli.Arg{Name: "ID", Usage: "a runner, by its id or a unique beginning of it", Optional: true, Repeat: true, Value: cli.NonEmptyStrings(&o.ids), Complete: d.values.Runners()}
}

func (o *endOptions) flags(d dependencies, done string) []*cli.Flag {
	return []*cli.Flag{
		{Name: "app", Placeholder: "APP", Value: cli.NonEmptyStrings(&o.apps), Complete: d.values.Aliases(), Usage: "select the runners of this app, or of several when repeated; APP--ENV for one in an environment"},
		runnerlist.StateFlag(&o.states, "select the runners in these states"),
		{Name: "all", Value: cli.Bool(&o.all), Usage: "select all runners"},
		{Name: "yes", Aliases: []string{"y"}, Value: cli.Bool(&o.yes), Usage: "do not ask"},
		{Name: "dry-run", Value: cli.Bool(&o.dryRun), Usage: "show what would be " + done + ", and do nothing"},
		{Name: "wait", Value: cli.Bool(&o.wait), Usage: "wait until the runners have ended; --timeout bounds it"},
	}
}

func (o *endOptions) selecting() bool { return o.all || len(o.apps)+len(o.states) > 0 }

// job is one run of stop or kill.
type job struct {
	*endOptions
	ending
	inv     *cli.Invocation
	session *session.Session
	poll    time.Duration
	now     []view.Runner // all of the selected apps, as first listed
}

func (o *endOptions) run(ctx context.Context, inv *cli.Invocation, d dependencies, e ending) error {
	states, err := runnerlist.ParseStates(o.states)
	switch {
	case err != nil:
		return err
	case len(o.ids) > 0 && o.selecting():
		e := cli.Usagef("name runners or select them, not both")
		if len(o.apps) > 0 {
			e = e.WithHint("--app takes one app; for several it is repeated: --app a --app b")
		}
		return e
	case len(o.ids) == 0 && !o.selecting():
		return cli.Usagef("no runner is named").WithHint("name runners by id, or select them with --app, --state or --all")
	}
	s, err := d.connect(ctx, inv)
	if err != nil {
		return err
	}
	defer s.Close()
	j := &job{endOptions: o, ending: e, inv: inv, session: s, poll: d.poll}
	var targets []view.Runner
	if o.selecting() {
		targets, err = j.selected(ctx, states)
	} else {
		targets, err = j.named(ctx)
	}
	if err != nil {
		return err
	}
	if o.dryRun {
		if o.selecting() {
			j.noteRefill(ctx, targets)
		}
		return j.print(ctx, j.outcomes(targets, "would"))
	}
	skipped := []view.RunnerAction{}
	if o.selecting() && len(targets) > 0 && !o.yes {
		if targets, skipped, err = j.ask(ctx, states, targets); err != nil {
			return err
		}
	}
	return j.end(ctx, targets, skipped)
}

// list gets the runners that stop and kill can touch.
func (j *job) list(ctx context.Context) ([]view.Runner, error) {
	rows, err := runnerlist.Collect(ctx, j.inv, j.session, nil, j.apps)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(rows, view.Runners(nil).Compare)
	return rows, nil
}

func (j *job) selected(ctx context.Context, states []fal.RunnerState) (targets []view.Runner, err error) {
	if j.now, err = j.list(ctx); err != nil {
		return nil, err
	}
	if err := j.checkApps(ctx); err != nil {
		return nil, err
	}
	for _, r := range j.now {
		if j.eligible(r) && inStates(r, states) {
			targets = append(targets, r)
		}
	}
	return targets, nil
}

// named finds the runners that the arguments mean. Ids in full are taken as
// they are: one request less, and the service knows best. A dry run, which
// makes no other request, looks for them too.
func (j *job) named(ctx context.Context) ([]view.Runner, error) {
	partial := func(id string) bool { return !runnerlist.IsFullID(id) }
	var rows []view.Runner
	if j.dryRun || slices.ContainsFunc(j.ids, partial) {
		var err error
		if rows, err = j.list(ctx); err != nil {
			return nil, err
		}
	}
	var targets []view.Runner
	for _, id := range unique(j.ids) {
		r, err := runnerlist.Match(id, rows)
		if err != nil {
			return nil, orApp(ctx, j.session, id, err, func(alias string) string { return "fal runners " + j.verb + " --app " + alias })
		}
		if j.dryRun && r.State == "" {
			return nil, runnerlist.NotFound(id)
		}
		if !slices.ContainsFunc(targets, func(t view.Runner) bool { return t.RunnerID == r.RunnerID }) {
			targets = append(targets, r)
		}
	}
	return targets, nil
}

func unique(words []string) []string {
	var out []string
	for _, w := range words {
		if !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

func (j *job) outcomes(targets []view.Runner, result string) []view.RunnerAction {
	actions := make([]view.RunnerAction, len(targets))
	for i, t := range targets {
		actions[i] = view.RunnerAction{RunnerID: t.RunnerID, Action: j.verb, Result: result}
		if t.State != "" { // it was listed, and not just named
			actions[i].Alias = &t.Alias
		}
	}
	return actions
}

// end makes the calls, waits when asked to, and says what became of each.
func (j *job) end(ctx context.Context, targets []view.Runner, skipped []view.RunnerAction) error {
	actions := j.outcomes(targets, "accepted")
	ids, failures := make([]string, len(targets)), make([]error, len(targets))
	var group errgroup.Group
	group.SetLimit(parallelCalls)
	for i, t := range targets {
		group.Go(func() error {
			ctx, cancel := j.inv.RequestContext(ctx)
			defer cancel()
			failures[i] = j.call(ctx, j.session, t.RunnerID)
			return nil
		})
	}
	_ = group.Wait() // failures are kept one by one
	for i, err := range failures {
		ids[i] = targets[i].RunnerID
		if err == nil {
			j.inv.Did("%s %s", j.doing, ids[i])
			continue
		}
		text := j.session.Error(err).Error()
		actions[i].Error = &text
		if j.selecting() && endedMeanwhile(err) {
			failures[i], actions[i].Result = nil, "skipped"
			fmt.Fprintf(j.inv.IO.Err, "skipped %s: it has ended\n", iostreams.SanitizeLine(actions[i].RunnerID))
			continue
		}
		failures[i], actions[i].Result = j.session.Error(err), "failed"
	}
	var waitErr error
	if waiting := len(slices.DeleteFunc(slices.Clone(actions), func(a view.RunnerAction) bool { return a.Result != "accepted" })); j.wait && waiting > 0 {
		if j.inv.IO.ErrTerminal() {
			fmt.Fprintln(j.inv.IO.Err, "waiting for "+view.Count(waiting, "runner")+" to end")
		}
		waitErr = j.await(ctx, actions)
	}
	// What was done is said, also when time is up or Ctrl-C was pressed; and
	// that something failed weighs more than that it could not be written down.
	err := j.print(context.WithoutCancel(ctx), slices.Concat(actions, skipped))
	if failed := outcome.Failure(outcome.Words{Noun: "runner", Done: j.done}, ids, failures); failed != nil {
		return outcome.Joined(failed, err)
	}
	if waitErr == nil && len(skipped) > 0 && len(targets) == 0 {
		waitErr = cli.Failuref("nothing was %s", j.done)
	}
	return outcome.Joined(waitErr, err)
}

// endedMeanwhile reports whether the service says that a runner which was just
// listed is there no more.
func endedMeanwhile(err error) bool {
	return errors.Is(err, fal.ErrNotFound) || errors.Is(err, fal.ErrFailedPrecondition)
}
