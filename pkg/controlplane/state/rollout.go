package state

import (
	"cmp"
	"context"
	"slices"

	"github.com/fal-plugins/fal/pkg/controlplane/store"
)

// Strategy says how the runners of an app are replaced by those of another
// revision.
type Strategy int

// The values of the wire.
const (
	Recreate Strategy = iota // the old ones end first
	Rolling                  // each old one ends when a new one is up in its place
)

// RolloutApp has every runner of an app replaced by a fresh one of the current
// revision. Each goes on serving until the one in its place is up; with force
// all are replaced at once, and requests in flight have the grace period of their
// runners. It returns when the runners are marked, all of them or none.
func (s *State) RolloutApp(ctx context.Context, caller Caller, environment, alias string, force bool) error {
	app, err := s.App(caller, environment, alias)
	if err != nil {
		return err
	}
	const note = "rollout requested"
	name := appName{app.Account, app.Alias}
	now := s.instant()
	runners := s.runnersOf(app)
	for _, r := range runners {
		r.step.Lock()
		defer r.step.Unlock()
	}
	rows := make([]store.Runner, 0, len(runners))
	marked := make([]*runner, 0, len(runners))
	s.mu.RLock()
	for _, r := range runners {
		if !r.state().leaving() {
			row := r.row
			row.Replacement = int(WillReplace)
			rows, marked = append(rows, row), append(marked, r)
		}
	}
	s.mu.RUnlock()
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		for i := range rows {
			if err := tx.UpdateRunner(&rows[i]); err != nil {
				return err
			}
			if err := tx.InsertEvent(rows[i].ID, store.Event{Time: now, State: rows[i].State, Reason: note}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i := range rows {
		s.logs.add(lifeLine(rows[i].ID, now, EventNote, RunnerState(rows[i].State), note))
	}
	s.mu.Lock()
	for i, r := range marked {
		r.row = rows[i]
		r.force = r.force || force
	}
	for _, r := range runners { // those that drain already have the grace period from now on
		if force && r.state() == Draining {
			r.hurry(now)
		}
	}
	s.changeovers[name] = true
	s.settle(name)
	s.mu.Unlock()
	s.wake()
	return nil
}

// runnersOf returns the runners of an app that have not ended, in an order in
// which they can be locked.
func (s *State) runnersOf(app *App) []*runner {
	s.mu.RLock()
	var runners []*runner
	for _, r := range s.live {
		if r.row.Account == app.Account && r.row.Alias == app.Alias {
			runners = append(runners, r)
		}
	}
	s.mu.RUnlock()
	slices.SortFunc(runners, func(a, b *runner) int { return cmp.Compare(a.id, b.id) })
	return runners
}

// outdated reports whether a runner is of another revision than its app points
// to; it needs State.mu.
func (s *State) outdated(row *store.Runner) bool {
	app, ok := s.apps[appName{row.Account, row.Alias}]
	return ok && app.Rev.RevisionID != row.RevisionID
}

// fate says of a runner that leaves, or has ended, whether another one is in
// its place. It stays WillReplace while that one is on its way.
func (s *State) fate(row *store.Runner, ended bool) Replacement {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if row.Replacement == int(DidReplace) || row.Replacement == int(NoReplace) && !s.outdated(row) {
		return Replacement(row.Replacement)
	}
	outcome := NoReplace
	for _, r := range s.live {
		if r.row.Replaces != row.RunnerID || r.state().leaving() {
			continue
		}
		if r.state() == Idle || ended {
			return DidReplace
		}
		outcome = WillReplace
	}
	return outcome
}
