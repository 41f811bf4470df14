package apps

import (
	"context"
	"errors"
	"strings"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type revisionsOptions struct {
	dependencies

	app  string
	sort string
}

func newRevisions(d dependencies) *cli.Command {
	o := &revisionsOptions{dependencies: d}
	return &cli.Command{
		Name:        "list-rev",
		Aliases:     []string{"revisions", "list-revs", "revs"},
		Summary:     "List the revisions of an app, or of all",
		Description: "Lists revisions, the newest first: when each was deployed, the settings that it was deployed with, and which apps point to it now.",
		Args: []cli.Arg{{Name: "APP", Optional: true, Value: cli.NonEmpty(&o.app), Complete: d.values.Apps(),
			Usage: "only revisions of this app, or of APP--ENV in an environment"}},
		Output:      cli.Records,
		JSON:        view.RevisionList{},
		Environment: true,
		Flags: []*cli.Flag{
			{Name: "sort", Placeholder: "KEY[:desc]", Value: cli.NonEmpty(&o.sort), Complete: cli.SortKeys(view.Revisions(nil).SortNames()),
				Usage: "sort by " + strings.Join(view.Revisions(nil).SortNames(), ", ")},
		},
		Examples: []cli.Example{
			{Comment: "what the app was before", Line: "fal apps revisions checkout"},
			{Comment: "revisions that nothing points to", Line: "fal apps list-rev --jq '.revisions[] | select(.aliases == []).revision'"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runRevisions(ctx, inv, o) },
	}
}

func runRevisions(ctx context.Context, inv *cli.Invocation, o *revisionsOptions) error {
	v := view.Revisions(nil)
	var err error
	if v.Compare, err = output.ParseSort(v, o.sort); err != nil {
		return err
	}
	var named []*string
	if o.app != "" {
		named = append(named, &o.app)
	}
	s, err := o.open(ctx, inv, named...)
	if err != nil {
		return err
	}
	defer s.Close()
	rows, err := o.rows(ctx, inv, s)
	if err != nil {
		return err
	}
	return output.List(ctx, inv.Printer, v, rows)
}

func (o *revisionsOptions) rows(ctx context.Context, inv *cli.Invocation, s *session.Session) ([]view.Revision, error) {
	apps, err := list(ctx, inv, s)
	if err != nil {
		return nil, err
	}
	revisions, err := revisionsOf(ctx, inv, s, o.app)
	if err != nil && !errors.Is(err, fal.ErrNotFound) {
		return nil, err
	}
	// An app that was deleted may have revisions still.
	if o.app != "" && len(revisions) == 0 {
		if _, err := find(s, apps, o.app); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, err
	}
	return view.NewRevisions(revisions, apps), nil
}
