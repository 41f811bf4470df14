package state

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/fal-plugins/fal/pkg/controlplane/store"
)

// importBatch is how many runners are recorded in one commit.
const importBatch = 5000

// ImportEnded records n runners of the first account as ended within the last
// hour, spread over a hundred apps named imported-00 to imported-99. They had
// no process, and their history says so.
func (s *State) ImportEnded(ctx context.Context, n int) error {
	owner, err := s.owner("")
	if err != nil {
		return err
	}
	const reason = "imported; there was no process"
	end := s.instant().Add(-time.Second)
	machines := [...]string{"XS", "S", "M", "L", "GPU-A100", "GPU-H100"}
	revisions := make([]string, 100)
	for i := range revisions {
		revisions[i] = uuid.NewString()
	}
	for first := 0; first < n; first += importBatch {
		rows := make([]store.Runner, min(importBatch, n-first))
		for i := range rows {
			number := first + i
			ended := end.Add(-time.Hour * time.Duration(n-number) / time.Duration(n))
			started := ended.Add(-time.Duration(number%7200+1) * time.Second)
			rows[i] = store.Runner{
				RunnerID:    uuid.NewString(),
				Account:     owner.ID,
				Alias:       fmt.Sprintf("imported-%02d", number%100),
				RevisionID:  revisions[number%100],
				MachineType: machines[number%len(machines)],
				State:       int(Terminated),
				Attempt:     1,
				Reason:      reason,
				CreatedAt:   started,
				StartedAt:   started,
				EndedAt:     ended.Truncate(time.Microsecond),
			}
		}
		err := s.db.Write(ctx, func(tx *store.Tx) error {
			for i := range rows {
				if err := tx.InsertRunner(&rows[i]); err != nil {
					return err
				}
				if err := tx.InsertEvent(rows[i].ID, store.Event{Time: rows[i].EndedAt, State: int(Terminated), Reason: reason}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		s.mu.Lock()
		ended := slices.Clone(s.ended)
		for i := range rows {
			ended = append(ended, view(&rows[i]))
		}
		slices.SortStableFunc(ended, func(a, b *Runner) int { return a.EndedAt.Compare(b.EndedAt) })
		s.ended = ended
		s.mu.Unlock()
	}
	return nil
}
