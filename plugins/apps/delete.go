package apps

import (
	"context"
	"fmt"
	"slices"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/outcome"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type deleteOptions struct {
	dependencies

	apps   []string
	wait   bool
	yes    bool
	dryRun bool
}

func newDelete(d dependencies) *cli.Command {
	o := &deleteOptions{dependencies: d}
	return &cli.Command{
		Name:    "delete",
		Summary: "Delete apps and end their runners",
		Description: "The app's name is gone at once, and its runners finish what they work on and end. Its revisions stay: `fal apps set-rev` makes an app of one again.\n\n" +
			"On a terminal it asks first, and deletes nothing if one of several does not exist. Without a terminal it does not ask, and goes on with the others if one can not be deleted.",
		Args:        []cli.Arg{{Name: "APP", Usage: "an app, or APP--ENV for one in an environment", Repeat: true, Value: cli.NonEmptyStrings(&o.apps), Complete: d.values.Apps()}},
		Output:      cli.Text,
		JSON:        view.AppDeletionList{},
		Environment: true,
		Flags: []*cli.Flag{
			{Name: "wait", Value: cli.Bool(&o.wait), Usage: "wait until the runners have ended; --timeout bounds it"},
			{Name: "yes", Aliases: []string{"y"}, Value: cli.Bool(&o.yes), Usage: "do not ask"},
			{Name: "dry-run", Value: cli.Bool(&o.dryRun), Usage: "show what would be deleted, and do nothing"},
		},
		Examples: []cli.Example{
			{Comment: "and wait until nothing of it runs any more", Line: "fal apps delete checkout --wait"},
			{Comment: "all apps of an environment", Line: "fal apps list --env pr-17 -o name | xargs -r fal apps delete --env pr-17"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runDelete(ctx, inv, o) },
	}
}

// deletion is one run of delete.
type deletion struct {
	*deleteOptions
	inv     *cli.Invocation
	session *session.Session
}

func runDelete(ctx context.Context, inv *cli.Invocation, o *deleteOptions) error {
	s, err := o.open(ctx, inv, each(o.apps)...)
	if err != nil {
		return err
	}
	defer s.Close()
	j := &deletion{deleteOptions: o, inv: inv, session: s}
	targets := j.targets()
	if o.dryRun {
		shown, err := j.lookUp(ctx, targets)
		if err != nil {
			return err
		}
		for i := range shown {
			targets[i].Result, targets[i].Revision = "would", &shown[i].Revision
		}
		return j.print(ctx, targets)
	}
	skipped := []view.AppDeletion{}
	if !o.yes && canAsk(inv) {
		if targets, skipped, err = j.ask(ctx, targets); err != nil {
			return err
		}
	}
	return j.run(ctx, targets, skipped)
}

// targets are the apps that were named, each once.
func (j *deletion) targets() []view.AppDeletion {
	var targets []view.AppDeletion
	for _, app := range j.apps {
		alias := aliasIn(app, j.session.Config.Environment.Value)
		if !slices.ContainsFunc(targets, func(t view.AppDeletion) bool { return t.Alias == alias }) {
			targets = append(targets, view.AppDeletion{Alias: alias, Action: "delete", Result: "accepted"})
		}
	}
	return targets
}

// lookUp finds all of the targets, or none.
func (j *deletion) lookUp(ctx context.Context, targets []view.AppDeletion) ([]fal.AppInfo, error) {
	apps, err := list(ctx, j.inv, j.session)
	if err != nil {
		return nil, err
	}
	found := make([]fal.AppInfo, len(targets))
	for i, t := range targets {
		if found[i], err = find(j.session, apps, t.Alias); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// ask shows the apps and asks. It returns those that are still as they were
// shown after the answer, and the others as skipped.
func (j *deletion) ask(ctx context.Context, targets []view.AppDeletion) (kept, skipped []view.AppDeletion, err error) {
	shown, err := j.lookUp(ctx, targets)
	if err != nil {
		return nil, nil, err
	}
	for _, a := range shown {
		fmt.Fprintln(j.inv.IO.Err, iostreams.SanitizeLine(a.Name()+"  "+a.Revision+"  "+view.Count(a.ActiveRunners, "runner")))
	}
	question := "Delete " + view.Count(len(shown), "app") + "?"
	if len(shown) == 1 {
		question = "Delete " + shownName(j.session, shown[0].Alias) + "?"
	}
	yes, err := j.inv.IO.Confirm(ctx, question)
	if err != nil {
		return nil, nil, err
	}
	if !yes {
		return nil, nil, cli.Failuref("nothing was deleted")
	}
	now, err := list(ctx, j.inv, j.session)
	if err != nil {
		return nil, nil, err
	}
	skipped = []view.AppDeletion{}
	for i, t := range targets {
		reason := ""
		switch at := slices.IndexFunc(now, func(a fal.AppInfo) bool { return a.Alias == t.Alias }); {
		case at < 0:
			reason = "it is gone"
		case now[at].Revision != shown[i].Revision:
			reason = "it points to revision " + now[at].Revision + " by now"
		}
		if reason == "" {
			kept = append(kept, t)
			continue
		}
		fmt.Fprintf(j.inv.IO.Err, "skipped %s: %s\n", iostreams.SanitizeLine(j.name(t)), iostreams.SanitizeLine(reason))
		t.Result, t.Error = "skipped", &reason
		skipped = append(skipped, t)
	}
	return kept, skipped, nil
}

func (j *deletion) name(t view.AppDeletion) string { return shownName(j.session, t.Alias) }

// run makes the calls, waits when asked to, and says what became of each app.
func (j *deletion) run(ctx context.Context, targets, skipped []view.AppDeletion) error {
	var runners endingRunners
	if j.wait && len(targets) > 0 {
		var err error
		if runners, err = j.runnersOf(ctx, targets); err != nil {
			return err
		}
	}
	names := make([]string, len(targets))
	failures := callEach(ctx, j.inv, len(targets), func(ctx context.Context, i int) error {
		names[i] = j.name(targets[i])
		revision, err := j.session.Client.Apps.Delete(ctx, targets[i].Alias, nil)
		if err != nil {
			err = wireError(ctx, j.inv, j.session, targets[i].Alias, err, appsListed(j.session))
			text := err.Error()
			targets[i].Result, targets[i].Error = "failed", &text
			return err
		}
		if revision != "" {
			targets[i].Revision = &revision
		}
		return nil
	})
	for i, err := range failures {
		if err == nil {
			j.inv.Did("deleted %s", names[i])
		}
	}
	var waitErr error
	if runners != nil {
		waitErr = j.await(ctx, runners, targets)
	}
	// What was done is said, also when time is up or Ctrl-C was pressed.
	err := j.print(context.WithoutCancel(ctx), slices.Concat(targets, skipped))
	if failed := outcome.Failure(outcome.Words{Noun: "app", Done: "deleted"}, names, failures); failed != nil {
		return outcome.Joined(failed, outcome.Joined(waitErr, err))
	}
	if waitErr == nil && len(targets) == 0 {
		waitErr = cli.Failuref("nothing was deleted")
	}
	return outcome.Joined(waitErr, err)
}

// print says what became of each app: lines, or records when asked for.
func (j *deletion) print(ctx context.Context, actions []view.AppDeletion) error {
	if j.inv.Format != output.Pretty && j.inv.Format != output.Wide {
		return output.List(ctx, j.inv.Printer, view.AppDeletions(), actions)
	}
	for _, a := range actions {
		line := ""
		switch a.Result {
		case "would":
			line = "would delete " + j.name(a)
		case "accepted":
			line = "deleted " + j.name(a)
		case "done":
			line = "deleted " + j.name(a)
			if a.Runners.Total > 0 {
				line += "; " + a.Runners.Summary()
			}
		default:
			continue
		}
		if _, err := fmt.Fprintln(j.inv.IO.Out, iostreams.SanitizeLine(line)); err != nil {
			return err
		}
	}
	return nil
}
