package state

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/store"
)

// SeedEnvironment sees to an environment of the first account; one that exists
// stays as it is.
func (s *State) SeedEnvironment(ctx context.Context, name, description string) error {
	owner, err := s.owner("")
	if err != nil {
		return err
	}
	_, err = s.CreateEnvironment(ctx, Caller{Account: owner}, name, description)
	var failure *Error
	if errors.As(err, &failure) && failure.Kind == Exists {
		return nil
	}
	return err
}

// SeedApp sees to an app. One that exists stays as it is; otherwise it is made
// with a revision of each spec, the oldest first, and points to the last, or to
// the newest revision that an earlier app of that name has left. The specs
// differ neither in name, environment and account nor in the command, of which
// the program may have moved: that is told by the arguments, which are to be
// its own, and its revisions are then corrected. All of that is done or none.
func (s *State) SeedApp(ctx context.Context, specs ...AppSpec) (*App, error) {
	last := specs[len(specs)-1]
	owner, err := s.owner(last.Account)
	if err != nil {
		return nil, err
	}
	s.registered.Lock()
	defer s.registered.Unlock()
	left, moved := s.seeded(owner.ID, &last)
	app, exists := s.aliased(owner.ID, last.Name)
	var added []*store.Revision
	switch {
	case exists:
	case len(left) > 0:
		newest := left[len(left)-1]
		app = App{App: store.App{Account: owner.ID, Alias: newest.App, Environment: newest.Environment, Settings: newest.Settings,
			Strategy: int(Rolling), CreatedAt: s.instant()}, Rev: newest}
	default:
		for i, spec := range specs {
			made, err := s.compose(spec)
			if err != nil {
				return nil, err
			}
			made.Rev.CreatedAt = made.CreatedAt.Add(time.Duration(i) * time.Microsecond)
			added = append(added, &made.Rev)
			app = *made
		}
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		for i := range moved {
			if err := tx.SetCommand(&moved[i]); err != nil {
				return err
			}
		}
		for _, r := range added {
			if err := tx.InsertRevision(r); err != nil {
				return err
			}
			app.Rev = *r
		}
		if exists {
			return nil
		}
		app.Revision = app.Rev.ID
		return tx.PutApp(&app.App)
	})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range added {
		s.revisions[r.RevisionID] = r
	}
	name := appName{owner.ID, app.Alias}
	if !exists {
		s.apps[name] = &app
	}
	for i := range moved {
		s.correct(&moved[i])
	}
	s.wake()
	return s.apps[name], nil
}

// seeded returns the revisions of an app that run the command of spec, oldest
// first and with the command as it is there, and those of them that had another
// program.
func (s *State) seeded(account int64, spec *AppSpec) (all, moved []Revision) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, r := range s.revisions {
		if r.Account != account || r.App != spec.Name || len(r.Argv) < 2 || !slices.Equal(r.Argv[1:], spec.Argv[1:]) {
			continue
		}
		corrected := *r
		if corrected.Argv = slices.Clone(spec.Argv); r.Argv[0] != spec.Argv[0] {
			moved = append(moved, corrected)
		}
		all = append(all, corrected)
	}
	slices.SortFunc(all, func(a, b Revision) int { return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID)) })
	return all, moved
}

// correct replaces a revision, also in the apps that point to it; it needs
// State.mu.
func (s *State) correct(r *Revision) {
	s.revisions[r.RevisionID] = r
	for name, app := range s.apps {
		if app.Rev.RevisionID == r.RevisionID {
			corrected := *app
			corrected.Rev = *r
			s.apps[name] = &corrected
		}
	}
}
