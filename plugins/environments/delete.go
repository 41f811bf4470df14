package environments

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/outcome"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type deleteOptions struct {
	dependencies

	names  []string
	yes    bool
	dryRun bool
}

func newDelete(d dependencies) *cli.Command {
	o := &deleteOptions{dependencies: d}
	return &cli.Command{
		Name:    "delete",
		Aliases: []string{"rm"},
		Summary: "Delete environments",
		Description: "Deletes environments for good, with the apps and the secrets in them where the service does not refuse that. It asks first, with what is in them, and so, as in the official client, needs --yes where there is nobody to ask.\n\n" +
			"The control plane of `fal local` refuses to delete an environment in which there is something.",
		Args:   []cli.Arg{{Name: "NAME", Usage: "name of an environment", Repeat: true, Value: cli.NonEmptyStrings(&o.names), Complete: d.values.Environments()}},
		Output: cli.Text,
		JSON:   view.EnvironmentActionList{},
		Flags: []*cli.Flag{
			{Name: "yes", Aliases: []string{"y"}, Value: cli.Bool(&o.yes), Usage: "do not ask"},
			{Name: "dry-run", Value: cli.Bool(&o.dryRun), Usage: "show what would be deleted, and do nothing"},
		},
		Examples: []cli.Example{
			{Comment: "without a question", Line: "fal environments delete staging --yes"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runDelete(ctx, inv, o) },
	}
}

func runDelete(ctx context.Context, inv *cli.Invocation, o *deleteOptions) error {
	asks := !o.yes && !o.dryRun
	names := unique(o.names)
	if asks && !(inv.IO.InTerminal() && inv.IO.ErrTerminal()) {
		return cli.Usagef("deleting %s needs a terminal to ask on", view.Count(len(names), "environment")).WithHint(inv.Again("--yes"))
	}
	s, err := o.connect(ctx, inv)
	if err != nil {
		return err
	}
	defer s.Close()
	if asks || o.dryRun {
		rows, err := o.named(ctx, inv, s, names)
		if err != nil {
			return err
		}
		if o.dryRun {
			return printDeleted(ctx, inv, actions(names, "would"))
		}
		yes, err := ask(ctx, inv, s, rows)
		if err != nil {
			return err
		}
		if !yes {
			return cli.Failuref("nothing was deleted")
		}
	}
	return o.remove(ctx, inv, s, names)
}

// named are the environments with these names, all of which must exist, and none
// of which may be the default one.
func (o *deleteOptions) named(ctx context.Context, inv *cli.Invocation, s *session.Session, names []string) ([]view.Environment, error) {
	all, err := o.collect(ctx, inv, s)
	if err != nil {
		return nil, err
	}
	rows := make([]view.Environment, len(names))
	for i, name := range names {
		at := slices.IndexFunc(all, func(e view.Environment) bool { return e.Name == name })
		if at < 0 {
			return nil, &cli.Error{Code: "not_found", Exit: cli.ExitNotFound, Message: fmt.Sprintf("environment %s not found", name),
				Hint: []string{hint(name, all)}}
		}
		if all[at].IsDefault {
			return nil, cli.Failuref("environment %s is the default one, which can not be deleted", name)
		}
		rows[i] = all[at]
	}
	return rows, nil
}

// ask asks with what is in the environments. Services differ in what becomes of
// that: they delete it, too, or refuse to delete what is not empty.
func ask(ctx context.Context, inv *cli.Invocation, s *session.Session, rows []view.Environment) (bool, error) {
	all := make([]string, len(rows))
	for i, e := range rows {
		var err error
		if all[i], err = contents(ctx, inv, s, e.Name); err != nil {
			return false, err
		}
	}
	if len(rows) > 1 {
		return askSeveral(ctx, inv, rows, all)
	}
	question := "Delete environment " + rows[0].Summary()
	if all[0] == "" {
		return inv.IO.Confirm(ctx, question+", which is empty?")
	}
	fmt.Fprintf(inv.IO.Err, "warning: %s has %s, deleted with it unless the service refuses to\n", iostreams.SanitizeLine(rows[0].Name), all[0])
	return inv.IO.Confirm(ctx, question+"?")
}

func askSeveral(ctx context.Context, inv *cli.Invocation, rows []view.Environment, contents []string) (bool, error) {
	filled := false
	for i, e := range rows {
		fmt.Fprintln(inv.IO.Err, iostreams.SanitizeLine(e.Summary())+": "+cmp.Or(contents[i], "empty"))
		filled = filled || contents[i] != ""
	}
	if filled {
		fmt.Fprintln(inv.IO.Err, "warning: what is in them is deleted with them unless the service refuses to")
	}
	return inv.IO.Confirm(ctx, "Delete "+view.Count(len(rows), "environment")+"?")
}

// remove deletes one environment after the other, and says what became of each.
func (o *deleteOptions) remove(ctx context.Context, inv *cli.Invocation, s *session.Session, names []string) error {
	find := finder{dependencies: o.dependencies}
	results := actions(names, "done")
	failures := make([]error, len(names))
	for i, name := range names {
		if failures[i] = emptying(ctx, s, name, find.explain(ctx, inv, s, name, removeOne(ctx, inv, s, name))); failures[i] != nil {
			text := failures[i].Error()
			results[i].Result, results[i].Error = "failed", &text
		} else {
			inv.Did("deleted environment %s", name)
		}
	}
	// What was done is said, also after Ctrl-C.
	printing := printDeleted(context.WithoutCancel(ctx), inv, results)
	return outcome.Joined(outcome.Failure(outcome.Words{Noun: "environment", Done: "deleted"}, names, failures), printing)
}

func removeOne(ctx context.Context, inv *cli.Invocation, s *session.Session, name string) error {
	ctx, cancel := inv.RequestContext(ctx)
	defer cancel()
	return s.Client.Environments.Delete(ctx, name, nil)
}

func actions(names []string, result string) []view.EnvironmentAction {
	list := make([]view.EnvironmentAction, len(names))
	for i, name := range names {
		list[i] = view.EnvironmentAction{Name: name, Action: "delete", Result: result}
	}
	return list
}

// printDeleted says what became of each environment: lines, or records when
// asked for.
func printDeleted(ctx context.Context, inv *cli.Invocation, list []view.EnvironmentAction) error {
	if inv.Format != output.Pretty && inv.Format != output.Wide {
		return output.List(ctx, inv.Printer, view.EnvironmentActions(), list)
	}
	words := map[string]string{"done": "deleted environment ", "would": "would delete environment "}
	for _, a := range list {
		if word := words[a.Result]; word != "" {
			if _, err := fmt.Fprintln(inv.IO.Out, word+iostreams.SanitizeLine(a.Name)); err != nil {
				return err
			}
		}
	}
	return nil
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
