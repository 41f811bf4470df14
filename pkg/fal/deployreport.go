package fal

import (
	"sync"
	"time"
)

// reportEvery is the least time between two events of progress.
const reportEvery = 50 * time.Millisecond

// A deployReport tells a caller what happens, and keeps how long it took.
type deployReport struct {
	tell func(DeployEvent) // may be nil

	mu     sync.Mutex
	now    DeployEvent // what was told last, without its end or log
	begun  time.Time
	last   time.Time
	wrong  string // the last error that was logged in the phase
	phases []PhaseDuration
}

// phase does a part of the deployment. What is done is told from its start to
// its end, and its error is of type *[DeployError].
func (r *deployReport) phase(phase DeployPhase, files int, bytes int64, do func() error) error {
	r.mu.Lock()
	r.begun = time.Now()
	r.last = r.begun
	r.wrong = ""
	r.now = DeployEvent{Phase: phase, TotalFiles: files, TotalBytes: bytes}
	started := r.now
	started.Started = true
	r.emit(started)
	r.mu.Unlock()

	err := do()

	r.mu.Lock()
	defer r.mu.Unlock()
	took := time.Since(r.begun)
	r.phases = append(r.phases, PhaseDuration{Phase: phase, Duration: took})
	ended := r.now
	ended.Ended, ended.Err, ended.Elapsed = true, err, took
	r.emit(ended)
	if err != nil {
		return &DeployError{Phase: phase, Err: err}
	}
	return nil
}

// progress adds to what is done.
func (r *deployReport) progress(bytes int64, files int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now.Bytes += bytes
	r.now.Files += files
	if at := time.Now(); at.Sub(r.last) >= reportEvery {
		r.last = at
		r.now.Elapsed = at.Sub(r.begun)
		r.emit(r.now)
	}
}

// log tells a line of the service's log.
func (r *deployReport) log(line DeployLog) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if line.Level == "ERROR" {
		r.wrong = line.Message
	}
	event := r.now
	event.Elapsed = time.Since(r.begun)
	event.Log = &line
	r.emit(event)
}

// lastError is the last error that the service logged in the phase.
func (r *deployReport) lastError() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.wrong
}

func (r *deployReport) emit(e DeployEvent) {
	if r.tell != nil {
		r.tell(e)
	}
}
