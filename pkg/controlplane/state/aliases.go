package state

import (
	"context"
	"slices"

	"github.com/fal-plugins/fal/pkg/controlplane/store"
)

// Pointing is how SetRevision points an app at a revision.
type Pointing struct {
	AuthMode *AuthMode // nil keeps it; Private for a new app
	Strategy *Strategy // nil is Rolling
}

// SetRevision points an app at a revision of the same environment, of whichever
// app, and creates the app when there is none of that name. An app that exists
// keeps how it scales.
func (s *State) SetRevision(ctx context.Context, caller Caller, environment, alias, revision string, p Pointing) (AppInfo, error) {
	if err := checkPointing(p); err != nil {
		return AppInfo{}, err
	}
	defer s.changing(alias)()
	account := caller.Account.ID
	environment, err := s.aliasIn(account, environment, alias)
	if err != nil {
		return AppInfo{}, err
	}
	rev, err := s.revision(caller, revision)
	if err != nil {
		return AppInfo{}, err
	}
	if rev.Environment != environment {
		return AppInfo{}, fail(Invalid, "revision %s belongs to environment %s, not to %s", revision, rev.Environment, environment)
	}
	app, exists := s.aliased(account, alias)
	switch {
	case exists && app.Environment != environment:
		return AppInfo{}, fail(Invalid, "app %s belongs to environment %s", alias, app.Environment)
	case !exists:
		if _, err := s.checkAlias(account, environment, alias); err != nil {
			return AppInfo{}, err
		}
		app = App{App: store.App{Account: account, Alias: alias, Environment: environment, CreatedAt: s.instant()}}
		takeScale(&app.Settings, &rev.Settings)
	}
	takeCode(&app.Settings, &rev.Settings)
	app.Rev = *rev
	app.AuthMode = int(either(p.AuthMode, AuthMode(app.AuthMode)))
	app.Strategy = int(either(p.Strategy, Rolling))
	if err := s.putApp(ctx, &app, false); err != nil {
		return AppInfo{}, err
	}
	return s.info(&app), nil
}

func checkPointing(p Pointing) error {
	if p.AuthMode != nil && (*p.AuthMode < Private || *p.AuthMode > Shared) {
		return fail(Invalid, "auth_mode %d is none of PRIVATE (0), PUBLIC (1) and SHARED (2)", *p.AuthMode)
	}
	if p.Strategy != nil && *p.Strategy != Recreate && *p.Strategy != Rolling {
		return fail(Invalid, "deployment_strategy %d is neither RECREATE (0) nor ROLLING (1)", *p.Strategy)
	}
	return nil
}

// aliased returns a copy of the account's app of that alias, in whichever
// environment.
func (s *State) aliased(account int64, alias string) (App, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if app, ok := s.apps[appName{account, alias}]; ok {
		return *app, true
	}
	return App{}, false
}

// DeleteApp removes an app and has its runners end; its revisions stay. It
// returns the revision that the app pointed to.
func (s *State) DeleteApp(ctx context.Context, caller Caller, environment, alias string) (revision string, err error) {
	defer s.changing(alias)()
	app, err := s.App(caller, environment, alias)
	if err != nil {
		return "", err
	}
	if err := s.db.Write(ctx, func(tx *store.Tx) error { return tx.DeleteApp(app.ID) }); err != nil {
		return "", err
	}
	s.mu.Lock()
	delete(s.apps, appName{app.Account, app.Alias})
	delete(s.changeovers, appName{app.Account, app.Alias})
	s.place(appName{app.Account, app.Alias})
	s.mu.Unlock()
	s.wake()
	return app.Rev.RevisionID, nil
}

// pointing returns the aliases of the apps that point to a revision, in order;
// it needs State.mu.
func (s *State) pointing(revision string) []string {
	var aliases []string
	for _, app := range s.apps {
		if app.Rev.RevisionID == revision {
			aliases = append(aliases, app.Alias)
		}
	}
	slices.Sort(aliases)
	return aliases
}
