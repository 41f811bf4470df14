package auth

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fal-plugins/fal/pkg/fal/faltest"
	"github.com/fal-plugins/fal/pkg/login"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/signaltest"
)

func TestMain(m *testing.M) {
	signaltest.Heed()
	goleak.VerifyTestMain(m)
}

// testIssuer runs the device flow with a person who decides at once, or after
// as many polls as are said.
type testIssuer struct {
	*httptest.Server

	mu      sync.Mutex
	polls   int
	pending int    // so many polls come before the decision
	verdict string // an error code; empty: approved
	life    int    // of a code, in seconds
	idToken string
	revoked []string
	broken  http.HandlerFunc
}

func newIssuer(t *testing.T) *testIssuer {
	i := &testIssuer{life: 600, idToken: "canary-id"}
	i.Server = httptest.NewServer(i)
	t.Cleanup(i.Close)
	return i
}

func (i *testIssuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.broken != nil {
		i.broken(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	answer := func(status int, v map[string]any) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	switch r.URL.Path {
	case "/oauth/device/code":
		answer(200, map[string]any{"device_code": "canary-device", "user_code": "ABCD-EFGH", "interval": 1, "expires_in": i.life,
			"verification_uri": i.URL + "/activate", "verification_uri_complete": i.URL + "/activate?user_code=ABCD-EFGH"})
	case "/oauth/token":
		i.polls++
		switch {
		case r.FormValue("grant_type") == "refresh_token" && strings.HasPrefix(r.FormValue("refresh_token"), "canary-refresh"):
			answer(200, i.tokens())
		case r.FormValue("device_code") != "canary-device":
			answer(403, map[string]any{"error": "invalid_grant"})
		case i.polls <= i.pending:
			answer(403, map[string]any{"error": "authorization_pending"})
		case i.verdict != "":
			answer(403, map[string]any{"error": i.verdict})
		default:
			answer(200, i.tokens())
		}
	case "/oauth/revoke":
		i.revoked = append(i.revoked, r.FormValue("token"))
		answer(200, nil)
	default:
		http.NotFound(w, r)
	}
}

func (i *testIssuer) tokens() map[string]any {
	return map[string]any{"access_token": i.token(24 * time.Hour), "refresh_token": fmt.Sprint("canary-refresh-", i.polls), "id_token": i.idToken, "token_type": "Bearer", "expires_in": 86400}
}

func (i *testIssuer) token(life time.Duration) string {
	payload, err := json.Marshal(map[string]any{"iss": i.URL + "/", "sub": "github|1", "exp": time.Now().Add(life).Unix()})
	if err != nil {
		panic(err)
	}
	return "canary-head." + base64.RawURLEncoding.EncodeToString(payload) + ".canary-signature"
}

// desk is a person at a terminal, or a script.
type desk struct {
	t      *testing.T
	server *faltest.Server
	issuer *testIssuer
	env    map[string]string
	home   string
	tty    bool
	opened []string
	noOpen error
}

func newDesk(t *testing.T) *desk {
	d := &desk{t: t, server: faltest.New(t), issuer: newIssuer(t), home: filepath.Join(t.TempDir(), "home")}
	d.server.SetAccounts(
		faltest.Account{UserID: "github|1", Nickname: "ada", FullName: "Ada L\x1b[31m", Personal: true},
		faltest.Account{UserID: "team|2", Nickname: "acme", FullName: "Acme", Org: true},
	)
	d.env = map[string]string{
		"FAL_GRPC_HOST": d.server.Host(), "FAL_REST_HOST": d.server.Host(), "FAL_AUTH_URL": d.issuer.URL,
		"FAL_HOME_DIR": d.home, "FAL_CONFIG_PATH": filepath.Join(d.home, "config.toml"), "FAL_CACHE_DIR": filepath.Join(d.home, "cache"),
	}
	return d
}

func (d *desk) path() string { return filepath.Join(d.home, "auth0_token") }

// write leaves a file in the folder of the login.
func (d *desk) write(name, content string) {
	d.t.Helper()
	if err := errors.Join(os.MkdirAll(d.home, 0o700), os.WriteFile(filepath.Join(d.home, name), []byte(content), 0o600)); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) read(name string) string {
	d.t.Helper()
	content, err := os.ReadFile(filepath.Join(d.home, name))
	if err != nil && !os.IsNotExist(err) {
		d.t.Fatal(err)
	}
	return string(content)
}

// loggedIn leaves a login behind.
func (d *desk) loggedIn(life time.Duration) string {
	d.t.Helper()
	d.write("auth0_token", "canary-refresh-0\n"+d.issuer.token(life))
	return d.read("auth0_token")
}

type said struct {
	code     int
	out, err string
}

func (d *desk) run(argv ...string) said { return d.runContext(d.t.Context(), argv...) }

func (d *desk) runContext(ctx context.Context, argv ...string) said {
	d.t.Helper()
	r := d.reveal(ctx, argv...)
	if strings.Contains(r.out+r.err, "canary") {
		d.t.Errorf("%q shows a secret:\n%s%s", argv, r.out, r.err)
	}
	return r
}

// reveal is runContext for the command that may show a token.
func (d *desk) reveal(ctx context.Context, argv ...string) said {
	streams, _, out, errout := iostreams.Test()
	streams.SetTerminal(d.tty, d.tty, d.tty)
	streams.SetColor(iostreams.ColorNever)
	getenv := func(name string) string { return d.env[name] }
	deps := dependencies{
		connect: session.Open,
		verify: func(_ context.Context, raw string, want login.Expected) error {
			if raw != "canary-id" || want.Issuer != d.issuer.URL+"/" {
				return login.NewError(login.Untrusted, "the id_token is not to be trusted", nil)
			}
			return nil
		},
		open:    func(url string) error { d.opened = append(d.opened, url); return d.noOpen },
		browses: isDesktop,
	}
	code := cli.Run(ctx, app(deps), cli.Process{Args: argv, Streams: streams, Getenv: getenv})
	return said{code, out.String(), errout.String()}
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
	if bytes.ContainsRune([]byte(r.out+r.err), '\x1b') {
		d.t.Errorf("an escape sequence in %q, %q", r.out, r.err)
	}
}
