package auth

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/cli"
)

func TestEveryCommand(t *testing.T) { cli.TryEverything(t, App) }

func TestLogin(t *testing.T) {
	t.Run("text", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		d.issuer.pending = 1
		r := d.run("login")
		d.want(r, 0, "logged in as ada (Ada L\\x1b[31m)\n",
			"Open this page in a browser:\n\n  "+d.issuer.URL+"/v2/logout?client_id=", "and confirm there the code ABCD-EFGH\n", "the code expires in ")
		if len(d.opened) > 0 || strings.Contains(r.err, "\r") {
			t.Errorf("opened %q, stderr %q", d.opened, r.err)
		}
		if got := d.read("auth0_token"); !strings.HasPrefix(got, "canary-refresh-2\ncanary-head.") {
			t.Errorf("stored %q", got)
		}
		for _, c := range d.server.Calls() {
			if c.Method != "GET /users/teams" || !strings.HasPrefix(c.Get("authorization"), "Bearer canary-head.") {
				t.Errorf("%s with %q", c.Method, c.Get("authorization"))
			}
		}
	})
	t.Run("JSON, with an account selected", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		d.write("config.toml", "[__internal__]\nteam = \"Acme\"\n")
		d.want(d.run("login", "--json"), 0, `{"user_id":"github|1","nickname":"ada","full_name":"Ada L\u001b[31m","team":"Acme"}`+"\n", "ABCD-EFGH")
	})
	t.Run("an account that is none of theirs was selected", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		d.write("config.toml", "# kept\n[__internal__]\nteam = \"gone\"\n")
		d.want(d.run("login", "-q", ".team"), 0, "null\n", "notice: account gone was selected, and is none of yours")
		if got := d.read("config.toml"); got != "# kept\n[__internal__]\n" {
			t.Errorf("config %q", got)
		}
	})
	t.Run("the accounts can not be listed", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		d.server.HandleREST("GET /users/teams", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "x", http.StatusForbidden) })
		d.server.SetAccounts()
		d.want(d.run("login", "--debug"), 0, "logged in\n", "POST /oauth/token: 200", "notice: your accounts could not be listed: ")
	})
	t.Run("a key goes before it", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		d.env["FAL_KEY"] = "id:canary-secret"
		d.want(d.run("login"), 0, "logged in as ada (Ada L\\x1b[31m)\n", "notice: commands use key id from FAL_KEY, which goes before a login")
	})
	t.Run("for a team", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		d.want(d.run("login", "--team", "acme"), 2, "", "a login is a person's", "hint: fal account set acme")
	})
}

func TestConnection(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.want(d.run("login", "--connection", "github", "-q", ".nickname"), 0, "ada\n", "in a browser, by way of github:", "/session-seed?connection=github&")
	if got := d.read("last_auth_connection"); got != "github" {
		t.Errorf("remembered %q", got)
	}
	d.want(d.run("login", "-q", ".nickname"), 0, "ada\n", "in a browser, by way of github:", "/session-seed?connection=github&")
	d.want(d.run("login", "--connection=", "-q", ".nickname"), 0, "ada\n", "in a browser:", "/v2/logout?")
	d.want(d.run("login", "--connection", "a b"), 2, "", "want a word such as github, or a domain")
}

func TestBrowser(t *testing.T) {
	for name, tt := range map[string]struct {
		env    map[string]string
		argv   []string
		script bool
		fails  bool
		opens  bool
	}{
		"on a desktop":  {env: map[string]string{"DISPLAY": ":0"}, opens: true},
		"on another":    {env: map[string]string{"WAYLAND_DISPLAY": "wayland-0"}, opens: true},
		"over SSH":      {env: map[string]string{"DISPLAY": ":0", "SSH_CONNECTION": "x"}},
		"in a script":   {env: map[string]string{"DISPLAY": ":0"}, script: true},
		"not wanted":    {env: map[string]string{"DISPLAY": ":0"}, argv: []string{"--no-browser"}},
		"never wanted":  {env: map[string]string{"DISPLAY": ":0", "FAL_DONT_OPEN_LINKS": "1"}},
		"that is none":  {env: map[string]string{"DISPLAY": ":0"}, fails: true},
		"not a desktop": {env: map[string]string{}, opens: hasDisplay(func(string) string { return "" })},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			d.tty = !tt.script
			for name, value := range tt.env {
				d.env[name] = value
			}
			first := "Open this page in a browser:"
			if tt.opens {
				first = "This page opens in your browser:"
			}
			if tt.fails {
				d.noOpen = errors.New("no xdg-open")
			}
			r := d.run(append([]string{"login"}, tt.argv...)...)
			d.want(r, 0, "logged in as ada (Ada L\\x1b[31m)\n", first, d.issuer.URL)
			if len(d.opened) > 0 != (tt.opens || tt.fails) || tt.fails != strings.Contains(r.err, "notice: no browser could be opened: no xdg-open") {
				t.Errorf("opened %q, stderr %q", d.opened, r.err)
			}
			if d.tty != strings.Contains(r.err, "\rwaiting for that: the code expires in 10m\r") {
				t.Errorf("stderr %q", r.err)
			}
		})
	}
}

// Whatever ends a login before its time, the one that is there stays.
func TestLoginFails(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	for name, tt := range map[string]struct {
		set    func(d *desk)
		argv   []string
		code   int
		stderr string
	}{
		"denied":          {set: func(d *desk) { d.issuer.verdict = "access_denied" }, code: 4, stderr: "error: the login was denied\nhint: fal-auth login\n"},
		"expired":         {set: func(d *desk) { d.issuer.verdict = "expired_token" }, code: 1, stderr: "error: the code expired before anyone confirmed it\nhint: fal-auth login\n"},
		"expired here":    {set: func(d *desk) { d.issuer.pending, d.issuer.life = 1e9, 2 }, code: 1, stderr: "error: the code expired before anyone confirmed it\nhint: fal-auth login\n"},
		"not in time":     {set: func(d *desk) { d.issuer.pending = 1e9 }, argv: []string{"--timeout", "1500ms"}, code: 1, stderr: "error: nobody confirmed the code in 1.5s\nhint: without --timeout there is time until the code expires\n"},
		"another refusal": {set: func(d *desk) { d.issuer.verdict = "unauthorized_client" }, code: 4, stderr: "unauthorized_client"},
		"not verified":    {set: func(d *desk) { d.issuer.idToken = "canary-forged" }, code: 1, stderr: "id_token is not to be trusted"},
		"a page": {set: func(d *desk) {
			d.issuer.broken = func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>canary")) }
		}, code: 6, stderr: "is not the issuer"},
		"an outage": {set: func(d *desk) {
			d.issuer.broken = func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "canary", 500) }
		}, code: 6, stderr: "HTTP status 500"},
		"silence": {set: func(d *desk) { d.env["FAL_AUTH_URL"] = "http://" + silent.Addr().String() }, argv: []string{"--timeout", "300ms"}, code: 6, stderr: "in time"},
		"no URL":  {set: func(d *desk) { d.env["FAL_AUTH_URL"] = "auth" }, code: 2, stderr: "hint: the address of the issuer came from FAL_AUTH_URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			before := d.loggedIn(time.Hour)
			tt.set(d)
			r := d.run(append([]string{"login"}, tt.argv...)...)
			d.want(r, tt.code, "", tt.stderr)
			if after := d.read("auth0_token"); after != before {
				t.Errorf("the login is %q, and was %q", after, before)
			}
		})
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	before := d.loggedIn(time.Hour)
	d.issuer.pending = 1e9
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan said)
	go func() { done <- d.runContext(ctx, "login") }()
	for polled := false; !polled; time.Sleep(10 * time.Millisecond) {
		d.issuer.mu.Lock()
		polled = d.issuer.polls > 0
		d.issuer.mu.Unlock()
	}
	cancel()
	if r := <-done; r.code != 130 || r.out != "" || strings.Contains(r.err, "error") {
		t.Errorf("%+v", r)
	}
	if after := d.read("auth0_token"); after != before {
		t.Errorf("the login is %q, and was %q", after, before)
	}
}

// A login for this machine does not replace one that is not.
func TestLoginForThisMachine(t *testing.T) {
	d := newDesk(t)
	before := d.loggedIn(time.Hour)
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	if err := os.Rename(d.home, home+"/.fal"); err != nil {
		t.Fatal(err)
	}
	d.home = home + "/.fal"
	delete(d.env, "FAL_HOME_DIR")
	delete(d.env, "FAL_AUTH_URL")
	d.want(d.run("login"), 4, "", "nothing was sent")
	if after := d.read("auth0_token"); after != before || len(d.server.Calls()) > 0 {
		t.Errorf("the login is %q, and was %q; %d calls", after, before, len(d.server.Calls()))
	}
}
