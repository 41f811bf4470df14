package controlplane

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/runtime"
	"github.com/fal-plugins/fal/pkg/controlplane/schedule"
	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

// keeper sees one process of a runner from its start to its end.
type keeper struct {
	fleet  *fleet
	runner *state.Runner
	app    *state.App

	mu         sync.Mutex
	process    *runtime.Process // nil until it is started
	terminated bool
	killed     bool
	env        []string // of the process, and of sessions beside it
	dir        string
	sessions   sync.WaitGroup

	over context.Context // ends with the process
	end  context.CancelFunc

	preparing context.Context // ends when the process is not to be started
	giveUp    context.CancelFunc
	checks    chan struct{} // has one token when the health is to be looked at
}

// keep starts a keeper. It is called by the reconcile loop only, so that a plan
// never sees a runner that is about to get one.
func (f *fleet) keep(r *state.Runner, app *state.App) {
	k := &keeper{fleet: f, runner: r, app: app, checks: make(chan struct{}, 1)}
	k.over, k.end = context.WithCancel(context.Background())
	k.preparing, k.giveUp = context.WithCancel(f.ctx)
	f.mu.Lock()
	f.keepers[r.ID] = k
	f.mu.Unlock()
	f.keeping.Go(func() {
		k.run()
		f.mu.Lock()
		if f.keepers[r.ID] == k {
			delete(f.keepers, r.ID)
		}
		f.mu.Unlock()
	})
}

func (k *keeper) run() {
	f := k.fleet
	process, l, err := k.start()
	if err != nil {
		k.failed(err.Error())
		return
	}
	k.attach(process)
	started := time.Now()
	f.report(k.runner.ID, f.state.Launched(f.ctx, k.runner.ID, process.PID(), process.Identity(), l.port))
	port, err := k.awaitReady(process, l)
	if err != nil {
		process.Kill() // it may have ended, which is as good
		<-process.Done()
		k.failed(err.Error())
		return
	}
	if port != l.port {
		f.report(k.runner.ID, f.state.Listens(f.ctx, k.runner.ID, port))
	}
	up := time.Now()
	f.report(k.runner.ID, f.state.Ready(f.ctx, k.runner.ID))
	k.settle(l, port)
	k.watch(process, port, started, up)
	<-process.Done()
	f.state.Gone(k.runner.ID) // what follows takes its time
	if !k.asked() {
		f.crashed(k.app.Rev.RevisionID, time.Since(up))
	}
	k.cleanUp()
	f.report(k.runner.ID, f.state.Ended(f.ctx, k.runner.ID, describe(process.Exit())))
}

// failed records that there is no process because its start-up failed, or
// the runner's end if that was asked for.
func (k *keeper) failed(reason string) {
	k.cleanUp()
	k.fleet.report(k.runner.ID, k.fleet.state.StartFailed(k.fleet.ctx, k.runner.ID, reason, schedule.Backoff))
}

func (k *keeper) start() (*runtime.Process, *startup, error) {
	defer k.giveUp()
	l, err := k.prepare(k.preparing)
	if err != nil {
		return nil, nil, err
	}
	if k.env, err = k.environment(l); err != nil {
		return nil, nil, err
	}
	k.dir = l.dir
	process, err := k.fleet.runtime.Start(k.fleet.ctx, runtime.Spec{
		ID:   k.runner.ID,
		Argv: l.argv,
		Env:  k.env,
		Dir:  k.dir,
		Output: func(line runtime.Line) {
			k.fleet.state.Log(k.runner, line.Time, line.Source.String(), line.Text)
		},
	})
	return process, l, err
}

// settle keeps to the port that the process was found to listen on. It is called
// when the runner is up, so that it is not the one that is one too many.
func (k *keeper) settle(l *startup, port int) {
	if port == l.port {
		k.fleet.fixed.decline(k.runner.ID, k.runner.Revision)
	} else {
		k.fleet.fixed.bind(port)
	}
	k.fleet.state.SetSingle(k.runner.Revision, port != l.port)
	if l.guessed {
		found := port
		if port == l.port {
			found = 0
		}
		k.fleet.fixed.find(appKey(k.runner.Account, k.runner.Alias), found)
	}
}

func (k *keeper) workDir() string { return filepath.Join(k.fleet.workDir, k.runner.ID) }

// cleanUp ends what ran beside the process and removes what was used by it
// alone; the next one starts afresh.
func (k *keeper) cleanUp() {
	k.endSessions()
	k.fleet.fixed.release(k.runner.ID)
	if k.app.Rev.Dir == "" {
		k.fleet.report(k.runner.ID, os.RemoveAll(k.workDir()))
		k.fleet.report(k.runner.ID, os.RemoveAll(k.workDir()+".port"))
	}
}

// environment is what is inherited of the machine; then that of what was built; then
// the app's; then the secrets that it gets; then what makes it a runner. Of several
// values for a name the last counts.
func (k *keeper) environment(l *startup) ([]string, error) {
	env, withheld := inherited(os.Environ(), goruntime.GOOS)
	env = append(append(env, l.env...), k.app.Rev.Env...)
	secrets, missing, err := k.fleet.state.RunnerSecrets(k.app)
	if err != nil {
		return nil, err
	}
	if len(missing) > 0 {
		note := "started without secrets that are not set: " + strings.Join(missing, ", ")
		k.fleet.report(k.runner.ID, k.fleet.state.Note(k.fleet.ctx, k.runner.ID, note))
	}
	env = append(env, secrets...)
	if left := missed(withheld, env); len(left) > 0 {
		k.say(state.LevelWarning, "a proxy with credentials is not passed on: "+strings.Join(left, ", ")+". As a secret of that name the app gets it")
	}
	return append(env,
		"PORT="+strconv.Itoa(l.port),
		"FAL_APP_NAME="+k.runner.Alias,
		"FAL_RUNNER_ID="+k.runner.ID,
		"FAL_REVISION="+k.runner.Revision,
		"FAL_MACHINE_TYPE="+k.runner.MachineType,
	), nil
}

// attach makes the process known, and does what was asked for before it was.
func (k *keeper) attach(process *runtime.Process) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.process = process
	switch {
	case k.killed:
		process.Kill()
	case k.terminated:
		process.Terminate()
	}
}

// terminate asks the process to end. That it has ended already is no error.
func (k *keeper) terminate() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.terminated = true
	k.giveUp()
	if k.process != nil {
		k.warn("terminate", k.process.Terminate())
	}
}

// kill ends the process; false when that was done before.
func (k *keeper) kill() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.killed {
		return false
	}
	k.killed = true
	k.giveUp()
	if k.process != nil {
		k.warn("kill", k.process.Kill())
	}
	return true
}

func (k *keeper) warn(what string, err error) {
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		k.fleet.logger.Error(what, "runner", k.runner.ID, "error", err)
	}
}

// asked reports whether the process was asked to end.
func (k *keeper) asked() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.terminated || k.killed
}

func (k *keeper) wasKilled() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.killed
}
