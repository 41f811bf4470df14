package controlplane

import (
	"context"
	"sync"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/loopback"
)

// fixedPorts are the ports that processes bind which do not take the one that
// they are given. Each belongs to one runner at a time. The zero value is ready
// for use.
type fixedPorts struct {
	mu     sync.Mutex
	owners map[int]portOwner
	takers map[string]bool // revisions whose runners take the port that they are given
	known  map[string]int  // where runners of apps that do not say it were found, by app
	// scouts are the runners from which it is to be seen where those of a revision
	// listen, by revision; an empty one when nobody waits for that.
	scouts map[string]string
	waits  map[int]portWait // by port that somebody was refused
}

// portWait is of those who asked for a port in vain.
type portWait struct{ since, last time.Time }

// waitAge is how long after it asked for a port in vain somebody counts as waiting
// for it.
const waitAge = 5 * time.Second

type portOwner struct {
	runner, app string
	bound       bool // it was seen to listen there
}

// claim is what came of asking for a port.
type claim int

const (
	refused claim = iota // it belongs to another, or something listens there
	granted
	promised // a runner of the same app listens there, which has to end first
	pending  // one of the same app starts, which may listen there
)

// claim gives a port to a runner, unless it belongs to another or something
// listens there.
func (p *fixedPorts) claim(port int, runner, app, revision string) claim {
	if port == 0 {
		return refused
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if owner, taken := p.owners[port]; taken {
		if owner.runner != runner {
			p.wait(port)
		}
		switch {
		case owner.app == app && owner.bound:
			return promised
		case owner.app == app && owner.runner != runner && !p.takers[revision]:
			return pending
		}
		return refused
	}
	ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
	defer cancel()
	if conn, err := loopback.Dial(ctx, "tcp", loopback.Address(port)); err == nil {
		conn.Close()
		return refused
	}
	if p.owners == nil {
		p.owners = make(map[int]portOwner)
	}
	p.owners[port] = portOwner{runner: runner, app: app}
	return granted
}

// wait notes that somebody waits for a port.
func (p *fixedPorts) wait(port int) {
	now := time.Now()
	w := p.waits[port]
	if now.Sub(w.last) > waitAge {
		w.since = now
	}
	w.last = now
	if p.waits == nil {
		p.waits = make(map[int]portWait)
	}
	p.waits[port] = w
}

// awaited returns since when somebody waits for the port of a runner, the zero time
// for nobody.
func (p *fixedPorts) awaited(runner string) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	for port, owner := range p.owners {
		if w := p.waits[port]; owner.runner == runner && time.Since(w.last) <= waitAge {
			return w.since
		}
	}
	return time.Time{}
}

// take gives a port to a runner that was seen to listen there, unless another one
// was before it.
func (p *fixedPorts) take(port int, runner, app string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.owners[port].bound {
		return
	}
	if p.owners == nil {
		p.owners = make(map[int]portOwner)
	}
	p.owners[port] = portOwner{runner: runner, app: app}
}

// bind records that the owner of a port listens there.
func (p *fixedPorts) bind(port int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	owner := p.owners[port]
	owner.bound = true
	p.owners[port] = owner
}

// decline gives up what a runner owns, since it takes the port that it was given,
// as others of its revision then do.
func (p *fixedPorts) decline(runner, revision string) {
	p.release(runner)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.takers == nil {
		p.takers = make(map[string]bool)
	}
	p.takers[revision] = true
}

// find keeps where the runners of an app listen that does not say it; 0 for no port
// of their own.
func (p *fixedPorts) find(app string, port int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if port == 0 {
		delete(p.known, app)
		return
	}
	if p.known == nil {
		p.known = make(map[string]int)
	}
	p.known[app] = port
}

// found returns what find kept, 0 if it is nothing.
func (p *fixedPorts) found(app string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.known[app]
}

// scout reports whether a runner may start though it is not known where those of its
// revision listen: as the first of them, or when nobody waits for that.
func (p *fixedPorts) scout(runner, revision string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.takers[revision] {
		return true
	}
	first, isThere := p.scouts[revision]
	if !isThere {
		if p.scouts == nil {
			p.scouts = make(map[string]string)
		}
		p.scouts[revision] = runner
		return true
	}
	return first == "" || first == runner
}

// letGo has the runners of a revision start without waiting for its first one.
func (p *fixedPorts) letGo(revision string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, isThere := p.scouts[revision]; isThere {
		p.scouts[revision] = ""
	}
}

// release gives up what a runner owns.
func (p *fixedPorts) release(runner string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for port, owner := range p.owners {
		if owner.runner == runner {
			delete(p.owners, port)
			delete(p.waits, port)
		}
	}
	for revision, first := range p.scouts {
		if first == runner {
			delete(p.scouts, revision)
		}
	}
}

// probeTimeout bounds one attempt to reach a process.
const probeTimeout = 2 * time.Second
