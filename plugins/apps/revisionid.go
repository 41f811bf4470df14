package apps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/complete"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/runnerlist"
	"github.com/fal-plugins/fal/plugins/internal/session"
)

// listedRevisions bounds how many revisions an error lists.
const listedRevisions = 10

// revisionID returns the id of the revision that an argument means: one in full
// is taken as it is, without a request, any other is looked for among the
// revisions of an app. An app that is missing, as that error says, may have
// revisions all the same.
func revisionID(ctx context.Context, inv *cli.Invocation, s *session.Session, app, text string, missing error) (string, error) {
	if runnerlist.IsFullID(text) {
		return strings.ToLower(text), nil
	}
	revisions, err := revisionsOf(ctx, inv, s, app)
	if missing != nil && (len(revisions) == 0 && err == nil || errors.Is(err, fal.ErrNotFound)) {
		return "", missing
	}
	if err != nil {
		return "", err
	}
	r, err := matchRevision(text, revisions, revisionsListed(s, app))
	return r.ID, err
}

// revisionsOf gets the revisions of an app, or of all with "", the newest
// first.
func revisionsOf(ctx context.Context, inv *cli.Invocation, s *session.Session, app string) ([]fal.Revision, error) {
	ctx, cancel := inv.RequestContext(ctx)
	defer cancel()
	var revisions []fal.Revision
	for r, err := range complete.KeepRevisions(s, app, s.Client.Apps.Revisions(ctx, &fal.AppsRevisionsParams{App: app})) {
		if err != nil && app == "" {
			return nil, noEnvironment(s, err)
		}
		if err != nil {
			return nil, s.Error(err)
		}
		revisions = append(revisions, r)
	}
	slices.SortStableFunc(revisions, func(a, b fal.Revision) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return revisions, nil
}

// matchRevision finds the one revision whose id is, or begins with, a text.
// shownBy is the command that shows the revisions.
func matchRevision(text string, revisions []fal.Revision, shownBy string) (fal.Revision, error) {
	lower := strings.ToLower(text)
	var found []fal.Revision
	for _, r := range revisions {
		if r.ID == text || r.ID == lower {
			return r, nil
		}
		if strings.HasPrefix(r.ID, text) || strings.HasPrefix(r.ID, lower) {
			found = append(found, r)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return fal.Revision{}, &cli.Error{Code: "not_found", Exit: cli.ExitNotFound, Message: fmt.Sprintf("revision %s not found", text),
			Hint: []string{"`" + shownBy + "` shows those that are there"}}
	}
	e := cli.Usagef("%q is the beginning of %d revision ids", text, len(found))
	for _, r := range found[:min(len(found), listedRevisions)] {
		e = e.WithHint(revisionLine(r))
	}
	if more := len(found) - listedRevisions; more > 0 {
		e = e.WithHint(fmt.Sprintf("and %d more", more))
	}
	return fal.Revision{}, e
}

// revisionLine shows a revision where a question or an error needs it.
func revisionLine(r fal.Revision) string {
	line := r.ID
	if !r.CreatedAt.IsZero() {
		line += "  " + r.CreatedAt.UTC().Format(time.RFC3339)
	}
	if len(r.MachineTypes) > 0 {
		line += "  " + strings.Join(r.MachineTypes, " ")
	}
	return iostreams.SanitizeLine(line)
}
