package view

import "testing"

func TestAppDeletionsGolden(t *testing.T) {
	revision, failed, skipped := "66666666-0000-4000-8000-000000000001", "it is \x1b[31mprotected", "it is gone"
	goldenList(t, "app_deletions", AppDeletions(), []AppDeletion{
		{Alias: "checkout", Action: "delete", Result: "done", Revision: &revision, Runners: &RunnersEnded{Ended: 2, Total: 2, Seconds: 38}},
		{Alias: "search--staging", Action: "delete", Result: "accepted", Revision: &revision},
		{Alias: "bad[/tag]\x1b[31m", Action: "delete", Result: "failed", Error: &failed},
		{Alias: "sd", Action: "delete", Result: "skipped", Error: &skipped},
	}, 120)
}

func TestRevisionActionsGolden(t *testing.T) {
	failed := "it is the current one of app checkout"
	goldenList(t, "revision_actions", RevisionActions(), []RevisionAction{
		{Revision: "66666666-0000-4000-8000-000000000001", Action: "delete-rev", Result: "failed", Error: &failed},
		{Revision: "55555555-0000-4000-8000-000000000002", Action: "delete-rev", Result: "done"},
	}, 80)
}
