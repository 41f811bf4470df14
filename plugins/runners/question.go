package runners

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/runnerlist"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// ask shows the selected runners and asks. It returns those that still match
// after the answer, and the others as skipped.
func (j *job) ask(ctx context.Context, states []fal.RunnerState, targets []view.Runner) ([]view.Runner, []view.RunnerAction, error) {
	if !j.inv.IO.InTerminal() || !j.inv.IO.ErrTerminal() {
		return nil, nil, cli.Usagef("%s selected and no terminal to ask on", view.Count(len(targets), "runner")).WithHint(j.inv.Again("--yes"))
	}
	for _, r := range targets {
		fmt.Fprintln(j.inv.IO.Err, runnerlist.Line(r))
	}
	j.noteRefill(ctx, targets)
	question := strings.ToUpper(j.verb[:1]) + j.verb[1:] + " " + view.Count(len(targets), "runner") + "?"
	yes, err := j.inv.IO.Confirm(ctx, question)
	if err != nil {
		return nil, nil, err
	}
	if !yes {
		return nil, nil, cli.Failuref("nothing was %s", j.done)
	}
	now, err := j.list(ctx)
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
		case !j.eligible(now[i]) || !inStates(now[i], states):
			reason = "it is now " + now[i].State
		}
		if reason == "" {
			kept = append(kept, t)
			continue
		}
		fmt.Fprintf(j.inv.IO.Err, "skipped %s: %s\n", iostreams.SanitizeLine(t.RunnerID), iostreams.SanitizeLine(reason))
		a := j.outcomes([]view.Runner{t}, "skipped")[0]
		a.Error = &reason
		skipped = append(skipped, a)
	}
	return kept, skipped, nil
}

// inStates reports whether a runner is in one of the states, or whether there
// are none to be in.
func inStates(r view.Runner, states []fal.RunnerState) bool {
	return len(states) == 0 || slices.ContainsFunc(states, func(s fal.RunnerState) bool { return s.String() == r.State })
}
