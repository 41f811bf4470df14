package view

import (
	"testing"

	"github.com/fal-plugins/fal/pkg/fal"
)

func TestAccountsGolden(t *testing.T) {
	var rows []Account
	for i, a := range []fal.Account{
		{UserID: "github|1", Nickname: "you", FullName: "You Your Self", Type: fal.AccountPersonal},
		{UserID: "team|2", Nickname: "Acme", FullName: "Acme [red]\x1b[31m\x07 \"x\"\u2028<&>", Type: fal.AccountOrg},
		{UserID: "team|3", Nickname: "crew", Type: fal.AccountTeam},
	} {
		row := NewAccount(a, i+1)
		row.IsSelected = i == 1
		rows = append(rows, row)
	}
	goldenList(t, "accounts", Accounts(), rows, 80)
}

func TestAccountSummary(t *testing.T) {
	for want, a := range map[string]Account{
		"crew (team)":           {Nickname: "crew", Type: "team"},
		"acme (Acme Inc., org)": {Nickname: "acme", FullName: "Acme Inc.", Type: "org"},
	} {
		if got := a.Summary(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
