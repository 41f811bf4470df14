package state

import (
	"context"
	"fmt"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/store"
)

// SourceBridge is the source of what is said while a runner is set up, and about
// its health.
const SourceBridge = "bridge"

// LogBridge adds a line to a runner's log that does not come from its process.
func (s *State) LogBridge(runner *Runner, level, message string) {
	s.logs.add(store.LogLine{Runner: runner.row, Time: time.Now(), Level: level, Source: SourceBridge, Message: message})
}

// Listens records that a runner's process does not listen on the port that it was
// given but on another.
func (s *State) Listens(ctx context.Context, id string, port int) error {
	return s.on(ctx, id, func(_ *runner, row *store.Runner) (change, error) {
		row.Port = port
		return change{note: fmt.Sprintf("listens on port %d, and not on the one that PORT names; only one runner at a time can", port)}, nil
	})
}

// InFlight returns how many requests a runner has; 0 for one that has ended.
func (s *State) InFlight(id string) int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, ok := s.live[id]
	if !ok {
		return 0
	}
	return len(r.leases)
}
