package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/fal-plugins/fal/pkg/controlplane/grpcapi"
	"github.com/fal-plugins/fal/pkg/controlplane/runtime"
	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

// defaultTerm is what nearly every terminal of today understands; which one the
// client has is not said.
const defaultTerm = "xterm-256color"

// shell is a session in a runner.
type shell struct {
	*runtime.Session
	runner string
	cut    atomic.Bool // ended because the runner has
}

// OpenShell implements grpcapi.Shells.
func (f *fleet) OpenShell(ctx context.Context, runnerID string, command []string, size *grpcapi.TerminalSize) (grpcapi.Session, error) {
	f.mu.Lock()
	k := f.keepers[runnerID]
	f.mu.Unlock()
	if k == nil {
		return nil, errRunnerEnded(runnerID)
	}
	session, err := k.open(ctx, command, size)
	if err != nil {
		return nil, shellError(command, err)
	}
	return session, nil
}

func errRunnerEnded(id string) error {
	return &state.Error{Kind: state.Conflict, Message: fmt.Sprintf("runner %s has ended", id)}
}

// shellError puts what prevented a session the way a shell would.
func shellError(command []string, err error) error {
	var failure *runtime.StartError
	switch {
	case errors.Is(err, runtime.ErrNoTerminal):
		return &state.Error{Kind: state.Conflict, Message: "a control plane on " + goruntime.GOOS + " gives no terminals: name a command, and ask for no terminal"}
	case !errors.As(err, &failure) || len(command) == 0:
		return err
	case failure.Op == "argv":
		return &state.Error{Kind: state.Invalid, Message: "command: " + failure.Err.Error()}
	case failure.Op != "execute":
		return err
	case !errors.Is(err, fs.ErrNotExist):
		return &grpcapi.CommandError{ExitCode: 126, Message: command[0] + ": " + failure.Err.Error()}
	case strings.ContainsRune(command[0], filepath.Separator):
		return &grpcapi.CommandError{ExitCode: 127, Message: command[0] + ": " + failure.Err.Error()}
	}
	return &grpcapi.CommandError{ExitCode: 127, Message: command[0] + ": command not found"}
}

// open starts a session with the folder and the environment of the process. It
// ends with the process at the latest.
func (k *keeper) open(ctx context.Context, command []string, size *grpcapi.TerminalSize) (*shell, error) {
	k.mu.Lock()
	if k.process == nil || k.over.Err() != nil {
		k.mu.Unlock()
		return nil, errRunnerEnded(k.runner.ID)
	}
	spec := runtime.Spec{ID: k.runner.ID, Argv: command, Env: k.env, Dir: k.dir}
	k.sessions.Add(1)
	k.mu.Unlock()

	if len(spec.Argv) == 0 {
		spec.Argv = []string{loginShell()}
	}
	var terminal *runtime.Size
	if size != nil {
		terminal = &runtime.Size{Rows: size.Rows, Columns: size.Columns}
		if !slices.ContainsFunc(spec.Env, func(entry string) bool { return strings.HasPrefix(entry, "TERM=") }) {
			spec.Env = append(slices.Clip(spec.Env), "TERM="+defaultTerm)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	unlink := context.AfterFunc(k.over, cancel)
	session, err := k.fleet.runtime.Open(ctx, spec, terminal)
	unlink()
	cancel()
	if err != nil {
		k.sessions.Done()
		if k.over.Err() != nil {
			return nil, errRunnerEnded(k.runner.ID)
		}
		return nil, err
	}
	s := &shell{Session: session, runner: k.runner.ID}
	go func() {
		defer k.sessions.Done()
		select {
		case <-session.Done():
		case <-k.over.Done():
			s.cut.Store(true)
			k.warn("kill session", session.Kill())
			<-session.Done()
		}
	}()
	return s, nil
}

// loginShell is the shell of the user that the control plane runs as. It is
// started as an interactive one and not as one that reads the user's profile,
// which would replace the PATH that the runner has.
func loginShell() string {
	if path := os.Getenv("SHELL"); filepath.IsAbs(path) {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path
		}
	}
	return "/bin/sh"
}

// endSessions ends what was opened beside the process.
func (k *keeper) endSessions() {
	k.mu.Lock()
	k.end()
	k.mu.Unlock()
	k.sessions.Wait()
}

// ExitCode waits for the end. That the runner has ended, and the session with
// it, says more than the signal would.
func (s *shell) ExitCode() (int, error) {
	code, err := s.Session.ExitCode()
	if s.cut.Load() {
		return 0, errRunnerEnded(s.runner)
	}
	return code, err
}

// Resize implements grpcapi.Session.
func (s *shell) Resize(size grpcapi.TerminalSize) error {
	return s.Session.Resize(runtime.Size{Rows: size.Rows, Columns: size.Columns})
}
