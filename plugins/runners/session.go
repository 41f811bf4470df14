package runners

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/runnerlist"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

const (
	exitSession = 255 // a session that failed, as in ssh
	exitPipe    = 141 // as if by SIGPIPE
	feedRead    = 64 << 10
)

// errNoAnswer: the time for the first answer is over.
var errNoAnswer error = &fal.Error{Code: fal.CodeDeadlineExceeded}

// sessionOptions are what shell and exec have in common.
type sessionOptions struct {
	id         string
	command    []string // empty: a login shell
	stdin, tty bool
}

func (o *sessionOptions) idArg(d dependencies) cli.Arg {
	return cli.Arg{Name: "ID", Usage: "a runner, by its id or a unique beginning of it", Value: cli.NonEmpty(&o.id), Complete: d.values.Runners()}
}

// attachment is one run of shell or exec.
type attachment struct {
	*sessionOptions
	dependencies
	inv     *cli.Invocation
	session *session.Session
}

// runSession returns the exit code of the remote program, or an error that
// exits with 255.
func runSession(ctx context.Context, inv *cli.Invocation, d dependencies, o *sessionOptions) error {
	a := &attachment{sessionOptions: o, dependencies: d, inv: inv}
	err := a.run(ctx)
	var silent interface{ Silent() bool }
	switch {
	case err == nil, errors.As(err, &silent):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return ownFailure(err)
}

// ownFailure is err with the exit code of a session that failed.
func ownFailure(err error) error {
	out := &cli.Error{Exit: exitSession, Message: err.Error(), Err: err}
	var known *cli.Error
	var hinted interface{ Hints() []string }
	if errors.As(err, &known) {
		out.Code, out.Hint = known.Code, known.Hint
	} else if errors.As(err, &hinted) {
		out.Hint = hinted.Hints()
	}
	return out
}

func (a *attachment) run(ctx context.Context) error {
	s, err := a.connect(ctx, a.inv)
	if err != nil {
		return err
	}
	defer s.Close()
	a.session = s
	id, err := a.runnerID(ctx)
	if err != nil {
		return err
	}
	params := &fal.RunnersShellParams{Command: a.command}
	var size iostreams.TerminalSize
	if a.tty {
		size = terminalSize(a.inv.IO)
		params.TTY = &fal.TerminalSize{Columns: size.Columns, Rows: size.Rows}
	}
	// The end of ctx ends an open session in order, so a session has its own.
	live, breakOff := context.WithCancelCause(context.WithoutCancel(ctx))
	defer breakOff(nil)
	opened := context.AfterFunc(ctx, func() { breakOff(ctx.Err()) })
	defer opened()
	patience := time.AfterFunc(cmp.Or(a.inv.Timeout, cli.DefaultTimeout), func() { breakOff(errNoAnswer) })
	defer patience.Stop()
	remote, err := s.Client.Runners.Shell(live, id, params)
	if err == nil {
		defer remote.Close()
		if a.inv.Timeout == 0 {
			// Who set no limit gets none once the request is sent: a service
			// may say nothing before the command does.
			patience.Stop()
		}
		go func() {
			<-remote.Answered()
			patience.Stop()
		}()
		if !opened() {
			return ctx.Err()
		}
		err = a.attach(ctx, remote, size)
	}
	if err != nil && errors.Is(context.Cause(live), errNoAnswer) {
		return s.Error(errNoAnswer)
	}
	if err != nil {
		return a.explain(ctx, id, remote, err)
	}
	return a.result(remote)
}

// runnerID finds the runner among those that are alive. One that has ended is
// told from one that never was.
func (a *attachment) runnerID(ctx context.Context) (string, error) {
	r, err := runnerlist.Find(ctx, a.inv, a.session, a.id, time.Time{})
	if cli.ExitCode(err) == cli.ExitNotFound {
		if r, endedErr := runnerlist.Find(ctx, a.inv, a.session, a.id, a.now().Add(-runnerlist.Kept)); endedErr == nil {
			return "", hasEnded(r)
		}
	}
	return r.RunnerID, orApp(ctx, a.session, a.id, err, runnersOf)
}

// attach connects the streams of this process with the session until one of
// them ends it.
func (a *attachment) attach(ctx context.Context, remote *fal.ShellSession, size iostreams.TerminalSize) error {
	in := a.inv.IO.In
	out, err := a.inv.IO.Unbuffered()
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	var watching sync.WaitGroup
	defer func() {
		stop()
		_ = remote.Close() // which ends a wait for the turn to send
		watching.Wait()
	}()
	var raw *iostreams.RawMode
	if a.tty && a.stdin {
		if raw, err = a.inv.IO.EnterRaw(); err != nil {
			return err
		}
		defer a.giveBack(raw)
		in, out = raw.In, raw.Out
	}
	spawn := func(f func()) {
		go func() {
			defer raw.RestoreOnPanic()
			f()
		}()
	}
	shown, fed := make(chan error, 1), make(chan error, 1)
	spawn(func() {
		_, err := io.Copy(out, remote)
		shown <- err
	})
	switch {
	case raw != nil:
		typed := make(chan []byte, keyBacklog)
		spawn(func() { fed <- readKeys(ctx, in, typed) })
		spawn(func() { sendKeys(ctx, remote, typed) })
	case a.stdin:
		spawn(func() { fed <- feed(remote, in) })
	case !a.tty:
		if err := remote.CloseWrite(); err != nil {
			return err
		}
	}
	if a.tty {
		watching.Go(func() {
			defer raw.RestoreOnPanic()
			a.inv.IO.WatchSize(ctx, size, func(now iostreams.TerminalSize) {
				_ = remote.Resize(fal.TerminalSize{Columns: now.Columns, Rows: now.Rows}) // reading tells why
			})
		})
	}
	for {
		select {
		case err := <-shown:
			a.giveBack(raw)
			a.newLine(raw, err)
			return err
		case err := <-fed:
			if err == nil {
				fed = nil // the output goes on
				continue
			}
			a.giveBack(raw)
			a.newLine(raw, err)
			return err
		case sig := <-raw.Signal():
			a.giveBack(raw)
			fmt.Fprintf(a.inv.IO.Err, "\nthe session was ended: %s\n", sig)
			_ = remote.Close()
			return endedBySignal(sig)
		case <-ctx.Done():
			a.giveBack(raw) // before the moment that closing may take
			_ = remote.Close()
			return ctx.Err()
		}
	}
}

// giveBack restores the terminal. That it cannot be is worth a word, but does
// not change how the session ended.
func (a *attachment) giveBack(raw *iostreams.RawMode) {
	if err := raw.Restore(); err != nil {
		fmt.Fprintf(a.inv.IO.Err, "notice: cannot restore the terminal: %s\n", err)
	}
}

// newLine moves an error away from what the remote program left on its line.
func (a *attachment) newLine(raw *iostreams.RawMode, err error) {
	if raw != nil && err != nil {
		fmt.Fprintln(a.inv.IO.Err)
	}
}

// feed sends standard input to its end.
func feed(remote *fal.ShellSession, in io.Reader) error {
	buffer := make([]byte, feedRead)
	for {
		n, readErr := in.Read(buffer)
		if _, err := remote.Write(buffer[:n]); err != nil {
			return nil // the session has ended, and reading tells why
		}
		switch {
		case errors.Is(readErr, io.EOF):
			_ = remote.CloseWrite()
			return nil
		case readErr != nil:
			return cli.Failuref("cannot read standard input: %s", readErr)
		}
	}
}

// result is what the session ended with.
func (a *attachment) result(remote *fal.ShellSession) error {
	code, ok := remote.ExitCode()
	switch {
	case ok && code == 0, !ok && len(a.command) == 0: // a shell may be closed without a code
		return nil
	case ok && code > 0 && code <= 255:
		return cli.Silent(code)
	case ok:
		return cli.Failuref("the command ended with %d, which is no exit code here", code)
	}
	return cli.Failuref("the session was closed, and how the command ended was not told")
}

// explain says why a session came to nothing, or to an early end.
func (a *attachment) explain(ctx context.Context, id string, remote *fal.ShellSession, err error) error {
	var failed *fal.Error
	switch {
	case iostreams.IsClosedPipe(err):
		return cli.Silent(exitPipe) // whoever read our output has had enough
	case !errors.As(err, &failed):
		return err
	case errors.Is(err, fal.ErrNotFound), errors.Is(err, fal.ErrFailedPrecondition):
		return a.refused(ctx, id, err)
	case errors.Is(err, fal.ErrUnavailable) && remote != nil:
		e := &cli.Error{Code: "connection_lost", Message: "connection lost: " + failed.Message, Err: err}
		var known *cli.Error
		if errors.As(a.session.Error(err), &known) {
			e.Hint = known.Hint
		}
		return e
	}
	return a.session.Error(err)
}

// refused says of a runner that takes no session what it is doing instead. If
// that cannot be found out, the service's own words stand.
func (a *attachment) refused(ctx context.Context, id string, refusal error) error {
	ctx, cancel := a.inv.RequestContext(ctx)
	defer cancel()
	for r, err := range a.session.Client.Runners.List(ctx, &fal.RunnersListParams{Since: a.now().Add(-runnerlist.Kept)}) {
		if err != nil {
			break
		}
		if r.ID != id {
			continue
		}
		switch r.State {
		case fal.RunnerTerminated:
			return hasEnded(view.NewRunner(r))
		case fal.RunnerPending, fal.RunnerSetup, fal.RunnerDockerPull, fal.RunnerCrashBackoff:
			return cli.Failuref("runner %s does not run yet: it is in %s", iostreams.SanitizeLine(id), r.State).
				WithHint("`fal runners list --state idle,running` shows those that do")
		}
	}
	if errors.Is(refusal, fal.ErrNotFound) {
		return a.unknown(refusal)
	}
	return a.session.Error(refusal)
}

func (a *attachment) unknown(refusal error) error {
	return &cli.Error{Code: "not_found", Message: fmt.Sprintf("runner %s not found", iostreams.SanitizeLine(a.id)), Err: refusal,
		Hint: []string{"`fal runners list` shows those that are alive"}}
}

func hasEnded(r view.Runner) error {
	return cli.Failuref("runner %s has ended", iostreams.SanitizeLine(r.RunnerID)).
		WithHint("`fal runners list` shows those that are alive")
}
