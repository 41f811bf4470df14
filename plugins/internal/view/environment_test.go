package view

import (
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
)

func TestEnvironmentsGolden(t *testing.T) {
	var rows []Environment
	description := "before it goes live [red]\x1b[31m"
	for _, e := range []fal.Environment{
		{Name: "staging", Description: &description, CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC)},
		{Name: "main", Default: true, CreatedAt: noon().Add(-1000 * time.Hour)},
		{Name: "dev"},
	} {
		rows = append(rows, NewEnvironment(e, noon()))
	}
	goldenList(t, "environments", Environments(), rows, 80)
}

func TestEnvironmentActionsGolden(t *testing.T) {
	text := "environment dev is not there"
	goldenList(t, "environment_actions", EnvironmentActions(), []EnvironmentAction{
		{Name: "staging", Action: "delete", Result: "done"},
		{Name: "dev", Action: "delete", Result: "failed", Error: &text},
	}, 80)
}
