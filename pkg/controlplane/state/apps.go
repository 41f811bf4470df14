package state

import (
	"cmp"
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/fal-plugins/fal/pkg/controlplane/store"
)

// AppSpec describes an app to register. What is left at its zero value takes
// the default named with it; these are the real service's where it has one.
type AppSpec struct {
	Name    string   // the alias: a letter or digit, then letters, digits, dots, hyphens and underscores
	Argv    []string // what a runner executes; it must listen on 127.0.0.1:$PORT
	Env     []string // NAME=value, beside what the control plane sets
	Dir     string   // the working folder; empty: a fresh one for each runner, removed at its end
	Account string   // nickname of the owner; empty: the first account

	MachineType    string         // "XS"
	NumGPUs        int            // of MachineType that a runner has; 1
	MinConcurrency int            // runners kept at all times
	MaxConcurrency int            // runners at most; the greater of 2 and MinConcurrency
	KeepAlive      *time.Duration // how long a runner above MinConcurrency may be idle; 10 s
	HealthPath     string         // answers 2xx to GET when ready; empty: ready as soon as the port accepts
	StartupTimeout time.Duration  // for becoming ready; 600 s
	GracePeriod    *time.Duration // for requests in flight to end, and again after SIGTERM; 5 s
}

// App is an alias and the revision that it points to. It is never changed in
// place.
type App struct {
	store.App
	Rev store.Revision
}

type appName struct {
	account int64
	alias   string
}

// appNames has room for the suffix of an environment.
var appNames = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// RegisterApp makes spec the current revision of the app of its name, creating
// the app if there is none. Runners of earlier revisions are replaced.
func (s *State) RegisterApp(ctx context.Context, spec AppSpec) (*App, error) {
	if err := spec.validate(); err != nil {
		return nil, err
	}
	owner, err := s.owner(spec.Account)
	if err != nil {
		return nil, err
	}
	s.registered.Lock()
	defer s.registered.Unlock()
	now := s.instant()
	app := &App{
		Rev: store.Revision{
			RevisionID:     uuid.NewString(),
			Account:        owner.ID,
			App:            spec.Name,
			Argv:           slices.Clone(spec.Argv),
			Env:            slices.Clone(spec.Env),
			Dir:            spec.Dir,
			MachineType:    cmp.Or(spec.MachineType, "XS"),
			NumGPUs:        cmp.Or(spec.NumGPUs, 1),
			HealthPath:     spec.HealthPath,
			StartupTimeout: cmp.Or(spec.StartupTimeout, 600*time.Second),
			GracePeriod:    either(spec.GracePeriod, 5*time.Second),
			CreatedAt:      now,
		},
		App: store.App{
			Account:        owner.ID,
			Alias:          spec.Name,
			MinConcurrency: spec.MinConcurrency,
			MaxConcurrency: cmp.Or(spec.MaxConcurrency, max(2, spec.MinConcurrency)),
			KeepAlive:      either(spec.KeepAlive, 10*time.Second),
			CreatedAt:      now,
		},
	}
	name := appName{owner.ID, spec.Name}
	s.mu.RLock()
	if before, ok := s.apps[name]; ok {
		app.CreatedAt = before.CreatedAt
	}
	s.mu.RUnlock()
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if err := tx.InsertRevision(&app.Rev); err != nil {
			return err
		}
		app.Revision = app.Rev.ID
		return tx.PutApp(&app.App)
	})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.apps[name] = app
	s.mu.Unlock()
	s.wake()
	return app, nil
}

func (spec AppSpec) validate() error {
	switch {
	case !appNames.MatchString(spec.Name):
		return fail(Invalid, "%q is no name for an app: it begins with a letter or digit and has at most 128 letters, digits, dots, hyphens and underscores", spec.Name)
	case len(spec.Argv) == 0 || spec.Argv[0] == "":
		return fail(Invalid, "app %s has no command to run", spec.Name)
	case spec.NumGPUs < 0:
		return fail(Invalid, "app %s: num_gpus is negative", spec.Name)
	case spec.MinConcurrency < 0:
		return fail(Invalid, "app %s: min_concurrency is negative", spec.Name)
	case spec.MaxConcurrency < 0 || spec.MaxConcurrency > 0 && spec.MaxConcurrency < spec.MinConcurrency:
		return fail(Invalid, "app %s: max_concurrency %d is below min_concurrency %d", spec.Name, spec.MaxConcurrency, spec.MinConcurrency)
	case spec.KeepAlive != nil && *spec.KeepAlive < 0, spec.StartupTimeout < 0, spec.GracePeriod != nil && *spec.GracePeriod < 0:
		return fail(Invalid, "app %s: a duration is negative", spec.Name)
	case spec.HealthPath != "" && !strings.HasPrefix(spec.HealthPath, "/"):
		return fail(Invalid, "app %s: the health path %q does not begin with a slash", spec.Name, spec.HealthPath)
	}
	for _, entry := range spec.Env {
		if name, _, ok := strings.Cut(entry, "="); !ok || name == "" {
			return fail(Invalid, "app %s: an environment entry is not of the form NAME=value", spec.Name)
		}
	}
	return nil
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

// App returns the caller's app of that alias.
func (s *State) App(caller Caller, alias string) (*App, error) {
	if err := checkID("alias", alias); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	app, ok := s.apps[appName{caller.Account.ID, alias}]
	if !ok {
		return nil, fail(NotFound, "app %s not found", alias)
	}
	return app, nil
}

// Lookup returns an app of the account of that nickname, of the first account
// when it is empty, and the account.
func (s *State) Lookup(nickname, alias string) (*App, Account, error) {
	owner, err := s.owner(nickname)
	if err != nil {
		return nil, owner, err
	}
	app, err := s.App(Caller{Account: owner}, alias)
	return app, owner, err
}

func (s *State) loadApps(ctx context.Context) error {
	revisions, err := s.db.CurrentRevisions(ctx)
	if err != nil {
		return err
	}
	byID := make(map[int64]store.Revision, len(revisions))
	for _, r := range revisions {
		byID[r.ID] = r
	}
	apps, err := s.db.Apps(ctx)
	if err != nil {
		return err
	}
	for _, a := range apps {
		s.apps[appName{a.Account, a.Alias}] = &App{App: a, Rev: byID[a.Revision]}
	}
	return nil
}

func isNoRow(err error) bool { return errors.Is(err, store.ErrNotFound) }
