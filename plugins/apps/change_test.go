package apps

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

// What the official client sends, field by field.
func TestChangeRequests(t *testing.T) {
	for _, tt := range []struct {
		argv, env string
		want      []string
	}{
		{"set-rev checkout " + revOld, "", []string{`ListAliases {}`, `SetAlias {"alias":"checkout","revision":"` + revOld + `"}`}},
		{"set-rev checkout " + revOld + " --auth private --strategy recreate", "",
			[]string{`ListAliases {}`, `SetAlias {"alias":"checkout","auth_mode":"PRIVATE","deployment_strategy":"RECREATE","revision":"` + revOld + `"}`}},
		{"set-rev checkout " + revOld + " --auth PUBLIC --strategy ROLLING --env staging", "",
			[]string{`ListAliases {"environment_name":"staging"}`, `SetAlias {"alias":"checkout--staging","auth_mode":"PUBLIC","deployment_strategy":"ROLLING","environment_name":"staging","revision":"` + revOld + `"}`}},
		{"set-rev checkout 5555", "", []string{`ListAliases {}`, `ListApplications {"application_name":"checkout"}`, `SetAlias {"alias":"checkout","revision":"` + revOld + `"}`}},
		{"set-rev checkout--staging 4444", "", []string{`ListAliases {"environment_name":"staging"}`, `ListApplications {"application_name":"checkout--staging","environment_name":"staging"}`,
			`SetAlias {"alias":"checkout--staging","environment_name":"staging","revision":"` + revStaging + `"}`}},
		{"rollout checkout", "", []string{`RolloutApplication {"application_name":"checkout","force":false}`}},
		{"rollout checkout --force", "", []string{`RolloutApplication {"application_name":"checkout","force":true}`}},
		{"rollout checkout", "staging", []string{`RolloutApplication {"application_name":"checkout--staging","environment_name":"staging","force":false}`}},
		{"delete checkout", "", []string{`DeleteAlias {"alias":"checkout"}`}},
		{"delete checkout --yes", "", []string{`DeleteAlias {"alias":"checkout"}`}},
		{"delete checkout --env staging", "", []string{`DeleteAlias {"alias":"checkout--staging","environment_name":"staging"}`}},
		{"delete checkout--staging --env staging", "", []string{`DeleteAlias {"alias":"checkout--staging","environment_name":"staging"}`}},
		{"delete checkout--staging", "qa", []string{`DeleteAlias {"alias":"checkout--staging","environment_name":"staging"}`}},
		{"delete checkout --env main", "staging", []string{`DeleteAlias {"alias":"checkout","environment_name":"main"}`}},
		{"delete checkout--main", "staging", []string{`DeleteAlias {"alias":"checkout","environment_name":"main"}`}},
		{"delete checkout--main --env main", "", []string{`DeleteAlias {"alias":"checkout","environment_name":"main"}`}},
		{"delete checkout--main --env staging", "", []string{`DeleteAlias {"alias":"checkout--main--staging","environment_name":"staging"}`}},
		{"rollout checkout--main", "", []string{`RolloutApplication {"application_name":"checkout","environment_name":"main","force":false}`}},
		{"delete checkout checkout", "", []string{`DeleteAlias {"alias":"checkout"}`}},
		{"delete-rev " + revOld, "", []string{`DeleteApplication {"application_id":"` + revOld + `"}`}},
		{"delete-rev " + strings.ToUpper(revOld) + " " + revOld, "", []string{`DeleteApplication {"application_id":"` + revOld + `"}`}},
		{"delete-rev 5555", "", []string{`ListApplications {}`, `DeleteApplication {"application_id":"` + revOld + `"}`}},
		{"rollback checkout --yes", "", []string{`ListAliases {}`, `ListApplications {"application_name":"checkout"}`, `SetAlias {"alias":"checkout","revision":"` + revOld + `"}`}},
		{"undo checkout --yes --strategy recreate --to 5", "", []string{`ListAliases {}`, `ListApplications {"application_name":"checkout"}`,
			`SetAlias {"alias":"checkout","deployment_strategy":"RECREATE","revision":"` + revOld + `"}`}},
	} {
		t.Run(tt.argv, func(t *testing.T) {
			tm := newTerm(t)
			tm.Env["FAL_ENV"] = tt.env
			tm.Server.SetApps(append(sampleApps(), faltest.App{Alias: "checkout--main--staging", Environment: "staging"})...)
			if r := tm.Run(strings.Fields(tt.argv)...); r.Code != 0 || r.Err != "" {
				t.Errorf("%+v", r)
			}
			if got := tm.Requests(); !slices.Equal(got, tt.want) {
				t.Errorf("requests\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestChangeSays(t *testing.T) {
	missing := strings.ReplaceAll(revOld, "5", "0")
	for _, tt := range []struct {
		argv string
		code int
		out  string
		err  string
	}{
		{"set-rev checkout 5555", 0, "set checkout to revision " + revOld + "\n", ""},
		{"set-rev checkout 4444 --env staging", 0, "set checkout in staging to revision " + revStaging + "\n", ""},
		{"set-rev checkout 5555 --json", 0, `{"alias":"checkout","action":"set-rev","result":"accepted","created":false,"previous_revision":"` + revNew + `","revision":"` + revOld + `","auth_mode":"private","runners":null,"error":null}` + "\n", ""},
		{"set-rev checkout 5555 --auth public", 0, "set checkout to revision " + revOld + "; auth private → public\n", ""},
		{"set-rev checkout 5555 --auth private", 0, "set checkout to revision " + revOld + "; auth private, as before\n", ""},
		{"set-rev chekout " + revOld, 0, "created app chekout at revision " + revOld + "\n", "note: there was no such app; if you meant checkout, `fal-apps delete chekout` takes it away again\n"},
		{"set-rev other " + revOld + " --env staging --auth shared", 0, "created app other in staging at revision " + revOld + "; auth shared\n", ""},
		{"set-rev other " + revOld + " --json", 0, `{"alias":"other","action":"set-rev","result":"accepted","created":true,"previous_revision":null,"revision":"` + revOld + `","auth_mode":"private","runners":null,"error":null}` + "\n", ""},
		{"set-rev chekout 5555", 3, "", "app chekout not found\nhint: did you mean checkout?\n"},
		{"set-rev checkout 5555 -q .revision", 0, revOld + "\n", ""},
		{"set-rev checkout 9999", 3, "", "revision 9999 not found\nhint: `fal-apps list-rev checkout` shows those that are there\n"},
		{"set-rev checkout " + missing, 3, "", "revision " + missing + " not found\nhint: `fal-apps list-rev checkout` shows"},
		{"set-rev checkout 4444", 3, "", "revision 4444 not found"},
		{"set-rev checkout", 2, "", "REV is missing"},
		{"set-rev checkout 5555 --auth secret", 2, "", "--auth takes private, public, shared"},
		{"set-rev checkout 5555 --strategy blue", 2, "", "--strategy takes"},
		{"set-rev checkout 5555 -o name", 2, "", "name"},
		{"rollout checkout", 0, "started the rollout of checkout\n", ""},
		{"rollout checkout --json", 0, `{"alias":"checkout","action":"rollout","result":"accepted","created":false,"previous_revision":null,"revision":null,"auth_mode":null,"runners":null,"error":null}` + "\n", ""},
		{"rollout chekout", 3, "", "app chekout not found\nhint: did you mean checkout?\n"},
		{"rollout nonesuch", 3, "", "app nonesuch not found\nhint: `fal-apps list` shows those that are there\n"},
		{"rollout nonesuch --env staging", 3, "", "hint: `fal-apps list --env staging` shows"},
		{"delete checkout", 0, "deleted checkout\n", ""},
		{"delete search checkout", 0, "deleted search\ndeleted checkout\n", ""},
		{"delete checkout --env staging", 0, "deleted checkout in staging\n", ""},
		{"delete checkout --json", 0, `{"apps":[{"alias":"checkout","action":"delete","result":"accepted","revision":"` + revNew + `","runners":null,"error":null}]}` + "\n", ""},
		{"delete checkout search -o name", 0, "checkout\nsearch\n", ""},
		{"delete chekout", 3, "", "app chekout not found\nhint: did you mean checkout?\n"},
		{"delete nonesuch --env main", 3, "", "app nonesuch not found\nhint: `fal-apps list --env main` shows those that are there\n"},
		{"delete chekout serch", 3, "", "2 of 2 apps not deleted\n  chekout: app chekout not found\n  serch: app serch not found\n"},
		{"delete chekout search", 1, "deleted search\n", "1 of 2 apps not deleted\n  chekout: app chekout not found\n"},
		{"delete checkout checkout--staging", 2, "", "not in the same environment"},
		{"delete checkout --dry-run", 0, "would delete checkout\n", ""},
		{"delete checkout --dry-run --json", 0, `{"apps":[{"alias":"checkout","action":"delete","result":"would","revision":"` + revNew + `","runners":null,"error":null}]}` + "\n", ""},
		{"delete checkout chekout --dry-run", 3, "", "app chekout not found\nhint: did you mean checkout?\n"},
		{"delete", 2, "", "APP is missing"},
		{"delete-rev 5555 " + revSearch, 0, "deleted " + revOld + "\ndeleted " + revSearch + "\n", ""},
		{"delete-rev 5555 --json", 0, `{"revisions":[{"revision":"` + revOld + `","action":"delete-rev","result":"done","error":null}]}` + "\n", ""},
		{"delete-rev 5555 --dry-run", 0, "would delete " + revOld + "\n", ""},
		{"delete-rev 9999 5555", 3, "", "revision 9999 not found\nhint: `fal-apps list-rev` shows"},
		{"delete-rev " + missing, 3, "", "revision " + missing + " not found"},
		{"delete-rev " + missing + " 5555", 1, "deleted " + revOld + "\n", "1 of 2 revisions not deleted\n  " + missing + ": revision " + missing + " not found\n"},
		{"rollback checkout --yes", 0, "rolled back to " + revOld + "\n", ""},
		{"rollback checkout --yes -q .previous_revision", 0, revNew + "\n", ""},
		{"rollback checkout", 2, "", "a rollback to " + revOld + ", and no terminal to ask on\nhint: fal-apps rollback --yes -- checkout\n"},
		{"rollback checkout --dry-run", 0, "checkout  " + revNew + " (2026-11-21 09:12)  →  " + revOld + " (2026-11-20 09:12)\n" +
			"  machine_types  GPU-H100, as before\n  auth           private, as before\nwould roll back to " + revOld + "\n", ""},
		{"rollback checkout --dry-run -q .result", 0, "would\n", ""},
		{"rollback chekout --yes", 3, "", "app chekout not found\nhint: did you mean checkout?\n"},
		{"rollback search --yes", 1, "", "search has no revision that is older than " + revSearch + "\nhint: `fal-apps list-rev search` shows the app's revisions\n"},
		{"rollback checkout --yes --env staging", 1, "", "checkout in staging has no revision that is older than " + revStaging + "\nhint: `fal-apps list-rev checkout --env staging` shows"},
		{"rollback checkout--staging --yes", 1, "", "hint: `fal-apps list-rev checkout--staging --env staging` shows"},
		{"delete sd\x1b[31mxl", 0, "deleted sd\\x1b[31mxl\n", ""},
		{"rollback checkout --yes --to 6666", 1, "", "checkout points to revision " + revNew + " already\n"},
		{"rollback checkout --yes --to 4444", 3, "", "revision 4444 not found\n"},
		{"rollback checkout --yes --to " + revSearch, 3, "", "revision " + revSearch + " not found\n"},
	} {
		t.Run(tt.argv, func(t *testing.T) {
			tm := newTerm(t)
			tm.Want(tm.Run(strings.Fields(tt.argv)...), tt.code, tt.out, tt.err)
			if changed := tm.Requests("SetAlias", "RolloutApplication", "DeleteAlias", "DeleteApplication"); tt.code == 2 && len(changed) > 0 {
				t.Errorf("%q was sent", changed)
			}
			if strings.Contains(tt.argv, "dry-run") && len(tm.Requests("SetAlias", "DeleteAlias", "DeleteApplication")) > 0 {
				t.Error("a dry run changed something")
			}
		})
	}
}

// An id that could be several is shown as what it could be.
func TestAmbiguousRevision(t *testing.T) {
	tm := newTerm(t)
	at := time.Date(2026, 11, 20, 9, 12, 0, 0, time.UTC)
	tm.Server.SetRevisions(
		faltest.Revision{ID: "5555a", App: "checkout", CreatedAt: at, Settings: sampleSettings()},
		faltest.Revision{ID: "5555b", App: "checkout"}, faltest.Revision{ID: "5555", App: "search"})
	tm.Want(tm.Run("set-rev", "checkout", "5555"), 2, "", `"5555" is the beginning of 2 revision ids`+"\nhint: 5555a  2026-11-20T09:12:00Z  GPU-H100\nhint: 5555b\n")
	tm.Want(tm.Run("delete-rev", "5555"), 0, "deleted 5555\n", "") // in full, though it is no UUID
}

// The service may not say when a revision was created.
func TestRollbackWithoutTimes(t *testing.T) {
	tm := newTerm(t)
	tm.Server.SetRevisions(faltest.Revision{ID: revOld, App: "checkout"}, faltest.Revision{ID: revNew, App: "checkout"})
	tm.Want(tm.Run("rollback", "checkout", "--yes"), 1, "", "of which the service does not say when it was created\n")
	tm.Want(tm.Run("rollback", "checkout", "--yes", "--to", "55"), 0, "rolled back to "+revOld+"\n", "")
}

func TestNextOlder(t *testing.T) {
	at := func(id string, day int) fal.Revision {
		return fal.Revision{ID: id, CreatedAt: time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC)}
	}
	all := []fal.Revision{at("first", 1), at("third", 3), at("second", 2), {ID: "timeless"}, at("fourth", 4), at("also third", 3)}
	for than, want := range map[string]string{"fourth": "third", "third": "second", "also third": "second", "second": "first", "first": "", "timeless": ""} {
		i := slices.IndexFunc(all, func(r fal.Revision) bool { return r.ID == than })
		if got, ok := nextOlder(all[i], all); got.ID != want || ok != (want != "") {
			t.Errorf("older than %s: %q, %t", than, got.ID, ok)
		}
	}
}

func TestRollbackAsks(t *testing.T) {
	const shown = "checkout  " + revNew + " (2026-11-21 09:12)  →  " + revOld + " (2026-11-20 09:12)\n  machine_types  GPU-H100, as before\n  auth           private, as before\nRoll back? [y/N]"
	t.Run("yes", func(t *testing.T) {
		tm := newTerm(t)
		tm.TTY, tm.Stdin = true, "y\n"
		tm.Want(tm.Run("rollback", "checkout"), 0, "rolled back to "+revOld+"\n", shown)
	})
	t.Run("no", func(t *testing.T) {
		tm := newTerm(t)
		tm.TTY, tm.Stdin = true, "n\n"
		tm.Want(tm.Run("rollback", "checkout"), 1, "", "nothing was rolled back")
	})
	t.Run("what was shown is what is touched", func(t *testing.T) {
		tm := newTerm(t)
		tm.TTY, tm.Stdin = true, "y\n"
		tm.Server.Script("ListAliases", faltest.Reply(`{"aliases":[{"alias":"checkout","revision":"`+revNew+`"}]}`), faltest.Reply(`{"aliases":[{"alias":"checkout","revision":"other"}]}`))
		tm.Want(tm.Run("rollback", "checkout"), 1, "", "checkout points to revision other by now: nothing was rolled back\n")
		if sent := tm.Requests("SetAlias"); len(sent) > 0 {
			t.Errorf("%q was sent", sent)
		}
	})
	t.Run("gone meanwhile", func(t *testing.T) {
		tm := newTerm(t)
		tm.TTY, tm.Stdin = true, "y\n"
		tm.Server.Script("ListAliases", faltest.Reply(`{"aliases":[{"alias":"checkout","revision":"`+revNew+`"}]}`), faltest.Reply())
		tm.Want(tm.Run("rollback", "checkout"), 3, "", "app checkout not found")
	})
	t.Run("stderr is not seen", func(t *testing.T) {
		tm := newTerm(t)
		tm.TTY, tm.Quiet, tm.Stdin = true, true, "y\n"
		tm.Want(tm.Run("rollback", "checkout"), 2, "", "no terminal to ask on")
	})
}

func TestDeleteAsks(t *testing.T) {
	t.Run("yes", func(t *testing.T) {
		tm := newTerm(t)
		tm.TTY, tm.Stdin = true, "y\n"
		tm.Want(tm.Run("delete", "checkout"), 0, "deleted checkout\n", "checkout  "+revNew+"  2 runners\nDelete checkout? [y/N]")
	})
	t.Run("several", func(t *testing.T) {
		tm := newTerm(t)
		tm.TTY, tm.Stdin = true, "y\n"
		tm.Want(tm.Run("delete", "checkout", "search"), 0, "deleted checkout\ndeleted search\n", "Delete 2 apps? [y/N]")
	})
	t.Run("no", func(t *testing.T) {
		tm := newTerm(t)
		tm.TTY, tm.Stdin = true, "\n"
		tm.Want(tm.Run("delete", "checkout"), 1, "", "nothing was deleted")
		if sent := tm.Requests("DeleteAlias"); len(sent) > 0 {
			t.Errorf("%q was sent", sent)
		}
	})
	t.Run("a missing one is told before", func(t *testing.T) {
		tm := newTerm(t)
		tm.TTY, tm.Stdin = true, "y\n"
		r := tm.Run("delete", "search", "chekout")
		tm.Want(r, 3, "", "app chekout not found\nhint: did you mean checkout?\n")
		if strings.Contains(r.Err, "[y/N]") || len(tm.Requests("DeleteAlias")) > 0 {
			t.Errorf("%+v", r)
		}
	})
	t.Run("--yes asks for nothing", func(t *testing.T) {
		tm := newTerm(t)
		tm.TTY = true
		tm.Want(tm.Run("delete", "checkout", "--yes"), 0, "deleted checkout\n", "")
	})
	t.Run("changed while the question stood", func(t *testing.T) {
		tm := newTerm(t)
		tm.TTY, tm.Stdin = true, "y\n"
		before := `{"aliases":[{"alias":"checkout","revision":"1"},{"alias":"search","revision":"2"},{"alias":"third","revision":"3"}]}`
		tm.Server.Script("ListAliases", faltest.Reply(before), faltest.Reply(`{"aliases":[{"alias":"checkout","revision":"9"},{"alias":"search","revision":"2"}]}`))
		r := tm.Run("delete", "checkout", "search", "third")
		tm.Want(r, 0, "deleted search\n", "skipped checkout: it points to revision 9 by now\nskipped third: it is gone\n")
		if sent := tm.Requests("DeleteAlias"); len(sent) != 1 {
			t.Errorf("%q was sent", sent)
		}
	})
	t.Run("nothing is left to delete", func(t *testing.T) {
		tm := newTerm(t)
		tm.TTY, tm.Stdin = true, "y\n"
		tm.Server.Script("ListAliases", faltest.Reply(`{"aliases":[{"alias":"checkout","revision":"1"}]}`), faltest.Reply())
		r := tm.Run("delete", "checkout", "--json")
		if r.Code != 1 || !strings.Contains(r.Err, "nothing was deleted") || !strings.Contains(r.Out, `"result": "skipped"`) {
			t.Errorf("%+v", r)
		}
	})
	t.Run("revisions", func(t *testing.T) {
		tm := newTerm(t)
		tm.TTY, tm.Stdin = true, "y\n"
		tm.Want(tm.Run("delete-rev", revOld), 0, "deleted "+revOld+"\n", revOld+"  2026-11-20T09:12:00Z  GPU-H100\nDelete 1 revision? [y/N]")
		tm.Stdin = "n\n"
		tm.Want(tm.Run("delete-rev", revStaging), 1, "", revStaging+"\nDelete 1 revision? [y/N] ") // of another environment
		if sent := tm.Requests("DeleteApplication"); len(sent) != 1 {
			t.Errorf("%q was sent", sent)
		}
	})
}

// A call that the server may have received is not made again.
func TestDeleteIsNotRepeated(t *testing.T) {
	tm := newTerm(t)
	for _, method := range []string{"DeleteAlias", "DeleteApplication", "RolloutApplication"} {
		tm.Server.Script(method, faltest.Drop())
	}
	for _, argv := range []string{"delete checkout", "delete-rev " + revOld, "rollout checkout"} {
		if r := tm.Run(strings.Fields(argv)...); r.Code != 6 || r.Out != "" {
			t.Errorf("%s: %+v", argv, r)
		}
	}
	if got := tm.Requests(); len(got) != 3 {
		t.Errorf("%q", got)
	}
}

// looks makes the server list one set of runners after another; the last one
// stays. A runner reads id:revision:STATE[:REPLACEMENT].
func (tm *term) looks(method string, looks ...string) {
	n := 0
	tm.Server.Handle(method, func(faltest.Call) faltest.Answer {
		var runners []string
		for _, r := range strings.Fields(looks[min(n, len(looks)-1)]) {
			part := append(strings.Split(r, ":"), "NO_REPLACE")
			runners = append(runners, fmt.Sprintf(`{"runner_id":%q,"alias":"checkout","revision":%q,"state":%q,"replacement":%q}`, part[0], part[1], part[2], part[3]))
		}
		n++
		return faltest.Reply(`{"runners":[` + strings.Join(runners, ",") + `]}`)
	})
}

func TestChangeWaits(t *testing.T) {
	const a, b, c, d = "a:" + revNew, "b:" + revNew, "c:" + revOld, "d:" + revOld
	rolling := []string{
		a + ":RUNNING " + b + ":IDLE",
		a + ":RUNNING:WILL_REPLACE " + b + ":IDLE:WILL_REPLACE " + c + ":SETUP",
		a + ":RUNNING:WILL_REPLACE " + c + ":IDLE",
		a + ":DRAINING " + c + ":IDLE",
		c + ":IDLE " + d + ":PENDING",
	}
	t.Run("rollback", func(t *testing.T) {
		tm := newTerm(t)
		tm.looks("ListAliasRunners", rolling...)
		tm.Want(tm.Run("rollback", "checkout", "--yes", "--wait"), 0, "rolled back to "+revOld+"; 2 of 2 runners replaced (0s)\n", "")
	})
	t.Run("and tells a terminal how far it is", func(t *testing.T) {
		tm := newTerm(t)
		tm.TTY = true
		tm.looks("ListAliasRunners", rolling...)
		tm.Want(tm.Run("rollback", "checkout", "--yes", "--wait"), 0, "rolled back to "+revOld+"; 2 of 2 runners replaced (0s)\n",
			"0 of 2 runners replaced, 1 new runner still starting\n1 of 2 runners replaced\n1 of 2 runners replaced, 1 old runner still ending\n")
	})
	t.Run("as JSON", func(t *testing.T) {
		tm := newTerm(t)
		tm.looks("ListAliasRunners", rolling...)
		tm.Want(tm.Run("set-rev", "checkout", revOld, "--wait", "--json"), 0,
			`{"alias":"checkout","action":"set-rev","result":"done","created":false,"previous_revision":"`+revNew+`","revision":"`+revOld+`","auth_mode":"private","runners":{"replaced":2,"total":2,"seconds":0},"error":null}`+"\n", "")
	})
	t.Run("set-rev", func(t *testing.T) {
		tm := newTerm(t)
		tm.looks("ListAliasRunners", rolling...)
		tm.Want(tm.Run("set-rev", "checkout", revOld, "--wait"), 0, "set checkout to revision "+revOld+"; 2 of 2 runners replaced (0s)\n", "")
	})
	t.Run("set-rev of an app that is not there yet", func(t *testing.T) {
		tm := newTerm(t)
		tm.Server.Script("ListAliasRunners", faltest.Fail(fal.CodeNotFound, "no such app"))
		tm.Want(tm.Run("set-rev", "fresh", revOld, "--wait"), 0, "created app fresh at revision "+revOld+"; no runner had to be replaced\n", "")
	})
	t.Run("rollout", func(t *testing.T) {
		tm := newTerm(t)
		tm.looks("ListAliasRunners", a+":IDLE "+b+":DRAINING", a+":IDLE", a+":IDLE:WILL_REPLACE", a+":DRAINING:DID_REPLACE")
		tm.Server.SetApps(faltest.App{Alias: "checkout", Revision: revNew})
		tm.Want(tm.Run("rollout", "checkout", "--wait"), 0, "rolled out checkout; 1 of 1 runner replaced (0s)\n", "")
	})
	t.Run("the new ones crash", func(t *testing.T) {
		tm := newTerm(t)
		tm.looks("ListAliasRunners", a+":IDLE", a+":IDLE "+c+":FAILURE_DELAY")
		r := tm.Run("rollback", "checkout", "--yes", "--wait")
		tm.Want(r, 1, "rolled back to "+revOld+"\n", "app checkout: revision "+revOld+" crashes, its runner c is in CRASH_BACKOFF\nhint: fal-apps logs checkout\nhint: fal-apps set-rev checkout "+revNew+"\n")
	})
	t.Run("no one is sent back to what crashed before", func(t *testing.T) {
		const third = "77777777-0000-4000-8000-000000000005"
		revisions := append(sampleRevisions(), faltest.Revision{ID: third, App: "checkout", CreatedAt: time.Date(2026, 11, 22, 9, 12, 0, 0, time.UTC)})
		for _, tt := range []struct {
			name, argv, now string
			looks           []string
			want            string
		}{
			{"another one serves", "rollback checkout --yes --wait", third, []string{c + ":IDLE t:" + third + ":FAILURE_DELAY", c + ":IDLE " + a + ":SETUP", c + ":IDLE " + a + ":FAILURE_DELAY"}, "set-rev checkout " + revOld},
			{"it serves as before", "set-rev checkout " + third + " --wait", revNew, []string{a + ":IDLE", a + ":IDLE t:" + third + ":FAILURE_DELAY"}, "set-rev checkout " + revNew},
			{"nothing serves", "rollback checkout --yes --wait", third, []string{"t:" + third + ":FAILURE_DELAY", a + ":SETUP", a + ":FAILURE_DELAY"}, "rollback checkout"},
			{"nothing serves, and an older one is left", "set-rev checkout " + third + " --wait", revNew, []string{a + ":FAILURE_DELAY", "t:" + third + ":SETUP", "t:" + third + ":FAILURE_DELAY"}, "set-rev checkout " + revOld},
			{"nothing served before", "set-rev checkout " + revNew + " --wait", revOld, []string{"", a + ":FAILURE_DELAY"}, "rollback checkout"},
		} {
			tm := newTerm(t)
			tm.Server.SetApps(faltest.App{Alias: "checkout", Revision: tt.now})
			tm.Server.SetRevisions(revisions...)
			tm.looks("ListAliasRunners", tt.looks...)
			if r := tm.Run(strings.Fields(tt.argv)...); r.Code != 1 || !strings.HasSuffix(r.Err, "is in CRASH_BACKOFF\nhint: fal-apps logs checkout\nhint: fal-apps "+tt.want+"\n") {
				t.Errorf("%s: %+v, want %s", tt.name, r, tt.want)
			}
		}
	})
	t.Run("fresh ones of the same revision crash", func(t *testing.T) {
		for _, argv := range []string{"rollout checkout --wait", "set-rev checkout " + revNew + " --wait"} {
			tm := newTerm(t)
			tm.looks("ListAliasRunners", a+":IDLE", a+":DRAINING "+"e:"+revNew+":FAILURE_DELAY")
			r := tm.Run(strings.Fields(argv)...)
			if r.Code != 1 || !strings.HasSuffix(r.Err, "crashes, its runner e is in CRASH_BACKOFF\nhint: fal-apps logs checkout\n") {
				t.Errorf("%s: %+v", argv, r)
			}
		}
	})
	t.Run("the app is deleted", func(t *testing.T) {
		tm := newTerm(t)
		tm.looks("ListAliasRunners", a+":IDLE")
		tm.Server.Handle("RolloutApplication", func(faltest.Call) faltest.Answer {
			tm.Server.SetApps()
			return faltest.Reply()
		})
		tm.Want(tm.Run("rollout", "checkout", "--wait"), 1, "started the rollout of checkout\n", "checkout was deleted while its rollout was waited for\n")
	})
	t.Run("not for ever", func(t *testing.T) {
		tm := newTerm(t)
		tm.looks("ListAliasRunners", a+":IDLE:WILL_REPLACE")
		r := tm.Run("rollout", "checkout", "--wait", "--timeout", "1s", "--json")
		if r.Code != 1 || !strings.Contains(r.Out, `"auth_mode":null,"runners":{"replaced":0,"total":1,`) || !strings.Contains(r.Err, `"code":"timeout"`) ||
			!strings.Contains(r.Err, "the rollout of checkout did not end within 1s: 0 of 1 runner replaced, no new runner yet") || !strings.Contains(r.Err, `"hints":["fal-apps status --wait checkout"]`) {
			t.Errorf("%+v", r)
		}
	})
	t.Run("a service that is away is asked again", func(t *testing.T) {
		for name, failure := range map[string]faltest.Answer{
			"gives up":  faltest.Fail(fal.CodeDeadlineExceeded, "too slow"),
			"is down":   faltest.Fail(fal.CodeUnavailable, "down"),
			"stumbles":  faltest.Fail(fal.CodeInternal, "out of order"),
			"is closed": faltest.Reset(),
		} {
			tm := newTerm(t)
			tm.Server.Handle("ListAliasRunners", func(faltest.Call) faltest.Answer {
				switch n := len(tm.Server.Calls("ListAliasRunners")); {
				case n <= 1:
					return faltest.Reply()
				case n < 8: // some of them are tried again by the client
					return failure
				}
				return faltest.Reply(`{"runners":[{"runner_id":"z","alias":"checkout","revision":"` + revNew + `","state":"IDLE"}]}`)
			})
			r := tm.Run("rollout", "checkout", "--wait", "--timeout", "1h")
			if r.Code != 0 || !strings.HasPrefix(r.Out, "rolled out checkout; ") || strings.Count(r.Err, "trying again every") != 1 || !strings.HasSuffix(r.Err, "\nnotice: the service answers again\n") {
				t.Errorf("%s: %+v", name, r)
			}
		}
	})
	t.Run("until the time is up", func(t *testing.T) {
		tm := newTerm(t)
		tm.Server.Script("ListAliasRunners", faltest.Reply())
		tm.Server.Handle("ListAliases", func(faltest.Call) faltest.Answer { return faltest.Fail(fal.CodeUnavailable, "down") })
		tm.Want(tm.Run("rollout", "checkout", "--wait", "--timeout", "1s"), 1, "started the rollout of checkout\n",
			"did not end within 1s: the service did not answer\nhint: fal-apps status --wait checkout\n")
	})
	t.Run("not one that refuses", func(t *testing.T) {
		tm := newTerm(t)
		tm.Server.Script("ListAliasRunners", faltest.Reply(), faltest.Fail(fal.CodePermissionDenied, "no more"))
		tm.Want(tm.Run("rollout", "checkout", "--wait"), 4, "started the rollout of checkout\n", "the rollout of checkout goes on: fal-apps status --wait checkout\nfal-apps: error: no more\n")
	})
	t.Run("Ctrl-C leaves it going", func(t *testing.T) {
		tm := newTerm(t)
		tm.looks("ListAliasRunners", a+":IDLE")
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for len(tm.Server.Calls("ListAliasRunners")) < 3 {
				time.Sleep(time.Millisecond)
			}
			cancel()
		}()
		r := tm.RunContext(ctx, "rollout", "checkout", "--wait")
		tm.Want(r, 130, "started the rollout of checkout\n", "the rollout of checkout goes on: fal-apps status --wait checkout\n")
	})
}

func TestDeleteWaits(t *testing.T) {
	t.Run("until its runners are gone", func(t *testing.T) {
		tm := newTerm(t)
		tm.looks("ListRunners", "a:r:RUNNING b:r:IDLE old:r:TERMINATED", "a:r:DRAINING b:r:IDLE new:r:IDLE", "a:r:TERMINATED new:r:IDLE")
		tm.Want(tm.Run("delete", "checkout", "search", "--wait"), 0, "deleted checkout; 2 of 2 runners ended (0s)\ndeleted search\n", "")
	})
	t.Run("not for ever", func(t *testing.T) {
		tm := newTerm(t)
		tm.TTY = true
		tm.looks("ListRunners", "a:r:RUNNING b:r:IDLE", "a:r:DRAINING")
		tm.Want(tm.Run("delete", "checkout", "--yes", "--wait", "--timeout", "1s"), 1, "deleted checkout\n",
			"waiting for 2 runners to end\nfal-apps: error: 1 runner did not end within 1s\nhint: fal runners kill --app checkout\n")
	})
	t.Run("for none that was not deleted", func(t *testing.T) {
		tm := newTerm(t)
		tm.looks("ListRunners", "a:r:RUNNING")
		tm.Server.Script("DeleteAlias", faltest.Fail(fal.CodeFailedPrecondition, "it is protected"))
		r := tm.Run("delete", "checkout", "--wait", "--json")
		var got struct {
			Apps []struct{ Result, Error string }
		}
		if err := json.Unmarshal([]byte(r.Out), &got); err != nil || r.Code != 1 || len(got.Apps) != 1 || got.Apps[0].Result != "failed" || got.Apps[0].Error != "it is protected" {
			t.Errorf("%v: %+v", err, r)
		}
	})
	t.Run("as JSON", func(t *testing.T) {
		tm := newTerm(t)
		tm.looks("ListRunners", "a:r:RUNNING b:r:IDLE", "")
		tm.Want(tm.Run("delete", "checkout", "--wait", "--jq", ".apps[].runners"), 0, `{"ended":2,"seconds":0,"total":2}`+"\n", "")
	})
	t.Run("while the service is away", func(t *testing.T) {
		tm := newTerm(t)
		tm.Server.Script("ListRunners", faltest.Reply(`{"runners":[{"runner_id":"a","alias":"checkout"}]}`), faltest.Fail(fal.CodeInternal, "out of order"), faltest.Reply())
		tm.Want(tm.Run("delete", "checkout", "--wait"), 0, "deleted checkout; 1 of 1 runner ended (0s)\n", "notice: out of order; trying again every 1ms\nnotice: the service answers again\n")
	})
	t.Run("Ctrl-C", func(t *testing.T) {
		tm := newTerm(t)
		tm.looks("ListRunners", "a:r:RUNNING")
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for len(tm.Server.Calls("ListRunners")) < 3 {
				time.Sleep(time.Millisecond)
			}
			cancel()
		}()
		tm.Want(tm.RunContext(ctx, "delete", "checkout", "--wait"), 130, "deleted checkout\n", "")
	})
}
