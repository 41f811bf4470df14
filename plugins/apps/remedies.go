package apps

import (
	"context"
	"slices"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/session"
)

// remedies are what to do when the new runners of a rollout crash: to look why,
// and, if the revision is to blame, to go to one that is not.
func remedies(ctx context.Context, inv *cli.Invocation, s *session.Session, r rollout, app fal.AppInfo, runners []fal.Runner) []string {
	words := appWords(s, r.app)
	hints := []string{"fal apps logs " + words}
	if r.same {
		return hints
	}
	set := "fal apps set-rev " + words + " "
	if up := servesInstead(runners, app.Revision, r.back); up != "" {
		return append(hints, set+up)
	}
	revisions, err := revisionsOf(ctx, inv, s, r.app)
	var next, older fal.Revision // what a rollback goes to, and the first behind that did not fail
	if i := slices.IndexFunc(revisions, func(r fal.Revision) bool { return r.ID == app.Revision }); i >= 0 {
		next, _ = nextOlder(revisions[i], revisions)
		older = next
		for r.failed[older.ID] {
			older, _ = nextOlder(older, revisions)
		}
	}
	back := r.back
	switch {
	case r.failed[back]:
		back = older.ID
	case back == "" && len(revisions) > 0 && revisions[0].ID == app.Revision:
		// Nothing tells what the app pointed to before. It is an older one if this
		// one is the newest; else somebody has gone back already.
		back = older.ID
	}
	switch {
	case back != "" && back == next.ID:
		return append(hints, "fal apps rollback "+words)
	case back != "":
		return append(hints, set+back)
	case err == nil && slices.ContainsFunc(revisions, func(other fal.Revision) bool { return other.ID != app.Revision && !r.failed[other.ID] }):
		return append(hints, "`"+revisionsListed(s, r.app)+"` shows the revisions that `fal apps set-rev` can go to")
	}
	return hints
}

// servesInstead is a revision other than the one given that has runners which
// serve, the preferred one if it has; empty if none has.
func servesInstead(runners []fal.Runner, revision, preferred string) string {
	up := ""
	for _, r := range runners {
		if r.Revision != revision && r.State.Serves() && (up == "" || r.Revision == preferred) {
			up = r.Revision
		}
	}
	return up
}

// failures are the revisions whose runners were seen to crash, and none to serve
// since.
type failures map[string]bool

// take takes in a look at an app's runners.
func (f failures) take(runners []fal.Runner) {
	for _, r := range runners {
		if r.State == fal.RunnerCrashBackoff && r.Revision != "" {
			f[r.Revision] = true
		}
	}
	for _, r := range runners {
		if r.State.Serves() {
			delete(f, r.Revision)
		}
	}
}
