package apps

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

func TestRevisionsJSONContract(t *testing.T) {
	tm := newTerm(t)
	got := tm.object(tm.Run("list-rev", "checkout"))
	rows := got["revisions"].([]any)
	if len(rows) != 2 {
		t.Fatalf("%d revisions", len(rows))
	}
	newest, oldest := rows[0].(map[string]any), rows[1].(map[string]any)
	keys := []string{"active_runners", "aliases", "concurrency_buffer", "concurrency_buffer_perc", "created_at", "environment_name", "keep_alive",
		"machine_types", "max_concurrency", "max_multiplexing", "min_concurrency", "request_timeout", "revision", "scaling_delay", "startup_timeout", "valid_regions"}
	if have := slices.Sorted(maps.Keys(newest)); !slices.Equal(have, keys) {
		t.Errorf("keys %q, want %q", have, keys)
	}
	for _, check := range []struct{ got, want any }{
		{newest["revision"], revNew}, {oldest["revision"], revOld}, {newest["created_at"], "2026-11-21 09:12:00.123456+00:00"},
		{newest["aliases"].([]any)[0], "checkout"}, {len(oldest["aliases"].([]any)), 0}, {newest["active_runners"], 2.0},
		{newest["machine_types"].([]any)[0], "GPU-H100"}, {newest["startup_timeout"], 600.0}, {newest["scaling_delay"], 0.0},
	} {
		if check.got != check.want {
			t.Errorf("got %v, want %v", check.got, check.want)
		}
	}
}

func TestRevisions(t *testing.T) {
	for _, tt := range []struct {
		argv    string
		request string
		out     []string
	}{
		{"list-rev", `ListApplications {}`, []string{revNew, revOld, revSearch}},
		{"revisions checkout", `ListApplications {"application_name":"checkout"}`, []string{revNew, revOld}},
		{"list-revs checkout --sort created", `ListApplications {"application_name":"checkout"}`, []string{revOld, revNew}},
		{"revs checkout --env staging", `ListApplications {"application_name":"checkout--staging","environment_name":"staging"}`, []string{revStaging}},
		{"list-rev checkout--staging", `ListApplications {"application_name":"checkout--staging","environment_name":"staging"}`, []string{revStaging}},
		{"list-rev --env staging", `ListApplications {"environment_name":"staging"}`, []string{revStaging}},
	} {
		tm := newTerm(t)
		tm.Want(tm.Run(append(strings.Fields(tt.argv), "-o", "name")...), 0, strings.Join(tt.out, "\n")+"\n", "")
		if got := tm.Requests("ListApplications"); !slices.Equal(got, []string{tt.request}) {
			t.Errorf("%s: requests %q, want %q", tt.argv, got, tt.request)
		}
	}
}

// A name in full says which environment it is in, before FAL_ENV does.
func TestNameInFull(t *testing.T) {
	tm := newTerm(t)
	tm.Env["FAL_ENV"] = "elsewhere"
	tm.Want(tm.Run("list-rev", "checkout--staging", "-o", "name"), 0, revStaging+"\n", "")
	tm = newTerm(t)
	tm.Want(tm.Run("list-rev", "checkout--staging", "--env", "main"), 3, "", "app checkout--staging not found\n")
}

func TestRevisionsOfWhatIsNotThere(t *testing.T) {
	tm := newTerm(t)
	r := tm.Run("list-rev", "chekout")
	tm.Want(r, 3, "", "app chekout not found\nhint: did you mean checkout?\n")
	tm.Want(tm.Run("list-rev", "chekout", "--env", "staging"), 3, "", "app chekout not found in environment staging")
	tm.Want(tm.Run("list-rev", "nonesuch", "--env", "staging"), 3, "", "hint: `fal-apps list --env staging` shows those that are there")
	// One that is there and has no revisions is another matter.
	tm.Server.SetRevisions()
	tm.Want(tm.Run("list-rev", "checkout"), 0, `{"revisions":[]}`+"\n", "no revisions\n")
	tm.Server.Handle("ListApplications", func(faltest.Call) faltest.Answer { return faltest.Fail(fal.CodeNotFound, "nothing here") })
	tm.Want(tm.Run("list-rev", "checkout"), 3, "", "nothing here")
	tm.Want(tm.Run("list-rev", "serch"), 3, "", "did you mean search?")
}

func TestRevisionsTable(t *testing.T) {
	tm := newTerm(t)
	tm.TTY, tm.Width = true, 200
	r := tm.Run("list-rev", "checkout")
	for _, want := range []string{
		"REVISION                              CREATED           CURRENT FOR  RUNNERS  MIN  MAX  MACHINE\n",
		"  checkout           2    0    2  GPU-H100\n",
	} {
		if !strings.Contains(r.Out, want) {
			t.Errorf("%swant\n%s", r.Out, want)
		}
	}
	if r.Err != "2 revisions\n" {
		t.Errorf("stderr %q", r.Err)
	}
}
