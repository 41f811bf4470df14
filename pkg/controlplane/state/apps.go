package state

import (
	"cmp"
	"context"
	"errors"
	"hash/maphash"
	"regexp"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/pkg/controlplane/store"
)

// App is an alias and the revision that it points to. It is never changed in
// place.
type App struct {
	store.App
	Rev store.Revision
}

// AuthMode says who may call an app.
type AuthMode int

// The values of the wire.
const (
	Private AuthMode = iota
	Public
	Shared
)

// AppInfo is an app and what its runners do at one moment.
type AppInfo struct {
	*App

	// ActiveRunners counts those that are up.
	ActiveRunners int

	// Rolling is true while a runner has not ended that is of another revision
	// than the app points to, or that is being replaced; while one that was
	// started to replace another is not up; and, since the app was pointed at
	// another revision or a rollout was asked for, until as many are up as it
	// keeps at all times. So it stays true while that fails.
	Rolling bool
}

type appName struct {
	account int64
	alias   string
}

// appNames has room for the suffix of an environment.
var appNames = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// checkAlias returns the environment of an alias to be: that of the given
// name, after which the alias has to be called unless it is the default one.
func (s *State) checkAlias(account int64, environment, alias string) (string, error) {
	environment, err := s.aliasIn(account, environment, alias)
	if err != nil {
		return "", err
	}
	if !appNames.MatchString(alias) {
		return "", fail(Invalid, "%q is no name for an app: it begins with a letter or digit and has at most 128 letters, digits, dots, hyphens and underscores", alias)
	}
	switch name := bareName(alias, environment); {
	case name == "":
		return "", fail(Invalid, "%q names an environment alone, and no app", alias)
	case strings.Contains(name, environmentMark):
		return "", fail(Invalid, "%q is no name for an app: two hyphens stand between its name and that of its environment only", name)
	}
	return environment, nil
}

// aliasIn returns the environment of that name after checking that the alias
// may be in it.
func (s *State) aliasIn(account int64, environment, alias string) (string, error) {
	if err := checkID("alias", alias); err != nil {
		return "", err
	}
	environment, err := s.environment(account, environment)
	if err != nil {
		return "", err
	}
	if environment != DefaultEnvironment && !strings.HasSuffix(alias, environmentMark+environment) {
		return "", fail(Invalid, "app %s is not in environment %s: it would be called %s", alias, environment, alias+environmentMark+environment)
	}
	return environment, nil
}

// bareName is the alias without the suffix of its environment, which the
// default one has none of.
func bareName(alias, environment string) string {
	if environment == DefaultEnvironment {
		return alias
	}
	return strings.TrimSuffix(alias, environmentMark+environment)
}

func either[T any](value *T, otherwise T) T {
	if value != nil {
		return *value
	}
	return otherwise
}

func (s *State) owner(nickname string) (Account, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var first Account
	for _, a := range s.accounts {
		if nickname != "" && strings.EqualFold(a.Nickname, nickname) {
			return a, nil
		}
		if first.ID == 0 || a.ID < first.ID {
			first = a
		}
	}
	if nickname != "" || first.ID == 0 {
		return Account{}, fail(NotFound, "account %q not found", nickname)
	}
	return first, nil
}

// App returns the caller's app of that alias in an environment; empty is the
// default one.
func (s *State) App(caller Caller, environment, alias string) (*App, error) {
	environment, err := s.aliasIn(caller.Account.ID, environment, alias)
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	app, ok := s.apps[appName{caller.Account.ID, alias}]
	if !ok || app.Environment != environment {
		return nil, errNoApp(alias, environment)
	}
	return app, nil
}

func errNoApp(alias, environment string) error {
	if environment == DefaultEnvironment {
		return fail(NotFound, "app %s not found", alias)
	}
	return fail(NotFound, "app %s not found in environment %s", bareName(alias, environment), environment)
}

// Lookup returns an app of the account of that nickname, of the first account
// when it is empty, and the account.
func (s *State) Lookup(nickname, alias string) (*App, Account, error) {
	owner, err := s.owner(nickname)
	if err != nil {
		return nil, owner, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	app, ok := s.apps[appName{owner.ID, alias}]
	if !ok {
		return nil, owner, errNoApp(alias, DefaultEnvironment)
	}
	return app, owner, nil
}

// Apps returns the caller's apps of an environment in the order of their names.
func (s *State) Apps(caller Caller, environment string) ([]AppInfo, error) {
	account := caller.Account.ID
	environment, err := s.environment(account, environment)
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	list := make([]AppInfo, 0, len(s.apps))
	activities := s.activities(account)
	for name, app := range s.apps {
		if name.account == account && app.Environment == environment {
			list = append(list, activities[name.alias].of(app))
		}
	}
	s.mu.RUnlock()
	slices.SortFunc(list, func(a, b AppInfo) int { return cmp.Compare(a.Alias, b.Alias) })
	return list, nil
}

// info returns an app with what its runners do.
func (s *State) info(app *App) AppInfo {
	s.mu.RLock()
	defer s.mu.RUnlock()
	a := activity{rolling: s.changeovers[appName{app.Account, app.Alias}]}
	for _, r := range s.live {
		if r.row.Account == app.Account && r.row.Alias == app.Alias {
			a.count(r, app)
		}
	}
	return a.of(app)
}

// activity is what the runners of an app do.
type activity struct {
	active  int
	rolling bool
}

// activities returns that of an account's apps, by alias; it needs State.mu.
func (s *State) activities(account int64) map[string]activity {
	found := make(map[string]activity)
	for _, r := range s.live {
		if r.row.Account == account {
			a := found[r.row.Alias]
			a.count(r, s.apps[appName{account, r.row.Alias}])
			found[r.row.Alias] = a
		}
	}
	for name := range s.changeovers {
		if name.account == account {
			a := found[name.alias]
			a.rolling = true
			found[name.alias] = a
		}
	}
	return found
}

func (a *activity) count(r *runner, app *App) {
	if r.state() == Idle {
		a.active++
	}
	if app == nil {
		return
	}
	coming := r.row.Replaces != "" && r.state() != Idle && !r.state().leaving()
	if coming || r.row.RevisionID != app.Rev.RevisionID || r.row.Replacement != int(NoReplace) {
		a.rolling = true
	}
}

func (a activity) of(app *App) AppInfo {
	return AppInfo{App: app, ActiveRunners: a.active, Rolling: a.rolling}
}

func (s *State) loadApps(ctx context.Context) error {
	revisions, err := s.db.Revisions(ctx)
	if err != nil {
		return err
	}
	byRow := make(map[int64]*store.Revision, len(revisions))
	for i := range revisions {
		r := &revisions[i]
		byRow[r.ID], s.revisions[r.RevisionID] = r, r
	}
	apps, err := s.db.Apps(ctx)
	if err != nil {
		return err
	}
	for _, a := range apps {
		s.apps[appName{a.Account, a.Alias}] = &App{App: a, Rev: *byRow[a.Revision]}
	}
	return nil
}

// changing serialises the changes of an app, of whichever account, while those
// of others go on; the function that it returns ends that.
func (s *State) changing(alias string) (done func()) {
	s.registered.RLock()
	one := &s.aliases[maphash.String(s.seed, alias)%uint64(len(s.aliases))]
	one.Lock()
	return func() {
		one.Unlock()
		s.registered.RUnlock()
	}
}

// putApp makes an app durable and then seen, together with its revision if that
// is new. It is called between changing and its end.
func (s *State) putApp(ctx context.Context, app *App, isNew bool) error {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if isNew {
			if err := tx.InsertRevision(&app.Rev); err != nil {
				return err
			}
		}
		app.Revision = app.Rev.ID
		return tx.PutApp(&app.App)
	})
	if err != nil {
		return err
	}
	name := appName{app.Account, app.Alias}
	s.mu.Lock()
	if before, exists := s.apps[name]; exists && before.Rev.RevisionID != app.Rev.RevisionID {
		s.changeovers[name] = true
	}
	s.apps[name] = app
	if isNew {
		s.revisions[app.Rev.RevisionID] = &app.Rev
	}
	s.settle(name)
	s.place(name)
	s.mu.Unlock()
	s.wake()
	return nil
}

func isNoRow(err error) bool { return errors.Is(err, store.ErrNotFound) }
