package state

// SetSingle says whether only one runner of a revision can be up at a time, as of
// one that binds a port of its own, whatever the app's settings say. That is not
// stored: a control plane that starts sees it again.
func (s *State) SetSingle(revision string, single bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.singles[revision] == single {
		return
	}
	if single {
		s.singles[revision] = true
	} else {
		delete(s.singles, revision)
	}
	for name, app := range s.apps {
		if app.Rev.RevisionID == revision {
			s.settle(name)
		}
	}
	s.wake()
}

// Single reports what SetSingle said last; false without that.
func (s *State) Single(revision string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.singles[revision]
}

// kept is how many runners of its revision an app keeps at all times; it needs
// State.mu.
func (s *State) kept(app *App) int {
	if s.singles[app.Rev.RevisionID] {
		return min(1, app.MinConcurrency)
	}
	return app.MinConcurrency
}
