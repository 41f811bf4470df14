package view

import (
	"fmt"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/output"
)

// AppAction is the JSON contract of what set-rev and rollout did to an app.
type AppAction struct {
	Alias            string           `json:"alias"`             // with the suffix of its environment
	Action           string           `json:"action"`            // set-rev, rollout
	Result           string           `json:"result"`            // accepted, done (it was waited for)
	Created          bool             `json:"created"`           // there was no such app before
	PreviousRevision *string          `json:"previous_revision"` // null if there was none, or nobody asked
	Revision         *string          `json:"revision"`          // that it points to from now on; null if that is not known
	AuthMode         *string          `json:"auth_mode"`         // from now on; null if that is not known
	Runners          *RunnersReplaced `json:"runners"`           // null unless they were waited for
	Error            *string          `json:"error"`
}

// AppDeletion is the JSON contract of what delete did to an app.
type AppDeletion struct {
	Alias    string        `json:"alias"`    // with the suffix of its environment
	Action   string        `json:"action"`   // delete
	Result   string        `json:"result"`   // accepted, done (it was waited for), skipped, failed, would
	Revision *string       `json:"revision"` // that it pointed to; null if that is not known
	Runners  *RunnersEnded `json:"runners"`  // null unless they were waited for
	Error    *string       `json:"error"`
}

// AppDeletionList is what delete prints as JSON.
type AppDeletionList struct {
	Apps []AppDeletion `json:"apps"`
}

// RunnersEnded is how far the runners are that have to go with their app.
type RunnersEnded struct {
	Ended   int `json:"ended"` // that are gone
	Total   int `json:"total"`
	Seconds int `json:"seconds"` // since it was waited for
}

// Summary says how far the runners are and the time that it took: "4 of 4
// runners ended (38s)".
func (r RunnersEnded) Summary() string {
	return RunnersReplaced{Replaced: r.Ended, Total: r.Total, Seconds: r.Seconds}.Summary("ended")
}

// RunnersReplaced is how far the runners are that have to go in a rollout.
type RunnersReplaced struct {
	Replaced int `json:"replaced"` // that are gone
	Total    int `json:"total"`
	Seconds  int `json:"seconds"` // since it was waited for
}

// Text says how far the runners are, as in "2 of 4 runners replaced".
func (r RunnersReplaced) Text(done string) string {
	return fmt.Sprintf("%d of %s %s", r.Replaced, Count(r.Total, "runner"), done)
}

// Summary is Text with the time that it took, for the end: "4 of 4 runners
// replaced (38s)".
func (r RunnersReplaced) Summary(done string) string {
	if r.Total == 0 {
		return "no runner had to be " + done
	}
	return r.Text(done) + " (" + Age(r.Seconds) + ")"
}

// AppDeletions is how the outcome of delete is shown as records.
func AppDeletions() output.View[AppDeletion] {
	return output.View[AppDeletion]{
		Key:  "apps",
		Name: func(a AppDeletion) string { return ifDone(a.Alias, a.Result) },
		Columns: []output.Column[AppDeletion]{
			{Header: "APP", Key: "alias", Text: func(a AppDeletion) string { return a.Alias }},
			{Header: "ACTION", Rank: 2, Text: func(a AppDeletion) string { return a.Action }},
			{Header: "RESULT", Text: func(a AppDeletion) string { return a.Result }},
			{Header: "REVISION", Rank: 1, Text: func(a AppDeletion) string { return orEmpty(a.Revision) }},
			{Header: "ERROR", Wide: true, Text: func(a AppDeletion) string { return orEmpty(a.Error) }},
		},
		Empty: "no apps",
	}
}

// RevisionAction is the JSON contract of what delete-rev did to a revision.
type RevisionAction struct {
	Revision string  `json:"revision"`
	Action   string  `json:"action"` // delete-rev
	Result   string  `json:"result"` // done, failed, would
	Error    *string `json:"error"`
}

// RevisionActionList is what delete-rev prints as JSON.
type RevisionActionList struct {
	Revisions []RevisionAction `json:"revisions"`
}

// RevisionActions is how the outcome of delete-rev is shown as records.
func RevisionActions() output.View[RevisionAction] {
	return output.View[RevisionAction]{
		Key:  "revisions",
		Name: func(a RevisionAction) string { return ifDone(a.Revision, a.Result) },
		Columns: []output.Column[RevisionAction]{
			{Header: "REVISION", Text: func(a RevisionAction) string { return a.Revision }},
			{Header: "ACTION", Rank: 1, Text: func(a RevisionAction) string { return a.Action }},
			{Header: "RESULT", Text: func(a RevisionAction) string { return a.Result }},
			{Header: "ERROR", Wide: true, Text: func(a RevisionAction) string { return orEmpty(a.Error) }},
		},
		Empty: "no revisions",
	}
}

// machines are types of machines in a line.
func machines(types []string) string {
	if len(types) == 0 {
		return "-"
	}
	return strings.Join(types, " ")
}
