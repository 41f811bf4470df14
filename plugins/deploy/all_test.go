package deploy

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// threeApps has apps for one account only.
func threeApps(t *testing.T) *console {
	tm := newTerm(t)
	before, _, _ := strings.Cut(pyproject, "[tool.fal.apps.teamed]")
	tm.write("pyproject.toml", before)
	return tm
}

func TestAll(t *testing.T) {
	tm := threeApps(t)
	tm.service.events = phases()
	got := tm.object(tm.run("--all", "--yes", "--jobs", "2", "--json"))
	list, _ := got["deployments"].([]any)
	var names []string
	for _, d := range list {
		record := d.(map[string]any)
		names = append(names, record["app_name"].(string)+" "+record["status"].(string))
	}
	if strings.Join(names, ", ") != "checkout deployed, search deployed, once deployed" || len(tm.service.apps) != 3 {
		t.Errorf("%v", names)
	}
	r := tm.run("--all", "--yes")
	if strings.Count(r.out, "deployed ") != 3 || !strings.Contains(r.err, "search: building the environment\n") || !strings.Contains(r.err, "once:   step 1") {
		t.Errorf("%+v", r)
	}
	if r := tm.run("--all", "--yes", "-o", "name"); r.out != "checkout\nsearch\nonce\n" {
		t.Errorf("%+v", r)
	}
}

// One that fails does not keep the others from it, and is in the JSON too.
func TestAllFails(t *testing.T) {
	tm := threeApps(t)
	tm.service.fails["search"] = &fal.DeployError{Phase: fal.DeployBuild, Err: errors.New("exit 1")}
	tm.service.events = phases()
	if r := tm.run("--all", "--yes", "-q", `.deployments[1].phases | map(.phase) | join(" ")`); r.out != "load hash upload build\n" {
		t.Errorf("%+v", r)
	}
	r := tm.run("--all", "--yes", "-q", `.deployments[] | "\(.app_name) \(.status) \(.error)"`)
	if r.code != 1 || r.out != "checkout deployed null\nsearch failed building the environment: exit 1\nonce deployed null\n" ||
		!strings.Contains(r.err, "1 of 3 apps not deployed\n  search: building the environment: exit 1\n") {
		t.Errorf("%+v", r)
	}
}

// One that cannot be deployed as it is asked for does not keep the others from
// it either, and is named before somebody agrees to them.
func TestAllLeavesOut(t *testing.T) {
	tm := newTerm(t)
	tm.server.SetApps(faltest.App{Alias: "search", Revision: revNew})
	tm.server.HandleREST("GET /users/current", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"user_id":"u","nickname":"local"}`))
	})
	const states = `.deployments[] | "\(.app_name) \(.status)"`
	r := tm.run("--all", "--yes", "--detach", "-q", states)
	if r.code != 1 || r.out != "checkout deployed\nsearch deployed\nonce failed\nteamed failed\n" || len(tm.service.apps) != 2 ||
		!strings.Contains(r.err, "2 of 4 apps not deployed\n  once: --detach is for rolling deployments, and once is deployed by recreate\n  teamed: the key from FAL_KEY belongs to local, not to team acme\n") ||
		!strings.Contains(r.err, "or change tool.fal.apps.teamed.team in pyproject.toml:17") {
		t.Errorf("%+v", r)
	}
	if r := tm.run("--all", "--dry-run", "--detach", "-q", states); r.code != 1 || r.out != "checkout planned\nsearch planned\nonce failed\nteamed failed\n" {
		t.Errorf("%+v", r)
	}
	tm.tty, tm.stdin = true, "y\n"
	const left = "teamed is left out: the key from FAL_KEY belongs to local, not to team acme\n"
	if r := tm.run("--all"); r.code != 1 || !strings.HasPrefix(r.err, left+"checkout  image\nsearch  image\nonce  image\nDeploy 3 apps? [y/N] ") || len(tm.service.apps) != 5 {
		t.Errorf("%+v", r)
	}
	// What cannot be planned, and what has moved since it was shown.
	tm.stdin = "confirm\n"
	tm.service.fails["checkout"] = errors.New("no plan")
	r = tm.run("--all", "--check")
	if r.code != 1 || !strings.Contains(r.err, "checkout is left out: no plan\n") || !strings.Contains(r.err, "Type confirm to deploy 2 apps: ") || len(tm.service.apps) != 6 ||
		!strings.Contains(r.err, "3 of 4 apps not deployed\n") || !strings.Contains(r.err, "search points to revision "+revNew+" by now: it is left out\n") {
		t.Errorf("%+v", r)
	}
}

// What keeps all of them from being deployed is told once.
func TestAllForOneReason(t *testing.T) {
	tm := newTerm(t)
	delete(tm.env, "FAL_KEY")
	if r := tm.run("--all", "--yes", "--json"); r.code != 4 || r.out != "" || strings.Count(r.err, "credentials") != 1 || strings.Contains(r.err, "of 4 apps") {
		t.Errorf("%+v", r)
	}
}

func TestAllAsks(t *testing.T) {
	tm := threeApps(t)
	tm.tty, tm.stdin = true, "y\n"
	r := tm.run("--all")
	if r.code != 0 || !strings.HasPrefix(r.err, "checkout  image\nsearch  image\nonce  image\nDeploy 3 apps? [y/N] ") || len(tm.service.apps) != 3 {
		t.Errorf("%+v", r)
	}
	tm.stdin = "n\n"
	if r := tm.run("--all"); r.code != 1 || !strings.Contains(r.err, "nothing was deployed") || len(tm.service.apps) != 3 {
		t.Errorf("%+v", r)
	}
	tm.stdin = "confirm\n"
	if r := tm.run("--all", "--check"); r.code != 0 || !strings.Contains(r.err, "Type confirm to deploy 3 apps: ") || len(tm.service.apps) != 6 {
		t.Errorf("%+v", r)
	}
}

func TestAllDryRun(t *testing.T) {
	tm := threeApps(t)
	r := tm.run("--all", "--dry-run")
	if r.code != 0 || strings.Count(r.out, "would deploy ") != 3 || tm.service.plans != 3 || len(tm.service.apps) > 0 {
		t.Errorf("%+v", r)
	}
	if r := tm.run("--all", "--dry-run", "-q", ".deployments[].status"); r.out != strings.Repeat(view.DeployPlanned+"\n", 3) {
		t.Errorf("%+v", r)
	}
}

// Of several apps every line says which it is about, and Ctrl-C is what ended
// them.
func TestAllNames(t *testing.T) {
	tm := newTerm(t)
	tm.write("pyproject.toml", "[tool.fal.apps.one]\nname = \"first\"\npython_entry_point = \"m:A\"\npython_version = \"3.11\"\n[tool.fal.apps.two]\npython_entry_point = \"m:B\"\npython_version = \"3.11\"\n")
	tm.service.before = sampleBefore()
	r := tm.run("--all", "--yes", "--attach")
	for _, want := range []string{"first: loading the app\n", "two: loading the app\n", "note: first: no runner was started", "note: two: no runner was started"} {
		if !strings.Contains(r.err, want) {
			t.Errorf("no %q in %s", want, r.err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	tm.service.during = func(ctx context.Context) error {
		cancel()
		<-ctx.Done()
		return &fal.DeployError{Phase: fal.DeployBuild, Err: ctx.Err()}
	}
	if r := tm.runContext(ctx, "--all", "--yes", "--json"); r.code != 130 || !strings.Contains(r.err, `{"error":{"code":"interrupted",`) {
		t.Errorf("%+v", r)
	}
}

// What was made to load an app is gone behind it.
func TestLoadedFilesAreRemoved(t *testing.T) {
	tm := newTerm(t)
	tm.write("pyproject.toml", "[tool.fal.apps.a]\npython_entry_point = \"m:A\"\npython_version = \"3.11\"\nrequirements = [\"./lib\"]\n")
	tm.write("lib/pyproject.toml", "[project]\nname = \"lib\"\nversion = \"1\"\n[build-system]\nrequires = [\"hatchling\"]\nbuild-backend = \"hatchling.build\"\n")
	tm.write("lib/lib/__init__.py", "")
	temporary := t.TempDir()
	for _, name := range []string{"TMPDIR", "TMP", "TEMP"} {
		t.Setenv(name, temporary)
	}
	left := func() int {
		entries, err := os.ReadDir(temporary)
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	made := 0
	tm.service.during = func(context.Context) error { made = left(); return nil }
	for _, line := range []string{"a", "--all --yes"} {
		if r := tm.run(strings.Fields(line)...); r.code != 0 || made == 0 || left() > 0 {
			t.Errorf("%s: %+v, made %d, left %d", line, r, made, left())
		}
	}
	tm.service.during = func(context.Context) error { return errors.New("no") }
	if r := tm.run("a"); r.code != 1 || left() > 0 {
		t.Errorf("%+v, left %d", r, left())
	}
}
