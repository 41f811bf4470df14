package apps

import (
	"context"
	"fmt"
	"slices"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/outcome"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type rollbackOptions struct {
	dependencies

	app, to  string
	strategy *fal.DeploymentStrategy
	wait     bool
	yes      bool
	dryRun   bool
}

func newRollback(d dependencies) *cli.Command {
	o := &rollbackOptions{dependencies: d}
	return &cli.Command{
		Name:    "rollback",
		Aliases: []string{"undo"},
		Summary: "Make an app serve its previous revision again",
		Description: "Goes back to the revision of the app that was created last before the one that it points to, or to the one named by --to. What changes in machines and access is shown and asked about first; without a terminal it takes --yes.\n\n" +
			"The service keeps no history of what an app pointed to: the previous revision is that by age, whether it ever served or not. Settings that are not a part of a revision, such as min concurrency, stay as they are.",
		Args:        []cli.Arg{d.appArg(&o.app)},
		Output:      cli.Text,
		Single:      true,
		JSON:        view.Rollback{},
		Environment: true,
		Flags: []*cli.Flag{
			{Name: "to", Placeholder: "REV", Value: cli.NonEmpty(&o.to), Complete: d.values.Revisions(), Usage: "go to this revision of the app, by its id or a unique beginning of it"},
			strategyFlag(&o.strategy),
			waitFlag(&o.wait),
			{Name: "yes", Aliases: []string{"y"}, Value: cli.Bool(&o.yes), Usage: "do not ask"},
			{Name: "dry-run", Value: cli.Bool(&o.dryRun), Usage: "show what would change, and do nothing"},
		},
		Examples: []cli.Example{
			{Comment: "to the revision before, and wait until it serves", Line: "fal apps rollback checkout --wait"},
			{Comment: "what that would change", Line: "fal apps rollback checkout --dry-run"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runRollback(ctx, inv, o) },
	}
}

func runRollback(ctx context.Context, inv *cli.Invocation, o *rollbackOptions) error {
	s, err := o.open(ctx, inv, &o.app)
	if err != nil {
		return err
	}
	defer s.Close()
	plan, err := o.plan(ctx, inv, s)
	if err != nil {
		return err
	}
	if o.dryRun {
		plan.Result = "would"
		return printRecord(ctx, inv, plan, append(plan.Lines(o.now().Location()), "would roll back to "+plan.Revision)...)
	}
	if !o.yes {
		if err := o.ask(ctx, inv, s, plan); err != nil {
			return err
		}
	}
	waiting := rollout{app: o.app, revision: plan.Revision, back: plan.PreviousRevision}
	if o.wait {
		if err := waiting.lookBefore(ctx, inv, s); err != nil {
			return err
		}
	}
	call, cancel := inv.RequestContext(ctx)
	defer cancel()
	if _, err := s.Client.Apps.SetRevision(call, o.app, plan.Revision, &fal.AppsSetRevisionParams{Strategy: o.strategy}); err != nil {
		return wireError(ctx, inv, s, o.app, err, revisionsListed(s, o.app))
	}
	plan.Result = "accepted"
	sentence := "rolled back to " + plan.Revision
	inv.Did("%s", sentence)
	if !o.wait {
		return printRecord(ctx, inv, plan, sentence)
	}
	far, err := o.awaitRollout(ctx, inv, s, waiting)
	plan.Runners = &far
	if err == nil {
		plan.Result = "done"
		sentence += "; " + far.Summary("replaced")
	}
	return outcome.Joined(err, printRecord(ctx, inv, plan, sentence))
}

// plan finds the revision to go to, and what that changes.
func (o *rollbackOptions) plan(ctx context.Context, inv *cli.Invocation, s *session.Session) (view.Rollback, error) {
	apps, err := list(ctx, inv, s)
	if err != nil {
		return view.Rollback{}, err
	}
	app, err := find(s, apps, o.app)
	if err != nil {
		return view.Rollback{}, err
	}
	revisions, err := revisionsOf(ctx, inv, s, o.app)
	if err != nil {
		return view.Rollback{}, err
	}
	from := fal.Revision{ID: app.Revision}
	if i := slices.IndexFunc(revisions, func(r fal.Revision) bool { return r.ID == app.Revision }); i >= 0 {
		from = revisions[i]
	}
	to, err := o.target(s, from, revisions)
	if err != nil {
		return view.Rollback{}, err
	}
	return view.NewRollback(app, from, to), nil
}

// target is the revision that --to means, or the one before.
func (o *rollbackOptions) target(s *session.Session, from fal.Revision, revisions []fal.Revision) (fal.Revision, error) {
	name, shownBy := shownName(s, o.app), revisionsListed(s, o.app)
	if o.to == "" {
		to, ok := nextOlder(from, revisions)
		switch {
		case ok:
			return to, nil
		case from.CreatedAt.IsZero():
			return to, cli.Failuref("%s points to revision %s, of which the service does not say when it was created", name, from.ID).
				WithHint("`"+shownBy+"` shows the app's revisions", "name one with --to")
		}
		return to, cli.Failuref("%s has no revision that is older than %s", name, from.ID).
			WithHint("`" + shownBy + "` shows the app's revisions")
	}
	to, err := matchRevision(o.to, revisions, shownBy)
	if err == nil && to.ID == from.ID {
		return to, cli.Failuref("%s points to revision %s already", name, to.ID)
	}
	return to, err
}

// nextOlder is the youngest of the revisions that were created before another
// one.
func nextOlder(than fal.Revision, revisions []fal.Revision) (next fal.Revision, ok bool) {
	for _, r := range revisions {
		if r.CreatedAt.IsZero() || !r.CreatedAt.Before(than.CreatedAt) {
			continue
		}
		if !ok || r.CreatedAt.After(next.CreatedAt) {
			next, ok = r, true
		}
	}
	return next, ok
}

// ask shows what will change and asks. After the answer the app must still
// point to the revision that was shown.
func (o *rollbackOptions) ask(ctx context.Context, inv *cli.Invocation, s *session.Session, plan view.Rollback) error {
	if !canAsk(inv) {
		return cli.Usagef("a rollback to %s, and no terminal to ask on", plan.Revision).WithHint(inv.Again("--yes"))
	}
	for _, line := range plan.Lines(o.now().Location()) {
		fmt.Fprintln(inv.IO.Err, line)
	}
	yes, err := inv.IO.Confirm(ctx, "Roll back?")
	if err != nil {
		return err
	}
	if !yes {
		return cli.Failuref("nothing was rolled back")
	}
	apps, err := list(ctx, inv, s)
	if err != nil {
		return err
	}
	app, err := find(s, apps, o.app)
	if err != nil {
		return err
	}
	if app.Revision != plan.PreviousRevision {
		return cli.Failuref("%s points to revision %s by now: nothing was rolled back", shownName(s, o.app), app.Revision)
	}
	return nil
}
