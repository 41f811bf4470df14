package issuer

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	"github.com/fal-plugins/fal/pkg/controlplane/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is set by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is an issuer on a loopback port, with the people of SeedPeople.
type world struct {
	t      *testing.T
	path   string
	key    *Key
	clock  *clock
	state  *state.State
	issuer *Issuer
	server *httptest.Server
	client *http.Client
	stop   func()
}

func newWorld(t *testing.T, o Options) *world {
	t.Helper()
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, path: filepath.Join(t.TempDir(), "state.db"), key: key, clock: &clock{now: time.Now().Truncate(time.Second)}}
	w.open(o)
	t.Cleanup(func() { w.stop() })
	return w
}

func (w *world) open(o Options) {
	w.t.Helper()
	ctx := w.t.Context()
	db, err := store.Open(ctx, w.path)
	w.do(err)
	w.state, err = state.Open(ctx, db, state.Options{Now: w.clock.Now, Logins: state.Logins{Tokens: w.key}})
	w.do(err)
	accounts, err := w.state.Accounts(ctx)
	w.do(err)
	if len(accounts) == 0 {
		_, _, err := w.state.CreateAccount(ctx, "local", "Local Account")
		w.do(err)
	}
	w.do(w.state.SeedPeople(ctx))
	o.Now = w.clock.Now
	w.issuer = New(w.state, w.key, o)
	w.server = httptest.NewServer(w.issuer)
	w.client = w.server.Client()
	w.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	w.stop = func() {
		w.server.Close()
		w.state.Close()
		if err := db.Close(); err != nil {
			w.t.Error(err)
		}
	}
}

func (w *world) do(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// reply is an answer with its body read.
type reply struct {
	t      *testing.T
	status int
	header http.Header
	body   string
}

func (r reply) is(status int) reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("answered %d %s, want %d", r.status, r.body, status)
	}
	return r
}

func (r reply) says(text string) reply {
	r.t.Helper()
	if !strings.Contains(r.body, text) {
		r.t.Fatalf("answered %s, want %q in it", r.body, text)
	}
	return r
}

func (r reply) decode(into any) {
	r.t.Helper()
	if err := json.Unmarshal([]byte(r.body), into); err != nil {
		r.t.Fatalf("answered %q: %v", r.body, err)
	}
}

// fails checks for an OAuth error.
func (r reply) fails(status int, code string) {
	r.t.Helper()
	r.is(status)
	var f failure
	r.decode(&f)
	if f.Code != code || f.Description == "" {
		r.t.Fatalf("answered %s, want the error %s with a description", r.body, code)
	}
}

func (w *world) send(r *http.Request) reply {
	w.t.Helper()
	response, err := w.client.Do(r)
	w.do(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	w.do(err)
	return reply{t: w.t, status: response.StatusCode, header: response.Header, body: string(body)}
}

func (w *world) url(path string) string {
	if strings.Contains(path, "://") {
		return path
	}
	return w.server.URL + Path + path
}

func (w *world) request(method, path, body string) *http.Request {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.url(path), strings.NewReader(body))
	w.do(err)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

func (w *world) get(path string) reply {
	w.t.Helper()
	return w.send(w.request(http.MethodGet, path, ""))
}

// post sends pairs of names and values as a form, and the client id.
func (w *world) post(path string, pairs ...string) reply {
	w.t.Helper()
	values := url.Values{"client_id": {ClientID}}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return w.send(w.request(http.MethodPost, path, values.Encode()))
}

// begin starts a login as the clients of the service do.
func (w *world) begin() devicePending {
	w.t.Helper()
	var d devicePending
	w.post("oauth/device/code", "audience", Audience, "scope", "openid profile email offline_access").is(200).decode(&d)
	return d
}

func (w *world) poll(d devicePending) reply {
	w.t.Helper()
	w.clock.advance(time.Duration(d.Interval) * time.Second)
	return w.post("oauth/token", "grant_type", grantDevice, "device_code", d.DeviceCode)
}

func (w *world) refresh(token string) reply {
	w.t.Helper()
	return w.post("oauth/token", "grant_type", grantRefresh, "refresh_token", token)
}

var hidden = regexp.MustCompile(`name="(user_code|csrf_token)" value="([^"]*)"`)

// formOf reads what the page would post.
func formOf(t *testing.T, page string) url.Values {
	t.Helper()
	values := url.Values{}
	for _, field := range hidden.FindAllStringSubmatch(page, -1) {
		values.Set(field[1], field[2])
	}
	if len(values) != 2 {
		t.Fatalf("no form in %s", page)
	}
	return values
}

// decide opens the page that the program would, and posts its form.
func (w *world) decide(d devicePending, action, person string) reply {
	w.t.Helper()
	values := formOf(w.t, w.get(d.Complete).is(200).says(d.UserCode).body)
	values.Set("action", action)
	values.Set("person", person)
	return w.send(w.request(http.MethodPost, d.Complete, values.Encode()))
}

// login logs somebody in.
func (w *world) login(person string) issued {
	w.t.Helper()
	d := w.begin()
	w.decide(d, "approve", person).is(200).says("Logged in")
	var tokens issued
	w.poll(d).is(200).decode(&tokens)
	return tokens
}
