package complete

import (
	"iter"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// KeepRunners goes through runners as they are listed, and keeps for completion
// those that have not ended. all says that no others are alive.
func KeepRunners(s *session.Session, listed iter.Seq2[fal.Runner, error], all bool) iter.Seq2[fal.Runner, error] {
	now := time.Now()
	return keep(s, query{kind: kindNamed(runners)}, listed, all, func(r fal.Runner) item {
		if r.State == fal.RunnerTerminated {
			return item{}
		}
		return ofRunner(view.NewRunner(r), now)
	})
}

// KeepApps goes through all apps of the session's environment as they are
// listed, and keeps their names for completion.
func KeepApps(s *session.Session, listed iter.Seq2[fal.AppInfo, error]) iter.Seq2[fal.AppInfo, error] {
	return keep(s, query{kind: kindNamed(apps)}, listed, true, ofApp)
}

// KeepRevisions goes through all revisions of an app, or with "" of the
// session's environment, as they are listed, and keeps their ids for completion.
func KeepRevisions(s *session.Session, app string, listed iter.Seq2[fal.Revision, error]) iter.Seq2[fal.Revision, error] {
	q := query{kind: kindNamed(revisions), of: bare(app, s.Config.Environment.Value)}
	return keep(s, q, listed, true, ofRevision)
}

// KeepKeys goes through all keys as they are listed, and keeps their ids for
// completion.
func KeepKeys(s *session.Session, listed iter.Seq2[fal.KeyInfo, error]) iter.Seq2[fal.KeyInfo, error] {
	return keep(s, query{kind: kindNamed(keys)}, listed, true, ofKey)
}

// KeepSecrets goes through all secrets of the session's environment as they are
// listed, and keeps their names for completion.
func KeepSecrets(s *session.Session, listed iter.Seq2[fal.Secret, error]) iter.Seq2[fal.Secret, error] {
	return keep(s, query{kind: kindNamed(secrets)}, listed, true, ofSecret)
}

// KeepEnvironments goes through all environments as they are listed, and keeps
// their names for completion.
func KeepEnvironments(s *session.Session, listed iter.Seq2[fal.Environment, error]) iter.Seq2[fal.Environment, error] {
	return keep(s, query{kind: kindNamed(environments)}, listed, true, ofEnvironment)
}

// KeepAccounts keeps for completion the nicknames of all accounts that the
// session's credentials may act as.
func KeepAccounts(s *session.Session, listed []fal.Account) {
	all := func(yield func(fal.Account, error) bool) {
		for _, a := range listed {
			if !yield(a, nil) {
				return
			}
		}
	}
	for range keep(s, query{kind: kindNamed(accounts)}, all, true, ofAccount) {
	}
}

// keep passes on what is listed. What came without an error, to the end, is kept
// as far as there is room.
func keep[T any](s *session.Session, q query, listed iter.Seq2[T, error], all bool, itemOf func(T) item) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var items []item
		failed := false
		for t, err := range listed {
			if failed = failed || err != nil; !failed && len(items) < most {
				if i := itemOf(t); i.Name != "" {
					items = append(items, i)
				}
			}
			if !yield(t, err) {
				return
			}
		}
		if c := s.Kept(); c != nil && !failed {
			shelf{c, s.Place(q.kind.environment), q}.save(items, all, time.Now())
		}
	}
}
