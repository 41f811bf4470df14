package view

import (
	"github.com/fal-plugins/fal/plugins/internal/output"
)

// RunnerAction is the JSON contract of what stop and kill did to a runner.
type RunnerAction struct {
	RunnerID string  `json:"runner_id"`
	Alias    *string `json:"alias"`  // null when the runner was named in full, and so not listed
	Action   string  `json:"action"` // stop, kill
	Result   string  `json:"result"` // accepted, done, skipped, failed, would
	Error    *string `json:"error"`
}

// RunnerActionList is what stop and kill print as JSON.
type RunnerActionList struct {
	Runners []RunnerAction `json:"runners"`
}

// ifDone is the name of what something was done to, or would be. What failed,
// was skipped or was never tried has none for the format name: what reads the
// names goes on with those.
func ifDone(name, result string) string {
	switch result {
	case "accepted", "done", "would":
		return name
	}
	return ""
}

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// RunnerActions is how the outcome of stop and kill is shown as records.
func RunnerActions() output.View[RunnerAction] {
	return output.View[RunnerAction]{
		Key:  "runners",
		Name: func(a RunnerAction) string { return ifDone(a.RunnerID, a.Result) },
		Columns: []output.Column[RunnerAction]{
			{Header: "RUNNER", Text: func(a RunnerAction) string { return a.RunnerID }},
			{Header: "APP", Rank: 1, Text: func(a RunnerAction) string { return orEmpty(a.Alias) }},
			{Header: "ACTION", Rank: 2, Text: func(a RunnerAction) string { return a.Action }},
			{Header: "RESULT", Text: func(a RunnerAction) string { return a.Result }},
			{Header: "ERROR", Wide: true, Text: func(a RunnerAction) string { return orEmpty(a.Error) }},
		},
		Empty: "no runners",
	}
}
