package view

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

// Environment is the JSON contract of an environment, that of the official
// client.
type Environment struct {
	Name        string  `json:"name"`
	Description *string `json:"description"` // null for none
	IsDefault   bool    `json:"is_default"`
	CreatedAt   string  `json:"created_at"`

	created time.Time
	age     *int // in seconds
}

// EnvironmentList is what `environments list` prints as JSON.
type EnvironmentList struct {
	Environments []Environment `json:"environments"`
}

// NewEnvironment converts an SDK environment.
func NewEnvironment(e fal.Environment, now time.Time) Environment {
	return Environment{
		Name:        e.Name,
		Description: e.Description,
		IsDefault:   e.Default,
		CreatedAt:   createdAt(e.CreatedAt),
		created:     e.CreatedAt,
		age:         ageSince(e.CreatedAt, now),
	}
}

// Environments is how a list of environments is shown.
func Environments() output.View[Environment] {
	return output.View[Environment]{
		Key:  "environments",
		Name: func(e Environment) string { return e.Name },
		Columns: []output.Column[Environment]{
			{Header: "ENVIRONMENT", Key: "name", Text: func(e Environment) string { return e.Name }},
			{Header: "DEFAULT", Rank: 2, Text: func(e Environment) string { return yes(e.IsDefault) }, Raw: func(e Environment) string { return strconv.FormatBool(e.IsDefault) },
				Style: func(Environment) iostreams.Style { return iostreams.Green }},
			{Header: "AGE", Rank: 3, Text: func(e Environment) string { return ageText(e.age) }, Raw: func(e Environment) string { return ageRaw(e.age) }},
			{Header: "DESCRIPTION", Rank: 1, Text: func(e Environment) string { return orEmpty(e.Description) }},
			{Header: "CREATED", Key: "created_at", Wide: true, Text: func(e Environment) string { return e.CreatedAt }},
		},
		Compare: defaultEnvironmentFirst,
		Sorts: []output.SortKey[Environment]{
			{Name: "name", Compare: func(a, b Environment) int { return strings.Compare(a.Name, b.Name) }},
			{Name: "created", Compare: func(a, b Environment) int { return a.created.Compare(b.created) }},
			{Name: "age", Compare: func(a, b Environment) int { return b.created.Compare(a.created) }},
			{Name: "description", Compare: func(a, b Environment) int {
				return strings.Compare(orEmpty(a.Description), orEmpty(b.Description))
			}},
		},
		Note:  func(rows []Environment) string { return Count(len(rows), "environment") },
		Empty: "no environments",
	}
}

func defaultEnvironmentFirst(a, b Environment) int {
	if a.IsDefault != b.IsDefault {
		if a.IsDefault {
			return -1
		}
		return 1
	}
	return cmp.Or(strings.Compare(a.Name, b.Name), a.created.Compare(b.created))
}

// Summary names an environment where it is asked about: `staging ("before it
// goes live")`.
func (e Environment) Summary() string {
	if orEmpty(e.Description) == "" {
		return e.Name
	}
	return fmt.Sprintf("%s (%q)", e.Name, *e.Description)
}

// EnvironmentAction is the JSON contract of what delete did to an environment.
type EnvironmentAction struct {
	Name   string  `json:"name"`
	Action string  `json:"action"` // delete
	Result string  `json:"result"` // done, failed, would
	Error  *string `json:"error"`
}

// EnvironmentActionList is what delete prints as JSON.
type EnvironmentActionList struct {
	Environments []EnvironmentAction `json:"environments"`
}

// EnvironmentActions is how the outcome of delete is shown as records.
func EnvironmentActions() output.View[EnvironmentAction] {
	return output.View[EnvironmentAction]{
		Key:  "environments",
		Name: func(a EnvironmentAction) string { return ifDone(a.Name, a.Result) },
		Columns: []output.Column[EnvironmentAction]{
			{Header: "ENVIRONMENT", Key: "name", Text: func(a EnvironmentAction) string { return a.Name }},
			{Header: "ACTION", Rank: 1, Text: func(a EnvironmentAction) string { return a.Action }},
			{Header: "RESULT", Text: func(a EnvironmentAction) string { return a.Result }},
			{Header: "ERROR", Wide: true, Text: func(a EnvironmentAction) string { return orEmpty(a.Error) }},
		},
		Empty: "no environments",
	}
}
