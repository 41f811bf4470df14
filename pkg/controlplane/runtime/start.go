package runtime

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// Start runs a process under a supervisor and returns when the process has
// been executed. The context limits the start alone: the process outlives it.
// What prevents the start is returned as a *StartError (no such executable, no
// permission, no such folder, …); the other errors are ErrClosed and those of
// the context.
func (r *Runtime) Start(ctx context.Context, spec Spec) (*Process, error) {
	return r.run(ctx, spec, lines, nil, func(s *supervisor) sink {
		return &output{stdout: s.stdout, stderr: s.stderr, receive: spec.Output}
	})
}

// run is Start for every kind of streams. input is the end of a pipe or terminal
// that the process gets beside its outputs; it stays with the caller.
func (r *Runtime) run(ctx context.Context, spec Spec, kind streams, input *os.File, to func(*supervisor) sink) (*Process, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	mark, err := newMark()
	if err != nil {
		return nil, err
	}
	if err := r.enter(mark); err != nil {
		return nil, err
	}
	p, err := r.start(ctx, spec, mark, kind, input, to)
	if err != nil {
		r.leave(mark)
		return nil, err
	}
	return p, nil
}

func newMark() (string, error) {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", err
	}
	return hex.EncodeToString(b[:]), nil
}

func (r *Runtime) start(ctx context.Context, spec Spec, mark string, kind streams, input *os.File, to func(*supervisor) sink) (*Process, error) {
	order, err := spec.launch(mark, kind)
	if err != nil {
		return nil, err
	}
	message, err := order.encode()
	if err != nil {
		return nil, &StartError{ID: spec.ID, Op: "argv", Err: err}
	}
	s, err := r.supervise(mark, input)
	if err != nil {
		return nil, &StartError{ID: spec.ID, Op: "supervisor", Path: r.supervisor[0], Err: cause(err)}
	}
	s.record = record{ID: spec.ID, Mark: mark, Owner: r.owner, Supervisor: s.identity}

	// Only killing works at any moment, whatever the supervisor is doing.
	unlinkCaller := context.AfterFunc(ctx, s.kill)
	unlinkClose := context.AfterFunc(r.stop, s.kill)
	err = s.launch(r.records, message)
	if !unlinkCaller() {
		unlinkClose()
		return nil, errors.Join(ctx.Err(), s.abandon(r.records))
	}
	if !unlinkClose() {
		return nil, errors.Join(ErrClosed, s.abandon(r.records))
	}
	if err != nil {
		return nil, startError(spec.ID, order.Path, err, s.abandon(r.records))
	}
	p := newProcess(r, s, to(s))
	if err := r.admit(mark, p); err != nil {
		return nil, errors.Join(err, s.abandon(r.records))
	}
	go p.watch()
	return p, nil
}

// startError completes what launch returned.
func startError(id, path string, err, cleanup error) error {
	var failure *StartError
	if !errors.As(err, &failure) {
		failure = &StartError{Op: "supervisor", Err: err}
	}
	failure.ID = id
	if failure.Op == "execute" {
		failure.Path = path
	}
	if cleanup != nil {
		failure.Err = errors.Join(failure.Err, cleanup)
	}
	return failure
}

// errNoReport means that a supervisor ended, or was never one.
var errNoReport = errors.New("it ended before it had started the process")

// supervisor is the control plane's side of one.
type supervisor struct {
	command  *exec.Cmd
	identity identity
	record   record
	orders   *os.File // its end is the end of the process
	reports  *os.File
	events   *bufio.Reader
	stdout   *os.File
	stderr   *os.File
}

// supervise executes a supervisor, which then waits for its launch message.
func (r *Runtime) supervise(mark string, input *os.File) (_ *supervisor, err error) {
	var theirs, ours [4]*os.File
	defer func() {
		for _, f := range theirs {
			f.Close()
		}
		if err != nil {
			for _, f := range ours {
				f.Close()
			}
		}
	}()
	if theirs[0], ours[0], err = os.Pipe(); err != nil {
		return nil, err
	}
	for i := 1; i < len(ours); i++ {
		if ours[i], theirs[i], err = os.Pipe(); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command(r.supervisor[0], r.supervisor[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs[0], theirs[1], theirs[2]
	// It sleeps nearly always; one thread to run Go code on is plenty.
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", markVariable+"="+mark)
	if err = detach(cmd, theirs[3], input); err != nil {
		return nil, err
	}
	if err = cmd.Start(); err != nil {
		return nil, err
	}
	id, err := identify(cmd.Process.Pid)
	if err != nil {
		err = errors.Join(err, cmd.Process.Kill())
		return nil, errors.Join(err, ended(cmd.Wait()))
	}
	return &supervisor{
		command:  cmd,
		identity: id,
		orders:   ours[0],
		stdout:   ours[1],
		stderr:   ours[2],
		reports:  ours[3],
		events:   bufio.NewReaderSize(ours[3], 512),
	}, nil
}

// ended drops the error that only tells how a supervisor ended.
func ended(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil
	}
	return err
}

// launch makes the supervisor start its process, with a record before and after.
func (s *supervisor) launch(records recordDir, message []byte) error {
	if err := records.write(s.record); err != nil {
		return &StartError{Op: "record", Path: records.path(s.record.Mark), Err: cause(err)}
	}
	// One that has ended has perhaps said why.
	if _, err := s.orders.Write(message); err != nil && !isBroken(err) {
		return cause(err)
	}
	report, err := s.next()
	if errors.Is(err, errNoReport) {
		if said := s.complaint(); said != "" {
			return fmt.Errorf("%w: it said %q", err, said)
		}
	}
	if err != nil {
		return err
	}
	switch report.kind {
	case eventStarted:
	case eventFailed:
		if report.errno != 0 {
			return &StartError{Op: "execute", Err: syscall.Errno(report.errno)}
		}
		return &StartError{Op: "supervisor", Err: errors.New(report.text)}
	default:
		return fmt.Errorf("unexpected report %q", report)
	}
	s.record.Process = identity{PID: report.pid, Start: report.start, Boot: s.identity.Boot}
	if err := records.write(s.record); err != nil {
		return &StartError{Op: "record", Path: records.path(s.record.Mark), Err: cause(err)}
	}
	return nil
}

// next reads a report.
func (s *supervisor) next() (event, error) {
	line, err := s.events.ReadString('\n')
	if err == io.EOF {
		return event{}, errNoReport
	}
	if err != nil {
		return event{}, err
	}
	return parseEvent(line)
}

// kill ends the supervisor alone; clear does the rest.
func (s *supervisor) kill() {
	// The one possible error is that it has ended already.
	_ = s.command.Process.Kill()
}

// abandon ends a supervisor whose start failed, and everything with it.
func (s *supervisor) abandon(records recordDir) error {
	s.orders.Close()
	s.kill()
	err := s.clear(records)
	s.reports.Close()
	s.stdout.Close()
	s.stderr.Close()
	return err
}

// complaint returns the beginning of what a supervisor that has ended wrote to
// its standard error, on one line.
func (s *supervisor) complaint() string {
	var text strings.Builder
	expect(s.stderr)
	// A timeout is one of the ends that this can have.
	_, _ = io.Copy(&text, io.LimitReader(s.stderr, 2<<10))
	return strings.Join(strings.Fields(text.String()), " ")
}

// clear kills what a supervisor that has been killed leaves, waits for it and
// removes the record, which stays if something is still running.
func (s *supervisor) clear(records recordDir) error {
	_, err := sweep(s.record)
	waited := ended(s.command.Wait())
	if err == nil {
		err = records.remove(s.record.Mark)
	}
	return errors.Join(err, waited)
}
