package runners

import (
	"context"
	"fmt"

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
