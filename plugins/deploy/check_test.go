package deploy

import (
	"net/http"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		name, line, typed, env string
		tty                    bool
		code                   int
		deployed               bool
		err                    string
	}{
		{name: "typed", line: "checkout --check", typed: "confirm\n", tty: true, deployed: true, err: "Type confirm to deploy checkout: "},
		{name: "in any case", line: "checkout --check", typed: " CONFIRM \n", tty: true, deployed: true},
		{name: "yes is not enough", line: "checkout --check", typed: "yes\n", tty: true, code: 1, err: "error: nothing was deployed\n"},
		{name: "end of input", line: "checkout --check", tty: true, code: 1, err: "nothing was deployed"},
		{name: "not asked", line: "checkout --check --yes", deployed: true, err: "  auth_mode      private → public\n"},
		{name: "the variable", line: "checkout", env: "1", code: 2, err: "FAL_DEPLOY_CHECK wants the deployment confirmed"},
		{name: "the variable is off", line: "checkout", env: " False ", deployed: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tm := newTerm(t)
			tm.server.SetApps(faltest.App{Alias: "checkout", Revision: revOld})
			tm.service.before = sampleBefore()
			tm.stdin, tm.tty, tm.env["FAL_DEPLOY_CHECK"] = tt.typed, tt.tty, tt.env
			r := tm.run(strings.Fields(tt.line)...)
			if r.code != tt.code || !strings.Contains(r.err, tt.err) || (len(tm.service.apps) == 1) != tt.deployed {
				t.Errorf("deployed %d: %+v", len(tm.service.apps), r)
			}
		})
	}
}

// What was shown is what is deployed over.
func TestCheckedAppMoved(t *testing.T) {
	tm := newTerm(t)
	tm.server.SetApps(faltest.App{Alias: "checkout", Revision: revNew})
	tm.service.before = sampleBefore()
	tm.stdin, tm.tty = "confirm\n", true
	if r := tm.run("checkout", "--check"); r.code != 1 || !strings.Contains(r.err, "checkout points to revision "+revNew+" by now: nothing was deployed") || len(tm.service.apps) > 0 {
		t.Errorf("%+v", r)
	}
	tm.server.SetApps()
	if r := tm.run("checkout", "--check"); r.code != 1 || !strings.Contains(r.err, "checkout is gone by now: nothing was deployed") || len(tm.service.apps) > 0 {
		t.Errorf("%+v", r)
	}
}

// The account may want a confirmation; only a team's is asked.
func TestPolicy(t *testing.T) {
	for _, tt := range []struct {
		name, line, user string
		status           int
		code             int
		err              string
	}{
		{"no team", "checkout", `{"user_id":"u","nickname":"acme","deploy_check":true}`, 200, 0, ""},
		{"its own", "checkout --team acme", `{"user_id":"u","nickname":"acme","deploy_check":true}`, 200, 2, "the account wants the deployment confirmed"},
		{"of the app", "teamed", `{"user_id":"u","nickname":"acme","settings":{"deployment_confirmation":"yes"}}`, 200, 2, "the account wants the deployment confirmed"},
		{"with --yes", "teamed --yes", `{"user_id":"u","nickname":"acme","team_config":{"require_deploy_check":1}}`, 200, 0, "  strategy"},
		{"none", "teamed", `{"user_id":"u","nickname":"acme","deploy_check":"no"}`, 200, 0, ""},
		{"not told", "teamed", `{}`, 404, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tm := newTerm(t)
			delete(tm.env, "FAL_CACHE_DIR")
			tm.env["FAL_CACHE_DIR"] = t.TempDir()
			asked := 0
			tm.server.HandleREST("GET /users/current", func(w http.ResponseWriter, r *http.Request) {
				asked++
				w.Header().Set("Content-Type", "application/json")
				if asked > 1 { // the first one is about the team
					w.WriteHeader(tt.status)
					_, _ = w.Write([]byte(tt.user))
					return
				}
				_, _ = w.Write([]byte(`{"user_id":"u","nickname":"acme"}`))
			})
			if r := tm.run(strings.Fields(tt.line)...); r.code != tt.code || !strings.Contains(r.err, tt.err) {
				t.Errorf("asked %d: %+v", asked, r)
			}
		})
	}
}
