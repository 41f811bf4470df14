package apps

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

func TestDescribeJSONContract(t *testing.T) {
	tm := newTerm(t)
	got := tm.object(tm.Run("describe", "checkout"))
	want := append([]string{"revision_count", "revision_created_at", "revisions", "runners_by_state", "status"}, appKeys...)
	slices.Sort(want)
	if have := slices.Sorted(maps.Keys(got)); !slices.Equal(have, want) {
		t.Errorf("keys %q, want %q", have, want)
	}
	for _, check := range []struct{ got, want any }{
		{got["min_concurrency"], 1.0}, {got["auth_mode"], "private"}, {got["revision"], revNew}, {got["revision_created_at"], "2026-11-21 09:12:00.123456+00:00"},
		{fmt.Sprint(got["runners_by_state"]), "map[IDLE:1 RUNNING:1]"}, {got["revision_count"], 2.0}, {len(got["revisions"].([]any)), 2},
		{got["revisions"].([]any)[1].(map[string]any)["revision"], revOld},
	} {
		if check.got != check.want {
			t.Errorf("got %v, want %v", check.got, check.want)
		}
	}
	requests := tm.Requests()
	slices.Sort(requests)
	if want := []string{
		`ListAliasRunners {"alias":"checkout","list_pending":true}`,
		`ListAliases {}`,
		`ListApplications {"application_name":"checkout"}`,
	}; !slices.Equal(requests, want) {
		t.Errorf("requests %q, want %q", requests, want)
	}
}

func TestDescribeText(t *testing.T) {
	tm := newTerm(t)
	tm.TTY = true
	r := tm.Run("get", "checkout", "--env=staging")
	for _, want := range []string{"App                 checkout\n", "Environment         staging\n", "Auth                shared\n", "Rollout             rolling out\n",
		"Runners             none\n", "Regions             any\n", "Request timeout     1h\n", "\nRecent revisions\n  " + revStaging, "GPU-H100  current\n"} {
		if !strings.Contains(r.Out, want) {
			t.Errorf("%swant %q", r.Out, want)
		}
	}
	if r.Code != 0 || r.Err != "" {
		t.Errorf("%+v", r)
	}
	var many []faltest.Revision
	for i := range 7 {
		many = append(many, faltest.Revision{ID: fmt.Sprint("rev-", i), App: "checkout", CreatedAt: tm.Now.AddDate(0, 0, -i)})
	}
	tm.Server.SetRevisions(many...)
	r = tm.Run("describe", "checkout")
	if !strings.Contains(r.Out, "rev-4") || strings.Contains(r.Out, "rev-5") || !strings.HasSuffix(r.Out, "  and 2 older ones\n") {
		t.Errorf("%+v", r)
	}
}

// The name is the one that a list prints, which other commands take.
func TestDescribeName(t *testing.T) {
	tm := newTerm(t)
	tm.Want(tm.Run("describe", "checkout", "-o", "name"), 0, "checkout\n", "")
	tm.Want(tm.Run("describe", "checkout", "--env", "staging", "-o", "name"), 0, "checkout--staging\n", "")
	tm.Env["FAL_OUTPUT"] = "name"
	tm.Want(tm.Run("describe", "checkout"), 0, "checkout\n", "")
	tm.Want(tm.Run("describe", "checkuot"), 3, "", "did you mean checkout?")
}

func TestDescribeWhatIsNotThere(t *testing.T) {
	tm := newTerm(t)
	tm.Want(tm.Run("describe", "checkuot"), 3, "", "hint: did you mean checkout?\n")
	tm.Want(tm.Run("describe", "checkout", "--json", "--env", "main2"), 3, "", `{"error":{"code":"not_found","message":"app checkout not found in environment main2","hints":["`)
}
