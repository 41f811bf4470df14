package view

import (
	"strconv"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

// Account is the JSON contract of an account in a list, that of the official
// client.
type Account struct {
	Nickname   string `json:"nickname"`
	FullName   string `json:"full_name"`
	Type       string `json:"type"`        // personal, org, team
	IsSelected bool   `json:"is_selected"` // commands act for it

	index int
}

// AccountList is what `account list` prints as JSON.
type AccountList struct {
	Teams []Account `json:"teams"`
}

// NewAccount converts an SDK account; index is its place in the list, from 1.
func NewAccount(a fal.Account, index int) Account {
	return Account{Nickname: a.Nickname, FullName: a.FullName, Type: a.Type.String(), index: index}
}

// Accounts is how a list of accounts is shown: in the order in which they are
// numbered.
func Accounts() output.View[Account] {
	return output.View[Account]{
		Key:  "teams",
		Name: func(a Account) string { return a.Nickname },
		Columns: []output.Column[Account]{
			{Header: "#", Key: "index", Rank: 3, Right: true, Text: func(a Account) string { return strconv.Itoa(a.index) }},
			{Header: "ACCOUNT", Key: "nickname", Text: func(a Account) string { return a.Nickname }},
			{Header: "SELECTED", Key: "is_selected", Rank: 1, Text: func(a Account) string { return yes(a.IsSelected) }, Raw: func(a Account) string { return strconv.FormatBool(a.IsSelected) },
				Style: func(Account) iostreams.Style { return iostreams.Green }},
			{Header: "TYPE", Rank: 2, Text: func(a Account) string { return a.Type }},
			{Header: "NAME", Key: "full_name", Rank: 4, Text: func(a Account) string { return a.FullName }},
		},
		Note:  func(rows []Account) string { return Count(len(rows), "account") },
		Empty: "no accounts",
	}
}

// Summary names an account where it is chosen: `acme (Acme Inc., org)`.
func (a Account) Summary() string {
	if a.FullName == "" {
		return a.Nickname + " (" + a.Type + ")"
	}
	return a.Nickname + " (" + a.FullName + ", " + a.Type + ")"
}

// AccountChoice is the JSON contract of what set and unset did.
type AccountChoice struct {
	Nickname     *string `json:"nickname"` // null when no account is selected
	FullName     *string `json:"full_name"`
	Type         *string `json:"type"`
	UnsetProfile *string `json:"unset_profile"` // the profile that was the default
}
