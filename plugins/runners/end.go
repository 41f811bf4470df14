package runners

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
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
	call              func(ctx context.Context, s *session.Session, id string) error
}

const parallelCalls = 8

func (o *endOptions) arg() cli.Arg {
	return cli.Arg{Name: "ID", Usage: "a runner, by its id or a unique beginning of it", Optional: true, Repeat: true, Value: cli.NonEmptyStrings(&o.ids)}
}

func (o *endOptions) flags(done string) []*cli.Flag {
	return []*cli.Flag{
		{Name: "app", Placeholder: "APP", Greedy: true, Value: cli.NonEmptyStrings(&o.apps), Usage: "select the runners of these apps"},
		stateFlag(&o.states, "select the runners in these states"),
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
}

func (o *endOptions) run(ctx context.Context, inv *cli.Invocation, d dependencies, e ending) error {
	states, err := parseStates(o.states)
	switch {
	case err != nil:
		return err
	case len(o.ids) > 0 && o.selecting():
		return cli.Usagef("name runners or select them, not both")
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
func (j *job) list(ctx context.Context, states []fal.RunnerState) ([]view.Runner, error) {
	ctx, cancel := j.inv.RequestContext(ctx)
	defer cancel()
	rows, err := collect(ctx, j.session, &fal.RunnersListParams{States: states}, j.apps)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(rows, view.Runners(nil).Compare)
	return rows, nil
}

func (j *job) selected(ctx context.Context, states []fal.RunnerState) ([]view.Runner, error) {
	rows, err := j.list(ctx, states)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(rows, func(r view.Runner) bool { return !j.eligible(r) }), nil
}

// named finds the runners that the arguments mean. Ids in full are taken as
// they are: one request less, and the service knows best.
func (j *job) named(ctx context.Context) ([]view.Runner, error) {
	ids := slices.Clone(j.ids)
	slices.Sort(ids)
	if ids = slices.Compact(ids); !slices.ContainsFunc(ids, func(id string) bool { return !isFullID(id) }) {
		var targets []view.Runner
		for _, id := range unique(j.ids) {
			targets = append(targets, view.Runner{RunnerID: id})
		}
		return targets, nil
	}
	rows, err := j.list(ctx, nil)
	if err != nil {
		return nil, err
	}
	var targets []view.Runner
	for _, id := range unique(j.ids) {
		r, err := match(id, rows)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(targets, func(t view.Runner) bool { return t.RunnerID == r.RunnerID }) {
			targets = append(targets, r)
		}
	}
	return targets, nil
}

// ask shows the selected runners and asks. It returns those that still match
// after the answer, and the others as skipped.
func (j *job) ask(ctx context.Context, states []fal.RunnerState, targets []view.Runner) ([]view.Runner, []view.RunnerAction, error) {
	if !j.inv.IO.InTerminal() {
		return nil, nil, cli.Usagef("%s selected and no terminal to ask on", view.Count(len(targets), "runner")).WithHint(j.command() + " --yes")
	}
	for _, r := range targets {
		fmt.Fprintln(j.inv.IO.Err, line(r))
	}
	question := strings.ToUpper(j.verb[:1]) + j.verb[1:] + " " + view.Count(len(targets), "runner") + "?"
	yes, err := j.inv.IO.Confirm(ctx, question)
	if err != nil {
		return nil, nil, err
	}
	if !yes {
		fmt.Fprintln(j.inv.IO.Err, "nothing was "+j.done)
		return nil, nil, cli.Silent(cli.ExitFailure)
	}
	now, err := j.list(ctx, nil)
	if err != nil {
		return nil, nil, err
	}
	var kept []view.Runner
	skipped := []view.RunnerAction{}
	for _, t := range targets {
		i := slices.IndexFunc(now, func(r view.Runner) bool { return r.RunnerID == t.RunnerID })
		reason := ""
		switch {
		case i < 0:
			reason = "it has ended"
		case !j.eligible(now[i]) || len(states) > 0 && now[i].State != t.State:
			reason = "it is now " + now[i].State
		}
		if reason == "" {
			kept = append(kept, t)
			continue
		}
		fmt.Fprintf(j.inv.IO.Err, "skipped %s: %s\n", t.RunnerID, reason)
		a := j.outcomes([]view.Runner{t}, "skipped")[0]
		a.Error = &reason
		skipped = append(skipped, a)
	}
	return kept, skipped, nil
}

// command is the command line of this selection, to be pasted.
func (j *job) command() string {
	words := []string{j.inv.Typed(), j.verb}
	if j.all {
		words = append(words, "--all")
	}
	for _, a := range j.apps {
		words = append(words, "--app="+cli.Quote(a))
	}
	if len(j.states) > 0 {
		words = append(words, "--state", strings.Join(j.states, ","))
	}
	if j.wait {
		words = append(words, "--wait")
	}
	return strings.Join(words, " ")
}

func (j *job) outcomes(targets []view.Runner, result string) []view.RunnerAction {
	actions := make([]view.RunnerAction, len(targets))
	for i, t := range targets {
		actions[i] = view.RunnerAction{RunnerID: t.RunnerID, Alias: t.Alias, Action: j.verb, Result: result}
	}
	return actions
}

// end makes the calls, waits when asked to, and says what became of each.
func (j *job) end(ctx context.Context, targets []view.Runner, skipped []view.RunnerAction) error {
	actions := j.outcomes(targets, "accepted")
	failures := make([]error, len(targets))
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
		if err != nil {
			failures[i] = j.session.Error(err)
			text := failures[i].Error()
			actions[i].Result, actions[i].Error = "failed", &text
		}
	}
	var waitErr error
	if j.wait {
		waitErr = j.await(ctx, actions)
	}
	if err := j.print(ctx, slices.Concat(actions, skipped)); err != nil {
		return err
	}
	if err := j.failure(actions, failures); err != nil {
		return err
	}
	if waitErr == nil && len(skipped) > 0 && len(targets) == 0 {
		return cli.Failuref("nothing was %s", j.done)
	}
	return waitErr
}

// await looks until the accepted runners have ended, and marks them.
func (j *job) await(ctx context.Context, actions []view.RunnerAction) error {
	for {
		waiting := 0
		rows, err := j.list(ctx, nil)
		if j.inv.Timeout > 0 && errors.Is(err, fal.ErrDeadlineExceeded) {
			<-ctx.Done() // gRPC may notice the same deadline a moment earlier
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
		for i, a := range actions {
			if a.Result != "accepted" {
				continue
			}
			alive := slices.ContainsFunc(rows, func(r view.Runner) bool { return r.RunnerID == a.RunnerID && !gone(r.State) })
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
					e = e.WithHint(a.RunnerID + " is still there; fal runners kill " + a.RunnerID)
				}
			}
			return e
		}
	}
}

// print says what became of each runner: lines, or records when asked for.
func (j *job) print(ctx context.Context, actions []view.RunnerAction) error {
	if j.inv.Format != output.Pretty && j.inv.Format != output.Wide {
		return output.List(ctx, j.inv.Printer, view.RunnerActions(), actions)
	}
	if len(actions) == 0 {
		fmt.Fprintln(j.inv.IO.Err, "no runners")
	}
	words := map[string]string{"accepted": j.doing, "done": j.done, "would": "would " + j.verb}
	for _, a := range actions {
		if word := words[a.Result]; word != "" {
			if _, err := fmt.Fprintln(j.inv.IO.Out, word+" "+iostreams.SanitizeLine(a.RunnerID)); err != nil {
				return err
			}
		}
	}
	return nil
}

// failure sums up the calls that failed: the error itself when there was one
// runner, else a line for each.
func (j *job) failure(actions []view.RunnerAction, failures []error) error {
	failed := slices.DeleteFunc(slices.Clone(failures), func(err error) bool { return err == nil })
	switch {
	case len(failed) == 0:
		return nil
	case len(actions) == 1:
		return failed[0]
	}
	code := cli.ExitFailure
	if len(failed) == len(actions) {
		code = cli.ExitCode(failed[0])
		for _, err := range failed {
			if cli.ExitCode(err) != code {
				code = cli.ExitFailure
			}
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %s not %s", len(failed), view.Count(len(actions), "runner"), cmp.Or(j.done, j.verb))
	for i, err := range failures {
		if err != nil {
			fmt.Fprintf(&b, "\n  %s: %s", actions[i].RunnerID, err)
		}
	}
	return &cli.Error{Exit: code, Message: b.String(), Err: errors.Join(failed...)}
}
