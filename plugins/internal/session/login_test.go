package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/localplane"
	"github.com/fal-plugins/fal/plugins/internal/signaltest"
)

func TestMain(m *testing.M) {
	signaltest.Heed()
	goleak.VerifyTestMain(m)
}

func (d *desk) keys(ctx context.Context, inv *cli.Invocation) error {
	s, err := Open(ctx, inv)
	if err != nil {
		return err
	}
	defer s.Close()
	ctx, cancel := inv.RequestContext(ctx)
	defer cancel()
	n := 0
	for _, err := range s.Client.Keys.List(ctx, nil) {
		if err != nil {
			return s.Error(err)
		}
		n++
	}
	fmt.Fprintln(inv.IO.Out, n, "keys")
	return nil
}

func (d *desk) whoami(ctx context.Context, inv *cli.Invocation) error {
	s, err := Open(ctx, inv)
	if err != nil {
		return err
	}
	defer s.Close()
	ctx, cancel := inv.RequestContext(ctx)
	defer cancel()
	a, err := s.Client.Accounts.Current(ctx)
	if err != nil {
		return s.Error(err)
	}
	fmt.Fprintln(inv.IO.Out, a.Nickname)
	return nil
}

const noKeys = "0 keys\n"

// A command for a team is one request once the accounts are known.
func TestOneRequest(t *testing.T) {
	d := newDesk(t)
	d.want(d.run("keys", "--team", "acme"), 0, noKeys)
	seen := d.wantRequests(0, "GET /users/teams", "ListUserKeys team|3")
	for range 3 {
		d.want(d.run("keys", "--team", "acme"), 0, noKeys)
		seen = d.wantRequests(seen, "ListUserKeys team|3")
	}
	d.want(d.run("keys", "--team", "Acme"), 0, noKeys) // as it is written goes first
	seen = d.wantRequests(seen, "ListUserKeys team|2")
	d.want(d.run("keys", "--team", "ADA"), 0, noKeys)
	seen = d.wantRequests(seen, "ListUserKeys github|1")
	d.want(d.run("whoami", "--team", "acme"), 0, "acme\n")
	seen = d.wantRequests(seen, "GET /users/current team|3")
	d.want(d.run("keys"), 0, noKeys)
	d.wantRequests(seen, "ListUserKeys")
	if n := d.issuer.requests(); n != 0 {
		t.Errorf("the issuer was asked %d times", n)
	}
	for _, c := range d.server.Calls() {
		if !strings.HasPrefix(c.Get("authorization"), "Bearer canary-head.") {
			t.Errorf("%s with %q", c.Method, c.Get("authorization"))
		}
	}
}

func TestSelectedAccount(t *testing.T) {
	d := newDesk(t)
	if err := os.WriteFile(d.env["FAL_CONFIG_PATH"], []byte("[__internal__]\nteam = 'acme'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.want(d.run("whoami", "-v"), 0, "acme\n", "login of github|1 in ", "account acme from "+d.env["FAL_CONFIG_PATH"])
	d.want(d.run("whoami", "--team", "ada"), 0, "ada\n")
	d.server.SetAccounts(faltest.Account{UserID: "github|1", Nickname: "ada", Personal: true}, faltest.Account{UserID: "team|9", Nickname: "acne"})
	if err := os.RemoveAll(d.env["FAL_CACHE_DIR"]); err != nil {
		t.Fatal(err)
	}
	d.want(d.run("whoami"), 3, "", "team acme from "+d.env["FAL_CONFIG_PATH"]+" is none of the accounts of the login", "hint: did you mean acne?", "hint: accounts: ada, acne")
}

// What another account is, or was, is not taken for this one's.
func TestCacheIsOfTheLogin(t *testing.T) {
	d := newDesk(t)
	d.want(d.run("keys", "--team", "acme"), 0, noKeys)
	_, seen := d.methods(0)

	d.login(d.issuer.token("github|7", "canary-7", time.Now().Add(24*time.Hour))) // somebody else logged in
	d.server.SetAccounts(faltest.Account{UserID: "team|70", Nickname: "acme"})
	d.want(d.run("keys", "--team", "acme"), 0, noKeys)
	seen = d.wantRequests(seen, "GET /users/teams", "ListUserKeys team|70")

	// A team that is not known yet is asked for.
	d.server.SetAccounts(faltest.Account{UserID: "team|70", Nickname: "acme"}, faltest.Account{UserID: "team|71", Nickname: "new"})
	d.want(d.run("keys", "--team", "new"), 0, noKeys)
	seen = d.wantRequests(seen, "GET /users/teams", "ListUserKeys team|71")
	d.want(d.run("keys", "--team", "newt"), 3, "", "team newt from --team is none of the accounts of the login", "did you mean new?")
	seen = d.wantRequests(seen, "GET /users/teams")

	// An opaque token is its own name, and a broken cache is none.
	d.login("canary-opaque")
	d.want(d.run("keys", "--team", "acme"), 0, noKeys)
	seen = d.wantRequests(seen, "GET /users/teams", "ListUserKeys team|70")
	files, err := filepath.Glob(filepath.Join(d.env["FAL_CACHE_DIR"], "*", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, f := range files {
		if err := os.WriteFile(f, []byte(`{"value":"!`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d.want(d.run("keys", "--team", "acme"), 0, noKeys)
	seen = d.wantRequests(seen, "GET /users/teams", "ListUserKeys team|70")

	// Without a place for a cache all works, in two requests.
	d.env["FAL_CACHE_DIR"] = d.tokenPath()
	for range 2 {
		d.want(d.run("keys", "--team", "acme"), 0, noKeys)
		seen = d.wantRequests(seen, "GET /users/teams", "ListUserKeys team|70")
	}
}

func TestNotAccepted(t *testing.T) {
	d := newDesk(t)
	d.want(d.run("keys", "--team", "acme"), 0, noKeys)
	_, seen := d.methods(0)

	// Not a member any more: the accounts are asked for again.
	d.server.Script("ListUserKeys", faltest.Fail(fal.CodePermissionDenied, "not a member of this account"))
	d.want(d.run("keys", "--team", "acme"), 4, "", "not a member of this account", "hint: team acme came from --team", "up to an hour old, and is dropped: try again")
	seen = d.wantRequests(seen, "ListUserKeys team|3")
	d.want(d.run("keys", "--team", "acme"), 0, noKeys)
	seen = d.wantRequests(seen, "GET /users/teams", "ListUserKeys team|3")

	// A token that ended before its time: another one is got, once.
	d.server.Script("ListUserKeys", faltest.Fail(fal.CodeUnauthenticated, "what is this"))
	d.want(d.run("keys", "--team", "acme"), 0, noKeys)
	seen = d.wantRequests(seen, "ListUserKeys team|3", "ListUserKeys team|3")
	if !strings.HasPrefix(d.stored(), "canary-refresh-1\n") || d.issuer.requests() != 1 {
		t.Errorf("stored %q; the issuer was asked %d times", d.stored(), d.issuer.requests())
	}
	d.login("x.y.z")
	d.server.Script("ListUserKeys", faltest.Fail(fal.CodeUnauthenticated, "what is this"), faltest.Fail(fal.CodeUnauthenticated, "what is this"))
	r := d.run("keys")
	d.want(r, 4, "", "what is this", "hint: the login came from "+d.tokenPath())
	seen = d.wantRequests(seen, "ListUserKeys", "ListUserKeys")
	if strings.Contains(r.err, "try again") || d.issuer.requests() != 2 {
		t.Errorf("stderr %q; the issuer was asked %d times", r.err, d.issuer.requests())
	}

	// When there is no other one, that is the error.
	d.issuer.answer = func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "oops", 500) }
	d.server.Script("ListUserKeys", faltest.Fail(fal.CodeUnauthenticated, "what is this"))
	d.want(d.run("keys"), 6, "", "HTTP status 500; the login is kept")
	d.wantRequests(seen, "ListUserKeys")
}

// What goes wrong at the issuer, for calls of both sides, with an account to
// find and without one.
func TestIssuerFails(t *testing.T) {
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		url    func(*testing.T) string
		code   int
		gone   bool
		stderr []string
	}{
		"down": {answer: func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "oops", 500) },
			code: 6, stderr: []string{"answered with HTTP status 500; the login is kept", "hint: the address of the issuer came from FAL_AUTH_URL"}},
		"a page": {answer: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<html>canary: log in to the hotel</html>")
		}, code: 6, stderr: []string{"is not the issuer; the login is kept"}},
		"refused by a proxy": {answer: func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusForbidden) },
			code: 6, stderr: []string{"the login is kept"}},
		"reset": {answer: func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) },
			code: 6, stderr: []string{"cannot reach ", "; the login is kept"}},
		"nobody listens": {url: func(t *testing.T) string {
			server := newIssuer(t)
			server.Close()
			return server.URL
		}, code: 6, stderr: []string{"cannot reach ", "; the login is kept"}},
		"silent": {url: silence, code: 6, stderr: []string{"in time; the login is kept", "--timeout"}},
		"another error": {answer: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(400)
			fmt.Fprint(w, `{"error":"unauthorized_client","error_description":"no\u001b[31m"}`)
		}, code: 4, stderr: []string{"unauthorized_client", "; the login is kept"}},
		"over": {answer: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(403)
			fmt.Fprint(w, `{"error":"invalid_grant"}`)
		}, code: 4, gone: true, stderr: []string{"does not accept the login any more: you are logged out", "hint: export FAL_KEY="}},
		"no issuer": {url: func(*testing.T) string { return "http://auth.example.com" },
			code: 2, stderr: []string{"must begin with https://", "hint: the address of the issuer came from FAL_AUTH_URL"}},
	} {
		for _, argv := range [][]string{{"keys"}, {"whoami"}, {"keys", "--team", "acme"}, {"whoami", "--debug"}} {
			t.Run(name+" "+strings.Join(argv, " "), func(t *testing.T) {
				t.Parallel()
				d := newDesk(t)
				d.issuer.answer = tt.answer
				if tt.url != nil {
					d.env["FAL_AUTH_URL"] = tt.url(t)
				}
				d.login(unsigned(map[string]any{"sub": "github|1", "exp": time.Now().Add(-time.Hour).Unix()}))
				before := d.stored()
				if name == "silent" {
					argv = append(argv, "--timeout", "500ms")
				}
				d.want(d.run(argv...), tt.code, "", tt.stderr...)
				if after := d.stored(); after != before != tt.gone || tt.gone && after != "" {
					t.Errorf("the login is %q, and was %q", after, before)
				}
				d.wantRequests(0)
			})
		}
	}
}

func TestRefreshes(t *testing.T) {
	d := newDesk(t)
	d.expire()
	r := d.run("keys", "--team", "acme", "--debug")
	d.want(r, 0, noKeys, "POST /oauth/token: 200 OK", "authorization: [redacted]")
	d.wantRequests(0, "GET /users/teams", "ListUserKeys team|3")
	if d.issuer.requests() != 1 || !strings.HasPrefix(d.stored(), "canary-refresh-1\n") {
		t.Errorf("asked %d times, stored %q", d.issuer.requests(), d.stored())
	}
}

// A login is not given to whatever listens on this machine, unless it is its.
func TestLoginOfAnotherIssuer(t *testing.T) {
	service := unsigned(map[string]any{"iss": "https://auth.fal.ai/", "sub": "github|1", "exp": time.Now().Add(24 * time.Hour).Unix()})
	for name, tt := range map[string]struct {
		access  string
		named   bool // FAL_HOME_DIR is set
		code    int
		message string
	}{
		"of the service":             {access: service, code: 4, message: "nothing was sent"},
		"of the service, named":      {access: service, named: true, code: 4, message: "nothing was sent"},
		"nobody knows whose":         {code: 4, message: "nothing was sent"},
		"nobody knows whose, named":  {named: true, code: 4, message: "nothing was sent"},
		"of another control plane":   {access: unsigned(map[string]any{"iss": "http://127.0.0.1:9/auth/", "exp": time.Now().Add(24 * time.Hour).Unix()}), named: true, code: 4, message: "nothing was sent"},
		"of the control plane there": {access: "own", code: 0},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			delete(d.env, "FAL_AUTH_URL")
			if tt.access == "own" {
				tt.access = unsigned(map[string]any{"iss": d.server.RESTURL() + "/auth/", "exp": time.Now().Add(24 * time.Hour).Unix()})
			}
			if !tt.named {
				t.Setenv("HOME", d.home)
				t.Setenv("USERPROFILE", d.home)
				delete(d.env, "FAL_HOME_DIR")
				d.home = filepath.Join(d.home, ".fal")
				if err := os.Mkdir(d.home, 0o700); err != nil {
					t.Fatal(err)
				}
			}
			d.login(tt.access)
			before := d.stored()
			if tt.code == 0 {
				d.want(d.run("keys"), 0, noKeys)
				return
			}
			d.want(d.run("keys"), tt.code, "", tt.message)
			if d.stored() != before {
				t.Error("the login changed")
			}
			for _, c := range d.server.Calls() {
				if !tt.named || strings.Contains(c.Get("authorization"), "canary") {
					t.Errorf("%s was sent", c.Method)
				}
			}
		})
	}
}

// The account of a key is asked for once, too.
func TestTeamOfAKey(t *testing.T) {
	d := newDesk(t)
	d.env["FAL_KEY"] = "id:canary-5ecret"
	d.want(d.run("keys", "--team", "ada"), 0, noKeys)
	seen := d.wantRequests(0, "GET /users/current", "ListUserKeys")
	d.want(d.run("keys", "--team", "ADA"), 0, noKeys)
	seen = d.wantRequests(seen, "ListUserKeys")
	d.want(d.run("keys", "--team", "acme"), 4, "", "the key from FAL_KEY belongs to ada, not to team acme")
	seen = d.wantRequests(seen, "GET /users/current")
	d.env["FAL_KEY"] = "other:canary-5ecret"
	d.want(d.run("keys", "--team", "ada"), 0, noKeys)
	d.wantRequests(seen, "GET /users/current", "ListUserKeys")
}

func TestNoLogin(t *testing.T) {
	d := newDesk(t)
	if err := os.Remove(d.tokenPath()); err != nil {
		t.Fatal(err)
	}
	r := d.run("keys")
	d.want(r, 4, "", "no credentials\nhint: export FAL_KEY=<id>:<secret>\n")
	if strings.Contains(r.err, "auth login") {
		t.Error("a hint names a program that is not there")
	}
	bin := t.TempDir()
	for _, name := range []string{"fal-auth", "fal-auth.exe"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	d.env["PATH"] = bin
	d.want(d.run("keys"), 4, "", "hint: fal-auth login\n")
}

// A host that the command line names is not given the login that the
// environment has for another one, by any command.
func TestIssuerGoesWithTheHost(t *testing.T) {
	d := newDesk(t)
	other := faltest.New(t)
	config := "[here]\nhost = \"" + other.Host() + "\"\n[service]\nhost = \"api.alpha.fal.ai\"\n"
	if err := os.WriteFile(d.env["FAL_CONFIG_PATH"], []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	valid, old := d.stored(), unsigned(map[string]any{"iss": d.issuer.URL + "/", "exp": time.Now().Add(-time.Hour).Unix()})
	for _, argv := range [][]string{
		{"keys", "--profile", "here"}, {"whoami", "--profile", "here"}, {"keys", "--profile", "service"},
		{"keys", "--host", other.Host()}, {"keys", "--host", "api.example.com"}, {"logout", "--profile", "service"}, {"logout", "--profile", "here"},
		{"token", "--profile", "here"}, {"token", "--host", other.Host()},
	} {
		for name, content := range map[string]string{"valid": valid, "ended": "canary-refresh-0\n" + old, "refresh only": "canary-refresh-0"} {
			t.Run(strings.Join(argv, " ")+" "+name, func(t *testing.T) {
				if err := os.WriteFile(d.tokenPath(), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
				d.t = t
				d.want(d.run(argv...), 4, "", "nothing was sent", "notice: FAL_AUTH_URL is ignored")
				if d.stored() != content || d.issuer.requests() > 0 || len(other.Calls()) > 0 || len(d.server.Calls()) > 0 {
					t.Errorf("the login is %q; %d requests to the issuer, %d to the host", d.stored(), d.issuer.requests(), len(other.Calls()))
				}
			})
		}
	}
	d.t = t

	// Nor is a host elsewhere given what an issuer on this machine gave out.
	d.env["FAL_GRPC_HOST"], d.env["FAL_REST_HOST"] = "api.example.com", "rest.example.com"
	d.want(d.run("keys"), 4, "", "nothing was sent")
	// And two hosts on this machine are not one control plane.
	d.env["FAL_GRPC_HOST"], d.env["FAL_REST_HOST"] = other.Host(), d.server.Host()
	delete(d.env, "FAL_AUTH_URL")
	d.login(unsigned(map[string]any{"iss": d.server.RESTURL() + "/auth/", "exp": time.Now().Add(time.Hour).Unix()}))
	d.want(d.run("keys"), 4, "", "is not for this host: nothing was sent")
	if len(other.Calls())+len(d.server.Calls()) > 0 {
		t.Error("something was sent")
	}
}

// Somebody who set keys aside is not told to set one.
func TestKeysSetAside(t *testing.T) {
	d := newDesk(t)
	if err := os.Remove(d.tokenPath()); err != nil {
		t.Fatal(err)
	}
	d.env["FAL_FORCE_AUTH_BY_USER"], d.env["FAL_KEY"] = "1", "id:canary-secret"
	r := d.run("keys")
	d.want(r, 4, "", "no credentials\nhint: `unset FAL_FORCE_AUTH_BY_USER`, which sets FAL_KEY aside\n")
	delete(d.env, "FAL_KEY")
	d.want(d.run("keys"), 4, "", "no credentials\nhint: `unset FAL_FORCE_AUTH_BY_USER`, which asks for a login\n")
}

// Where a login could not be kept, the cause is said and the way out.
func TestNoPlaceForALogin(t *testing.T) {
	d := newDesk(t)
	for _, name := range []string{"HOME", "USERPROFILE"} {
		t.Setenv(name, "")
	}
	delete(d.env, "FAL_HOME_DIR")
	d.want(d.run("keys"), 4, "", "no credentials, and no home folder is known that a login could be in\n", "hint: export FAL_HOME_DIR=<folder>\n")
	d.want(d.run("logout"), 1, "", "no home folder is known", "hint: export FAL_HOME_DIR=<folder>\n")

	d.env["FAL_HOME_DIR"] = d.home
	d.expire()
	if err := os.Mkdir(filepath.Join(d.home, ".portalock"), 0o700); err != nil {
		t.Fatal(err)
	}
	d.want(d.run("keys"), 1, "", "cannot lock the login", "hint: the login is kept in "+d.home+"; `export FAL_HOME_DIR=<folder>` names another folder\n")
}

// Hints are commands alone, or in backquotes.
func TestHintsCanBePasted(t *testing.T) {
	d := newDesk(t)
	if err := os.Remove(d.tokenPath()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.env["FAL_CONFIG_PATH"], []byte("[nokey]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	for _, noun := range []string{"local", "profile"} {
		for _, name := range []string{"fal-" + noun, "fal-" + noun + ".exe"} {
			if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"), 0o700); err != nil {
				t.Fatal(err)
			}
		}
	}
	d.env["PATH"] = bin
	d.want(d.run("keys", "--profile", "nokey"), 4, "", "hint: fal-profile --profile nokey key\n")
	if r := d.run("keys"); strings.Contains(r.err, "start") { // the host is the control plane already
		t.Error(r.err)
	}
	d.env["FAL_GRPC_HOST"], d.env["FAL_REST_HOST"] = "api.example.com", ""
	d.want(d.run("keys"), 4, "", "hint: `fal-local start`, to try it on this machine\n")
}

// Without credentials it is said how the control plane of this machine is used,
// as it is.
func TestLocalHints(t *testing.T) {
	d := newDesk(t)
	if err := os.Remove(filepath.Join(d.env["FAL_HOME_DIR"], "auth0_token")); err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	for _, name := range []string{"fal-local", "fal-local.exe"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	d.env["PATH"], d.env["SHELL"] = bin, "/bin/sh"
	d.env["FAL_GRPC_HOST"], d.env["FAL_REST_HOST"] = "api.example.com", "rest.example.com"
	const use = "hint: `eval \"$(fal-local env)\"`, to use the local control plane, which is running\n"
	healthy := true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer t" || !healthy {
			http.Error(w, "{}", http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte("{}"))
	}))
	defer server.Close()
	folder, err := localplane.Folder(func(name string) string { return d.env[name] })
	if err != nil {
		t.Fatal(err)
	}
	record := fmt.Sprintf(`{"address": "127.0.0.1:4100", "control": %q, "token": "t"}`, strings.TrimPrefix(server.URL, "http://"))
	if err := errors.Join(os.MkdirAll(folder, 0o700), os.WriteFile(filepath.Join(folder, localplane.RecordName), []byte(record), 0o600)); err != nil {
		t.Fatal(err)
	}
	r := d.run("keys")
	d.want(r, 4, "", use)
	if strings.Contains(r.err, "start") || strings.Contains(r.err, "FAL_PROFILE") {
		t.Error(r.err)
	}
	// The profile of this very control plane goes before others.
	profiles := "[far]\nkey = 'a:b'\nhost = 'api.example.com'\n[old]\nkey = 'a:b'\nlocal_host = '127.0.0.1:9'\n[mine]\nkey = 'a:b'\nlocal_host = '127.0.0.1:4100'\n"
	if err := os.WriteFile(d.env["FAL_CONFIG_PATH"], []byte(profiles), 0o600); err != nil {
		t.Fatal(err)
	}
	d.want(d.run("keys"), 4, "", use+"hint: `export FAL_PROFILE=mine` or --profile mine, to use it by its profile\n")
	healthy = false
	d.want(d.run("keys"), 4, "", "hint: `fal-local start`, to try it on this machine\n") // whose keys are gone
	if err := os.WriteFile(filepath.Join(folder, localplane.MarkerName), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.want(d.run("keys"), 4, "", "hint: `fal-local start`, to try it on this machine, and then `export FAL_PROFILE=mine` or --profile mine\n")
}

// What is asked offline leaves a login as it is, also one that is not accepted.
func TestOfflineRenewsNothing(t *testing.T) {
	d := newDesk(t)
	before := d.stored()
	d.server.Script("ListUserKeys", faltest.Fail(fal.CodeUnauthenticated, "what is this"))
	d.want(d.run("offline"), 4, "", "the login was not accepted")
	d.wantRequests(0, "ListUserKeys")
	if d.stored() != before || d.issuer.requests() > 0 {
		t.Errorf("stored %q; the issuer was asked %d times", d.stored(), d.issuer.requests())
	}
}
