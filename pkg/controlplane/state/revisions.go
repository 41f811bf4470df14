package state

import (
	"cmp"
	"context"
	"slices"

	"github.com/fal-plugins/fal/pkg/controlplane/store"
)

// Revision is what runners execute, and the settings that it was registered
// with. One that was handed out never changes.
type Revision = store.Revision

// What a deployed revision is made of.
type (
	Launch      = store.Launch
	Serving     = store.Serving
	File        = store.File
	Source      = store.Source
	Function    = store.Function
	HealthCheck = store.HealthCheck
)

// RevisionInfo is a revision and how many of its runners are up.
type RevisionInfo struct {
	*store.Revision
	ActiveRunners int
}

// revision returns a revision of the caller's account.
func (s *State) revision(caller Caller, id string) (*store.Revision, error) {
	if err := checkID("revision", id); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, ok := s.revisions[id]
	if !ok || r.Account != caller.Account.ID {
		return nil, fail(NotFound, "revision %s not found", id)
	}
	return r, nil
}

// Revisions returns revisions of an environment, the newest first: of the app
// of that alias with the one that it points to, or all when alias is empty. An
// alias that never had one is NotFound.
func (s *State) Revisions(caller Caller, environment, alias string) ([]RevisionInfo, error) {
	account := caller.Account.ID
	var err error
	if alias == "" {
		environment, err = s.environment(account, environment)
	} else {
		environment, err = s.aliasIn(account, environment, alias)
	}
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	current := ""
	if app, ok := s.apps[appName{account, alias}]; ok {
		current = app.Rev.RevisionID
	}
	active := make(map[string]int)
	for _, r := range s.live {
		if r.state() == Idle {
			active[r.row.RevisionID]++
		}
	}
	var list []RevisionInfo
	for id, r := range s.revisions {
		if r.Account == account && r.Environment == environment && (alias == "" || r.App == alias || id == current) {
			list = append(list, RevisionInfo{Revision: r, ActiveRunners: active[id]})
		}
	}
	if alias != "" && len(list) == 0 {
		return nil, errNoApp(alias, environment)
	}
	slices.SortFunc(list, func(a, b RevisionInfo) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.ID, a.ID))
	})
	return list, nil
}

// DeleteRevision removes a revision that no app points to. Runners of it that
// have not ended do so as they were about to.
func (s *State) DeleteRevision(ctx context.Context, caller Caller, id string) error {
	s.registered.Lock()
	defer s.registered.Unlock()
	r, err := s.revision(caller, id)
	if err != nil {
		return err
	}
	s.mu.RLock()
	aliases := s.pointing(id)
	s.mu.RUnlock()
	if len(aliases) > 0 {
		return fail(Conflict, "revision %s is the current one of %s", id, enumerate("app", aliases))
	}
	if err := s.db.Write(ctx, func(tx *store.Tx) error { return tx.DeleteRevision(r.ID) }); err != nil {
		return err
	}
	s.mu.Lock()
	delete(s.revisions, id)
	delete(s.singles, id)
	s.mu.Unlock()
	return nil
}
