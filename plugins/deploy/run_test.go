package deploy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/progress"
)

const deployedText = `deployed checkout
  revision    66666666-0000-4000-8000-000000000001
  auth        public, anybody may call it
  playground  https://fal.ai/models/me/checkout/
  playground  https://fal.ai/models/me/checkout/second
  sync        https://fal.run/me/checkout/
  sync        https://fal.run/me/checkout/second
  async       https://queue.fal.run/me/checkout/
  async       https://queue.fal.run/me/checkout/second
  log         https://fal.ai/logs
`

// In a pipe every step and every line of the log is a line on stderr.
func TestPipe(t *testing.T) {
	tm := newTerm(t)
	tm.service.events = phases()
	tm.want(tm.run("checkout"), 0, deployedText, `deploying checkout (image)
reading the files
read the files, 3 files, 3.0 MiB (0.0s)
uploading the files
uploaded the files, 1 file, 1.0 MiB (0.0s)
building the environment
  step 1 [rank0]: :fire:
  WARNING old base\x07
built the environment (0.0s)
`)
	if r := tm.run("checkout", "--verbose"); !strings.Contains(r.err, "  a detail\n") {
		t.Errorf("stderr %s", r.err)
	}
}

// On a terminal what ended well is a line, and its log is gone.
// A step that fails leaves its whole log, details too.
func TestWholeLogOfFailure(t *testing.T) {
	for _, tty := range []bool{false, true} {
		tm := newTerm(t)
		tm.tty, tm.service.events = tty, phases()
		tm.service.events[len(tm.service.events)-1].Err = errors.New("exit 1")
		tm.service.fails["checkout"] = &fal.DeployError{Phase: fal.DeployBuild, Err: errors.New("exit 1")}
		if r := tm.run("checkout"); r.code != 1 || !strings.Contains(r.err, "  step 1 [rank0]: :fire:\n  a detail\n  WARNING old base\\x07\n") {
			t.Errorf("terminal %v: %s", tty, r.err)
		}
	}
}

func TestTerminal(t *testing.T) {
	tm := newTerm(t)
	tm.tty, tm.service.events = true, phases()
	r := tm.run("checkout")
	left := r.err[strings.LastIndex(r.err, "\x1b[J")+len("\x1b[J"):]
	if r.code != 0 || r.out != deployedText || !strings.Contains(r.err, "+ built the environment  0.0s\n") || strings.Contains(left, "step 1") {
		t.Errorf("%+v", r)
	}
	tm.env["LANG"] = "C.UTF-8"
	if r := tm.run("checkout", "-v"); !strings.Contains(r.err, "✓ built the environment") || !strings.Contains(r.err, "  step 1 [rank0]: :fire:\n") {
		t.Errorf("%+v", r)
	}
	tm.env["TERM"] = "dumb"
	if r := tm.run("checkout"); strings.Contains(r.err, "\x1b") {
		t.Errorf("%+v", r)
	}
}

func TestURLOutput(t *testing.T) {
	for value, lines := range map[string]int{"": 10, " ALL ": 10, "playground": 5, "none": 3, "other": 10} {
		tm := newTerm(t)
		tm.env["FAL_URL_OUTPUT"] = value
		if r := tm.run("checkout"); strings.Count(r.out, "\n") != lines || r.code != 0 || (value == "other") != strings.Contains(r.err, "notice: FAL_URL_OUTPUT=other is none of all, playground, none: all is used\n") || strings.Count(r.err, "URL_OUTPUT") > 1 {
			t.Errorf("%q: %+v", value, r)
		}
		tm.server.HandleREST("GET /users/current", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"user_id":"u","nickname":"acme"}`))
		})
		if r := tm.run("--all", "--yes"); strings.Count(r.err, "URL_OUTPUT") != map[bool]int{true: 1}[value == "other"] || r.code != 0 {
			t.Errorf("--all with %q: %+v", value, r)
		}
	}
}

// The keys of the official client with its types, and ours beside them.
func TestJSON(t *testing.T) {
	tm := newTerm(t)
	tm.service.before = sampleBefore()
	tm.service.events = phases()
	r := tm.run("checkout", "--json")
	got := tm.object(r)
	urls := func(host string) map[string]any {
		return map[string]any{"/": host + "/me/checkout/", "/second": host + "/me/checkout/second"}
	}
	want := map[string]any{
		"revision": revNew, "app_name": "checkout", "status": "deployed", "environment_name": "", "auth_mode": "public", "previous_revision": revOld,
		"urls":    map[string]any{"playground": urls("https://fal.ai/models"), "sync": urls("https://fal.run"), "async": urls("https://queue.fal.run"), "websocket": urls("wss://ws.fal.run")},
		"log_url": "https://fal.ai/logs", "inherited": []any{map[string]any{"setting": "keep_alive", "value": 10.0, "code": 120.0}},
		"phases": []any{map[string]any{"phase": "load", "seconds": 0.0}, map[string]any{"phase": "build", "seconds": 1.5}, map[string]any{"phase": "register", "seconds": 0.25}},
		"plan":   nil, "error": nil,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if r := tm.run("checkout", "--detach", "-q", ".status"); r.out != "rolling_out\n" {
		t.Errorf("%+v", r)
	}
}

// What was kept from before is told, and how to see the end of a rollout.
func TestAfter(t *testing.T) {
	tm := newTerm(t)
	tm.service.before = sampleBefore()
	if r := tm.run("checkout"); !strings.HasSuffix(r.err, "note: kept from before: keep_alive 10s (code: 2m); --reset-scale takes them from the code\n") {
		t.Errorf("stderr %s", r.err)
	}
	tm.env["FAL_CACHE_DIR"] = t.TempDir()
	tm.server.HandleREST("GET /users/current", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"user_id":"u","nickname":"acme"}`))
	})
	r := tm.run("checkout", "--detach", "--reset-scale", "--env", "staging", "--team", "acme")
	if !strings.HasSuffix(r.err, "hint: `fal apps status checkout --env staging --team acme --wait` waits for the rollout\nhint: `fal apps rollback checkout --env staging --team acme` goes back to the revision before\n") {
		t.Errorf("stderr %s", r.err)
	}
	if !strings.HasPrefix(r.out, "deploying checkout: its rollout goes on\n") {
		t.Errorf("stdout %s", r.out)
	}
}

// Every flag reaches the SDK.
func TestFlags(t *testing.T) {
	rolling, recreate := fal.StrategyRolling, fal.StrategyRecreate
	for _, tt := range []struct {
		line string
		want fal.DeployParams
	}{
		{"checkout", fal.DeployParams{}},
		{"once", fal.DeployParams{Strategy: &recreate, ResetScale: true}},
		{"once --no-scale --strategy ROLLING", fal.DeployParams{Strategy: &rolling}},
		{"checkout --strategy recreate --reset-scale", fal.DeployParams{Strategy: &recreate, ResetScale: true}},
		{"checkout --attach", fal.DeployParams{Attach: new(true)}},
		{"checkout --detach", fal.DeployParams{Attach: new(false)}},
		{"checkout --no-cache", fal.DeployParams{NoCache: true}},
		{"checkout --force-env-build", fal.DeployParams{NoCache: true}},
		{"checkout --message hello", fal.DeployParams{Message: new("hello")}},
		{"checkout -m=", fal.DeployParams{Message: new("")}},
		{"checkout --annotation A=1 --annotation B=x=y", fal.DeployParams{Annotations: map[string]string{"A": "1", "B": "x=y"}}},
		{"checkout --annotation A=", fal.DeployParams{Annotations: map[string]string{"A": ""}}},
	} {
		tm := newTerm(t)
		if r := tm.run(strings.Fields(tt.line)...); r.code != 0 {
			t.Errorf("%s: %+v", tt.line, r)
			continue
		}
		got := tm.service.params[0]
		got.Progress, got.Uploads = nil, nil
		if tt.want.Annotations == nil {
			tt.want.Annotations = map[string]string{}
		}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %+v, want %+v", tt.line, got, tt.want)
		}
	}
}

// Mistakes of the line and of the project exit 2 before anything is asked.
func TestMistakes(t *testing.T) {
	for _, tt := range []struct{ line, err string }{
		{"checkout --attach --detach", "--attach and --detach contradict each other"},
		{"once --detach", "--detach is for rolling deployments, and once is deployed by recreate\nhint: leave --detach out, or use --strategy rolling\n"},
		{"checkout --attach --strategy recreate", "--attach is for rolling deployments"},
		{"checkout --reset-scale --no-scale", "contradict each other"},
		{"checkout --check --dry-run", "give one of them"},
		{"checkout --all", "--all deploys every app: checkout is one of them"},
		{"--all --app-name x", "error: --app-name is for one Python file, not for --all\n"},
		{"--all --yes --auth public", "error: --auth is for one Python file, not for --all\n"},
		{"--all --app-name x --auth public", "error: --app-name and --auth are for one Python file, not for --all\n"},
		{"checkout --app-name x", "error: --app-name is for Python files: the app checkout of pyproject.toml cannot take it\nhint: write it as name in the app's table\n"},
		{"checkout --auth public", "error: --auth is for Python files: the app checkout of pyproject.toml cannot take it\nhint: write it as auth in the app's table\n"},
		{"checkout --auth public --app-name x", "error: --app-name and --auth are for Python files: the app checkout of pyproject.toml cannot take them\nhint: write them as name and auth in the app's table\n"},
		{"nothing.py --auth public", "nothing.py: no such file"},
		{"chekout --auth public", "hint: did you mean checkout?"},
		{"checkout --annotation A", `invalid value "A" for --annotation: want KEY=VALUE`},
		{"checkout --annotation =A", "want KEY=VALUE"},
		{"checkout --annotation A=1 --annotation A=2", "A is given twice"},
		{"checkout --jobs 0", "want 1 or more"},
		{"checkout --jobs 4", "--jobs is for --all"},
		{"version", "version"},
		{"help", "help"},
		{"chekout", "checkout"},
		{"nothing.py", "nothing.py"},
		{"--check checkout", "--check wants the deployment confirmed, and there is no terminal to ask on\nhint: fal deploy --check --yes -- checkout\n"},
		{"--all", "4 apps to deploy and no terminal to ask on\nhint: fal deploy --all --yes\n"},
	} {
		tm := newTerm(t)
		if r := tm.run(strings.Fields(tt.line)...); r.code != 2 || r.out != "" || !strings.Contains(r.err, tt.err) {
			t.Errorf("%s: %+v, want %q", tt.line, r, tt.err)
		}
		if len(tm.service.apps)+tm.service.plans+len(tm.server.Calls()) != 0 {
			t.Errorf("%s: something was asked: %v", tt.line, tm.server.Calls())
		}
	}
}

func TestDeprecated(t *testing.T) {
	tm := newTerm(t)
	r := tm.run("checkout", "--force-env-build", "--no-scale")
	if !strings.Contains(r.err, "notice: --force-env-build is deprecated: --no-cache is the same\nnotice: --no-scale is deprecated, and is the default\n") {
		t.Errorf("stderr %s", r.err)
	}
}

// What is found while the app is loaded is told too.
func TestNotices(t *testing.T) {
	tm := threeApps(t)
	if err := os.Symlink("a", filepath.Join(tm.dir, "data", "link")); err != nil {
		t.Skip(err)
	}
	const notice = "notice: data/link is a link: it goes as data/a\n"
	if r := tm.run("search"); strings.Count(r.err, notice) != 1 {
		t.Errorf("%+v", r)
	}
	if r := tm.run("--all", "--yes", "--dry-run"); strings.Count(r.err, "notice: search: data/link is a link: it goes as data/a\n") != 1 {
		t.Errorf("%+v", r)
	}
}

// All problems of a file are there, each in a line of its own.
func TestProblems(t *testing.T) {
	tm := newTerm(t)
	tm.write("pyproject.toml", "[tool.fal.apps.bad]\nimag = {}\nregions = [\"mars\"]\nimage = { image = \"x\" }\n")
	r := tm.run("bad", "--json")
	if r.code != 2 || r.out != "" || !strings.Contains(r.err, `"code":"bad_project"`) || !strings.Contains(r.err, "imag") || !strings.Contains(r.err, "mars") {
		t.Errorf("%+v", r)
	}
}

func TestFailures(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		code int
		want string
	}{
		{"build", &fal.DeployError{Phase: fal.DeployBuild, Err: errors.New("exit 1")}, 1, "fal deploy: error: building the environment: exit 1\n"},
		{"registered", &fal.DeployError{Phase: fal.DeployRegister, Revision: revNew, Err: errors.New("crashed")}, 1,
			"error: registering the app: crashed\nhint: revision " + revNew + " of checkout is registered: `fal apps status checkout` shows its runners\n"},
		{"upload", &fal.DeployError{Phase: fal.DeployUpload, Err: errors.New("cut")}, 1,
			"error: uploading the files: cut\nhint: nothing was deployed; files and parts that are there already are not sent again\n"},
		{"nothing", &fal.DeployError{Err: errors.New("no")}, 1, "error: no\n"},
	} {
		tm := newTerm(t)
		tm.service.fails["checkout"] = tt.err
		if r := tm.run("checkout"); r.code != tt.code || r.out != "" || !strings.Contains(r.err, tt.want) {
			t.Errorf("%s: %+v", tt.name, r)
		}
	}
}

// A rollout that was waited for leaves the app pointed at what it could not
// start.
func TestRolloutFails(t *testing.T) {
	for _, tt := range []struct {
		name string
		now  string
		err  error
		want string
	}{
		{"made and not told", revNew, &fal.DeployError{Phase: fal.DeployRegister, Previous: revOld, Err: errors.New("crashed")}, "error: registered, but its rollout failed: crashed; checkout points to revision " + revNew + " now\n" +
			"hint: the service may keep trying to start it: `fal apps status checkout` shows how far it is\n" +
			"hint: `fal apps set-rev checkout " + revOld + "` goes back to the revision before\nhint: `fal runners logs app/checkout` shows what its runners say\n"},
		{"the first one", revNew, &fal.DeployError{Phase: fal.DeployRegister, Err: errors.New("crashed")}, "error: registered, but its rollout failed: crashed; checkout points to revision " + revNew + " now\n" +
			"hint: the service may keep trying to start it: `fal apps status checkout` shows how far it is\nhint: `fal runners logs app/checkout` shows what its runners say\n"},
		{"made and told", revOld, &fal.DeployError{Phase: fal.DeployRegister, Revision: revNew, Err: errors.New("crashed")}, "error: registered, but its rollout failed: crashed; its revision is " + revNew + "\n" +
			"hint: the service may keep trying to start it: `fal apps status checkout` shows how far it is\nhint: `fal runners logs app/checkout` shows what its runners say\n"},
		{"told by the reason", revNew, &fal.DeployError{Phase: fal.DeployRegister, Err: errors.New("a runner of " + revNew + " crashed")}, "error: registered, but its rollout failed: a runner of " + revNew + " crashed\n" +
			"hint: the service may keep trying to start it: `fal apps status checkout` shows how far it is\nhint: `fal runners logs app/checkout` shows what its runners say\n"},
		{"cut", revNew, &fal.DeployError{Phase: fal.DeployRegister, Previous: revOld, Err: fal.ErrUnavailable}, "; checkout points to revision " + revNew + " now\n" +
			"hint: `fal apps status checkout --wait` waits for the rollout\n"},
		{"not made", revOld, &fal.DeployError{Phase: fal.DeployRegister, Previous: revOld, Err: errors.New("refused")}, "error: registering the app: refused\n"},
	} {
		tm := newTerm(t)
		tm.server.SetApps(faltest.App{Alias: "checkout", Revision: tt.now})
		tm.service.fails["checkout"] = tt.err
		if r := tm.run("checkout", "--attach"); r.code == 0 || r.out != "" || !strings.HasSuffix(r.err, tt.want) {
			t.Errorf("%s: %+v", tt.name, r)
		}
	}
}

// The way back from a rollout that failed leads to what serves, and never to
// what crashes as well.
func TestWayBack(t *testing.T) {
	const revOlder = "44444444-0000-4000-8000-000000000003"
	runner := func(revision string, state int32) faltest.Runner {
		return faltest.Runner{ID: revision[:1] + fmt.Sprint(state), Alias: "checkout", Revision: revision, State: state}
	}
	const idle, setup, draining, crashed = 8, 2, 5, 9
	mine := runner(revNew, crashed)
	for _, tt := range []struct {
		name    string
		runners []faltest.Runner
		want    string
	}{
		{"an older one serves", []faltest.Runner{runner(revOlder, idle), runner(revOld, crashed), mine}, "hint: `fal apps set-rev checkout " + revOlder + "` goes back to the revision that serves\n"},
		{"the one before serves", []faltest.Runner{runner(revOld, idle), mine}, "hint: `fal apps set-rev checkout " + revOld + "` goes back to the revision that serves\n"},
		{"two serve", []faltest.Runner{runner(revOlder, idle), runner(revOld, 0), mine}, "hint: `fal apps set-rev checkout " + revOld + "` goes back to the revision that serves\n"},
		{"none serves", []faltest.Runner{runner(revOlder, draining), runner(revOld, setup), mine}, "hint: `fal apps set-rev checkout " + revOld + "` goes back to the revision before\n"},
		{"both crash", []faltest.Runner{runner(revOld, crashed), mine}, ""},
	} {
		tm := newTerm(t)
		tm.server.SetApps(faltest.App{Alias: "checkout", Revision: revNew})
		tm.server.SetRunners(tt.runners...)
		tm.service.fails["checkout"] = &fal.DeployError{Phase: fal.DeployRegister, Revision: revNew, Previous: revOld, Err: errors.New("crashed")}
		r := tm.run("checkout", "--attach")
		if want := "shows how far it is\n" + tt.want + "hint: `fal runners logs"; r.code != 1 || !strings.Contains(r.err, want) {
			t.Errorf("%s: %+v, want %q", tt.name, r, want)
		}
	}
	tm := newTerm(t)
	tm.server.SetRunners(faltest.Runner{ID: "a", Alias: "checkout--staging", Revision: revOlder, State: idle})
	tm.service.fails["checkout"] = &fal.DeployError{Phase: fal.DeployRegister, Revision: revNew, Previous: revOld, Err: errors.New("crashed")}
	if r := tm.run("checkout", "--attach", "--env", "staging"); !strings.Contains(r.err, "`fal apps set-rev checkout "+revOlder+" --env staging` goes back") {
		t.Errorf("%+v", r)
	}
}

// One record has a name to print as well, unless it failed.
func TestName(t *testing.T) {
	tm := newTerm(t)
	tm.want(tm.run("checkout", "-o", "name"), 0, "checkout\n", "deploying checkout (image)\n")
	tm.want(tm.run("checkout", "-o", "name", "--dry-run"), 0, "checkout\n", "planning checkout (image)\n")
	tm.service.fails["checkout"] = errors.New("no")
	tm.want(tm.run("checkout", "-o", "name"), 1, "", "error: no\n")
}

// A program can tell a failure that left the app as it was from one that moved
// it.
func TestFailureAsJSON(t *testing.T) {
	for _, tt := range []struct {
		name, line, now    string
		err                error
		revision, previous any
	}{
		{"build", "checkout", revOld, &fal.DeployError{Phase: fal.DeployBuild, Err: errors.New("exit 1")}, "", nil},
		{"build of an app that is there", "checkout", revOld, &fal.DeployError{Phase: fal.DeployBuild, Previous: revOld, Err: errors.New("exit 1")}, "", revOld},
		{"rollout", "checkout --attach", revNew, &fal.DeployError{Phase: fal.DeployRegister, Previous: revOld, Err: errors.New("crashed")}, revNew, revOld},
		{"rollout that was told", "checkout --attach", revOld, &fal.DeployError{Phase: fal.DeployRegister, Revision: revNew, Err: errors.New("crashed")}, revNew, nil},
		{"lost answer", "checkout", revNew, &fal.DeployError{Phase: fal.DeployRegister, Previous: revOld, Err: fal.ErrUnavailable}, revNew, revOld},
		{"refused", "checkout", revOld, &fal.DeployError{Phase: fal.DeployRegister, Previous: revOld, Err: errors.New("refused")}, "", revOld},
	} {
		for _, all := range []bool{false, true} {
			tm := threeApps(t)
			tm.server.SetApps(faltest.App{Alias: "checkout", Revision: tt.now})
			tm.service.events = phases()
			tm.service.fails["checkout"] = tt.err
			line := tt.line
			if all {
				line = strings.Replace(line, "checkout", "--all --yes --strategy rolling", 1)
			}
			r := tm.run(append(strings.Fields(line), "--json")...)
			got := tm.object(r)
			if list, ok := got["deployments"].([]any); ok == all && all {
				got, _ = list[0].(map[string]any)
			}
			if r.code == 0 || got["status"] != "failed" || got["app_name"] != "checkout" || got["revision"] != tt.revision || got["previous_revision"] != tt.previous || got["auth_mode"] != "public" || got["error"] == nil {
				t.Errorf("%s, all %v: %+v", tt.name, all, r)
			}
			if _, after, _ := strings.Cut(r.err, `{"error":{"code":`); !all && !strings.HasSuffix(after, "}}\n") {
				t.Errorf("%s: no error in %s", tt.name, r.err)
			}
		}
	}
	tm := newTerm(t)
	tm.service.fails["checkout"] = errors.New("no")
	if r := tm.run("checkout", "-q", ".status, .error"); r.code != 1 || r.out != "failed\nno\n" {
		t.Errorf("%+v", r)
	}
	if r := tm.run("checkout", "--dry-run", "--json"); r.code != 1 || tm.object(r)["status"] != "failed" {
		t.Errorf("%+v", r)
	}
}

// A service that cannot be asked leaves open what became of a registration that
// broke off, and that is said; one that refused has registered nothing.
func TestRegistrationThatIsNotKnown(t *testing.T) {
	const unknown = "; whether checkout was registered, and how its rollout went, is not known\nhint: `fal apps status checkout` tells, once the service answers\n"
	for _, tt := range []struct {
		name, line string
		err        error
		unknown    bool
	}{
		{"attached", "checkout --attach", fal.ErrUnavailable, true},
		{"not attached", "checkout", fal.ErrUnavailable, true},
		{"too late", "checkout", fal.ErrDeadlineExceeded, true},
		{"refused", "checkout", fal.ErrInvalidArgument, false},
	} {
		tm := newTerm(t)
		tm.server.Handle("ListAliases", func(faltest.Call) faltest.Answer { return faltest.Fail(fal.CodePermissionDenied, "not now") })
		tm.service.fails["checkout"] = &fal.DeployError{Phase: fal.DeployRegister, Previous: revOld, Err: tt.err}
		if r := tm.run(strings.Fields(tt.line)...); r.code == 0 || strings.Contains(r.err, unknown) != tt.unknown || !strings.Contains(r.err, "error: registering the app: ") {
			t.Errorf("%s: %+v", tt.name, r)
		}
	}
}

// Who deploys what starts at once is told how to see whether it does.
func TestRolloutIsFollowed(t *testing.T) {
	const hint = "hint: `fal apps status checkout --wait` follows the rollout\n"
	for _, tt := range []struct {
		name, line  string
		tty         bool
		min, buffer int
		told        bool
	}{
		{"runners start", "checkout", true, 1, 0, true},
		{"a buffer starts", "checkout", true, 0, 1, true},
		{"none starts", "checkout", true, 0, 0, false},
		{"waited for", "checkout --attach", true, 1, 0, false},
		{"in a pipe", "checkout", false, 1, 0, false},
	} {
		tm := newTerm(t)
		tm.tty = tt.tty
		tm.service.before = sampleBefore()
		tm.service.before.MinConcurrency, tm.service.before.ConcurrencyBuffer = tt.min, tt.buffer
		if r := tm.run(strings.Fields(tt.line)...); r.code != 0 || strings.HasSuffix(r.err, hint) != tt.told || strings.Contains(r.err, "follows") != tt.told {
			t.Errorf("%s: %+v", tt.name, r)
		}
	}
}

// Who deploys while runners of the revision before are up is told that they
// answer for a while, in a pipe too. To know it never costs a deployment much.
func TestOldRunnersAreTold(t *testing.T) {
	const follow = "`fal apps status checkout --wait` follows the rollout\n"
	idle := `{"runner_id":"a","alias":"checkout","revision":"` + revOld + `","state":"IDLE"}`
	for _, tt := range []struct {
		name, line string
		tty, fresh bool
		runners    string
		want       string
		looks      int
	}{
		{"one", "checkout", false, false, idle, "hint: 1 runner of an earlier revision is being replaced: " + follow, 1},
		{"on a terminal", "checkout", true, false, idle, "hint: 1 runner of an earlier revision is being replaced: " + follow, 1},
		{"two", "checkout", false, false, idle + `,{"runner_id":"b","alias":"checkout","revision":"older","state":"RUNNING"}`, "hint: 2 runners of an earlier revision are being replaced: " + follow, 1},
		{"all", "--all --yes --strategy rolling", false, false, idle, "hint: 1 runner of an earlier revision is being replaced: " + follow, 3},
		{"none", "checkout", false, false, "", "", 1},
		{"one that ends", "checkout", false, false, strings.Replace(idle, "IDLE", "DRAINING", 1), "", 1},
		{"one of the new revision", "checkout", false, false, strings.Replace(idle, revOld, revNew, 1), "", 1},
		{"for the first time", "checkout", false, true, idle, "", 0},
		{"waited for", "checkout --attach", false, false, idle, "", 0},
		{"not waited for", "checkout --detach", false, false, idle, "", 0},
	} {
		tm := threeApps(t)
		tm.tty = tt.tty
		if !tt.fresh {
			tm.service.before = sampleBefore()
		}
		tm.server.Handle("ListAliasRunners", func(faltest.Call) faltest.Answer { return faltest.Reply(`{"runners":[` + tt.runners + `]}`) })
		r := tm.run(strings.Fields(tt.line)...)
		if r.code != 0 || !strings.Contains(r.err, tt.want) || tt.want == "" && strings.Contains(r.err, "being replaced") || len(tm.server.Calls("ListAliasRunners")) != tt.looks {
			t.Errorf("%s: %+v, %d looks", tt.name, r, len(tm.server.Calls("ListAliasRunners")))
		}
	}
	for name, answer := range map[string]faltest.Answer{"refuses": faltest.Fail(fal.CodePermissionDenied, "no"), "hangs": faltest.Hang(), "is down": faltest.Fail(fal.CodeUnavailable, "down")} {
		tm := newTerm(t)
		tm.service.before = sampleBefore()
		tm.server.Handle("ListAliasRunners", func(faltest.Call) faltest.Answer { return answer })
		if name == "hangs" {
			tm.look = 10 * time.Millisecond
		}
		if r := tm.run("checkout"); r.code != 0 || r.out != deployedText || strings.Contains(r.err, "replaced") {
			t.Errorf("a service that %s: %+v", name, r)
		}
	}
}

// Who may call an app that the code says nothing of is told if it is not its
// account alone.
func TestAuthIsKept(t *testing.T) {
	for _, tt := range []struct {
		app  string
		mode fal.AuthMode
		told bool
	}{
		{"once", fal.AuthPublic, true},
		{"once", fal.AuthPrivate, false},
		{"checkout", fal.AuthShared, false}, // its code says public
	} {
		tm := newTerm(t)
		tm.service.before = sampleBefore()
		tm.service.before.AuthMode = tt.mode
		r := tm.run(tt.app)
		if want := "note: kept from before: auth " + tt.mode.String() + ", of which the code says nothing\n"; r.code != 0 || strings.Contains(r.err, want) != tt.told {
			t.Errorf("%s, %s: %+v", tt.app, tt.mode, r)
		}
	}
}

// On a terminal the log of a step that ends well goes, and not its warnings.
func TestWarningsStay(t *testing.T) {
	tm := newTerm(t)
	tm.tty, tm.service.events = true, phases()
	if r := tm.run("checkout"); !strings.Contains(r.err, "built the environment  0.0s\n  WARNING old base\\x07\n") {
		t.Errorf("%+v", r)
	}
}

// What the default rules leave out is said, and all of it by a plan.
func TestLeftOutFiles(t *testing.T) {
	tm := newTerm(t)
	for i := range 5 {
		tm.write(fmt.Sprintf("data/%d.md", i), "x")
	}
	r := tm.run("search", "--dry-run")
	if r.code != 0 || !strings.Contains(r.err, "notice: 5 files left out by the default ignore rules (*.md): data/0.md, data/1.md, data/2.md and 2 more, which --dry-run lists; a .dockerignore replaces these rules\n") ||
		!strings.Contains(r.out, "  - data/4.md  left out by *.md, a default ignore rule\n") || strings.Count(r.out, "left out") != 5 {
		t.Errorf("%+v", r)
	}
}

func TestClips(t *testing.T) {
	for _, tt := range []struct {
		env  map[string]string
		want bool
	}{
		{map[string]string{"TERM": "xterm-256color"}, false},
		{map[string]string{"TERM": "xterm-256color", "XTERM_VERSION": "XTerm(390)"}, true},
		{map[string]string{"TERM": "linux"}, true},
		{map[string]string{"TERM": "screen.xterm-256color", "STY": "1.pts"}, true},
		{map[string]string{"TERM": "screen-256color", "TMUX": "/tmp/tmux-0/default,1,0"}, false},
		{map[string]string{"TERM": "rxvt-unicode"}, true},
		{nil, false},
	} {
		if got := clips(func(name string) string { return tt.env[name] }); got != tt.want {
			t.Errorf("%v: %v", tt.env, got)
		}
	}
}

// What a file says of the team is named as that, and not as a flag.
func TestTeamOfAFile(t *testing.T) {
	tm := newTerm(t)
	tm.server.HandleREST("GET /users/current", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"user_id":"u","nickname":"local"}`))
	})
	const wrong = "error: the key from FAL_KEY belongs to local, not to team acme\n"
	if r := tm.run("teamed"); r.code != 4 || !strings.HasSuffix(r.err, wrong+"hint: use a key of that team, or change tool.fal.apps.teamed.team in pyproject.toml:17\n") {
		t.Errorf("%+v", r)
	}
	if r := tm.run("checkout", "--team", "acme"); r.code != 4 || !strings.HasSuffix(r.err, wrong+"hint: use a key of that team, or leave out --team\n") {
		t.Errorf("%+v", r)
	}
}

// An environment that is not there is named with what may have been meant.
func TestNoEnvironment(t *testing.T) {
	tm := newWire(t)
	tm.server.SetEnvironments(faltest.Environment{Name: "main", Default: true}, faltest.Environment{Name: "staging"})
	missing := faltest.Fail(fal.CodeNotFound, "environment not found")
	tm.server.Script("BuildEnvironment", missing, missing)
	r := tm.run("checkout", "--env", "stagin")
	if r.code != 3 || !strings.HasSuffix(r.err, "hint: did you mean staging?\nhint: `fal environments create stagin` makes it\nhint: `fal environments list` shows those that are there\n") {
		t.Errorf("%+v", r)
	}
	if r := tm.run("checkout", "--env", "staging"); r.code != 3 || strings.Contains(r.err, "environments") {
		t.Errorf("%+v", r)
	}
}

// Who waits for a rollout that needs no runner is told so.
func TestAttachWithoutRunner(t *testing.T) {
	const note = "note: no runner was started: min_concurrency is 0; the first request starts one\n"
	tm := newTerm(t)
	if r := tm.run("checkout", "--attach"); !strings.HasSuffix(r.err, note) {
		t.Errorf("%+v", r)
	}
	if r := tm.run("checkout"); strings.Contains(r.err, note) {
		t.Errorf("%+v", r)
	}
	tm.service.before = sampleBefore()
	tm.service.before.MinConcurrency = 1
	if r := tm.run("checkout", "--attach"); strings.Contains(r.err, note) {
		t.Errorf("%+v", r)
	}
	tm.service.before = nil
	tm.service.events = []fal.DeployEvent{{Phase: fal.DeployRegister, Log: &fal.DeployLog{Level: "INFO", Message: "1 of 1 runners up"}}}
	if r := tm.run("checkout", "--attach"); strings.Contains(r.err, note) {
		t.Errorf("%+v", r)
	}
}

// Ctrl-C says what came of it, and exits 130.
func TestInterrupt(t *testing.T) {
	for _, tt := range []struct {
		phase    fal.DeployPhase
		revision string
		want     string
	}{
		{"", "", "interrupted: nothing was sent"},
		{fal.DeployHash, "", "interrupted: nothing was sent"},
		{fal.DeployUpload, "", "interrupted: nothing was deployed; files and parts that are there already are not sent again"},
		{fal.DeployBuild, "", "interrupted: nothing was deployed; the service may go on with the build"},
		{fal.DeployMetadata, "", "interrupted: nothing was deployed; the environment is built"},
		{fal.DeployRegister, "", "interrupted: checkout points to revision " + revOld + " as before; the service may still register the new one\nhint: `fal apps status checkout` shows how far it is"},
		{fal.DeployRegister, revNew, "interrupted: checkout points to revision " + revNew + ", and its rollout goes on; " + revOld + " may still serve"},
		{fal.DeployRegister, "later", "interrupted: checkout points to revision " + revNew + ", and its rollout goes on; " + revOld + " may still serve"},
		{fal.DeployRegister, "none serves", "interrupted: checkout points to revision " + revNew + ", and its rollout goes on"},
	} {
		tm := newTerm(t)
		tm.server.SetApps(faltest.App{Alias: "checkout", Revision: revOld})
		const idle, draining = 8, 5
		old := faltest.Runner{ID: "a", Alias: "checkout", Revision: revOld, State: idle}
		if tt.revision == "none serves" {
			tt.revision, old.State = revNew, draining
		}
		tm.server.SetRunners(old, faltest.Runner{ID: "b", Alias: "checkout", Revision: revNew, State: idle})
		if tt.revision == "later" { // the service has made it, and not told so
			tt.revision = ""
			tm.server.SetApps(faltest.App{Alias: "checkout", Revision: revNew})
		}
		ctx, cancel := context.WithCancel(t.Context())
		tm.service.during = func(ctx context.Context) error {
			cancel()
			<-ctx.Done()
			return &fal.DeployError{Phase: tt.phase, Revision: tt.revision, Previous: revOld, Err: ctx.Err()}
		}
		r := tm.runContext(ctx, "checkout")
		if r.code != 130 || r.out != "" || !strings.Contains(r.err, "fal deploy: error: "+tt.want+"\n") {
			t.Errorf("%s: %+v", tt.phase, r)
		}
	}
}

// Ctrl-C is answered at once, by what is known: what takes longer may be ended
// by another one.
func TestInterruptIsAnswered(t *testing.T) {
	for _, tt := range []struct {
		phase fal.DeployPhase
		want  string
	}{
		{"", "interrupted; nothing was sent\n"},
		{fal.DeployUpload, "interrupted while uploading the files; nothing was deployed; files that are there already are not sent again\n"},
		{fal.DeployBuild, "interrupted while building the environment; nothing was deployed; the service may go on with the build\n"},
		{fal.DeployRegister, "interrupted while registering the app; asking the service what became of it ...\n"},
	} {
		synctest.Test(t, func(t *testing.T) {
			streams, _, _, errout := iostreams.Test()
			display := progress.New(progress.Options{Out: errout})
			defer display.Close()
			j := &job{o: &options{}, inv: &cli.Invocation{IO: streams}, display: display}
			if tt.phase != "" {
				j.phase.Store(tt.phase)
			}
			ctx, cancel := context.WithCancel(t.Context())
			silence := j.tellInterruption(ctx)
			time.Sleep(time.Hour)
			cancel()
			said := func() (text string) {
				display.Pause(func() { text = errout.String() })
				return text
			}
			time.Sleep(tellAfter / 2)
			synctest.Wait()
			if got := said(); got != "" {
				t.Errorf("said %q before it has taken long", got)
			}
			time.Sleep(tellAfter)
			synctest.Wait()
			if got := said(); got != tt.want {
				t.Errorf("said %q, want %q", got, tt.want)
			}
			silence()
			j.tellInterruption(ctx)() // what ends in time says nothing
			if got := said(); got != tt.want {
				t.Errorf("said %q", got)
			}
		})
	}
}

// A service that hangs is asked for a bounded time what became of it.
func TestInterruptOfAServiceThatHangs(t *testing.T) {
	tm := newTerm(t)
	tm.server.Script("ListAliases", faltest.Hang())
	ctx, cancel := context.WithCancel(t.Context())
	tm.service.events = []fal.DeployEvent{{Phase: fal.DeployRegister, Started: true}}
	tm.service.during = func(ctx context.Context) error {
		cancel()
		<-ctx.Done()
		return &fal.DeployError{Phase: fal.DeployRegister, Previous: revOld, Err: ctx.Err()}
	}
	r := tm.runContext(ctx, "checkout")
	if r.code != 130 || !strings.Contains(r.err, "interrupted while registering the app; asking the service what became of it ...\nfal deploy: error: interrupted: the new revision of checkout may be registered or not\n") {
		t.Errorf("%+v", r)
	}
}

// A service that does not begin to answer is given up; one that works is not.
func TestTimeout(t *testing.T) {
	tm := newTerm(t)
	silent := func(ctx context.Context) error {
		<-ctx.Done()
		return &fal.DeployError{Err: ctx.Err()}
	}
	tm.service.during = silent
	if r := tm.run("checkout", "--timeout", "10ms"); r.code != 6 || !strings.Contains(r.err, "in time\nhint: `--timeout 5m`") {
		t.Errorf("%+v", r)
	}
}

func TestDryRun(t *testing.T) {
	tm := newTerm(t)
	tm.service.before = sampleBefore()
	r := tm.run("checkout", "--dry-run")
	tm.want(r, 0, `checkout
  revision       55555555-0000-4000-8000-000000000002, which a new one replaces
  auth_mode      private → public
  machine_types  XS → GPU-H100
  keep_alive     10s, as before; 2m in the code takes --reset-scale
  strategy       rolling
  build cache    used
  files          1 of 2 files to upload, 2.0 KiB
  + data/a  2.0 KiB
    data/b\x1b  10 B
BuildEnvironment
  {
    "environments": [
      {
        "kind": "container"
      }
    ]
  }
RegisterApplication
  {
    "application_name": "checkout"
  }
would deploy checkout
`, "planning checkout (image)\n")
	got := tm.object(tm.run("checkout", "--dry-run", "--json", "--reset-scale"))
	plan, _ := got["plan"].(map[string]any)
	if got["status"] != "planned" || got["revision"] != "" || got["previous_revision"] != revOld || plan["bytes"] != 2048.0 {
		t.Errorf("%v", got)
	}
	changes, _ := plan["changes"].([]any)
	if len(changes) != 3 || !reflect.DeepEqual(changes[2], map[string]any{"setting": "keep_alive", "before": 10.0, "after": 120.0}) {
		t.Errorf("%v", changes)
	}
	if request, _ := plan["register_request"].(map[string]any); request["application_name"] != "checkout" {
		t.Errorf("%v", plan)
	}
	tm.service.before = nil
	if r := tm.run("checkout", "--dry-run"); !strings.HasPrefix(r.out, "checkout\n  revision                 none: it is deployed for the first time\n  auth_mode                public\n  machine_types            GPU-H100\n") {
		t.Errorf("%s", r.out)
	}
	if len(tm.service.apps) != 0 {
		t.Error("something was deployed")
	}
}

// A module that is not there is told apart from one of the app's own.
func TestMissingModule(t *testing.T) {
	for message, want := range map[string]string{
		"web.app:Web.build_metadata raised an exception: ModuleNotFoundError: No module named 'fal'":      "the package that fal comes from",
		"web.app:Web.build_metadata raised an exception: ModuleNotFoundError: No module named 'torch.nn'": "the package that torch comes from",
		"ModuleNotFoundError: No module named 'web'":                                                      "web is a package of your own",
		"ModuleNotFoundError: No module named 'web.app'":                                                  "web is a package of your own",
		"ValueError: no": "",
	} {
		got := strings.Join(missingModule(message, "web.app:Web"), "\n")
		if (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q", message, got)
		}
	}
	tm := newTerm(t)
	tm.service.fails["checkout"] = &fal.DeployError{Phase: fal.DeployMetadata, Err: errors.New("No module named 'fal'")}
	if r := tm.run("checkout"); r.code != 1 || !strings.Contains(r.err, "\nhint: requirements has to name the package that fal comes from") {
		t.Errorf("%+v", r)
	}
}
