// Package runtime runs and supervises the processes of the local control
// plane. It knows an argv, an environment, a folder and lines of output, and
// nothing of what they are for.
//
//	rt, err := runtime.New(runtime.Options{
//		Supervisor: []string{"/usr/local/bin/fal-local", "__supervise"},
//		Dir:        filepath.Join(dataDir, "processes"),
//	})
//	reaped, err := rt.Reap() // what an earlier control plane left behind
//	p, err := rt.Start(ctx, runtime.Spec{ID: "r-1", Argv: []string{"python3", "app.py"}, Env: env, Output: write})
//	…
//	err = p.Terminate()
//	<-p.Done()
//	status := p.Exit()
//
// [Runtime.Open] starts a process that somebody talks with, on pipes or on a
// terminal, instead of one whose lines are collected.
//
// Every process has a supervisor of its own: this same program, executed again
// with Options.Supervisor as its arguments, whose main function must call
// [Supervise] before anything else. The supervisor runs in a session of its
// own, and the process in a process group of its own within it, so that a
// terminal's Ctrl-C reaches neither. A process that is given a terminal leads a
// session instead.
//
// # What ends a process, and with it what it started
//
//   - [Process.Kill], and the end of the process itself for any reason: whatever
//     is left of its group is killed before [Process.Done] is closed.
//   - The end of the control plane, also by SIGKILL or a crash: the supervisor
//     holds one end of a pipe whose other end only the control plane has, and
//     kills the group when the pipe closes.
//   - The end of the supervisor, also by SIGKILL: the control plane kills what
//     the supervisor was in charge of. On Linux the kernel kills the process
//     itself in the same moment, so that it dies even if both are killed.
//   - [Runtime.Reap] at the next start: what escaped all of these is found by the
//     records in Options.Dir.
//
// A process that leaves the group is followed as far as the system permits. On
// Linux the supervisor adopts orphans (PR_SET_CHILD_SUBREAPER), so that every
// descendant dies, also one that called setsid. On macOS everything in the
// session dies, and of those that called setsid each whose environment the
// system shows, which it does not for the programs that come with it. On Windows
// everything is in a job object that ends with the supervisor, and nothing can
// leave it.
//
// What cannot be killed within five seconds, because the kernel does not let go
// of it, is reported in ExitStatus.Err, and its record is kept for the reaper.
//
// # Identity
//
// A pid alone says nothing, for it is used again. Before anything is killed by a
// record, its start time and the boot it was started in are compared. The
// environment of each process carries a mark, FAL_LOCAL_PROCESS, with a random
// value; it finds those descendants that have outlived their leaders.
package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// ErrClosed is returned by [Runtime.Start] after [Runtime.Close].
var ErrClosed = errors.New("runtime is closed")

// Options says how supervisors are started and where live processes are recorded.
type Options struct {
	// Supervisor is the argv that executes a program whose main function calls
	// Supervise, for example {"/usr/local/bin/fal-local", "__supervise"}. The
	// first word is the path of the program; a relative one is resolved in New.
	Supervisor []string

	// Dir is the folder of the records of live processes, created with mode
	// 0700 if it is missing. Only one control plane at a time may use it.
	Dir string
}

// Runtime starts processes and keeps a record of those that live. Its methods
// may be called from several goroutines.
type Runtime struct {
	supervisor []string
	records    recordDir
	owner      identity
	killDelay  time.Duration

	stop    context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup // starts under way and processes not done

	mu     sync.Mutex
	closed bool
	live   map[string]*Process // by mark; nil while it is being started
}

// New returns a Runtime. It starts nothing and kills nothing.
func New(opts Options) (*Runtime, error) {
	if len(opts.Supervisor) == 0 || opts.Supervisor[0] == "" {
		return nil, errors.New("runtime: no supervisor command")
	}
	if opts.Dir == "" {
		return nil, errors.New("runtime: no folder for records")
	}
	path, err := filepath.Abs(opts.Supervisor[0])
	if err != nil {
		return nil, fmt.Errorf("runtime: supervisor: %w", err)
	}
	dir, err := filepath.Abs(opts.Dir)
	if err != nil {
		return nil, fmt.Errorf("runtime: folder for records: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("runtime: folder for records: %w", err)
	}
	owner, err := identify(os.Getpid())
	if err != nil {
		return nil, fmt.Errorf("runtime: start time of this process: %w", err)
	}
	stop, cancel := context.WithCancel(context.Background())
	return &Runtime{
		supervisor: append([]string{path}, opts.Supervisor[1:]...),
		records:    recordDir(dir),
		owner:      owner,
		killDelay:  killDelay,
		stop:       stop,
		cancel:     cancel,
		live:       make(map[string]*Process),
	}, nil
}

// Close kills every process that is still running and returns when all of them
// are done. Processes that should end of their own accord are to be terminated
// before. Close may be called more than once.
func (r *Runtime) Close() error {
	r.mu.Lock()
	r.closed = true
	processes := make([]*Process, 0, len(r.live))
	for _, p := range r.live {
		if p != nil {
			processes = append(processes, p)
		}
	}
	r.mu.Unlock()

	r.cancel()
	var errs []error
	for _, p := range processes {
		if err := p.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			errs = append(errs, err)
		}
	}
	r.running.Wait()
	return errors.Join(errs...)
}

// enter announces a start, unless the runtime is closed.
func (r *Runtime) enter(mark string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return ErrClosed
	}
	r.running.Add(1)
	r.live[mark] = nil
	return nil
}

// admit makes a started process known, unless the runtime was closed meanwhile.
func (r *Runtime) admit(mark string, p *Process) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return ErrClosed
	}
	r.live[mark] = p
	return nil
}

// leave is called once for every enter.
func (r *Runtime) leave(mark string) {
	r.mu.Lock()
	delete(r.live, mark)
	r.mu.Unlock()
	r.running.Done()
}

func (r *Runtime) isLive(mark string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.live[mark]
	return ok
}
