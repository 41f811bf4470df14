package state

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/fal-plugins/fal/pkg/controlplane/store"
)

// Runner is a runner as it was at one moment; it does not change.
type Runner struct {
	ID          string
	Account     int64
	Alias       string
	Revision    string
	MachineType string
	State       RunnerState
	Replacement Replacement
	Replaces    string // the runner that it was started to replace, or empty
	Attempt     int    // which try to start its process this is, from 1
	PID         int    // of its process, 0 without one
	Port        int    // that its process was given, 0 without one
	Reason      string // of its last transition
	CreatedAt   time.Time
	StartedAt   time.Time // of its process; zero without one
	EndedAt     time.Time // just after its last line of log; zero while it has not ended
	ExpiresAt   time.Time // when it ends if it stays idle; zero when it will not
	Leases      []Lease   // requests in flight, oldest first

	row int64
}

// Uptime is how long its process runs at now, or ran. Of a runner that waits after a
// failure to start it is how long that has been tried.
func (r *Runner) Uptime(now time.Time) time.Duration {
	from := r.StartedAt
	if r.State == FailureDelay {
		from = r.CreatedAt
	}
	if from.IsZero() {
		return 0
	}
	if !r.EndedAt.IsZero() {
		now = r.EndedAt
	}
	return max(0, now.Sub(from))
}

// Event is one step of a runner's history.
type Event struct {
	Time   time.Time
	State  RunnerState
	Reason string
}

// runner is one that has not ended.
type runner struct {
	step sync.Mutex // held during a transition, which waits for the disk
	id   string

	// guarded by State.mu
	row       store.Runner
	app       *App      // as it was when a process was started for it last
	since     time.Time // when its state began
	leases    []Lease
	idleSince time.Time
	wanted    bool // by the plan made last, though idle
	expiresAt time.Time
	retryAt   time.Time
	failures  int       // of starting, in a row
	failing   time.Time // when the first of them was
	kill      bool
	force     bool      // the one in its place need not be up for it to leave
	hasty     time.Time // since when its requests in flight are not waited for beyond its grace period
	closing   bool      // it gets no more requests, which its state does not say yet
}

func (r *runner) state() RunnerState { return RunnerState(r.row.State) }

func view(row *store.Runner) *Runner {
	return &Runner{
		ID:          row.RunnerID,
		Account:     row.Account,
		Alias:       row.Alias,
		Revision:    row.RevisionID,
		MachineType: row.MachineType,
		State:       RunnerState(row.State),
		Replacement: Replacement(row.Replacement),
		Replaces:    row.Replaces,
		Attempt:     row.Attempt,
		PID:         row.PID,
		Port:        row.Port,
		Reason:      row.Reason,
		CreatedAt:   row.CreatedAt,
		StartedAt:   row.StartedAt,
		EndedAt:     row.EndedAt,
		row:         row.ID,
	}
}

// view needs State.mu.
func (s *State) view(r *runner) *Runner {
	v := view(&r.row)
	if v.Replacement == NoReplace && !v.State.leaving() && s.outdated(&r.row) {
		v.Replacement = WillReplace
	}
	v.ExpiresAt = r.expiresAt
	v.Leases = slices.Clone(r.leases)
	if v.State == Idle && len(r.leases) > 0 {
		v.State = Running
	}
	return v
}

// Query says which runners to list beside those that are up, on their way out,
// or waiting after a failure to start.
type Query struct {
	Alias      string    // of this app only; empty for all
	Pending    bool      // also those that are PENDING or in SETUP
	EndedSince time.Time // also those that ended at or after this moment; zero for none
}

// Runners lists runners of the caller's account: ended ones in the order of
// their ends, then the others in the order of their creation.
func (s *State) Runners(ctx context.Context, caller Caller, q Query) ([]*Runner, error) {
	wanted := func(account int64, alias string) bool {
		return account == caller.Account.ID && (q.Alias == "" || alias == q.Alias)
	}
	var list []*Runner
	s.mu.RLock()
	if !q.EndedSince.IsZero() {
		memory := s.ended
		from := s.endedFrom
		if q.EndedSince.Before(from) {
			s.mu.RUnlock()
			rows, err := s.db.EndedRunners(ctx, q.EndedSince, from)
			if err != nil {
				return nil, err
			}
			for i := range rows {
				if wanted(rows[i].Account, rows[i].Alias) {
					list = append(list, view(&rows[i]))
				}
			}
			s.mu.RLock()
		}
		first := sort.Search(len(memory), func(i int) bool { return !memory[i].EndedAt.Before(q.EndedSince) })
		list = slices.Grow(list, len(memory)-first+len(s.live))
		for _, r := range memory[first:] {
			if wanted(r.Account, r.Alias) {
				list = append(list, r)
			}
		}
	}
	ended := len(list)
	for _, r := range s.live {
		if !wanted(r.row.Account, r.row.Alias) {
			continue
		}
		if st := r.state(); !q.Pending && (st == Pending || st == Setup) {
			continue
		}
		list = append(list, s.view(r))
	}
	s.mu.RUnlock()
	slices.SortFunc(list[ended:], func(a, b *Runner) int { return cmp.Compare(a.row, b.row) })
	return list, nil
}

// Runner returns one runner of the caller's account, ended or not.
func (s *State) Runner(ctx context.Context, caller Caller, id string) (*Runner, error) {
	if err := checkID("runner_id", id); err != nil {
		return nil, err
	}
	r, err := s.find(ctx, id)
	if err != nil {
		return nil, err
	}
	if r.Account != caller.Account.ID {
		return nil, fail(Denied, "runner %s belongs to another account", id)
	}
	return r, nil
}

// find returns a runner of any account.
func (s *State) find(ctx context.Context, id string) (*Runner, error) {
	s.mu.RLock()
	if r, ok := s.live[id]; ok {
		defer s.mu.RUnlock()
		return s.view(r), nil
	}
	s.mu.RUnlock()
	row, err := s.db.Runner(ctx, id)
	if isNoRow(err) {
		return nil, fail(NotFound, "runner %s not found", id)
	}
	if err != nil {
		return nil, err
	}
	return view(&row), nil
}

// EndReason returns why a runner ended; empty while it has not, and when that
// cannot be found out.
func (s *State) EndReason(ctx context.Context, id string) string {
	r, err := s.find(ctx, id)
	if err != nil || r.State != Terminated {
		return ""
	}
	return r.Reason
}

// History returns every transition of a runner, oldest first.
func (s *State) History(ctx context.Context, id string) ([]Event, error) {
	r, err := s.find(ctx, id)
	if err != nil {
		return nil, err
	}
	rows, err := s.db.Events(ctx, r.row)
	if err != nil {
		return nil, err
	}
	events := make([]Event, len(rows))
	for i, row := range rows {
		events[i] = Event{Time: row.Time, State: RunnerState(row.State), Reason: row.Reason}
	}
	return events, nil
}

// StopRunner has a runner end after its requests in flight, which have the app's
// request_timeout for that. With replaceFirst it goes on serving until another one is up in its place. Stopping one that is
// already on its way out changes nothing; one that has ended is a Conflict.
func (s *State) StopRunner(ctx context.Context, caller Caller, id string, replaceFirst bool) error {
	r, err := s.own(ctx, caller, id)
	if err != nil {
		return err
	}
	return s.step(ctx, r, func(row *store.Runner) (change, error) {
		switch st := RunnerState(row.State); {
		case st == Terminated:
			return change{}, errEnded(id)
		case st.leaving():
			return change{}, nil
		case replaceFirst && row.Replacement == int(WillReplace):
			return change{}, nil
		case replaceFirst:
			row.Replacement = int(WillReplace)
			return change{note: "stop requested, once a replacement is up"}, nil
		case st == FailureDelay:
			return change{to: Terminated, reason: "stop requested"}, nil
		}
		return change{to: Draining, reason: "stop requested"}, nil
	})
}

// KillRunner has the process group of a runner end at once. One that has ended
// is a Conflict.
func (s *State) KillRunner(ctx context.Context, caller Caller, id string) error {
	r, err := s.own(ctx, caller, id)
	if err != nil {
		return err
	}
	return s.step(ctx, r, func(row *store.Runner) (change, error) {
		switch RunnerState(row.State) {
		case Terminated:
			return change{}, errEnded(id)
		case FailureDelay:
			return change{to: Terminated, reason: "kill requested"}, nil
		}
		return change{to: Terminating, reason: "kill requested", again: true, apply: func() { r.kill = true }}, nil
	})
}

func errEnded(id string) error { return fail(Conflict, "runner %s has already ended", id) }

// own returns a live runner of the caller's account.
func (s *State) own(ctx context.Context, caller Caller, id string) (*runner, error) {
	found, err := s.Runner(ctx, caller, id)
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if r, ok := s.live[found.ID]; ok {
		return r, nil
	}
	return nil, errEnded(id)
}

// CreateRunner adds a PENDING runner of the app's current revision. replaces
// names the runner that it is started for, if any. It fails when the control
// plane is being closed.
func (s *State) CreateRunner(ctx context.Context, app *App, replaces, reason string) (*Runner, error) {
	now := s.instant()
	id := uuid.NewString()
	r := &runner{
		id:    id,
		app:   app,
		since: now,
		row: store.Runner{
			RunnerID:    id,
			Account:     app.Account,
			Alias:       app.Alias,
			RevisionID:  app.Rev.RevisionID,
			MachineType: app.MachineTypes[0],
			State:       int(Pending),
			Replaces:    replaces,
			Attempt:     1,
			Reason:      reason,
			CreatedAt:   now,
		},
	}
	s.mu.RLock()
	closed := s.closed
	s.mu.RUnlock()
	if closed {
		return nil, ErrStopping
	}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if err := tx.InsertRunner(&r.row); err != nil {
			return err
		}
		return tx.InsertEvent(r.row.ID, store.Event{Time: now, State: int(Pending), Reason: reason})
	})
	if err != nil {
		return nil, err
	}
	s.logs.begin(r.row.ID, now)
	s.logs.add(lifeLine(r.row.ID, now, EventState, Pending, reason))
	s.mu.Lock()
	s.live[r.row.RunnerID] = r
	v := s.view(r)
	s.mu.Unlock()
	s.wake()
	return v, nil
}

// endOfTime is past every stored moment.
func endOfTime() time.Time { return time.UnixMicro(math.MaxInt64) }

func (s *State) loadRunners(ctx context.Context) error {
	s.endedFrom = s.instant().Add(-s.recent)
	alive, err := s.db.AliveRunners(ctx)
	if err != nil {
		return err
	}
	if len(alive) > 0 {
		if err := s.bury(ctx, alive); err != nil {
			return err
		}
	}
	rows, err := s.db.EndedRunners(ctx, s.endedFrom, endOfTime())
	if err != nil {
		return err
	}
	s.ended = make([]*Runner, len(rows))
	for i := range rows {
		s.ended[i] = view(&rows[i])
	}
	return nil
}

// bury records the end of runners that an earlier control plane left behind;
// their processes died with it.
func (s *State) bury(ctx context.Context, rows []store.Runner) error {
	const reason = "control plane restarted"
	return s.db.Write(ctx, func(tx *store.Tx) error {
		for i := range rows {
			row := &rows[i]
			last, err := tx.LastLogTime(row.ID)
			if err != nil {
				return err
			}
			now := later(s.instant(), last)
			row.State, row.Reason, row.EndedAt = int(Terminated), reason, now.Add(time.Microsecond)
			if row.Replacement == int(WillReplace) {
				row.Replacement = int(NoReplace)
			}
			if err := tx.UpdateRunner(row); err != nil {
				return err
			}
			if err := tx.InsertEvent(row.ID, store.Event{Time: now, State: int(Terminated), Reason: reason}); err != nil {
				return err
			}
			if _, err := tx.AppendLogs([]store.LogLine{lifeLine(row.ID, now, EventState, Terminated, reason)}); err != nil {
				return err
			}
		}
		return nil
	})
}
