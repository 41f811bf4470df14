package view

import (
	"strconv"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

// Secret is the JSON contract of a secret, that of the official client. Nobody
// can read its value.
type Secret struct {
	Name           string `json:"name"`
	Environment    string `json:"environment"` // as sent: may be empty for main
	CreatedAt      string `json:"created_at"`
	DefaultExposed *bool  `json:"default_exposed"` // null: as is usual for the account

	created time.Time
	age     *int // in seconds
}

// SecretList is what `secrets list` prints as JSON.
type SecretList struct {
	Secrets []Secret `json:"secrets"`
}

// NewSecret converts an SDK secret.
func NewSecret(s fal.Secret, now time.Time) Secret {
	return Secret{
		Name:           s.Name,
		Environment:    s.Environment,
		CreatedAt:      createdAt(s.CreatedAt),
		DefaultExposed: s.DefaultExposed,
		created:        s.CreatedAt,
		age:            ageSince(s.CreatedAt, now),
	}
}

// Secrets is how a list of secrets is shown.
func Secrets() output.View[Secret] {
	return output.View[Secret]{
		Key:  "secrets",
		Name: func(s Secret) string { return s.Name },
		Columns: []output.Column[Secret]{
			{Header: "NAME", Text: func(s Secret) string { return s.Name }},
			{Header: "EXPOSED", Key: "default_exposed", Rank: 1, Text: Secret.exposedText, Raw: Secret.exposedRaw, Style: Secret.exposedStyle},
			{Header: "AGE", Rank: 2, Text: func(s Secret) string { return ageText(s.age) }, Raw: func(s Secret) string { return ageRaw(s.age) }},
			{Header: "ENV", Key: "environment", Wide: true, Text: func(s Secret) string { return s.Environment }},
			{Header: "CREATED", Key: "created_at", Wide: true, Text: func(s Secret) string { return s.CreatedAt }},
		},
		Compare: bySecretName,
		Sorts: []output.SortKey[Secret]{
			{Name: "name", Compare: bySecretName},
			{Name: "created", Compare: func(a, b Secret) int { return a.created.Compare(b.created) }},
			{Name: "age", Compare: func(a, b Secret) int { return b.created.Compare(a.created) }},
			{Name: "exposed", Compare: func(a, b Secret) int { return strings.Compare(b.exposedRaw(), a.exposedRaw()) }},
		},
		Note:  func(rows []Secret) string { return Count(len(rows), "secret") },
		Empty: "no secrets",
	}
}

func bySecretName(a, b Secret) int { return strings.Compare(a.Name, b.Name) }

func (s Secret) exposedText() string {
	switch {
	case s.DefaultExposed == nil:
		return "default"
	case *s.DefaultExposed:
		return "yes"
	}
	return "no"
}

func (s Secret) exposedRaw() string {
	if s.DefaultExposed == nil {
		return ""
	}
	return strconv.FormatBool(*s.DefaultExposed)
}

func (s Secret) exposedStyle() iostreams.Style {
	if s.DefaultExposed != nil && !*s.DefaultExposed {
		return iostreams.Yellow
	}
	return iostreams.Plain
}

// SecretAction is the JSON contract of what set and unset did to a secret. It
// never has a value.
type SecretAction struct {
	Name        string  `json:"name"`
	Environment string  `json:"environment"` // as given; empty is the account's default
	Action      string  `json:"action"`      // set, unset
	Result      string  `json:"result"`      // done, failed, skipped, would
	Error       *string `json:"error"`
}

// SecretActionList is what set and unset print as JSON.
type SecretActionList struct {
	Secrets []SecretAction `json:"secrets"`
}

// SecretActions is how the outcome of set and unset is shown as records.
func SecretActions() output.View[SecretAction] {
	return output.View[SecretAction]{
		Key:  "secrets",
		Name: func(a SecretAction) string { return ifDone(a.Name, a.Result) },
		Columns: []output.Column[SecretAction]{
			{Header: "NAME", Text: func(a SecretAction) string { return a.Name }},
			{Header: "ENV", Key: "environment", Wide: true, Text: func(a SecretAction) string { return a.Environment }},
			{Header: "ACTION", Rank: 2, Text: func(a SecretAction) string { return a.Action }},
			{Header: "RESULT", Text: func(a SecretAction) string { return a.Result }},
			{Header: "ERROR", Wide: true, Text: func(a SecretAction) string { return orEmpty(a.Error) }},
		},
		Empty: "no secrets",
	}
}
