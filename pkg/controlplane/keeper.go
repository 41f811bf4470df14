package controlplane

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
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
}

// keep starts a keeper. It is called by the reconcile loop only, so that a plan
// never sees a runner that is about to get one.
func (f *fleet) keep(r *state.Runner, app *state.App) {
	k := &keeper{fleet: f, runner: r, app: app}
	k.over, k.end = context.WithCancel(context.Background())
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
	process, port, err := k.start()
	if err != nil {
		k.failed(err.Error())
		return
	}
	k.attach(process)
	f.report(k.runner.ID, f.state.Launched(f.ctx, k.runner.ID, process.PID(), process.Identity(), port))
	if err := k.awaitReady(process, port); err != nil {
		process.Kill() // it may have ended, which is as good
		<-process.Done()
		k.failed(err.Error())
		return
	}
	up := time.Now()
	f.report(k.runner.ID, f.state.Ready(f.ctx, k.runner.ID))
	<-process.Done()
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

func (k *keeper) start() (*runtime.Process, int, error) {
	port, err := freePort()
	if err != nil {
		return nil, 0, err
	}
	dir := k.app.Rev.Dir
	if dir == "" {
		dir = k.workDir()
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, 0, err
		}
	}
	if k.env, err = k.environment(port); err != nil {
		return nil, 0, err
	}
	k.dir = dir
	process, err := k.fleet.runtime.Start(k.fleet.ctx, runtime.Spec{
		ID:   k.runner.ID,
		Argv: k.app.Rev.Argv,
		Env:  k.env,
		Dir:  k.dir,
		Output: func(line runtime.Line) {
			k.fleet.state.Log(k.runner, line.Time, line.Source.String(), line.Text)
		},
	})
	return process, port, err
}

func (k *keeper) workDir() string { return filepath.Join(k.fleet.workDir, k.runner.ID) }

// cleanUp ends what ran beside the process and removes what was used by it
// alone; the next one starts afresh.
func (k *keeper) cleanUp() {
	k.endSessions()
	if k.app.Rev.Dir == "" {
		k.fleet.report(k.runner.ID, os.RemoveAll(k.workDir()))
	}
}

// environment is what the control plane was started with, but for variables of
// our own, which may hold credentials; then the app's; then the secrets that it
// gets; then what makes it a runner. Of several values for a name the last counts.
func (k *keeper) environment(port int) ([]string, error) {
	var env []string
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "FAL_") {
			env = append(env, entry)
		}
	}
	env = append(env, k.app.Rev.Env...)
	secrets, missing, err := k.fleet.state.RunnerSecrets(k.app)
	if err != nil {
		return nil, err
	}
	if len(missing) > 0 {
		note := "started without secrets that are not set: " + strings.Join(missing, ", ")
		k.fleet.report(k.runner.ID, k.fleet.state.Note(k.fleet.ctx, k.runner.ID, note))
	}
	env = append(env, secrets...)
	return append(env,
		"PORT="+strconv.Itoa(port),
		"FAL_APP_NAME="+k.runner.Alias,
		"FAL_RUNNER_ID="+k.runner.ID,
		"FAL_REVISION="+k.runner.Revision,
		"FAL_MACHINE_TYPE="+k.runner.MachineType,
	), nil
}

// freePort returns a port that nothing listens on at this moment.
func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return listener.Addr().(*net.TCPAddr).Port, listener.Close()
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

// The pace of asking a process whether it is ready.
const (
	firstProbe   = 10 * time.Millisecond
	probePause   = 500 * time.Millisecond
	probeTimeout = 2 * time.Second
)

// awaitReady returns nil when the process is ready, and otherwise why it will
// not be.
func (k *keeper) awaitReady(process *runtime.Process, port int) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-process.Done():
			cancel()
		case <-ctx.Done():
		}
	}()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	deadline := time.Now().Add(k.app.StartupTimeout)
	pause := time.NewTimer(0)
	defer pause.Stop()
	for wait := firstProbe; ; wait = min(2*wait, probePause) {
		select {
		case <-process.Done():
			return fmt.Errorf("%s before it was ready", describe(process.Exit()))
		case <-pause.C:
		}
		// A process that was asked to end is waited for; its grace period counts.
		if !k.asked() {
			if probe(ctx, client, port, k.app.Rev.HealthPath) {
				return nil
			}
			if !time.Now().Before(deadline) && !k.asked() {
				return fmt.Errorf("not ready within %s", k.app.StartupTimeout)
			}
		}
		pause.Reset(wait)
	}
}

// probe reports whether the port answers path with success, or is open when
// there is no path.
func probe(ctx context.Context, client *http.Client, port int, path string) bool {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	if path == "" {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return false
		}
		conn.Close()
		return true
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return false
	}
	response, err := client.Do(request)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode >= 200 && response.StatusCode < 300
}

func describe(exit runtime.ExitStatus) string {
	switch {
	case exit.Signal != "":
		return "process ended by " + exit.Signal
	case exit.Err != nil && exit.Code < 0:
		return "process ended: " + exit.Err.Error()
	default:
		return fmt.Sprintf("process exited with code %d", exit.Code)
	}
}
