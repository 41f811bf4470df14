package session

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/fal/faltest"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// testIssuer refreshes logins, unless it is told to do something else.
type testIssuer struct {
	*httptest.Server

	mu     sync.Mutex
	asked  int
	answer http.HandlerFunc // in its place
}

func newIssuer(t *testing.T) *testIssuer {
	i := &testIssuer{}
	i.Server = httptest.NewServer(http.HandlerFunc(i.serve))
	t.Cleanup(i.Close)
	return i
}

func (i *testIssuer) serve(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	i.asked++
	n, answer := i.asked, i.answer
	i.mu.Unlock()
	if answer != nil {
		answer(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"access_token": i.token("github|1", fmt.Sprint("canary-", n), time.Now().Add(24*time.Hour)), "refresh_token": fmt.Sprint("canary-refresh-", n),
		"token_type": "Bearer", "expires_in": 86400,
	})
}

func (i *testIssuer) requests() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked
}

// token is an access token, which nobody verifies here.
func (i *testIssuer) token(subject, id string, expiry time.Time) string {
	return unsigned(map[string]any{"iss": i.URL + "/", "sub": subject, "jti": id, "exp": expiry.Unix()})
}

func unsigned(claims map[string]any) string {
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	return "canary-head." + base64.RawURLEncoding.EncodeToString(payload) + ".canary-signature"
}

// desk is a terminal of somebody who has logged in.
type desk struct {
	t      *testing.T
	server *faltest.Server
	issuer *testIssuer
	env    map[string]string
	home   string
}

func newDesk(t *testing.T) *desk {
	server, issuer := faltest.New(t), newIssuer(t)
	server.SetAccounts(
		faltest.Account{UserID: "github|1", Nickname: "ada", FullName: "Ada L", Personal: true},
		faltest.Account{UserID: "team|2", Nickname: "Acme", Org: true},
		faltest.Account{UserID: "team|3", Nickname: "acme"},
	)
	home := t.TempDir()
	d := &desk{t: t, server: server, issuer: issuer, home: home, env: map[string]string{
		"FAL_GRPC_HOST": server.Host(), "FAL_REST_HOST": server.Host(), "FAL_AUTH_URL": issuer.URL,
		"FAL_HOME_DIR": home, "FAL_CONFIG_PATH": filepath.Join(home, "config.toml"), "FAL_CACHE_DIR": filepath.Join(home, "cache"),
	}}
	d.login(issuer.token("github|1", "canary-0", time.Now().Add(24*time.Hour)))
	return d
}

func (d *desk) tokenPath() string { return filepath.Join(d.home, "auth0_token") }

func (d *desk) login(access string) {
	d.t.Helper()
	if err := os.WriteFile(d.tokenPath(), []byte("canary-refresh-0\n"+access), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

// expire leaves a login that must be refreshed.
func (d *desk) expire() {
	d.login(d.issuer.token("github|1", "canary-old", time.Now().Add(-time.Hour)))
}

func (d *desk) stored() string {
	content, err := os.ReadFile(d.tokenPath())
	if err != nil && !os.IsNotExist(err) {
		d.t.Fatal(err)
	}
	return string(content)
}

func (d *desk) logout(ctx context.Context, inv *cli.Invocation) error {
	l, err := NewLogin(inv, nil)
	if err != nil {
		return err
	}
	defer l.Close()
	return l.Error(l.Logout(ctx))
}

func (d *desk) token(ctx context.Context, inv *cli.Invocation) error {
	l, err := NewLogin(inv, nil)
	if err != nil {
		return err
	}
	defer l.Close()
	_, err = l.Token(ctx)
	return l.Error(err)
}

// offline is keys with what is there.
func (d *desk) offline(ctx context.Context, inv *cli.Invocation) error {
	s, err := Offline(inv)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Connect(ctx); err != nil {
		return err
	}
	for _, err := range s.Client.Keys.List(ctx, nil) {
		if err != nil {
			return s.Error(err)
		}
	}
	return nil
}

type said struct {
	code     int
	out, err string
}

// run runs a command that calls both sides of the service.
func (d *desk) run(argv ...string) said {
	d.t.Helper()
	streams, _, out, errout := iostreams.Test()
	app := &cli.App{Name: "fal-test", Noun: "test", Account: true, Commands: []*cli.Command{
		{Name: "keys", Run: d.keys}, {Name: "whoami", Run: d.whoami}, {Name: "logout", Run: d.logout}, {Name: "token", Run: d.token}, {Name: "offline", Run: d.offline},
	}}
	getenv := func(name string) string { return d.env[name] }
	code := cli.Run(d.t.Context(), app, cli.Process{Args: argv, Streams: streams, Getenv: getenv})
	r := said{code, out.String(), errout.String()}
	if strings.Contains(r.out+r.err, "canary") {
		d.t.Errorf("%q shows a token:\n%s%s", argv, r.out, r.err)
	}
	return r
}

func (d *desk) want(r said, code int, out string, errout ...string) {
	d.t.Helper()
	if r.code != code || r.out != out {
		d.t.Errorf("exit %d, want %d; stdout %q, want %q\n%s", r.code, code, r.out, out, r.err)
	}
	for _, w := range errout {
		if !strings.Contains(r.err, w) {
			d.t.Errorf("stderr %q, want %q", r.err, w)
		}
	}
	if len(errout) == 0 && r.err != "" {
		d.t.Errorf("stderr %q", r.err)
	}
}

// methods are the requests since the last look, as <method> <account>.
func (d *desk) methods(since int) (methods []string, now int) {
	calls := d.server.Calls()
	for _, c := range calls[since:] {
		account := c.Get("fal-user-id") + c.Get("x-fal-user-id")
		methods = append(methods, strings.TrimSpace(c.Method+" "+account))
	}
	return methods, len(calls)
}

func (d *desk) wantRequests(since int, want ...string) (now int) {
	d.t.Helper()
	got, now := d.methods(since)
	if !slices.Equal(got, want) {
		d.t.Errorf("requests %q, want %q", got, want)
	}
	return now
}

// silence is an address where connections are accepted and nothing is said.
func silence(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var accepting sync.WaitGroup
	var open []net.Conn
	accepting.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			open = append(open, conn)
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		accepting.Wait()
		for _, conn := range open {
			_ = conn.Close()
		}
	})
	return "http://" + listener.Addr().String()
}
