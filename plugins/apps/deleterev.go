package apps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/outcome"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/runnerlist"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type deleteRevOptions struct {
	dependencies

	revisions []string
	yes       bool
	dryRun    bool
}

func newDeleteRev(d dependencies) *cli.Command {
	o := &deleteRevOptions{dependencies: d}
	return &cli.Command{
		Name:        "delete-rev",
		Summary:     "Delete revisions that no app points to",
		Description: "A deleted revision can not be gone back to. On a terminal it is asked about.\n\nA unique beginning of an id is looked for among the revisions of one environment; an id in full may be of any.",
		Args:        []cli.Arg{{Name: "REV", Usage: "a revision, by its id or a unique beginning of it", Repeat: true, Value: cli.NonEmptyStrings(&o.revisions), Complete: d.values.Revisions()}},
		Output:      cli.Text,
		JSON:        view.RevisionActionList{},
		Environment: true,
		Flags: []*cli.Flag{
			{Name: "yes", Aliases: []string{"y"}, Value: cli.Bool(&o.yes), Usage: "do not ask"},
			{Name: "dry-run", Value: cli.Bool(&o.dryRun), Usage: "show what would be deleted, and do nothing"},
		},
		Examples: []cli.Example{
			{Comment: "one revision", Line: "fal apps delete-rev 5555aaaa"},
			{Comment: "those of an app that it does not point to", Line: `fal apps list-rev checkout --jq '.revisions[] | select(.aliases == []).revision' | xargs -r fal apps delete-rev`},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runDeleteRev(ctx, inv, o) },
	}
}

func runDeleteRev(ctx context.Context, inv *cli.Invocation, o *deleteRevOptions) error {
	s, err := o.connect(ctx, inv)
	if err != nil {
		return err
	}
	defer s.Close()
	asking := !o.yes && !o.dryRun && canAsk(inv)
	targets, err := o.targets(ctx, inv, s, asking)
	if err != nil {
		return err
	}
	if asking {
		if err := askToDelete(ctx, inv, targets); err != nil {
			return err
		}
	}
	ids, actions := make([]string, len(targets)), make([]view.RevisionAction, len(targets))
	for i, r := range targets {
		ids[i], actions[i] = r.ID, view.RevisionAction{Revision: r.ID, Action: "delete-rev", Result: "would"}
	}
	if o.dryRun {
		return printRevisions(ctx, inv, actions)
	}
	failures := callEach(ctx, inv, len(targets), func(ctx context.Context, i int) error {
		actions[i].Result = "done"
		err := s.Client.Apps.DeleteRevision(ctx, ids[i], nil)
		if err != nil {
			err = s.Error(err)
			var own *cli.Error
			if errors.Is(err, fal.ErrNotFound) && errors.As(err, &own) {
				err = own.WithHint("`fal apps list-rev" + environmentFlag(s) + "` shows those that are there")
			}
			text := err.Error()
			actions[i].Result, actions[i].Error = "failed", &text
		}
		return err
	})
	for i, err := range failures {
		if err == nil {
			inv.Did("deleted %s", ids[i])
		}
	}
	err = printRevisions(context.WithoutCancel(ctx), inv, actions)
	return outcome.Joined(outcome.Failure(outcome.Words{Noun: "revision", Done: "deleted"}, ids, failures), err)
}

// targets are the revisions that the arguments mean, each once. Ids in full are
// taken as they are, unless something is listed anyway or is to be shown.
func (o *deleteRevOptions) targets(ctx context.Context, inv *cli.Invocation, s *session.Session, asking bool) ([]fal.Revision, error) {
	partial := func(text string) bool { return !runnerlist.IsFullID(text) }
	var listed []fal.Revision
	if asking || o.dryRun || slices.ContainsFunc(o.revisions, partial) {
		var err error
		if listed, err = revisionsOf(ctx, inv, s, ""); err != nil {
			return nil, err
		}
	}
	var targets []fal.Revision
	for _, text := range o.revisions {
		r, err := matchRevision(text, listed, "fal apps list-rev"+environmentFlag(s))
		switch {
		case err != nil && partial(text):
			return nil, err
		case err != nil: // it may be of another environment
			r = fal.Revision{ID: strings.ToLower(text)}
		}
		if !slices.ContainsFunc(targets, func(t fal.Revision) bool { return t.ID == r.ID }) {
			targets = append(targets, r)
		}
	}
	return targets, nil
}

func askToDelete(ctx context.Context, inv *cli.Invocation, targets []fal.Revision) error {
	for _, r := range targets {
		fmt.Fprintln(inv.IO.Err, revisionLine(r))
	}
	yes, err := inv.IO.Confirm(ctx, "Delete "+view.Count(len(targets), "revision")+"?")
	if err == nil && !yes {
		err = cli.Failuref("nothing was deleted")
	}
	return err
}

// printRevisions says what became of each revision: lines, or records when
// asked for.
func printRevisions(ctx context.Context, inv *cli.Invocation, actions []view.RevisionAction) error {
	if inv.Format != output.Pretty && inv.Format != output.Wide {
		return output.List(ctx, inv.Printer, view.RevisionActions(), actions)
	}
	words := map[string]string{"done": "deleted ", "would": "would delete "}
	for _, a := range actions {
		if word := words[a.Result]; word != "" {
			if _, err := fmt.Fprintln(inv.IO.Out, word+iostreams.SanitizeLine(a.Revision)); err != nil {
				return err
			}
		}
	}
	return nil
}
