package fal

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/internal/restwire"
)

// A RunnerEvent is something that happened in a runner's life.
type RunnerEvent struct {
	Time time.Time
	// State is the runner's from this moment on, in the words of
	// [RunnerState.String].
	State string
	// Entered: the runner went into State now. Otherwise something else
	// happened to it in that state.
	Entered bool
	// Reason is why it happened, or what.
	Reason string
}

// Events are the latest events of a runner's life, a thousand at most, the
// oldest first. They come out of its log, where the local control plane writes
// them; of a runner elsewhere there may be none.
func (s *RunnersService) Events(ctx context.Context, id string) ([]RunnerEvent, error) {
	query, err := logHistoryQuery(id, &RunnersLogsParams{})
	if err != nil {
		return nil, err
	}
	query.Set(restwire.ParamSource, restwire.SourceLifecycle) // unknown elsewhere; the lines are looked at below
	lines, _, err := s.logPage(ctx, query, 0)
	if err != nil {
		return nil, err
	}
	var events []RunnerEvent
	for _, line := range lines {
		if e, ok := runnerEvent(line); ok {
			events = append(events, e)
		}
	}
	return events, nil
}

// runnerEvent reads an event out of a line; false if the line is something else.
func runnerEvent(line LogLine) (RunnerEvent, bool) {
	var labeled struct {
		Source string            `json:"source"`
		Labels map[string]string `json:"labels"`
	}
	if json.Unmarshal(line.JSON, &labeled) != nil || labeled.Source != restwire.SourceLifecycle {
		return RunnerEvent{}, false
	}
	event := labeled.Labels[restwire.LabelEvent]
	if event != restwire.EventState && event != restwire.EventNote {
		return RunnerEvent{}, false
	}
	e := RunnerEvent{
		Time:    line.Time,
		State:   strings.ToUpper(labeled.Labels[restwire.LabelState]),
		Entered: event == restwire.EventState,
		Reason:  labeled.Labels[restwire.LabelReason],
	}
	if state, err := ParseRunnerState(e.State); err == nil {
		e.State = state.String()
	}
	return e, true
}

// IsEvent reports whether the line is one of [RunnersService.Events], and not
// of what the runner wrote.
func (l LogLine) IsEvent() bool {
	_, ok := runnerEvent(l)
	return ok
}
