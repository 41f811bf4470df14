package secrets

import (
	"context"
	"fmt"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// actions are one for each name, with the same result so far.
func actions(verb, environment, result string, names []string) []view.SecretAction {
	list := make([]view.SecretAction, len(names))
	for i, name := range names {
		list[i] = view.SecretAction{Name: name, Environment: environment, Action: verb, Result: result}
	}
	return list
}

// report says what became of the secrets: in one line those to which something
// was done, or would be, or as records when asked for.
func report(ctx context.Context, inv *cli.Invocation, list []view.SecretAction) error {
	for _, a := range list {
		if a.Result == "done" {
			inv.Did("%s %s", a.Action, a.Name)
		}
	}
	if inv.Format != output.Pretty && inv.Format != output.Wide {
		return output.List(ctx, inv.Printer, view.SecretActions(), list)
	}
	for _, result := range [...]struct{ name, before string }{{"done", ""}, {"would", "would "}} {
		var names []string
		for _, a := range list {
			if a.Result == result.name {
				names = append(names, a.Name)
			}
		}
		if len(names) == 0 {
			continue
		}
		line := result.before + list[0].Action + " " + strings.Join(names, ", ") + in(list[0].Environment)
		if _, err := fmt.Fprintln(inv.IO.Out, iostreams.SanitizeLine(line)); err != nil {
			return err
		}
	}
	return nil
}

// in says where, unless that is the account's default.
func in(environment string) string {
	if environment == "" {
		return ""
	}
	return " in " + environment
}
