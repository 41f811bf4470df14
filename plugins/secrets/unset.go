package secrets

import (
	"context"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/outcome"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type unsetOptions struct {
	dependencies

	names  []string
	yes    bool
	dryRun bool
}

func newUnset(d dependencies) *cli.Command {
	o := &unsetOptions{dependencies: d}
	return &cli.Command{
		Name:    "unset",
		Aliases: []string{"delete", "rm"},
		Summary: "Delete secrets",
		Description: "Deletes secrets of one environment. Runners that run keep the values that they were started with.\n\n" +
			"On a terminal it asks first, and deletes nothing if one of several does not exist. Without a terminal it does not ask, and goes on with the others if one can not be deleted.",
		Args:        []cli.Arg{{Name: "NAME", Usage: "a secret", Repeat: true, Value: cli.NonEmptyStrings(&o.names), Complete: d.values.Secrets()}},
		Output:      cli.Text,
		JSON:        view.SecretActionList{},
		Environment: true,
		Flags: []*cli.Flag{
			{Name: "yes", Aliases: []string{"y"}, Value: cli.Bool(&o.yes), Usage: "do not ask"},
			{Name: "dry-run", Value: cli.Bool(&o.dryRun), Usage: "show what would be deleted, and do nothing"},
		},
		Examples: []cli.Example{
			{Comment: "two secrets of an environment", Line: "fal secrets unset --env staging DB_URL DB_PASSWORD"},
			{Comment: "all of them, without a question", Line: "fal secrets list -o name | xargs fal secrets unset --yes"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runUnset(ctx, inv, o) },
	}
}

func runUnset(ctx context.Context, inv *cli.Invocation, o *unsetOptions) error {
	var names []string
	for _, name := range o.names {
		if before, _, ok := strings.Cut(name, "="); ok {
			return cli.Usagef("unset takes names alone").WithHint(inv.Typed() + " unset " + cli.Quote(before))
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	s, err := o.connect(ctx, inv)
	if err != nil {
		return err
	}
	defer s.Close()
	environment := s.Config.Environment.Value
	ask := !o.yes && inv.IO.InTerminal() && inv.IO.ErrTerminal()
	if o.dryRun || ask {
		if err := o.exist(ctx, inv, s, names); err != nil {
			return err
		}
	}
	if o.dryRun {
		return report(ctx, inv, actions("unset", environment, "would", names))
	}
	if ask {
		yes, err := inv.IO.Confirm(ctx, "Unset "+strings.Join(names, ", ")+in(environment)+"?")
		if err != nil {
			return err
		}
		if !yes {
			return cli.Failuref("nothing was unset")
		}
	}
	return o.unset(ctx, inv, s, names)
}

// exist returns an error that names the secrets that do not exist.
func (o *unsetOptions) exist(ctx context.Context, inv *cli.Invocation, s *session.Session, names []string) error {
	rows, err := o.collect(ctx, inv, s)
	if err != nil {
		return err
	}
	existing := make([]string, len(rows))
	for i, row := range rows {
		existing[i] = row.Name
	}
	var missing []string
	for _, name := range names {
		if !slices.Contains(existing, name) {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	noun := "secret "
	if len(missing) > 1 {
		noun = "secrets "
	}
	return &cli.Error{Code: "not_found", Exit: cli.ExitNotFound,
		Message: noun + strings.Join(missing, ", ") + " not found" + in(s.Config.Environment.Value),
		Hint:    didYouMean(missing, existing, secretsListed(s))}
}

// unset deletes one after the other, and says what became of each also when
// Ctrl-C was pressed or time is up.
func (o *unsetOptions) unset(ctx context.Context, inv *cli.Invocation, s *session.Session, names []string) error {
	list := actions("unset", s.Config.Environment.Value, "done", names)
	failures := make([]error, len(names))
	var find finder
	for i, name := range names {
		err := context.Cause(ctx)
		list[i].Result = "skipped"
		if err == nil {
			list[i].Result = "failed"
			request, cancel := inv.RequestContext(ctx)
			err = s.Client.Secrets.Unset(request, name, nil)
			cancel()
			err = find.explain(ctx, inv, s, name, err)
		}
		if failures[i] = err; err == nil {
			list[i].Result = "done"
			continue
		}
		text := err.Error()
		list[i].Error = &text
	}
	err := report(context.WithoutCancel(ctx), inv, list)
	return outcome.Joined(outcome.Failure(outcome.Words{Noun: "secret", Done: "unset"}, names, failures), err)
}
