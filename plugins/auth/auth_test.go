package auth

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

func TestLogout(t *testing.T) {
	selected := "# kept\n[__internal__]\nteam = \"acme\"\n"
	t.Run("revokes", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		d.loggedIn(time.Hour)
		d.write("config.toml", selected)
		d.want(d.run("whoami", "-q", ".nickname"), 0, "acme\n")
		d.want(d.run("logout", "--debug"), 0, "logged out\n", "notice: account acme is no longer selected", "POST /oauth/revoke: 200")
		if got := d.read("auth0_token"); got != "" || !slices.Equal(d.issuer.revoked, []string{"canary-refresh-0"}) || len(d.opened) > 0 {
			t.Errorf("stored %q, revoked %q, opened %q", got, d.issuer.revoked, d.opened)
		}
		if got := d.read("config.toml"); got != "# kept\n[__internal__]\n" {
			t.Errorf("config %q", got)
		}
		if kept, err := filepath.Glob(filepath.Join(d.home, "cache", "*", "*")); err != nil || len(kept) > 0 {
			t.Errorf("kept %q, %v", kept, err)
		}
		d.want(d.run("logout", "--no-browser"), 0, "not logged in\n")
		d.want(d.run("logout", "--json"), 0, `{"logged_out":false,"revoked":false,"unset_team":null}`+"\n")
	})
	t.Run("JSON", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		d.loggedIn(time.Hour)
		d.write("config.toml", selected)
		d.want(d.run("logout", "--json"), 0, `{"logged_out":true,"revoked":true,"unset_team":"acme"}`+"\n", "notice")
	})
	t.Run("nobody answers", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		before := d.loggedIn(time.Hour)
		d.write("config.toml", selected)
		d.issuer.broken = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
		d.want(d.run("logout"), 6, "", "; the login is kept", "hint: `fal-auth logout --all-local` deletes it without asking")
		if d.read("auth0_token") != before || d.read("config.toml") != selected {
			t.Error("something was deleted")
		}
		d.want(d.run("logout", "--all-local", "-q", ".revoked"), 0, "false\n", "notice: account acme is no longer selected")
		if got := d.read("auth0_token"); got != "" || len(d.issuer.revoked) > 0 {
			t.Errorf("stored %q, revoked %q", got, d.issuer.revoked)
		}
	})
	t.Run("a page answers", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		before := d.loggedIn(time.Hour)
		d.issuer.broken = func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>ok</html>") }
		d.want(d.run("logout"), 6, "", "is not the issuer; the login is kept")
		if got := d.read("auth0_token"); got != before {
			t.Errorf("stored %q", got)
		}
	})
	t.Run("no token", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		d.write("auth0_token", "\n")
		d.want(d.run("logout", "--json"), 0, `{"logged_out":false,"revoked":false,"unset_team":null}`+"\n")
		if len(d.issuer.revoked) > 0 {
			t.Errorf("revoked %q", d.issuer.revoked)
		}
	})
	t.Run("to whatever listens", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		d.write("auth0_token", "canary-refresh-0\n")
		delete(d.env, "FAL_AUTH_URL")
		for _, argv := range [][]string{{"logout"}, {"whoami"}, {"token"}} {
			d.want(d.run(argv...), 4, "", "nothing was sent")
		}
		if calls := d.server.Calls(); len(calls) > 0 || d.read("auth0_token") == "" {
			t.Errorf("%d calls", len(calls))
		}
	})
	t.Run("with a key", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		d.loggedIn(time.Hour)
		d.env["FAL_KEY"] = "id:canary-secret"
		d.want(d.run("logout"), 0, "logged out\n", "notice: commands use key id from FAL_KEY")
	})
}

func TestWhoami(t *testing.T) {
	d := newDesk(t)
	d.want(d.run("whoami"), 4, "", "no credentials", "hint: export FAL_KEY=<id>:<secret>", "hint: fal-auth login")
	d.loggedIn(time.Hour)
	scope, person := "null", `"ada"`
	line := func(credentials, key, id, nickname, name, team, origin string) string {
		return fmt.Sprintf(`{"credentials":%q,"origin":%q,"key_id":%s,"key_scope":%s,"host":%q,"user_id":%q,"nickname":%q,"full_name":"%s","team":%s,"team_origin":%s,"person":%s}`+"\n",
			credentials, map[string]string{"login": d.path(), "key": "FAL_KEY"}[credentials], key, scope, d.server.Host(), id, nickname, name, team, origin, person)
	}
	d.want(d.run("whoami"), 0, line("login", "null", "github|1", "ada", `Ada L\u001b[31m`, "null", "null"))
	d.want(d.run("whoami", "--team", "ACME"), 0, line("login", "null", "team|2", "acme", "Acme", `"ACME"`, `"--team"`))
	d.want(d.run("whoami", "--team", "acne"), 3, "", "did you mean acme?")
	d.tty = true
	d.want(d.run("whoami", "--team", "acme"), 0, "Account      acme (Acme)\nChosen by    --team\nPerson       ada\nUser id      team|2\nCredentials  login from "+d.path()+"\nHost         "+d.server.Host()+"\n")
	d.tty = false
	d.env["FAL_KEY"] = "id:canary-secret"
	scope, person = `"ADMIN"`, "null"
	d.server.SetKeys(faltest.Key{ID: "other", Scope: 1}, faltest.Key{ID: "id"})
	d.want(d.run("whoami", "--debug"), 0, line("key", `"id"`, "github|1", "ada", `Ada L\u001b[31m`, "null", "null"), "GET /users/current")
	d.tty = true
	d.want(d.run("whoami"), 0, "Account      ada (Ada L\\x1b[31m)\nUser id      github|1\nCredentials  key id from FAL_KEY, of scope ADMIN\nHost         "+d.server.Host()+"\n")
	d.server.Script("ListUserKeys", faltest.Fail(fal.CodePermissionDenied, "not for you"))
	d.want(d.run("whoami", "-q", ".key_scope"), 0, "API\n")
	d.server.SetKeys()
	d.want(d.run("whoami", "-q", ".key_scope"), 0, "null\n")
	d.server.Script("ListUserKeys", faltest.Fail(fal.CodeInternal, "out of order"))
	d.want(d.run("whoami", "-q", ".key_scope"), 0, "null\n", "notice: the scope of the key is not known: out of order")
}

func TestToken(t *testing.T) {
	d := newDesk(t)
	d.want(d.run("token"), 4, "", "error: not logged in\nhint: fal-auth login\n")
	d.loggedIn(time.Hour)
	stored := strings.Fields(d.read("auth0_token"))[1]
	d.want(d.reveal(t.Context(), "token"), 0, stored+"\n")
	d.want(d.reveal(t.Context(), "token", "--json"), 0, `{"access_token":"`+stored+`"}`+"\n")

	d.loggedIn(time.Minute) // not for long
	d.want(d.reveal(t.Context(), "token"), 0, strings.Fields(d.issuer.token(24 * time.Hour))[0]+"\n")
	if got := d.read("auth0_token"); !strings.HasPrefix(got, "canary-refresh-1\n") {
		t.Errorf("stored %q", got)
	}
	d.tty = true
	d.want(d.run("token"), 2, "", "standard output is a terminal, which would show the token", "--yes")
	if r := d.reveal(t.Context(), "token", "--yes", "--debug"); r.code != 0 || !strings.HasPrefix(r.out, "canary-head.") || strings.Contains(r.err, "canary") {
		t.Errorf("%+v", r)
	}
	d.tty = false
	d.env["FAL_KEY"] = "id:canary-secret"
	d.want(d.run("token"), 4, "", "key id from FAL_KEY is in use, and no login: there is no token", "hint: FAL_FORCE_AUTH_BY_USER=1 fal-auth token")
	d.env["FAL_FORCE_AUTH_BY_USER"] = "1"
	d.want(d.reveal(t.Context(), "token", "-q", ".access_token | length > 9"), 0, "true\n")
	delete(d.env, "FAL_FORCE_AUTH_BY_USER")
	d.write("auth0_token", "")
	d.want(d.run("token", "--profile", "ci"), 2, "", "unknown profile")
	if calls := d.server.Calls(); len(calls) > 0 {
		t.Errorf("the service was asked: %v", calls)
	}
}

// The service and the issuer may say what they like: no command repeats a
// secret, and none is left in a file that others can read.
func TestNoSecretIsShown(t *testing.T) {
	for _, argv := range [][]string{
		{"login"}, {"login", "--json"}, {"whoami"}, {"whoami", "--team", "acme"}, {"whoami", "-o", "yaml"}, {"token", "--team", "acme"}, {"logout"}, {"logout", "--json"}, {"logout", "--all-local"},
	} {
		for _, life := range []time.Duration{time.Hour, -time.Hour} {
			for _, more := range [][]string{nil, {"--debug"}} {
				for _, fails := range []bool{false, true} {
					if argv[0] == "login" && life < 0 {
						continue // what is there is not read
					}
					t.Run(fmt.Sprint(argv, more, life, fails), func(t *testing.T) {
						t.Parallel()
						d := newDesk(t)
						d.loggedIn(life)
						if fails {
							d.issuer.broken = func(w http.ResponseWriter, r *http.Request) {
								w.Header().Set("Content-Type", "application/json")
								w.WriteHeader(400)
								fmt.Fprint(w, `{"error":"invalid_request","error_description":"it is bad"}`)
							}
						}
						d.run(slices.Concat(argv, more)...) // which looks for it
					})
				}
			}
		}
	}
}
