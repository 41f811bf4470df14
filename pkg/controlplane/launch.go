package controlplane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/build"
	"github.com/fal-plugins/fal/pkg/controlplane/loopback"
	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

// startup is what a keeper starts.
type startup struct {
	argv    []string
	env     []string // beside that of every runner
	dir     string
	port    int // that PORT names
	metrics int // the port for metrics that a callable is told
	// fixed is the port that the process may bind instead, 0 if there is none or
	// it belongs to something else; wanted is that port in either case.
	fixed, wanted int
	taken         string // a file that is made when the process takes port
	// guessed says that wanted is where runners of the app were found before, and not
	// what the app says.
	guessed bool
	waits   bool // wanted was asked for in vain
	strays  strays
}

// prepare returns what to start, in the folders and the environment that it
// needs.
func (k *keeper) prepare(ctx context.Context) (*startup, error) {
	port, err := loopback.FreePort()
	if err != nil {
		return nil, err
	}
	l := &startup{argv: k.app.Rev.Argv, dir: k.app.Rev.Dir, port: port}
	if l.dir == "" {
		l.dir = k.workDir()
		if err := os.MkdirAll(l.dir, 0o700); err != nil {
			return nil, err
		}
	}
	if !k.app.Rev.Launch.Deployed() {
		return l, nil
	}
	return l, k.deploy(ctx, l)
}

// deploy completes the startup of a revision that was deployed.
func (k *keeper) deploy(ctx context.Context, l *startup) error {
	rev := &k.app.Rev
	d := k.fleet.deploys
	definition := d.definition(&rev.Launch)
	environment, err := d.builder.Load(definition.ID())
	if err == nil && environment == nil {
		k.say(state.LevelWarning, "the environment is not there any more, and is built again")
		environment, err = d.builder.Build(ctx, definition, k.say)
	}
	if err != nil {
		return k.complain(err)
	}
	callable, err := d.callable(&rev.Launch)
	if err != nil {
		return k.complain(err)
	}
	metrics, err := loopback.FreePort()
	if err != nil {
		return err
	}
	l.metrics, l.taken = metrics, k.workDir()+".port"
	ports := build.Ports{Port: l.port, Metrics: metrics, Exposed: rev.Serving.ExposedPort, Taken: l.taken}
	program, err := environment.Program(ctx, callable, ports, k.say)
	if err != nil {
		return k.complain(err)
	}
	if mounts := rev.Launch.DataMounts; len(mounts) > 0 {
		k.say(state.LevelWarning, "data mounts are not made here: "+strings.Join(mounts, ", "))
	}
	root, err := filepath.Abs(l.dir)
	if err != nil {
		return err
	}
	placed, err := program.Place(root)
	if err != nil {
		return k.complain(err)
	}
	l.argv, l.env, l.dir, l.wanted = placed.Argv, placed.Env, placed.Dir, program.FixedPort
	if l.wanted == 0 {
		l.wanted = k.fleet.fixed.found(appKey(k.runner.Account, k.runner.Alias))
		l.guessed = true
	}
	return k.awaitPort(ctx, l)
}

// claim asks for the port that the process may bind itself. Of an app whose runners
// bind the port, so does this revision, as far as is known.
func (k *keeper) claim(l *startup) claim {
	c := k.fleet.fixed.claim(l.wanted, k.runner.ID, appKey(k.runner.Account, k.runner.Alias), k.runner.Revision)
	switch c {
	case granted:
		l.fixed = l.wanted
	case promised:
		k.fleet.state.SetSingle(k.runner.Revision, true)
	}
	if c != granted && !l.waits {
		l.waits = true // and who has the port is to leave sooner, should it be leaving
		select {
		case k.fleet.nudge <- struct{}{}:
		default: // it is about to be looked
		}
	}
	return c
}

// awaitPort waits while another runner of the app listens on the port that this
// one is going to bind, which is ended for it, or may do so soon.
func (k *keeper) awaitPort(ctx context.Context, l *startup) error {
	if err := k.awaitScout(ctx, l); err != nil {
		return err
	}
	first := k.claim(l)
	if first != promised && first != pending {
		return nil
	}
	note := fmt.Sprintf("waits for port %d, which another runner of the app has", l.wanted)
	if first == pending {
		note = fmt.Sprintf("waits until it is known whether another runner of the app binds port %d", l.wanted)
	}
	k.fleet.report(k.runner.ID, k.fleet.state.Note(k.fleet.ctx, k.runner.ID, note))
	deadline := time.NewTimer(k.app.StartupTimeout)
	defer deadline.Stop()
	ticker := time.NewTicker(firstProbe)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if c := k.claim(l); c != promised && c != pending {
				return nil
			}
		case <-deadline.C:
			return fmt.Errorf("another runner of the app had port %d for %s", l.wanted, k.app.StartupTimeout)
		case <-ctx.Done():
			return k.complain(ctx.Err())
		}
	}
}

// awaitScout waits while the first runner of a revision that does not say where it
// listens shows that, as far as it does so soon.
func (k *keeper) awaitScout(ctx context.Context, l *startup) error {
	if !l.guessed || l.wanted != 0 || k.fleet.fixed.scout(k.runner.ID, k.runner.Revision) {
		return nil
	}
	k.fleet.report(k.runner.ID, k.fleet.state.Note(k.fleet.ctx, k.runner.ID, "waits until it is known whether the first runner of the revision takes PORT"))
	ticker := time.NewTicker(firstProbe)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			l.wanted = k.fleet.fixed.found(appKey(k.runner.Account, k.runner.Alias))
			if l.wanted != 0 || k.fleet.fixed.scout(k.runner.ID, k.runner.Revision) {
				return nil
			}
		case <-ctx.Done():
			return k.complain(ctx.Err())
		}
	}
}

// say adds a line to the runner's log.
func (k *keeper) say(level, message string) {
	k.fleet.state.LogBridge(k.runner, level, message)
}

// complain puts what prevents a start into the runner's log, where it is looked
// for, and returns it.
func (k *keeper) complain(err error) error {
	if errors.Is(err, context.Canceled) {
		return errors.New("it was given up before its process was started")
	}
	k.say(state.LevelError, err.Error())
	return err
}
