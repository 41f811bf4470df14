package gateway

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	"github.com/fal-plugins/fal/pkg/controlplane/store"
	"github.com/fal-plugins/fal/pkg/internal/restwire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what is waited for; a busy machine needs some.
const patience = 60 * time.Second

// world is a state behind a gateway on a loopback port. Its runners are servers of
// this process.
type world struct {
	*state.State
	t       testing.TB
	gateway *Gateway
	url     string
	client  *http.Client
	caller  state.Caller
	key     string
	other   string // the key of another account
}

func newWorld(t testing.TB, o Options, logins ...state.Logins) *world {
	t.Helper()
	ctx := context.Background()
	db, err := store.Open(ctx, filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	so := state.Options{}
	if len(logins) > 0 {
		so.Logins = logins[0]
	}
	st, err := state.Open(ctx, db, so)
	if err != nil {
		t.Fatal(err)
	}
	g := New(st, o)
	server := httptest.NewServer(g)
	w := &world{State: st, t: t, gateway: g, url: server.URL, client: server.Client()}
	t.Cleanup(func() {
		st.Refuse()
		g.Close()
		server.Close()
		st.Close()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	account := func(nickname string) string {
		_, key, err := st.CreateAccount(ctx, nickname, "Somebody")
		if err != nil {
			t.Fatal(err)
		}
		return key.ID + ":" + key.Secret
	}
	w.key, w.other = account("me"), account("stranger")
	id, secret, _ := strings.Cut(w.key, ":")
	w.caller, err = st.Authenticate(id, secret)
	w.do(err)
	return w
}

func (w *world) do(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// app registers a public one.
func (w *world) app(edits ...func(*state.AppSpec)) *state.App {
	w.t.Helper()
	spec := state.AppSpec{Name: "web", Argv: []string{"web"}, AuthMode: new(state.Public)}
	for _, edit := range edits {
		edit(&spec)
	}
	app, err := w.RegisterApp(context.Background(), spec)
	w.do(err)
	return app
}

// pending creates a runner that is not up.
func (w *world) pending(app *state.App) string {
	w.t.Helper()
	r, err := w.CreateRunner(context.Background(), app, "", "test")
	w.do(err)
	return r.ID
}

// up has a runner be up, and answer as the handler says.
func (w *world) up(id string, answer http.HandlerFunc) *httptest.Server {
	w.t.Helper()
	server := httptest.NewServer(answer)
	w.t.Cleanup(server.Close)
	w.upAt(id, server.Listener.Addr().(*net.TCPAddr).Port)
	return server
}

func (w *world) upAt(id string, port int) {
	w.t.Helper()
	w.do(w.Launched(context.Background(), id, 1, "identity", port))
	w.do(w.Ready(context.Background(), id))
}

// runner creates one that is up.
func (w *world) runner(app *state.App, answer http.HandlerFunc) string {
	w.t.Helper()
	id := w.pending(app)
	w.up(id, answer)
	return id
}

func (w *world) get(id string) *state.Runner {
	w.t.Helper()
	r, err := w.Runner(context.Background(), w.caller, id)
	w.do(err)
	return r
}

// request is one that is sent by send.
func (w *world) request(method, path string, body io.Reader, headers ...string) *http.Request {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, body)
	w.do(err)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
	err    error
}

// detail is what the gateway says went wrong.
func (a answer) detail(t testing.TB) string {
	t.Helper()
	var body restwire.Error
	if err := json.Unmarshal([]byte(a.body), &body); err != nil || a.header.Get("Content-Type") != "application/json" {
		t.Errorf("%d %q is no error of the gateway", a.status, a.body)
	}
	return body.Detail
}

func (w *world) send(r *http.Request) answer {
	response, err := w.client.Do(r)
	if err != nil {
		return answer{err: err}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(body), err}
}

// sent sends a request and does not wait.
func (w *world) sent(r *http.Request) <-chan answer {
	answers := make(chan answer, 1)
	go func() { answers <- w.send(r) }()
	return answers
}

func await(t testing.TB, what string, check func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !check(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("gave up waiting: %s", what)
		}
	}
}

// awaitWaiting waits until so many requests wait for a runner.
func (w *world) awaitWaiting(app *state.App, n int) {
	w.t.Helper()
	await(w.t, "requests that wait", func() bool { return w.Waiting(app) == n })
}

// awaitIdle waits until a runner has no request in flight, which is only after
// the client has the answer.
func (w *world) awaitIdle(id string) {
	w.t.Helper()
	await(w.t, "an idle runner", func() bool { return len(w.get(id).Leases) == 0 })
}
