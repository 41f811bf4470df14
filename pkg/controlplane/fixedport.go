package controlplane

import (
	"net"
	"sync"
	"time"
)

// fixedPorts are the ports that processes bind which do not take the one that
// they are given. Each belongs to one runner at a time. The zero value is ready
// for use.
type fixedPorts struct {
	mu     sync.Mutex
	owners map[int]portOwner
	takers map[string]bool // revisions whose runners take the port that they are given
}

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
		switch {
		case owner.app == app && owner.bound:
			return promised
		case owner.app == app && owner.runner != runner && !p.takers[revision]:
			return pending
		}
		return refused
	}
	conn, err := net.DialTimeout("tcp", local(port), probeTimeout)
	if err == nil {
		conn.Close()
		return refused
	}
	if p.owners == nil {
		p.owners = make(map[int]portOwner)
	}
	p.owners[port] = portOwner{runner: runner, app: app}
	return granted
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

// release gives up what a runner owns.
func (p *fixedPorts) release(runner string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for port, owner := range p.owners {
		if owner.runner == runner {
			delete(p.owners, port)
		}
	}
}

// probeTimeout bounds one attempt to reach a process.
const probeTimeout = 2 * time.Second
