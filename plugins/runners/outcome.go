package runners

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

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
	fmt.Fprintf(&b, "%d of %s not %s", len(failed), view.Count(len(actions), "runner"), j.done)
	for i, err := range failures {
		if err != nil {
			fmt.Fprintf(&b, "\n  %s: %s", actions[i].RunnerID, err)
		}
	}
	return &cli.Error{Exit: code, Message: b.String(), Err: errors.Join(failed...)}
}
