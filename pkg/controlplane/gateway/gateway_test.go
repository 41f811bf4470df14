package gateway

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

// says answers with what it was asked.
func says(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s %q %v", r.Method, r.RequestURI, body, err)
}

func TestServes(t *testing.T) {
	for path, want := range map[string]bool{
		"/me/web": true, "/me/web/": true, "/me/web/a/b": true, "/me/web//a": true, "/%6de/web": true,
		"": false, "/": false, "/me": false, "/me/": false, "//web": false, "/me//web": false, "me/web": false, "*": false,
		"/users/current": false, "/Users/web": false, "/%75sers/web": false, "/logs/history": false, "/files/list/x": false,
		"/storage/upload/initiate": false, "/auth/oauth/token": false, "/applications/me/web/queue": false, "/health/x": false,
		"/queue/me/web": true, "/queue/me/web/requests/1": true, "/queue/me": false, "/queue/users/web": false, "/queue/queue/web": false, "/queue": false,
	} {
		if got := Serves(path); got != want {
			t.Errorf("%q: %t", path, got)
		}
	}
}

func TestPaths(t *testing.T) {
	w := newWorld(t, Options{})
	w.runner(w.app(), says)
	for path, want := range map[string]string{
		"/me/web":                      "/",
		"/me/web/":                     "/",
		"/me/web/a/b":                  "/a/b",
		"/ME/web/a":                    "/a",
		"/me/web//a/../b/":             "//a/../b/",
		"/me/web/a%2Fb%20c?d=%2F&e;f&": "/a%2Fb%20c?d=%2F&e;f&",
		"/m%65/w%65b/x":                "/x",
		"/me/web?":                     "/?",
		"/me/web/me/web":               "/me/web",
	} {
		if got := w.send(w.request("GET", path, nil)); got.status != 200 || got.body != fmt.Sprintf("GET %s %q <nil>", want, "") {
			t.Errorf("%s: %d %s, want %s", path, got.status, got.body, want)
		}
	}
	for path, want := range map[string]string{
		"/me/nothing":   "app nothing not found",
		"/me/web%2Fa":   "app web/a not found",
		"/nobody/web/x": `account "nobody" not found`,
	} {
		if got := w.send(w.request("GET", path, nil)); got.status != 404 || got.detail(t) != want {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}

func TestHeaders(t *testing.T) {
	w := newWorld(t, Options{TLS: true})
	app := w.app(func(spec *state.AppSpec) { spec.AuthMode = new(state.Private) })
	seen := make(chan http.Header, 1)
	held := make(chan state.Lease, 1)
	var id string
	id = w.runner(app, func(rw http.ResponseWriter, r *http.Request) {
		seen <- r.Header
		held <- w.get(id).Leases[0]
		rw.Header().Set(RequestID, "mine")
		rw.Header().Set("Connection", "X-Hop")
		rw.Header().Set("X-Hop", "one")
		rw.Header().Set("X-End", "two")
		rw.WriteHeader(http.StatusTeapot)
	})
	for sent, kept := range map[string]bool{"": false, "abc-1": true, "a b": false, strings.Repeat("x", 129): false, "é": false} {
		got := w.send(w.request("POST", "/me/web/x", strings.NewReader("body"), "Authorization", "Key "+w.key, "X-Fal-User-Id", w.caller.Account.UserID,
			"Proxy-Authorization", "Basic x", "X-Other", "kept", "Connection", "X-Mine", "X-Mine", "dropped", "Te", "gzip", "X-Forwarded-For", "1.2.3.4", "X-Forwarded-Prefix", "/other", RequestID, sent))
		header, lease := <-seen, <-held
		if got.status != http.StatusTeapot || got.header.Get("X-Hop") != "" || got.header.Get("X-End") != "two" {
			t.Errorf("%d %v", got.status, got.header)
		}
		for _, name := range []string{"Authorization", "X-Fal-User-Id", "Proxy-Authorization", "X-Mine", "Te"} {
			if header.Get(name) != "" {
				t.Errorf("the runner gets %s", name)
			}
		}
		if header.Get("X-Other") != "kept" || header.Get("X-Forwarded-For") != "127.0.0.1" || header.Get("X-Forwarded-Proto") != "https" || header.Get("X-Forwarded-Prefix") != "/me/web" {
			t.Errorf("the runner gets %v", header)
		}
		ids := got.header[RequestID]
		if len(ids) != 1 || ids[0] != header.Get(RequestID) || lease.RequestID != ids[0] || (ids[0] == sent) != kept || ids[0] == "" {
			t.Errorf("sent as %q, answered as %q, seen as %q, leased as %q", sent, ids, header.Get(RequestID), lease.RequestID)
		}
		if lease.CallerUserID != w.caller.Account.UserID {
			t.Errorf("leased for %q", lease.CallerUserID)
		}
	}
}

// TestContinueIsSaidOnce to a client that waits for it, also by an app that says it.
func TestContinueIsSaidOnce(t *testing.T) {
	w := newWorld(t, Options{})
	app := w.app()
	w.runner(app, func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body) // says it, when it is asked to
		w.do(err)
		rw.Header().Set("Length", strconv.Itoa(len(body)))
	})
	for _, size := range []int{10, prefetched + 1} {
		said := 0
		request := w.request("POST", "/me/web", strings.NewReader(strings.Repeat("x", size)), "Expect", "100-continue")
		request = request.WithContext(httptrace.WithClientTrace(request.Context(), &httptrace.ClientTrace{
			Got1xxResponse: func(int, textproto.MIMEHeader) error { said++; return nil },
		}))
		response, err := (&http.Transport{ExpectContinueTimeout: time.Minute, DisableKeepAlives: true}).RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if said != 1 || response.Header.Get("Length") != strconv.Itoa(size) {
			t.Errorf("%d bytes: %d %v, said %d times", size, response.StatusCode, response.Header, said)
		}
	}
}

func TestAuthModes(t *testing.T) {
	w := newWorld(t, Options{})
	narrow, err := w.CreateKey(t.Context(), w.caller, state.API, "")
	w.do(err)
	unknown := "00000000-0000-0000-0000-000000000000:x"
	for _, test := range []struct {
		mode        state.AuthMode
		credentials string
		as          string
		want        int
	}{
		{state.Public, "", "", 200},
		{state.Public, "Key " + unknown, "", 200},
		{state.Public, "Key " + w.key, "", 200},
		{state.Shared, "", "", 401},
		{state.Shared, "Key " + unknown, "", 401},
		{state.Shared, "Bearer x", "", 401},
		{state.Shared, "Key " + w.other, "", 200},
		{state.Shared, "Key " + w.other, w.caller.Account.UserID, 403},
		{state.Private, "", "", 401},
		{state.Private, "Key " + unknown, "", 401},
		{state.Private, "Key", "", 401},
		{state.Private, "Basic " + w.key, "", 401},
		{state.Private, "Key " + w.other, "", 403},
		{state.Private, "Key " + w.other, w.caller.Account.UserID, 403},
		{state.Private, "Key " + w.key, "", 200},
		{state.Private, "key  " + w.key, w.caller.Account.UserID, 200},
		{state.Private, "Key " + narrow.ID + ":" + narrow.Secret, "", 200},
	} {
		t.Run(fmt.Sprintf("%d %s %s", test.mode, test.credentials, test.as), func(t *testing.T) {
			name := fmt.Sprintf("web%d", test.mode)
			if _, _, err := w.Lookup("me", name); err != nil {
				w.runner(w.app(func(spec *state.AppSpec) { spec.Name, spec.AuthMode = name, new(test.mode) }), says)
			}
			r := w.request("GET", "/me/"+name, nil)
			if test.credentials != "" {
				r.Header.Set("Authorization", test.credentials)
			}
			if test.as != "" {
				r.Header.Set("X-Fal-User-Id", test.as)
			}
			got := w.send(r)
			if got.status != test.want {
				t.Errorf("%d %s, want %d", got.status, got.body, test.want)
			}
			if test.want >= 400 && got.detail(t) == "" || (test.want == 401) != (len(got.header["Www-Authenticate"]) == 2) {
				t.Errorf("%v %s", got.header, got.body)
			}
		})
	}
	w.do(w.LockAccount(t.Context(), w.caller.Account, "unpaid"))
	if got := w.send(w.request("GET", "/me/web1", nil)); got.status != 403 || got.detail(t) != "the account me is locked: unpaid" {
		t.Errorf("of a locked account: %d %s", got.status, got.body)
	}
}

// tokens takes the id of a login as its access token.
type tokens struct{}

func (tokens) VerifyAccessToken(token string, _ time.Time) (string, error) { return token, nil }
func (tokens) NextRefreshToken(token string) string                        { return token + "+" }

func TestLogins(t *testing.T) {
	w := newWorld(t, Options{}, state.Logins{Tokens: tokens{}})
	ctx := t.Context()
	w.do(w.SeedPeople(ctx))
	login := func(name string) string {
		person, err := w.Person(name)
		w.do(err)
		grant, err := w.StartLogin(ctx, person, "client", "", true)
		w.do(err)
		return "Bearer " + grant.Login
	}
	for _, app := range []struct{ owner, name string }{{"me", "mine"}, {"sample-team", "ours"}} {
		w.runner(w.app(func(spec *state.AppSpec) {
			spec.Account, spec.Name, spec.AuthMode = app.owner, app.name, new(state.Private)
		}), says)
	}
	for _, test := range []struct {
		who, path string
		want      int
	}{
		{"you", "/me/mine", 200}, {"you", "/sample-team/ours", 200}, {"colleague", "/me/mine", 403}, {"colleague", "/sample-team/ours", 200},
	} {
		if got := w.send(w.request("GET", test.path, nil, "Authorization", login(test.who))); got.status != test.want {
			t.Errorf("%s at %s: %d %s", test.who, test.path, got.status, got.body)
		}
	}
}

// TestAuthorizationForTheApp gets to a public one alone, and only if it is none for
// the gateway.
func TestAuthorizationForTheApp(t *testing.T) {
	w := newWorld(t, Options{}, state.Logins{Tokens: tokens{}})
	w.do(w.SeedPeople(t.Context()))
	person, err := w.Person("you")
	w.do(err)
	grant, err := w.StartLogin(t.Context(), person, "client", "", true)
	w.do(err)
	show := func(rw http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(rw, "%q %q", r.Header.Values("Authorization"), r.Header.Get("X-Fal-User-Id"))
	}
	w.runner(w.app(), show)
	w.runner(w.app(func(spec *state.AppSpec) { spec.Name, spec.AuthMode = "shared", new(state.Shared) }), show)
	for _, test := range []struct {
		path string
		sent []string
		want string
	}{
		{"/me/web", []string{"Bearer own-token"}, `["Bearer own-token"] ""`},
		{"/me/web", []string{"Basic dTpw"}, `["Basic dTpw"] ""`},
		{"/me/web", []string{"Bearer " + grant.Login}, `[] ""`},
		{"/me/web", []string{"bearer  " + grant.Login}, `[] ""`},
		{"/me/web", []string{"Bearer own-token", "Bearer " + grant.Login}, `[] ""`},
		{"/me/web", []string{"Key " + w.key}, `[] ""`},
		{"/me/web", []string{"key of-another:service"}, `[] ""`},
		{"/me/shared", []string{"Key " + w.key}, `[] ""`},
		{"/me/shared", []string{"Key " + w.key, "Bearer own-token"}, `[] ""`},
	} {
		r := w.request("GET", test.path, nil, "X-Fal-User-Id", w.caller.Account.UserID)
		r.Header["Authorization"] = test.sent
		if got := w.send(r); got.status != 200 || got.body != test.want {
			t.Errorf("%s %q: %d %s, want %s", test.path, test.sent, got.status, got.body, test.want)
		}
	}
}

func TestRequestsWaitForARunner(t *testing.T) {
	w := newWorld(t, Options{})
	app := w.app(func(spec *state.AppSpec) { spec.MaxMultiplexing = 2 })
	var all []<-chan answer
	for i := range 5 {
		all = append(all, w.sent(w.request("POST", "/me/web/"+strconv.Itoa(i), strings.NewReader("x"))))
		w.awaitWaiting(app, i+1)
	}
	apps, _ := w.Snapshot()
	if len(apps) != 1 || len(apps[0].Held) != 5 || !slices.IsSortedFunc(apps[0].Held, time.Time.Compare) {
		t.Errorf("snapshot %+v", apps)
	}
	arrived := make(chan string, 5)
	release := make(chan struct{})
	id := w.runner(app, func(_ http.ResponseWriter, r *http.Request) {
		arrived <- r.URL.Path
		<-release
	})
	got := []string{<-arrived, <-arrived}
	if slices.Sort(got); !slices.Equal(got, []string{"/0", "/1"}) {
		t.Errorf("%q come first", got)
	}
	if r := w.get(id); len(r.Leases) != 2 || w.Waiting(app) != 3 {
		t.Errorf("%d in flight, %d wait", len(r.Leases), w.Waiting(app))
	}
	release <- struct{}{}
	if path := <-arrived; path != "/2" {
		t.Errorf("then comes %s", path)
	}
	close(release)
	for _, a := range all {
		if got := <-a; got.status != 200 {
			t.Errorf("%d %s %v", got.status, got.body, got.err)
		}
	}
	w.awaitIdle(id)
}

func TestTheQueueIsBounded(t *testing.T) {
	w := newWorld(t, Options{})
	app := w.app()
	ctx, cancel := context.WithCancel(t.Context())
	var waiting sync.WaitGroup
	for range 1024 {
		waiting.Go(func() {
			if _, _, err := w.Acquire(ctx, app, "", ""); !errors.Is(err, context.Canceled) {
				t.Errorf("it ends with %v", err)
			}
		})
	}
	w.awaitWaiting(app, 1024)
	if got := w.send(w.request("GET", "/me/web", nil)); got.status != 429 || got.header.Get("Retry-After") == "" || got.detail(t) == "" {
		t.Errorf("%d %v %s", got.status, got.header, got.body)
	}
	cancel()
	waiting.Wait()
	w.awaitWaiting(app, 0)
}

func TestAStartThatFails(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	app := w.app(func(spec *state.AppSpec) { spec.AuthMode = new(state.Shared) })
	held, stranger := w.sent(w.request("GET", "/me/web", nil, "Authorization", "Key "+w.key)), w.sent(w.request("GET", "/me/web", nil, "Authorization", "Key "+w.other))
	w.awaitWaiting(app, 2)
	id := w.pending(app)
	other := w.pending(app)
	minute := func(int) time.Duration { return time.Minute }
	w.do(w.StartFailed(ctx, id, "no such program", minute))
	if w.Waiting(app) != 2 {
		t.Error("they do not wait for the other one")
	}
	w.do(w.StartFailed(ctx, other, "no such program either", minute))
	if got := <-stranger; got.status != 503 || !strings.HasSuffix(got.detail(t), " of app web did not start") {
		t.Errorf("to a stranger: %d %s", got.status, got.body)
	}
	for _, got := range []answer{<-held, w.send(w.request("GET", "/me/web", nil, "Authorization", "Key "+w.key))} {
		after, err := strconv.Atoi(got.header.Get("Retry-After"))
		if got.status != 503 || err != nil || after < 1 || after > 60 || !strings.Contains(got.detail(t), "did not start: no such program") {
			t.Errorf("%d %v %s", got.status, got.header, got.body)
		}
	}
	if _, _, err := w.Relaunch(ctx, id, "again"); err != nil {
		t.Fatal(err)
	}
	held = w.sent(w.request("GET", "/me/web", nil, "Authorization", "Key "+w.key))
	w.awaitWaiting(app, 1)
	w.up(id, says)
	if got := <-held; got.status != 200 {
		t.Errorf("%d %s", got.status, got.body)
	}
	// Another revision is another matter.
	w.do(w.Drain(ctx, id, "test"))
	app = w.app()
	held = w.sent(w.request("GET", "/me/web", nil, "Authorization", "Key "+w.key))
	w.awaitWaiting(app, 1)
	if _, err := w.DeleteApp(ctx, w.caller, "", "web"); err != nil {
		t.Fatal(err)
	}
	if got := <-held; got.status != 404 || got.detail(t) != "app web not found" {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestWhoGetsARequest(t *testing.T) {
	w := newWorld(t, Options{})
	ctx := t.Context()
	named := func(name string) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) { io.WriteString(rw, name) }
	}
	who := func() string { return w.send(w.request("GET", "/me/web", nil)).body }
	app := w.app()
	old := w.runner(app, named("old"))
	if got := who(); got != "old" {
		t.Errorf("before the rollout %q answers", got)
	}
	app = w.app()
	fresh := w.pending(app)
	if got := who(); got != "old" {
		t.Errorf("while it starts %q answers", got)
	}
	w.up(fresh, named("new"))
	if got := who(); got != "new" {
		t.Errorf("after it %q answers", got)
	}
	w.awaitIdle(fresh)
	_, release, err := w.Acquire(ctx, app, "", "")
	w.do(err)
	if got := who(); got != "old" {
		t.Errorf("with the new one busy %q answers", got)
	}
	w.do(w.Drain(ctx, old, "test"))
	held := w.sent(w.request("GET", "/me/web", nil))
	w.awaitWaiting(app, 1)
	release()
	if got := <-held; got.body != "new" {
		t.Errorf("with the old one draining %q answers", got.body)
	}
}

func TestTimeouts(t *testing.T) {
	w := newWorld(t, Options{})
	id := w.runner(w.app(func(spec *state.AppSpec) { spec.RequestTimeout = 50 * time.Millisecond }), func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/begun" {
			rw.(http.Flusher).Flush()
		}
		<-r.Context().Done()
	})
	if got := w.send(w.request("GET", "/me/web", nil)); got.status != 504 || !strings.Contains(got.detail(t), "request_timeout") {
		t.Errorf("%d %s", got.status, got.body)
	}
	await(t, "one that begins in time, and breaks off", func() bool {
		got := w.send(w.request("GET", "/me/web/begun", nil))
		return got.status == 200 && got.err != nil
	})
	w.awaitIdle(id)

	full := w.app(func(spec *state.AppSpec) {
		spec.Name, spec.RequestTimeout, spec.StartupTimeout = "full", 20*time.Millisecond, 20*time.Millisecond
	})
	if got := w.send(w.request("GET", "/me/full", nil)); got.status != 504 || !strings.Contains(got.detail(t), "no runner had room") || w.Waiting(full) != 0 {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestClientsThatGoAway(t *testing.T) {
	w := newWorld(t, Options{})
	app := w.app()
	ctx, cancel := context.WithCancel(t.Context())
	held := w.sent(w.request("POST", "/me/web", strings.NewReader("short")).WithContext(ctx))
	w.awaitWaiting(app, 1)
	cancel()
	<-held
	w.awaitWaiting(app, 0)

	begun, ended := make(chan struct{}), make(chan struct{})
	id := w.runner(app, func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
		close(ended)
	})
	ctx, cancel = context.WithCancel(t.Context())
	answered := w.sent(w.request("GET", "/me/web", nil).WithContext(ctx))
	<-begun
	cancel()
	<-ended
	<-answered
	w.awaitIdle(id)
}

func TestRunnersThatDie(t *testing.T) {
	w := newWorld(t, Options{})
	w.gateway.unreachable = 100 * time.Millisecond
	app := w.app()
	abort := func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/begun" {
			io.WriteString(rw, "some")
			rw.(http.Flusher).Flush()
		}
		panic(http.ErrAbortHandler)
	}
	id := w.pending(app)
	server := w.up(id, abort)
	if got := w.send(w.request("POST", "/me/web", strings.NewReader("x"))); got.status != 502 || !strings.Contains(got.detail(t), "runner "+id+" gave no answer") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := w.send(w.request("GET", "/me/web/begun", nil)); got.status != 200 || got.body != "some" || got.err == nil {
		t.Errorf("%d %q %v", got.status, got.body, got.err)
	}
	server.Close()
	if got := w.send(w.request("GET", "/me/web", nil)); got.status != 502 || !strings.Contains(got.detail(t), "refused") {
		t.Errorf("one that is gone: %d %s", got.status, got.body)
	}
	w.awaitIdle(id)
}

// TestStreams holds that what is sent arrives before more of it is there, both
// ways.
func TestStreams(t *testing.T) {
	w := newWorld(t, Options{})
	w.runner(w.app(), func(rw http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(rw)
		if err := rc.EnableFullDuplex(); err != nil {
			t.Error(err)
		}
		rw.Header().Set("Content-Type", r.Header.Get("Accept"))
		if length := r.Header.Get("X-Length"); length != "" {
			rw.Header().Set("Content-Length", length)
		}
		if err := rc.Flush(); err != nil {
			t.Error(err)
		}
		lines := bufio.NewScanner(r.Body)
		for lines.Scan() {
			fmt.Fprintf(rw, "data: %s\n", lines.Text())
			if err := rc.Flush(); err != nil {
				t.Error(err)
			}
		}
		rw.Header().Set(http.TrailerPrefix+"X-Sum", "3")
	})
	for _, headers := range [][]string{{"Accept", "text/event-stream"}, {"Accept", "application/json"}, {"Accept", "text/plain", "X-Length", "24"}} {
		reader, writer := io.Pipe()
		response, err := w.client.Do(w.request("POST", "/me/web/stream", reader, headers...))
		w.do(err)
		answers := bufio.NewReader(response.Body)
		for i := range 3 {
			fmt.Fprintf(writer, "%d\n", i)
			line, err := answers.ReadString('\n')
			if err != nil || line != fmt.Sprintf("data: %d\n", i) {
				t.Fatalf("%q: %q, %v", headers, line, err)
			}
		}
		writer.Close()
		if _, err := answers.ReadByte(); err != io.EOF {
			t.Errorf("%q: at the end %v", headers, err)
		}
		if len(headers) == 2 && response.Trailer.Get("X-Sum") != "3" {
			t.Errorf("trailer %v", response.Trailer)
		}
		response.Body.Close()
	}
}

func TestLargeBodies(t *testing.T) {
	w := newWorld(t, Options{})
	w.runner(w.app(), func(rw http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(rw).EnableFullDuplex(); err != nil {
			t.Error(err)
		}
		if _, err := io.Copy(rw, r.Body); err != nil {
			t.Error(err)
		}
	})
	for _, size := range []int{0, 1, prefetched, prefetched + 1, 20 << 20} {
		content := make([]byte, size)
		rand.Read(content)
		got := w.send(w.request("PUT", "/me/web", bytes.NewReader(content)))
		if got.status != 200 || got.body != string(content) {
			t.Errorf("of %d bytes %d come back: %d %v", size, len(got.body), got.status, got.err)
		}
	}
}

func TestWebSockets(t *testing.T) {
	for name, end := range map[string]func(w *world, conn *websocket.Conn, id string){
		"the client closes": func(_ *world, conn *websocket.Conn, _ string) { conn.Close(websocket.StatusNormalClosure, "") },
		"the client dies":   func(_ *world, conn *websocket.Conn, _ string) { conn.CloseNow() },
		"the runner closes": func(_ *world, conn *websocket.Conn, _ string) {
			conn.Write(context.Background(), websocket.MessageText, []byte("bye"))
		},
		"the gateway closes": func(w *world, _ *websocket.Conn, _ string) { w.gateway.Close() },
		"the key is revoked": func(w *world, _ *websocket.Conn, _ string) {
			w.do(w.RevokeKey(context.Background(), w.caller, w.caller.KeyID))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Options{})
			app := w.app(func(spec *state.AppSpec) { spec.AuthMode = new(state.Private) })
			over := make(chan struct{})
			id := w.runner(app, func(rw http.ResponseWriter, r *http.Request) {
				defer close(over)
				conn, err := websocket.Accept(rw, r, nil)
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.CloseNow()
				for {
					kind, message, err := conn.Read(context.Background())
					if err != nil || string(message) == "bye" {
						return
					}
					if err := conn.Write(context.Background(), kind, message); err != nil {
						return
					}
				}
			})
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			conn, response, err := websocket.Dial(ctx, w.url+"/me/web/ws", &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Key " + w.key}}})
			w.do(err)
			defer conn.CloseNow()
			if response.Header.Get(RequestID) == "" {
				t.Errorf("headers %v", response.Header)
			}
			echo := func() {
				t.Helper()
				w.do(conn.Write(ctx, websocket.MessageText, []byte("hello")))
				if _, message, err := conn.Read(ctx); err != nil || string(message) != "hello" {
					t.Fatalf("%q, %v", message, err)
				}
			}
			echo()
			if r := w.get(id); len(r.Leases) != 1 || r.State != state.Running {
				t.Errorf("%s with %d leases", r.State, len(r.Leases))
			}
			end(w, conn, id)
			<-over
			if _, _, err := conn.Read(ctx); err == nil || ctx.Err() != nil {
				t.Errorf("the client reads on: %v", err)
			}
			w.awaitIdle(id)
		})
	}
}

// TestWebSocketsOutliveTheRequestTimeout, which holds for answers.
func TestWebSocketsOutliveTheRequestTimeout(t *testing.T) {
	w := newWorld(t, Options{})
	const limit = 100 * time.Millisecond
	id := w.runner(w.app(func(spec *state.AppSpec) { spec.RequestTimeout = limit }), func(rw http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(rw, r, nil)
		if err != nil {
			return // not in time, on a busy machine
		}
		defer conn.CloseNow()
		_, message, err := conn.Read(context.Background())
		if err == nil {
			err = conn.Write(context.Background(), websocket.MessageText, message)
		}
		if err != nil {
			t.Error(err)
		}
	})
	var conn *websocket.Conn
	await(t, "a connection", func() (ok bool) {
		var err error
		conn, _, err = websocket.Dial(t.Context(), w.url+"/me/web/ws", nil)
		return err == nil
	})
	defer conn.CloseNow()
	leased := w.get(id).Leases[0].LeasedAt
	await(t, "the timeout", func() bool { return time.Since(leased) > 2*limit })
	w.do(conn.Write(t.Context(), websocket.MessageText, []byte("late")))
	if _, message, err := conn.Read(t.Context()); err != nil || string(message) != "late" {
		t.Errorf("%q, %v", message, err)
	}
}

func TestClose(t *testing.T) {
	w := newWorld(t, Options{})
	begun := make(chan struct{})
	w.runner(w.app(), func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
	})
	answered := w.sent(w.request("GET", "/me/web", nil))
	<-begun
	held := w.sent(w.request("GET", "/me/web", nil))
	app, _, err := w.Lookup("me", "web")
	w.do(err)
	w.awaitWaiting(app, 1)
	w.gateway.Close()
	for _, got := range []answer{<-answered, <-held, w.send(w.request("GET", "/me/web", nil))} {
		if got.status != 503 || got.detail(t) != "the control plane is stopping" {
			t.Errorf("%d %s %v", got.status, got.body, got.err)
		}
	}
}

// TestWhatNoRunnerSpeaks is answered all the same.
func TestWhatNoRunnerSpeaks(t *testing.T) {
	w := newWorld(t, Options{})
	app := w.app()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	w.do(err)
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			io.WriteString(conn, "220 mail.example ESMTP\r\n")
			conn.Close()
		}
	}()
	w.upAt(w.pending(app), listener.Addr().(*net.TCPAddr).Port)
	if got := w.send(w.request("GET", "/me/web", nil)); got.status != 502 {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func FuzzSplit(f *testing.F) {
	for _, path := range []string{"/me/web", "/me/web/x", "/%6de/%77eb?", "//", "/users/x", "/%zz/x"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		a, ok := split(path)
		if !ok {
			return
		}
		slashes := 2
		if a.queue {
			slashes = 3
		}
		if !strings.HasPrefix(path, a.prefix) || strings.Count(a.prefix, "/") != slashes || state.Reserved(a.owner) || a.alias == "" {
			t.Errorf("%q: %+v", path, a)
		}
	})
}
