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
	mu        sync.Mutex
	owners    map[int]portOwner
	revisions map[string]bool // whose runners were seen to bind one
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
)

// claim gives a port to a runner, unless it belongs to another or something
// listens there. Of an app whose runners bind the port, so does this revision.
func (p *fixedPorts) claim(port int, runner, app, revision string) claim {
	if port == 0 {
		return refused
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if owner, taken := p.owners[port]; taken {
		if owner.app != app || !owner.bound {
			return refused
		}
		p.remember(revision)
		return promised
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

// bind records that the owner of a port listens there.
func (p *fixedPorts) bind(port int, revision string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	owner := p.owners[port]
	owner.bound = true
	p.owners[port] = owner
	p.remember(revision)
}

// remember needs p.mu.
func (p *fixedPorts) remember(revision string) {
	if p.revisions == nil {
		p.revisions = make(map[string]bool)
	}
	p.revisions[revision] = true
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

// fixedPort reports whether runners of a revision bind a port of their own, so
// that only one of them can run at a time.
func (f *fleet) fixedPort(revision string) bool {
	f.fixed.mu.Lock()
	defer f.fixed.mu.Unlock()
	return f.fixed.revisions[revision]
}

// probeTimeout bounds one attempt to reach a process.
const probeTimeout = 2 * time.Second
