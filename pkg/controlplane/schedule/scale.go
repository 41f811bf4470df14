package schedule

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// slot is a place among the runners of an app.
type slot struct {
	Runner
	next *Runner // what was started to replace Runner, and is not up yet
}

// census is the runners of an app that serve, or are to, and are not drained.
type census struct {
	total int
	slots []slot // oldest first
	room  int    // for runners to be started; those that are drained leave none yet
	held  bool   // nothing may be started
}

// scale starts and drains runners of one app.
func (p *planner) scale(app App, runners []Runner) {
	c := p.take(app, runners)
	want := p.target(app, runners)
	p.trim(app, &c)
	p.expire(app, &c, want.runners)
	p.replace(app, &c)
	p.fill(app, &c, want)
	p.relaunch(&c)
}

func (a *App) stale(r Runner) bool { return r.Revision != a.Revision || r.Replace }

// take counts, and drains what is not worth counting.
func (p *planner) take(app App, runners []Runner) census {
	c := census{room: app.Max + 1}
	serving := make(map[string]Runner, len(runners))
	for _, r := range runners {
		foreign := r.Revision != app.Revision
		c.held = c.held || foreign && app.Recreate
		if r.serves() {
			c.room--
		}
		switch {
		case !r.serves():
		case foreign && (app.Recreate || r.Phase != Up):
			p.add(Drain, r, "replaced by revision "+app.Revision)
		case r.Replace && r.Phase == Waiting:
			p.add(Drain, r, "to be replaced, and not running")
		default:
			serving[r.ID] = r
		}
	}
	p.settleReplaced(app, runners, serving)
	next := make(map[string]*Runner)
	for _, r := range runners {
		if _, ok := serving[r.ID]; !ok {
			continue
		}
		c.total++
		if before, ok := serving[r.Replaces]; ok && app.stale(before) && next[before.ID] == nil {
			next[before.ID] = &r
		} else {
			c.slots = append(c.slots, slot{Runner: r})
		}
	}
	for i := range c.slots {
		c.slots[i].next = next[c.slots[i].ID]
	}
	return c
}

// settleReplaced drains, and takes out of serving, those whose replacement is
// in their place, and the replacements of those that need none any more.
func (p *planner) settleReplaced(app App, runners []Runner, serving map[string]Runner) {
	gone := make(map[string]bool)
	leave := func(r Runner, reason string) {
		if !gone[r.ID] {
			gone[r.ID] = true
			p.add(Drain, r, reason)
		}
	}
	for _, r := range runners {
		before, ok := serving[r.Replaces]
		if _, serves := serving[r.ID]; !ok || !serves {
			continue
		}
		switch {
		case app.stale(before) && (before.Force || r.Phase == Up):
			reason := "replaced by runner " + r.ID
			if r.Revision != before.Revision {
				reason += " of revision " + r.Revision
			}
			leave(before, reason)
		case !app.stale(before) && app.stale(r):
			// The app was pointed back before the old runner was gone.
			leave(r, "runner "+before.ID+" stays")
		}
	}
	for id := range gone {
		delete(serving, id)
	}
}

// remove drains some of the slots, and what was started for them.
func (p *planner) remove(c *census, reasons map[string]string) {
	c.slots = slices.DeleteFunc(c.slots, func(s slot) bool {
		reason, ok := reasons[s.ID]
		if !ok {
			return false
		}
		p.add(Drain, s.Runner, reason)
		p.Actions[len(p.Actions)-1].IfIdle = s.Phase == Up && s.InFlight == 0
		c.total--
		if s.next != nil {
			p.add(Drain, *s.next, "runner "+s.ID+" needs no replacement")
			c.total--
		}
		return true
	})
}

// trim drains what is above Max, and replacements above one more.
func (p *planner) trim(app App, c *census) {
	reason := fmt.Sprintf("max_concurrency is %d", app.Max)
	if excess := len(c.slots) - app.Max; excess > 0 {
		gone := make(map[string]string, excess)
		for _, s := range slices.SortedFunc(slices.Values(c.slots), app.byLoss)[:excess] {
			gone[s.ID] = reason
		}
		p.remove(c, gone)
	}
	excess := c.total - app.Max - 1
	if excess <= 0 {
		return
	}
	var replaced []*slot
	for i := range c.slots {
		if c.slots[i].next != nil {
			replaced = append(replaced, &c.slots[i])
		}
	}
	slices.SortFunc(replaced, func(x, y *slot) int {
		return cmp.Or(cmp.Compare(x.next.Phase, y.next.Phase), byAge(*y.next, *x.next))
	})
	for _, s := range replaced[:excess] {
		p.add(Drain, *s.next, reason)
		s.next = nil
		c.total--
	}
}

// byLoss orders slots by how little is lost with them: those that are not up,
// the idle ones, the busy ones; of these first what is replaced anyway, with
// the replacement that is the furthest from being up, then the newest.
func (a *App) byLoss(x, y slot) int {
	return cmp.Or(cmp.Compare(loss(x.Runner), loss(y.Runner)), yesFirst(a.stale(x.Runner), a.stale(y.Runner)),
		cmp.Compare(progress(x), progress(y)), byAge(y.Runner, x.Runner))
}

func loss(r Runner) int {
	switch {
	case r.Phase != Up:
		return int(r.Phase)
	case r.InFlight == 0:
		return int(Up)
	default:
		return int(Up) + 1
	}
}

func progress(s slot) int {
	if s.next == nil {
		return -1
	}
	return int(s.next.Phase)
}

func yesFirst(x, y bool) int {
	switch {
	case x == y:
		return 0
	case x:
		return -1
	default:
		return 1
	}
}

// expire drains what was of no use above want for long enough: idle, or failing
// to start. Those whose time runs already come first: what is kept instead of one of
// them would be the next to have its time begin, and so on for ever.
func (p *planner) expire(app App, c *census, want int) {
	spare, up := len(c.slots)-want, -want
	for _, s := range c.slots {
		if s.Phase == Up {
			up++
		}
	}
	gone := make(map[string]string)
	byUse := func(x, y slot) int {
		return cmp.Or(yesFirst(!x.Wanted, !y.Wanted), x.since().Compare(y.since()), byAge(x.Runner, y.Runner))
	}
	for _, s := range slices.SortedFunc(slices.Values(c.slots), byUse) {
		expiry := p.unused(s.Runner).Add(app.KeepAlive)
		switch {
		case s.Phase == Waiting && spare > 0:
			spare--
			if p.due(expiry) {
				gone[s.ID] = fmt.Sprintf("failing to start for %s (keep_alive)", app.KeepAlive)
			}
		case s.Phase == Up && s.InFlight == 0 && up > 0:
			up--
			if p.due(expiry) {
				gone[s.ID] = fmt.Sprintf("idle for %s (keep_alive)", app.KeepAlive)
				continue
			}
			if p.Expiries == nil {
				p.Expiries = make(map[string]time.Time)
			}
			p.Expiries[s.ID] = expiry
		}
	}
	p.remove(c, gone)
}

// unused is since when a runner is of no use.
func (p *planner) unused(r Runner) time.Time {
	if r.Phase == Up && r.Wanted {
		return p.now
	}
	return r.since()
}

// since is when a runner that is idle, or waiting, began to do nothing.
func (r *Runner) since() time.Time {
	if r.Phase == Waiting {
		return r.FailingSince
	}
	return r.IdleSince
}

// replace starts replacements, as far as Max and one more leaves room for them.
func (p *planner) replace(app App, c *census) {
	for _, s := range c.slots {
		if app.stale(s.Runner) && s.next == nil && !c.held && (s.Force || c.room > 0) && p.due(app.NotBefore) {
			p.create(app, s.ID, "replaces runner "+s.ID)
			c.room--
		}
	}
}

// fill starts what is wanted.
func (p *planner) fill(app App, c *census, want target) {
	missing := want.runners - len(c.slots)
	if missing <= 0 || c.held || !p.due(app.NotBefore) {
		return
	}
	for ; missing > 0 && c.room > 0; missing-- {
		p.create(app, "", want.reason)
		c.room--
	}
}

func (p *planner) create(app App, replaces, reason string) {
	p.Actions = append(p.Actions, Action{Kind: Create, App: app.Name, Runner: replaces, Reason: reason})
}

// relaunch tries again what has waited for long enough. Only runners of the
// app's revision that are to stay are still counted.
func (p *planner) relaunch(c *census) {
	again := func(r Runner) {
		if r.Phase == Waiting && !c.held && p.due(r.RetryAt) {
			p.add(Relaunch, r, "tried again")
		}
	}
	for _, s := range c.slots {
		again(s.Runner)
		if s.next != nil {
			again(*s.next)
		}
	}
}
