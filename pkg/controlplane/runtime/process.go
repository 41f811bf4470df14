package runtime

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// killDelay is how long a supervisor may take to obey a Kill before it is
// killed itself. It is more than it gives descendants to die.
const killDelay = 10 * time.Second

// ErrSupervisorLost is the ExitStatus.Err of a process whose supervisor ended
// without reporting how the process ended. The process and its group are dead.
var ErrSupervisorLost = errors.New("the supervisor of the process was lost")

// ExitStatus says how a process ended.
type ExitStatus struct {
	// Code is the exit code, from 0, or -1 if the process ended by a signal or
	// it is not known how.
	Code int
	// Signal names the signal that ended the process, such as "SIGKILL"; empty
	// if none did, and always on Windows.
	Signal string
	// Err is not nil if it is not known how the process ended (then it is
	// ErrSupervisorLost), or if something about its end failed: descendants
	// that could not be killed, or a record that could not be removed.
	Err error
}

// Process is a process under supervision. Its methods may be called from
// several goroutines.
type Process struct {
	runtime    *Runtime
	supervisor *supervisor
	identity   identity
	sink       sink
	done       chan struct{}
	exit       ExitStatus // set before done is closed, as is signal
	signal     int

	mu       sync.Mutex // guards orders
	ended    bool
	watchdog *time.Timer
}

// sink is where the output of a process goes.
type sink interface {
	start()
	finish() // nothing writes any more but what escaped
}

func newProcess(r *Runtime, s *supervisor, to sink) *Process {
	return &Process{
		runtime:    r,
		supervisor: s,
		identity:   s.record.Process,
		sink:       to,
		done:       make(chan struct{}),
	}
}

// PID returns the process id, which is that of its process group too.
func (p *Process) PID() int { return p.identity.PID }

// Identity returns what tells this process from all others on this machine,
// also from later ones with the same pid: pid, start time and boot. It is to be
// compared, not taken apart.
func (p *Process) Identity() string { return p.identity.String() }

// Done is closed when the process has ended, nothing of its group is left, and
// all of its output has been received.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exit returns how the process ended. It waits for Done.
func (p *Process) Exit() ExitStatus {
	<-p.done
	return p.exit
}

// Terminate asks the process and its whole group to end: SIGTERM, or a
// Ctrl-Break event on Windows, where the process is terminated if it cannot
// receive one. It does not wait. Once the process itself has ended, what is left
// of its group is killed. The error is os.ErrProcessDone if it has ended already.
func (p *Process) Terminate() error { return p.order(orderTerminate) }

// Kill ends the process and its whole group at once: SIGKILL, or the end of the
// job object on Windows. It does not wait. The error is os.ErrProcessDone if the
// process has ended already.
func (p *Process) Kill() error {
	err := p.order(orderKill)
	if errors.Is(err, os.ErrProcessDone) {
		return err
	}
	if err != nil { // it does not listen
		p.supervisor.kill()
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.watchdog == nil && !p.ended {
		p.watchdog = time.AfterFunc(p.runtime.killDelay, p.supervisor.kill)
	}
	return nil
}

func (p *Process) order(order byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return os.ErrProcessDone
	}
	// A supervisor that is stopped reads nothing. Where pipes have no deadlines
	// the write blocks only after thousands of orders.
	_ = p.supervisor.orders.SetWriteDeadline(time.Now().Add(time.Second))
	if _, err := p.supervisor.orders.Write([]byte{order}); err != nil {
		if isBroken(err) {
			return os.ErrProcessDone
		}
		return fmt.Errorf("supervisor of process %d: %w", p.identity.PID, err)
	}
	return nil
}

// watch waits for the end of the process.
func (p *Process) watch() {
	p.sink.start()
	report, err := p.supervisor.next()
	if err == nil && report.kind != eventExited {
		err = fmt.Errorf("unexpected report %q", report)
	}
	if err != nil {
		// If it has not ended it is of no use any more.
		p.supervisor.kill()
	}
	p.mu.Lock()
	p.ended = true
	if p.watchdog != nil {
		p.watchdog.Stop()
	}
	p.supervisor.orders.Close()
	p.mu.Unlock()

	status := ExitStatus{Code: report.code, Signal: signalName(report.signal)}
	if err != nil {
		status = ExitStatus{Code: -1, Err: ErrSupervisorLost}
		if !errors.Is(err, errNoReport) {
			status.Err = fmt.Errorf("%w: %w", ErrSupervisorLost, err)
		}
	}
	p.supervisor.reports.Close()
	failure := p.end(err != nil || report.left)
	if failure != nil {
		status.Err = errors.Join(status.Err, failure)
	}
	p.sink.finish()
	p.exit, p.signal = status, report.signal
	p.runtime.leave(p.supervisor.record.Mark)
	close(p.done)
}

// end waits for the supervisor and removes the record, after killing what a
// supervisor has left that could not do it itself.
func (p *Process) end(left bool) error {
	if left {
		return p.supervisor.clear(p.runtime.records)
	}
	err := ended(p.supervisor.command.Wait())
	return errors.Join(err, p.runtime.records.remove(p.supervisor.record.Mark))
}
