package apps

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

type setRevOptions struct {
	dependencies

	app, revision string
	auth          *fal.AuthMode
	strategy      *fal.DeploymentStrategy
	wait          bool
}

func newSetRev(d dependencies) *cli.Command {
	o := &setRevOptions{dependencies: d}
	return &cli.Command{
		Name:    "set-rev",
		Summary: "Make an app serve another of its revisions",
		Description: "The app points to the revision from then on, and its runners are replaced by runners of it. Machine types, max multiplexing and startup timeout come from the revision; the app's other settings stay. An app of that name that is not there yet is created, and that is said.\n\n" +
			"A unique beginning of a revision's id is looked for among the app's revisions; an id in full may be that of another app's.",
		Args: []cli.Arg{d.appArg(&o.app),
			{Name: "REV", Usage: "a revision, by its id or a unique beginning of it", Value: cli.NonEmpty(&o.revision), Complete: d.values.Revisions()}},
		Output:      cli.Text,
		Single:      true,
		JSON:        view.AppAction{},
		Environment: true,
		Flags: []*cli.Flag{
			{Name: "auth", Placeholder: "MODE", Values: []string{fal.AuthPrivate.String(), fal.AuthPublic.String(), fal.AuthShared.String()},
				Usage: "who may call the app: private, public or shared; as it was if not given",
				Value: cli.Func(func(text string) error {
					mode, err := fal.ParseAuthMode(text)
					o.auth = &mode
					return err
				})},
			strategyFlag(&o.strategy),
			waitFlag(&o.wait),
		},
		Examples: []cli.Example{
			{Comment: "and wait until it serves", Line: "fal apps set-rev checkout 5555aaaa --wait"},
			{Comment: "the old runners end first", Line: "fal apps set-rev checkout 5555aaaa --strategy recreate"},
		},
		Run: func(ctx context.Context, inv *cli.Invocation) error { return runSetRev(ctx, inv, o) },
	}
}

func runSetRev(ctx context.Context, inv *cli.Invocation, o *setRevOptions) error {
	s, err := o.open(ctx, inv, &o.app)
	if err != nil {
		return err
	}
	defer s.Close()
	apps, err := list(ctx, inv, s)
	if err != nil {
		return err
	}
	before, missing := find(s, apps, o.app)
	revision, err := revisionID(ctx, inv, s, o.app, o.revision, missing)
	if err != nil {
		return err
	}
	var waiting *rollout
	if o.wait {
		waiting = &rollout{app: o.app, revision: revision, back: before.Revision, same: before.Revision == revision}
		if err := waiting.lookBefore(ctx, inv, s); err != nil {
			return err
		}
	}
	call, cancel := inv.RequestContext(ctx)
	defer cancel()
	after, err := s.Client.Apps.SetRevision(call, o.app, revision, &fal.AppsSetRevisionParams{AuthMode: o.auth, Strategy: o.strategy})
	if err != nil {
		return o.wireError(ctx, inv, s, err, missing)
	}
	auth := after.AuthMode.String()
	action := view.AppAction{Alias: aliasIn(o.app, s.Config.Environment.Value), Action: "set-rev", Result: "accepted", Revision: &revision, AuthMode: &auth}
	said := "set " + shownName(s, o.app) + " to revision " + revision
	if missing != nil {
		action.Created = true
		said = "created app " + shownName(s, o.app) + " at revision " + revision
		o.notePossibleTypo(inv, s, apps)
	} else {
		action.PreviousRevision = &before.Revision
	}
	if o.auth != nil {
		said += "; auth " + authChange(action.Created, before.AuthMode.String(), auth)
	}
	return o.conclude(ctx, inv, s, action, waiting, said, said)
}

// wireError is that of SetRevision. An app that is not there is made, so what
// was not found is the revision.
func (o *setRevOptions) wireError(ctx context.Context, inv *cli.Invocation, s *session.Session, err, missing error) error {
	shownBy := revisionsListed(s, o.app)
	if missing != nil {
		shownBy = "fal apps list-rev" + environmentFlag(s)
	}
	err = s.Error(err)
	var own *cli.Error
	if errors.Is(err, fal.ErrNotFound) && errors.As(err, &own) {
		return own.WithHint("`" + shownBy + "` shows those that are there")
	}
	return err
}

// notePossibleTypo says which apps may have been meant by one that was made.
func (o *setRevOptions) notePossibleTypo(inv *cli.Invocation, s *session.Session, apps []fal.AppInfo) {
	near := nearestNames(bareName(o.app, s.Config.Environment.Value), apps)
	if len(near) > 0 {
		note := iostreams.SanitizeLine("note: there was no such app; if you meant " + strings.Join(near, " or ") + ", `" + inv.Typed() + " delete " + appWords(s, o.app) + "` takes it away again")
		fmt.Fprintln(inv.IO.Err, inv.IO.PaintErr(iostreams.Dim, note))
	}
}

// authChange is who may call an app before and after.
func authChange(created bool, before, after string) string {
	switch {
	case created:
		return after
	case before == after:
		return after + ", as before"
	}
	return before + " → " + after
}
