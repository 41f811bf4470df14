package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/signaltest"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

func TestMain(m *testing.M) {
	signaltest.Heed()
	goleak.VerifyTestMain(m)
}

const canary = "canary-5ecret"

// A scene is a set-up that can be checked.
type scene struct {
	t      *testing.T
	server *faltest.Server
	home   string
	env    map[string]string
	tty    bool
	deps   dependencies
	// users answers GET /users/current to who sends credentials.
	users http.HandlerFunc
}

// newScene is a set-up with which all is well, on a machine that has nothing
// else.
func newScene(t *testing.T) *scene {
	t.Helper()
	server := faltest.New(t)
	server.SetKeys(faltest.Key{ID: "testid"})
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	s := &scene{t: t, server: server, home: home,
		users: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"user_id": "u-1", "nickname": "ada", "full_name": "Ada Lovelace"}`)
		},
		env: map[string]string{
			"FAL_KEY": "testid:" + canary, "FAL_GRPC_HOST": server.Host(), "FAL_REST_HOST": server.Host(), "PATH": filepath.Join(home, "bin"),
		},
		deps: dependencies{
			resolver: fakeResolver{},
			dial:     (&net.Dialer{}).DialContext,
			connect:  session.Open,
			now:      time.Now,
			limit:    30 * time.Second,
			read:     os.ReadFile,
			writable: func(string) bool { return true },
		},
	}
	server.HandleREST("GET /users/current", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			http.Error(w, `{"detail": "who are you?"}`, http.StatusUnauthorized)
			return
		}
		s.users(w, r)
	})
	return s
}

func (s *scene) getenv(name string) string { return s.env[name] }

// write makes a file below the home folder, readable by its owner alone.
func (s *scene) write(path, content string) string {
	s.t.Helper()
	path = filepath.Join(s.home, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// patient is the set-up for a check of its own.
func (s *scene) patient() *patient {
	streams, _, _, _ := iostreams.Test()
	return newPatient(s.deps, &cli.Invocation{IO: streams, App: App(), Command: &cli.Command{}, Getenv: s.getenv})
}

type result struct {
	code     int
	out, err string
}

func (s *scene) run(argv ...string) result {
	s.t.Helper()
	return s.runContext(s.t.Context(), argv...)
}

func (s *scene) runContext(ctx context.Context, argv ...string) result {
	streams, _, out, errout := iostreams.Test()
	streams.SetEnv(s.getenv)
	streams.SetTerminal(s.tty, s.tty, s.tty)
	streams.SetColor(iostreams.ColorNever)
	code := cli.Run(ctx, app(s.deps), cli.Process{Args: argv, Streams: streams, Getenv: s.getenv, Typed: "fal doctor"})
	r := result{code, out.String(), errout.String()}
	for _, secret := range []string{canary, "pa55"} {
		if strings.Contains(r.out+r.err, secret) {
			s.t.Errorf("a secret was shown:\n%s%s", r.out, r.err)
		}
	}
	return r
}

// diagnose runs all checks; the rows are by their name, and by number behind
// the first one of a name.
func (s *scene) diagnose(argv ...string) (view.Diagnosis, map[string]view.Check) {
	s.t.Helper()
	r := s.run(append(argv, "--json")...)
	var d view.Diagnosis
	if err := json.Unmarshal([]byte(r.out), &d); err != nil {
		s.t.Fatalf("%v: exit %d %s%s", err, r.code, r.out, r.err)
	}
	if (r.code == 0) != d.OK || r.code > 1 || r.err != "" {
		s.t.Errorf("exit %d, ok %v, stderr %q", r.code, d.OK, r.err)
	}
	rows := map[string]view.Check{}
	for _, c := range d.Checks {
		name := c.Check
		for n := 2; rows[name].Check != ""; n++ {
			name = fmt.Sprintf("%s %d", c.Check, n)
		}
		rows[name] = c
	}
	return d, rows
}

func (s *scene) wants(f finding, status, found, hint string) {
	s.t.Helper()
	if f.status != status || !strings.Contains(f.found, found) || !strings.Contains(f.hint, hint) || hint == "" && f.hint != "" {
		s.t.Errorf("got %s %q, hint %q\nwant %s %q, hint %q", f.status, f.found, f.hint, status, found, hint)
	}
	if strings.Contains(f.found+f.hint, canary) {
		s.t.Errorf("a secret was shown: %+v", f)
	}
}

func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

type fakeResolver map[string]any

func (f fakeResolver) LookupNetIP(ctx context.Context, _, host string) ([]netip.Addr, error) {
	switch answer := f[host].(type) {
	case string:
		return []netip.Addr{netip.MustParseAddr(answer)}, nil
	case error:
		return nil, answer
	case nil:
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	<-ctx.Done() // it hangs
	return nil, ctx.Err()
}

func TestEveryCommand(t *testing.T) { cli.TryEverything(t, App) }

func TestAllIsWell(t *testing.T) {
	s := newScene(t)
	d, rows := s.diagnose()
	var order []string
	for _, c := range d.Checks {
		order = append(order, c.Check)
	}
	want := "version client config profile host credentials login dns tcp tls grpc rest account clock plugins completion local proxy"
	if got := strings.Join(order, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if !d.OK || d.KeyID != "testid" || d.Host != s.server.Host() || d.Platform != runtime.GOOS+"/"+runtime.GOARCH || d.Version == "" {
		t.Errorf("%+v", d)
	}
	for name, status := range map[string]string{
		"client": "skipped", "config": "ok", "profile": "ok", "host": "ok", "credentials": "ok", "login": "skipped", "dns": "skipped", "tcp": "ok",
		"tls": "skipped", "grpc": "ok", "rest": "ok", "account": "ok", "clock": "ok", "local": "skipped", "proxy": "ok",
	} {
		if rows[name].Status != status {
			t.Errorf("%s is %s: %s", name, rows[name].Status, rows[name].Found)
		}
	}
	for _, name := range []string{"tcp", "grpc", "rest"} {
		if c := rows[name]; c.RoundTrip == nil || *c.RoundTrip <= 0 || text(c.Host) != s.server.Host() {
			t.Errorf("%+v", c)
		}
	}
	if found := rows["account"].Found; found != "accepted, as the account ada (Ada Lovelace); the key is of scope ADMIN" {
		t.Error(found)
	}
	if found := rows["credentials"].Found; found != "key testid from FAL_KEY" {
		t.Error(found)
	}
}

// What does not need the service is checked without it, and nothing hangs.
func TestNothingAnswers(t *testing.T) {
	s := newScene(t)
	s.env["FAL_GRPC_HOST"], s.env["FAL_REST_HOST"] = "api.fal.invalid", "rest.fal.invalid:8443"
	s.deps.resolver = fakeResolver{"api.fal.invalid": struct{}{}, "rest.fal.invalid": "192.0.2.1"}
	s.deps.dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	s.deps.limit = 10 * time.Millisecond
	_, rows := s.diagnose()
	for name, want := range map[string]string{
		"dns": "failed", "dns 2": "ok", "tcp": "skipped", "tcp 2": "failed", "tls": "skipped", "tls 2": "skipped", "grpc": "skipped", "rest": "skipped",
		"account": "skipped", "clock": "skipped", "credentials": "ok", "proxy": "ok",
	} {
		if rows[name].Status != want {
			t.Errorf("%s: %+v", name, rows[name])
		}
	}
	if h := text(rows["tcp 2"].Host); h != "rest.fal.invalid:8443" {
		t.Error(h)
	}
	s.deps.limit = time.Hour
	_, rows = s.diagnose("--timeout", "100ms")
	if rows["tcp 2"].Status != "failed" || rows["dns"].Status != "failed" || rows["config"].Status != "ok" {
		t.Errorf("%+v", rows)
	}
}

func TestAnInterrupt(t *testing.T) {
	s := newScene(t)
	s.env["FAL_GRPC_HOST"], s.env["FAL_REST_HOST"] = "api.fal.invalid", ""
	ctx, cancel := context.WithCancel(t.Context())
	s.deps.resolver = fakeResolver{"api.fal.invalid": struct{}{}, "rest.fal.invalid": struct{}{}}
	time.AfterFunc(50*time.Millisecond, cancel)
	if r := s.runContext(ctx); r.code != cli.ExitInterrupted || r.out != "" {
		t.Errorf("%+v", r)
	}
}

func TestOnATerminal(t *testing.T) {
	s := newScene(t)
	s.tty = true
	s.env["LANG"] = "en_US.UTF-8"
	s.env["FAL_KEY"] = "no-colon-" + canary
	r := s.run()
	if r.code != 1 || !strings.Contains(r.out, "✗ credentials  malformed key from FAL_KEY: it has no ':' between id and secret\n") ||
		!strings.Contains(r.out, "  hint: a key reads <id>:<secret>\n") || !strings.Contains(r.out, "✓ grpc         "+s.server.Host()+" answers to gRPC, in ") ||
		!strings.HasPrefix(r.err, "1 check failed") {
		t.Errorf("%+v", r)
	}
	if runtime.GOOS != "windows" {
		s.env["LC_ALL"] = "C"
		if r = s.run(); !strings.Contains(r.out, "FAILED  credentials  malformed") || strings.ContainsFunc(r.out, func(r rune) bool { return r > '~' }) {
			t.Errorf("%+v", r)
		}
	}
}

func TestFormats(t *testing.T) {
	s := newScene(t)
	for _, tt := range []struct{ args, want string }{
		{"-q .ok", "true\n"},
		{`-o jsonl -q select(.check=="tls").status`, "skipped\n"},
		{"-o name", "version\nclient\n"},
		{"-o tsv", "check\thost\tstatus\tfound\thint\tround_trip_ms\n"},
		{"-o yaml", "checks:\n"},
		{"-o pretty", " grpc"},
		{"check -q .FAL_KEY", "testid\n"},
	} {
		if r := s.run(strings.Fields(tt.args)...); r.code != 0 || !strings.Contains(r.out, tt.want) || r.err != "" {
			t.Errorf("%s: %+v", tt.args, r)
		}
	}
	if r := s.run("-q", "error"); r.code != cli.ExitJQ {
		t.Errorf("%+v", r)
	}
	if r := s.run("nonsense"); r.code != cli.ExitUsage {
		t.Errorf("%+v", r)
	}
}

// No secret is shown, whatever the set-up and the service are like.
func TestCanary(t *testing.T) {
	s := newScene(t)
	s.users = func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, fmt.Sprintf(`{"detail": "not you: %s"}`, r.Header.Get("Authorization")), http.StatusForbidden)
	}
	s.server.Handle("ListUserKeys", func(c faltest.Call) faltest.Answer {
		return faltest.Fail(fal.CodeUnauthenticated, "not you: "+c.Get("auth-key"))
	})
	s.write(".fal/config.toml", "[work]\nkey = \"id:"+canary+"\"\n")
	s.write(".fal/auth0_token", canary+"\n"+canary+"\n")
	broken := s.write("broken.toml", "[work]\nkey = \"id:"+canary+"\n")
	spaced := s.write("spaced.toml", "[work]\nkey = \" id:"+canary+"\"\n")
	base := maps.Clone(s.env)
	for _, change := range []map[string]string{
		{},
		{"FAL_KEY": canary},
		{"FAL_KEY": "", "FAL_PROFILE": "work"},
		{"FAL_KEY": "", "FAL_KEY_ID": "a:b", "FAL_KEY_SECRET": canary},
		{"FAL_KEY": ""},
		{"FAL_CONFIG_PATH": broken},
		{"FAL_CONFIG_PATH": spaced, "FAL_KEY": "", "FAL_PROFILE": "work"},
		{"FAL_GRPC_HOST": "https://" + canary + "@api.fal.invalid"},
		{"HTTPS_PROXY": "http://user:pa55@proxy.invalid:1", "FAL_GRPC_HOST": "api.fal.invalid", "FAL_REST_HOST": ""},
		{"HTTPS_PROXY": "http://user:pa55@pro xy", "https_proxy": "ftp://user:pa55@x", "FAL_GRPC_HOST": "api.fal.invalid"},
	} {
		s.env = maps.Clone(base)
		maps.Copy(s.env, change)
		for _, args := range []string{"", "-o pretty", "-o tsv", "-v", "--debug"} {
			if r := s.run(strings.Fields(args)...); r.code > 1 || r.out == "" {
				t.Errorf("%v %s: %+v", change, args, r)
			}
		}
	}
}
