package view

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

// Key is the JSON contract of an API key in a list. The keys up to description
// are those of the official client.
type Key struct {
	KeyID       string `json:"key_id"`
	CreatedAt   string `json:"created_at"`
	Scope       string `json:"scope"` // ADMIN, API
	Description string `json:"description"`
	InUse       bool   `json:"in_use"` // the key that the list was asked for with

	created time.Time
	age     *int // in seconds
}

// KeyList is what `keys list` prints as JSON.
type KeyList struct {
	Keys []Key `json:"keys"`
}

// NewKey converts an SDK key; inUse is the id of the key that commands
// authenticate with, empty for none.
func NewKey(k fal.KeyInfo, inUse string, now time.Time) Key {
	return Key{
		KeyID:       k.ID,
		CreatedAt:   createdAt(k.CreatedAt),
		Scope:       k.Scope.String(),
		Description: k.Description,
		InUse:       inUse != "" && k.ID == inUse,
		created:     k.CreatedAt,
		age:         ageSince(k.CreatedAt, now),
	}
}

// Keys is how a list of keys is shown.
func Keys() output.View[Key] {
	return output.View[Key]{
		Key:  "keys",
		Name: func(k Key) string { return k.KeyID },
		Columns: []output.Column[Key]{
			{Header: "KEY", Text: func(k Key) string { return k.KeyID }},
			{Header: "SCOPE", Rank: 1, Text: func(k Key) string { return k.Scope }},
			{Header: "AGE", Rank: 4, Text: func(k Key) string { return ageText(k.age) }, Raw: func(k Key) string { return ageRaw(k.age) }},
			{Header: "IN USE", Rank: 2, Text: func(k Key) string { return yes(k.InUse) }, Raw: func(k Key) string { return strconv.FormatBool(k.InUse) },
				Style: func(Key) iostreams.Style { return iostreams.Green }},
			{Header: "DESCRIPTION", Rank: 3, Text: func(k Key) string { return k.Description }},
			{Header: "CREATED", Key: "created_at", Wide: true, Text: func(k Key) string { return k.CreatedAt }},
		},
		Compare: oldestKeyFirst,
		Sorts: []output.SortKey[Key]{
			{Name: "created", Compare: func(a, b Key) int { return a.created.Compare(b.created) }},
			{Name: "age", Compare: func(a, b Key) int { return b.created.Compare(a.created) }},
			{Name: "id", Compare: func(a, b Key) int { return strings.Compare(a.KeyID, b.KeyID) }},
			{Name: "scope", Compare: func(a, b Key) int { return strings.Compare(a.Scope, b.Scope) }},
			{Name: "description", Compare: func(a, b Key) int { return strings.Compare(a.Description, b.Description) }},
		},
		Note:  func(rows []Key) string { return Count(len(rows), "key") },
		Empty: "no keys",
	}
}

func oldestKeyFirst(a, b Key) int {
	if c := a.created.Compare(b.created); c != 0 {
		return c
	}
	return strings.Compare(a.KeyID, b.KeyID)
}

// Summary says what a key is for, where it is asked about: `ADMIN, "old ci"`.
func (k Key) Summary() string {
	text := k.Scope
	if k.Description != "" {
		text += fmt.Sprintf(", %q", k.Description)
	}
	if k.InUse {
		text += ", in use"
	}
	return text
}

// yes marks what is so, and leaves the rest of a column empty.
func yes(so bool) string {
	if so {
		return "yes"
	}
	return ""
}

// NewlyCreatedKey is the JSON contract of a key at its creation.
type NewlyCreatedKey struct {
	KeyID       string  `json:"key_id"`
	KeySecret   *string `json:"key_secret"`  // null when it was saved as a profile
	Scope       string  `json:"scope"`       // ADMIN, API
	Description string  `json:"description"` // "" for none
	Profile     *string `json:"profile"`     // where it was saved
}

// KeyAction is the JSON contract of what revoke did to a key.
type KeyAction struct {
	KeyID       string  `json:"key_id"`
	Scope       *string `json:"scope"`       // null when the key was named in full, and so not listed
	Description *string `json:"description"` // likewise
	Action      string  `json:"action"`      // revoke
	Result      string  `json:"result"`      // done, failed, would
	Error       *string `json:"error"`
}

// KeyActionList is what revoke prints as JSON.
type KeyActionList struct {
	Keys []KeyAction `json:"keys"`
}

// KeyActions is how the outcome of revoke is shown as records.
func KeyActions() output.View[KeyAction] {
	return output.View[KeyAction]{
		Key:  "keys",
		Name: func(a KeyAction) string { return ifDone(a.KeyID, a.Result) },
		Columns: []output.Column[KeyAction]{
			{Header: "KEY", Text: func(a KeyAction) string { return a.KeyID }},
			{Header: "SCOPE", Rank: 2, Text: func(a KeyAction) string { return orEmpty(a.Scope) }},
			{Header: "DESCRIPTION", Rank: 1, Text: func(a KeyAction) string { return orEmpty(a.Description) }},
			{Header: "ACTION", Rank: 3, Text: func(a KeyAction) string { return a.Action }},
			{Header: "RESULT", Text: func(a KeyAction) string { return a.Result }},
			{Header: "ERROR", Wide: true, Text: func(a KeyAction) string { return orEmpty(a.Error) }},
		},
		Empty: "no keys",
	}
}
