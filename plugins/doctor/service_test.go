package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/localplane"
	"github.com/fal-plugins/fal/plugins/internal/networktest"
	"github.com/fal-plugins/fal/plugins/internal/session"
)

func mustParse(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestGRPC(t *testing.T) {
	for name, tt := range map[string]struct {
		answer              faltest.Answer
		status, found, hint string
	}{
		"wants credentials": {faltest.Fail(fal.CodeUnauthenticated, "who are you?"), "ok", "answers to gRPC", ""},
		"forbids":           {faltest.Fail(fal.CodePermissionDenied, "no"), "ok", "answers to gRPC", ""},
		"another service":   {faltest.Fail(fal.CodeUnimplemented, "unknown service"), "failed", "does not know the calls of the gRPC side", "FAL_GRPC_HOST"},
		"an error":          {faltest.Fail(fal.CodeInternal, "out of order"), "failed", "answers with an error: out of order", "later"},
		"a page":            {faltest.HTTP(200, "text/html", "<html>log in</html>"), "failed", "", "came from FAL_GRPC_HOST"},
		"hangs":             {faltest.Hang(), "failed", "does not answer to gRPC in time", "what listens there may be something else"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.server.Handle("ListEnvironments", func(faltest.Call) faltest.Answer { return tt.answer })
			ctx := t.Context()
			if name == "hangs" {
				ctx = bounded(t)
			}
			f := s.patient().checkGRPC(ctx)
			s.wants(f, tt.status, tt.found, tt.hint)
			if f.status == "ok" && f.roundTrip <= 0 {
				t.Error("no round trip")
			}
			for _, c := range s.server.Calls() {
				if c.Get("auth-key") != "" || c.Get("authorization") != "" {
					t.Error("credentials were sent")
				}
			}
		})
	}
	s := newScene(t)
	s.server.Close()
	s.wants(s.patient().checkGRPC(t.Context()), "failed", "connection refused", "")
	s = newScene(t)
	s.server.Connections(faltest.Mode(0))
	s.wants(s.patient().checkGRPC(t.Context()), "ok", "answers", "")
}

func TestREST(t *testing.T) {
	for name, tt := range map[string]struct {
		answer              http.HandlerFunc
		status, found, hint string
	}{
		"wants credentials": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"detail": "who?"}`, http.StatusUnauthorized)
		}, "ok", "answers to REST", ""},
		"forbids":         {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, `{"detail": "no"}`, http.StatusForbidden) }, "ok", "answers to REST", ""},
		"lets anybody in": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"nickname": "ada"}`) }, "ok", "answers", ""},
		"another service": {func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }, "failed", "does not know the calls of the REST side", "FAL_REST_HOST"},
		"a page":          {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>log in</html>") }, "failed", "not JSON", "came from FAL_REST_HOST"},
		"an error":        {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusInternalServerError) }, "failed", "answers with an error", "later"},
		"down":            {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusServiceUnavailable) }, "failed", "answers with an error", "later"},
		"hangs":           {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "failed", "does not answer to REST in time", "what listens there may be something else"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			server := faltest.New(t)
			server.HandleREST("GET /users/current", tt.answer)
			s.env["FAL_REST_HOST"] = server.Host()
			ctx := t.Context()
			if name == "hangs" {
				ctx = bounded(t)
			}
			s.wants(s.patient().checkREST(ctx), tt.status, tt.found, tt.hint)
		})
	}
}

// --profile goes before the variables, which are of no use then.
func TestTheHostOfAProfile(t *testing.T) {
	s := newScene(t)
	s.server.Handle("ListEnvironments", func(faltest.Call) faltest.Answer { return faltest.HTTP(200, "text/html", "<html>log in</html>") })
	s.env["FAL_CONFIG_PATH"] = s.write("config.toml", "[loc]\nlocal_host = '"+s.server.Host()+"'\nkey = 'testid:"+canary+"'\n")
	_, rows := s.diagnose("--profile", "loc")
	if hint := text(rows["grpc"].Hint); !strings.Contains(hint, "host or local_host in the profile loc names another one") || strings.Contains(hint, "FAL_GRPC_HOST") {
		t.Errorf("%+v %s", rows["grpc"], hint)
	}
}

// A secret that is part of a word is not looked for in the words of this
// program.
func TestShortSecrets(t *testing.T) {
	s := newScene(t)
	s.env["FAL_KEY"] = "testid:b"
	if r := s.run("-o", "pretty"); strings.Contains(r.out, redacted) || !strings.Contains(r.out, "nobody is logged in") {
		t.Errorf("%+v", r)
	}
	s.env["FAL_KEY"] = "testid:nobody"
	s.users = func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"detail": "not nobody"}`, http.StatusForbidden)
	}
	if r := s.run("-o", "pretty"); !strings.Contains(r.out, "nobody is logged in") || !strings.Contains(r.out, "not "+redacted) {
		t.Errorf("%+v", r)
	}
}

// Credentials are not to be taken from what is not there.
func TestNoLocalKeyWithoutALocalControlPlane(t *testing.T) {
	s := newScene(t)
	s.deps.connect = func(context.Context, *cli.Invocation) (*session.Session, error) {
		return nil, &cli.Error{Exit: cli.ExitAuth, Message: "no", Hint: []string{"key a came from FAL_KEY", "eval \"$(fal local env)\" takes the key of the local control plane"}}
	}
	s.wants(s.patient().checkAccount(t.Context()), "failed", "not accepted: no", "key a came from FAL_KEY")
	if f := s.patient().checkAccount(t.Context()); strings.Contains(f.hint, "eval") {
		t.Errorf("%+v", f)
	}
	s.write(filepath.Join(".fal", "local", localplane.RecordName), `{"pid": 1, "address": "127.0.0.1:1", "control": "127.0.0.1:1", "token": "x"}`)
	s.wants(s.patient().checkAccount(t.Context()), "failed", "not accepted: no", "eval ")
}

// What answers instead of the service, behind a proxy, is put down to it.
func TestAPageOfTheProxy(t *testing.T) {
	s := newScene(t)
	portal := faltest.New(t)
	portal.HandleREST("GET /users/current", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>log in</html>") })
	authority := networktest.NewAuthority(t, "Example Corp")
	front := networktest.TLS(t, authority, portal.Host(), "rest.fal.invalid")
	proxy := networktest.NewProxy(t, map[string]string{"rest.fal.invalid:443": front})
	s.env["FAL_REST_HOST"], s.env["HTTPS_PROXY"], s.env["SSL_CERT_FILE"] = "rest.fal.invalid", proxy.URL, authority.File()
	s.wants(s.patient().checkREST(t.Context()), "failed", "not JSON", "may have answered itself")
}

func TestClock(t *testing.T) {
	for _, tt := range []struct {
		ahead               time.Duration // of the service's clock
		status, found, hint string
	}{
		{0, "ok", "within a second or two", ""},
		{20 * time.Second, "ok", "within", ""},
		{45 * time.Second, "warning", "behind the service's", "NTP"},
		{-2 * time.Minute, "warning", "ahead of the service's", "NTP"},
		{time.Hour, "failed", "behind the service's", "NTP"},
		{-24 * time.Hour, "failed", "ahead of the service's", "NTP"},
	} {
		s := newScene(t)
		server := faltest.New(t)
		server.HandleREST("GET /users/current", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", time.Now().Add(tt.ahead).UTC().Format(http.TimeFormat))
			http.Error(w, "{}", http.StatusUnauthorized)
		})
		s.env["FAL_REST_HOST"] = server.Host()
		p := s.patient()
		s.wants(p.checkREST(t.Context()), "ok", "answers", "")
		s.wants(p.checkClock(t.Context()), tt.status, tt.found, tt.hint)
	}
	s := newScene(t)
	s.wants(s.patient().checkClock(t.Context()), "skipped", "does not tell", "")
}

func TestAccount(t *testing.T) {
	s := newScene(t)
	for _, tt := range []struct {
		name        string
		env         map[string]string
		user        string
		keys        faltest.Answer
		status      string
		found, hint string
	}{
		{"an admin's key", nil, `{"user_id": "u-1", "nickname": "ada"}`, faltest.Reply(`{"user_keys": [{"key_id": "other"}, {"key_id": "testid", "scope": "ADMIN"}]}`), "ok", "accepted, as the account ada; the key is of scope ADMIN", ""},
		{"a key for calls", nil, `{"user_id": "u-1"}`, faltest.Fail(fal.CodePermissionDenied, "no"), "ok", "accepted, as the account u-1; the key may call apps, and not manage keys", ""},
		{"a key that is not listed", nil, `{"nickname": "ada"}`, faltest.Reply(`{}`), "ok", "; the key may manage keys", ""},
		{"keys out of order", nil, `{"nickname": "ada"}`, faltest.Fail(fal.CodeInternal, "out of order"), "ok", "the scope of the key is not known: out of order", ""},
		{"a key that is refused", nil, "", faltest.Reply(`{}`), "failed", "not accepted: no such key", "key testid came from FAL_KEY"},
		{"no credentials", map[string]string{"FAL_KEY": ""}, "", faltest.Reply(`{}`), "skipped", "there are no credentials", ""},
		{"none are sent", map[string]string{"ISOLATE_AUTH_DISABLED": "1"}, "", faltest.Reply(`{}`), "skipped", "no credentials are sent", ""},
	} {
		s.server.Handle("ListUserKeys", func(faltest.Call) faltest.Answer { return tt.keys })
		s.users = func(w http.ResponseWriter, _ *http.Request) {
			if tt.user == "" {
				http.Error(w, `{"detail": "no such key"}`, http.StatusUnauthorized)
				return
			}
			_, _ = io.WriteString(w, tt.user)
		}
		for name, value := range tt.env {
			s.env[name] = value
		}
		s.wants(s.patient().checkAccount(t.Context()), tt.status, tt.found, tt.hint)
		for name := range tt.env {
			delete(s.env, name)
		}
		s.env["FAL_KEY"] = "testid:" + canary
	}
	s.deps.connect = func(context.Context, *cli.Invocation) (*session.Session, error) {
		return nil, &cli.Error{Exit: cli.ExitAuth, Message: "the login has ended", Hint: []string{"fal auth login"}}
	}
	s.wants(s.patient().checkAccount(t.Context()), "failed", "not accepted: the login has ended", "fal auth login")
	s.deps.connect = func(context.Context, *cli.Invocation) (*session.Session, error) { return nil, errors.New("torn wire") }
	s.wants(s.patient().checkAccount(t.Context()), "failed", "torn wire", "")
}

// The whole way through a proxy, by names that only it knows.
func TestThroughAProxy(t *testing.T) {
	s := newScene(t)
	authority := networktest.NewAuthority(t, "Example Corp")
	front := networktest.TLS(t, authority, s.server.Host(), "api.fal.invalid", "rest.fal.invalid")
	proxy := networktest.NewProxy(t, map[string]string{"api.fal.invalid:443": front, "rest.fal.invalid:443": front})
	s.env["FAL_GRPC_HOST"], s.env["FAL_REST_HOST"] = "api.fal.invalid", ""
	s.env["https_proxy"] = strings.Replace(proxy.URL, "://", "://user:pa55@", 1)
	s.env["SSL_CERT_DIR"] = filepath.Dir(authority.File())
	d, rows := s.diagnose()
	if !d.OK {
		t.Errorf("%+v", d)
	}
	host := strings.TrimPrefix(proxy.URL, "http://")
	for name, want := range map[string]string{
		"tls": "warning", "tls 2": "warning", "grpc": "ok", "rest": "ok", "account": "ok", "proxy": "ok", "dns": "skipped", "tcp": "ok",
	} {
		if rows[name].Status != want {
			t.Errorf("%s: %+v", name, rows[name])
		}
	}
	for name, want := range map[string]string{
		"tls": "proxy " + host + " intercepts", "tcp 2": "connected to proxy " + host, "proxy": "rest.fal.invalid is reached through " + host,
	} {
		if !strings.Contains(rows[name].Found, want) {
			t.Errorf("%s: %q lacks %q", name, rows[name].Found, want)
		}
	}
	proxy.Refuse(http.StatusProxyAuthRequired)
	if d, rows = s.diagnose(); d.OK || rows["tls"].Status != "failed" || rows["grpc"].Status != "skipped" || rows["rest"].Found != "not tried, because of tls" {
		t.Errorf("%s", fmt.Sprint(rows))
	}
}
