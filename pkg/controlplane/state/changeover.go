package state

// changeovers are the apps of which somebody asked to have the runners replaced,
// by pointing them at another revision or by a rollout, until those that are to
// be there are up. They are guarded by State.mu, and not kept: a control plane
// that starts has nothing to replace.
type changeovers map[appName]bool

// settle ends the changeover of an app whose runners are all of its revision
// and to stay, once as many are up as it keeps at all times; it needs State.mu.
func (s *State) settle(name appName) {
	if !s.changeovers[name] {
		return
	}
	app, exists := s.apps[name]
	up := 0
	for _, r := range s.live {
		switch {
		case !exists || r.row.Account != name.account || r.row.Alias != name.alias:
		case s.outdated(&r.row) || r.row.Replacement != int(NoReplace):
			return
		case r.state() == Idle:
			up++
		}
	}
	if !exists || up >= s.kept(app) {
		delete(s.changeovers, name)
	}
}
