package login_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/login"
)

func TestFreshTokenAsksNobody(t *testing.T) {
	s, dir := newIssuer(t), t.TempDir()
	for _, life := range []time.Duration{31 * time.Minute, 24 * time.Hour} {
		p := s.login(t, dir, life)
		c, _ := newClient(t, s.base, dir, nil)
		got, err := c.Token(testContext(t))
		if err != nil || got != p.access {
			t.Errorf("%s: %q, %v", life, got, err)
		}
	}
	if _, asked := s.counts(); asked != 0 {
		t.Errorf("%d requests", asked)
	}
	if _, err := os.Stat(filepath.Join(dir, ".portalock")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the lock was touched: %v", err)
	}
}

func TestRefresh(t *testing.T) {
	for name, content := range map[string]func(pair) string{
		"ended":             func(p pair) string { return p.file() },
		"no access token":   func(p pair) string { return p.refresh },
		"written by editor": func(p pair) string { return p.refresh + "\r\n" + p.access + "\r\n" },
		"a torn access":     func(p pair) string { return p.refresh + "\n" + p.access[:20] },
		"not a token":       func(p pair) string { return p.refresh + "\nso ein Müll\n" },
	} {
		t.Run(name, func(t *testing.T) {
			s, dir := newIssuer(t), t.TempDir()
			p := s.login(t, dir, 29*time.Minute)
			write(t, dir, content(p))
			old := time.Now().Add(-2 * time.Hour)
			if err := os.Chtimes(tokenPath(dir), old, old); err != nil {
				t.Fatal(err)
			}
			c, said := newClient(t, s.base, dir, nil)
			got, err := c.Token(testContext(t))
			if err != nil || got == p.access || got == "" {
				t.Fatalf("%q, %v", got, err)
			}
			if rotations, asked := s.counts(); rotations != 1 || asked != 1 {
				t.Errorf("%d refreshes in %d requests", rotations, asked)
			}
			if content := read(t, dir); !s.pairs[content] || !strings.HasSuffix(content, got) {
				t.Errorf("the file: %q", content)
			}
			form := s.forms[0]
			if fmt.Sprint(form) != fmt.Sprintf("map[client_id:[%s] grant_type:[refresh_token] refresh_token:[%s]]", login.Service().ClientID, p.refresh) {
				t.Errorf("asked with %v", form)
			}
			if said.all() != "" {
				t.Errorf("notices: %s", said.all())
			}
			if again, err := c.Token(testContext(t)); err != nil || again != got {
				t.Errorf("again: %v", err)
			}
		})
	}
}

func TestManyGoroutinesRefreshOnce(t *testing.T) {
	s, dir := newIssuer(t), t.TempDir()
	s.login(t, dir, -time.Hour)
	c, _ := newClient(t, s.base, dir, nil)
	ctx := testContext(t)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := c.Token(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if rotations, asked := s.counts(); rotations != 1 || asked != 1 {
		t.Errorf("%d refreshes in %d requests", rotations, asked)
	}
}

func TestNotLoggedIn(t *testing.T) {
	s := newIssuer(t)
	missing := filepath.Join(t.TempDir(), "none")
	empty := t.TempDir()
	write(t, empty, "")
	blank := t.TempDir()
	write(t, blank, "\n\n")
	for _, dir := range []string{missing, empty, blank} {
		c, _ := newClient(t, s.base, dir, nil)
		if _, err := c.Token(testContext(t)); !errors.Is(err, login.NotLoggedIn) {
			t.Errorf("%s: %v", dir, err)
		}
	}
	if _, err := os.Stat(missing); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder was made: %v", err)
	}
	if _, asked := s.counts(); asked != 0 {
		t.Errorf("%d requests", asked)
	}
}

// answer makes a fault of one answer to every request.
func answer(status int, contentType, body string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
		return true
	}
}

func reset(w http.ResponseWriter, _ *http.Request) bool {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
	return true
}

func TestFailureKeepsLogin(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s came to another host", r.Method, r.URL)
	}))
	t.Cleanup(elsewhere.Close)
	for _, test := range []struct {
		name  string
		fault func(http.ResponseWriter, *http.Request) bool
		kind  login.Kind
		asked int32
	}{
		{"500", answer(500, "text/plain", "oops"), login.Network, 3},
		{"503 in HTML", answer(503, "text/html", "<html>busy</html>"), login.Network, 3},
		{"HTML", answer(200, "text/html", "<html>please log in to this hotel</html>"), login.Network, 1},
		{"HTML and 403", answer(403, "text/html", "<html>blocked</html>"), login.Network, 1},
		{"429", answer(429, "application/json", `{"error":"too_many_requests"}`), login.Network, 1},
		{"500 that says invalid_grant", answer(500, "application/json", `{"error":"invalid_grant"}`), login.Network, 3},
		{"empty", answer(200, "application/json", ``), login.Network, 1},
		{"null", answer(200, "application/json", `null`), login.Network, 1},
		{"no token", answer(200, "application/json", `{}`), login.Network, 1},
		{"a number for a token", answer(200, "application/json", `{"access_token":1}`), login.Network, 1},
		{"a token of two lines", answer(200, "application/json", `{"access_token":"a\nb","refresh_token":"c"}`), login.Untrusted, 1},
		{"a refresh token of two lines", answer(200, "application/json", `{"access_token":"a","refresh_token":"c\nd"}`), login.Untrusted, 1},
		{"endless", answer(200, "application/json", strings.Repeat(" ", 2<<20)), login.Network, 3},
		{"reset", reset, login.Network, 3},
		{"redirect", func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
			return true
		}, login.Network, 1},
		{"another error", answer(403, "application/json", `{"error":"unauthorized_client","error_description":"a\u001b[31m b"}`), login.Rejected, 1},
		{"an error as a form", answer(400, "text/plain", `error=invalid_request`), login.Rejected, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, dir := newIssuer(t), t.TempDir()
			before := s.login(t, dir, -time.Hour)
			var asked atomic.Int32
			s.set(func() {
				s.fault = func(w http.ResponseWriter, r *http.Request) bool { asked.Add(1); return test.fault(w, r) }
			})
			c, _ := newClient(t, s.base, dir, nil)
			_, err := c.Token(testContext(t))
			var e *login.Error
			if !errors.As(err, &e) || e.Kind != test.kind || !errors.Is(err, test.kind) {
				t.Errorf("%v", err)
			}
			if err != nil && (strings.ContainsAny(err.Error(), "\x1b\n") || strings.Contains(err.Error(), "refresh-")) {
				t.Errorf("the text: %q", err)
			}
			if asked.Load() != test.asked {
				t.Errorf("asked %d times", asked.Load())
			}
			if read(t, dir) != before.file() {
				t.Errorf("the file: %q", read(t, dir))
			}
			left, err := filepath.Glob(filepath.Join(dir, ".auth0_token.*"))
			if err != nil || len(left) != 0 {
				t.Errorf("left behind: %q, %v", left, err)
			}
			s.set(func() { s.fault = nil })
			if _, err := c.Token(testContext(t)); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	dir := t.TempDir()
	s := newIssuer(t)
	before := s.login(t, dir, -time.Hour)
	s.server.Close()
	c, _ := newClient(t, s.base, dir, nil)
	if _, err := c.Token(testContext(t)); !errors.Is(err, login.Network) {
		t.Error(err)
	}
	// Nothing comes back from a black hole, nor does it end by itself.
	c, _ = newClient(t, s.base, dir, func(o *login.Options) {
		o.HTTPClient.Transport.(*http.Transport).DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, err := c.Token(ctx); !errors.Is(err, login.Network) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	ctx, cancel = context.WithCancel(context.Background())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := c.Token(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if read(t, dir) != before.file() {
		t.Error("the file changed")
	}
}

// A token in its last half hour is used as long as there is no better one.
func TestAliveIsBetterThanNothing(t *testing.T) {
	s, dir := newIssuer(t), t.TempDir()
	p := s.login(t, dir, 10*time.Minute)
	s.set(func() { s.fault = answer(403, "text/html", "<html>") })
	c, _ := newClient(t, s.base, dir, nil)
	if got, err := c.Token(testContext(t)); err != nil || got != p.access {
		t.Errorf("%q, %v", got, err)
	}
	s.set(func() { s.fault, s.family = nil, "" })
	if _, err := c.Token(testContext(t)); !errors.Is(err, login.Refused) {
		t.Errorf("refused: %v", err)
	}
}

// Where no token lives for half an hour, one that another just got is not
// refreshed at once by those who waited.
func TestShortLives(t *testing.T) {
	s, dir := newIssuer(t), t.TempDir()
	s.login(t, dir, -time.Hour)
	const clients = 10
	var seen, done sync.WaitGroup
	seen.Add(clients)
	s.set(func() {
		s.life = time.Minute
		s.fault = func(http.ResponseWriter, *http.Request) bool { seen.Wait(); return false }
	})
	ctx := testContext(t)
	for range clients {
		ended := sync.OnceFunc(seen.Done) // the clock is asked once the file was read
		c, _ := newClient(t, s.base, dir, func(o *login.Options) {
			o.Now = func() time.Time { ended(); return time.Now() }
		})
		done.Go(func() {
			if _, err := c.Token(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	if rotations, asked := s.counts(); rotations != 1 || asked != 1 {
		t.Errorf("%d refreshes in %d requests", rotations, asked)
	}
}

// An answer that was lost on its way is fetched again while the issuer still
// honours the token that was used.
func TestLostAnswerIsFetchedAgain(t *testing.T) {
	s, dir := newIssuer(t), t.TempDir()
	s.login(t, dir, -time.Hour)
	var once sync.Once
	s.set(func() {
		s.after = func(*http.Request) { once.Do(func() { s.server.CloseClientConnections() }) }
	})
	c, _ := newClient(t, s.base, dir, nil)
	if _, err := c.Token(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if rotations, asked := s.counts(); rotations != 1 || asked != 2 || !s.alive(t, dir) {
		t.Errorf("%d refreshes in %d requests", rotations, asked)
	}
}

// Who interrupts a command does not lose the answer that is on its way.
func TestInterruptedWhileTheIssuerAnswers(t *testing.T) {
	s, dir := newIssuer(t), t.TempDir()
	before := s.login(t, dir, -time.Hour)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s.set(func() {
		s.after = func(r *http.Request) {
			cancel()
			select {
			case <-time.After(100 * time.Millisecond):
			case <-r.Context().Done():
			}
		}
	})
	c, _ := newClient(t, s.base, dir, nil)
	if got, err := c.Token(ctx); err != nil || !strings.HasSuffix(read(t, dir), got) || read(t, dir) == before.file() {
		t.Errorf("%q, %v", got, err)
	}
	// But nobody waits forever.
	s.login(t, dir, -time.Hour)
	gone := make(chan struct{})
	ctx, cancel = context.WithCancel(context.Background())
	defer cancel()
	s.set(func() { s.after = func(r *http.Request) { cancel(); <-r.Context().Done(); close(gone) } })
	if _, err := c.Token(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	<-gone
}

func TestRefused(t *testing.T) {
	s, dir := newIssuer(t), t.TempDir()
	s.login(t, dir, -time.Hour)
	s.set(func() { s.family = "" })
	c, _ := newClient(t, s.base, dir, nil)
	_, err := c.Token(testContext(t))
	var e *login.Error
	if !errors.As(err, &e) || e.Kind != login.Refused || e.Reason != "invalid_grant" || e.Status != 403 {
		t.Errorf("%#v", err)
	}
	if _, err := os.Stat(tokenPath(dir)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is still there: %v", err)
	}
	if _, err := c.Token(testContext(t)); !errors.Is(err, login.NotLoggedIn) {
		t.Error(err)
	}
}

// Other programs refresh without the lock: their answer is ours.
func TestRefusedSinceAnotherWasFaster(t *testing.T) {
	for name, delay := range map[string]time.Duration{"written": 0, "about to be written": 100 * time.Millisecond} {
		for _, life := range []time.Duration{time.Hour, -time.Hour} {
			t.Run(fmt.Sprintf("%s, living %s", name, life), func(t *testing.T) {
				s, dir := newIssuer(t), t.TempDir()
				s.login(t, dir, -time.Hour)
				done := make(chan struct{})
				var once sync.Once
				var late atomic.Bool
				var others pair
				s.set(func() {
					s.life = life
					s.fault = func(http.ResponseWriter, *http.Request) bool {
						once.Do(func() {
							s.mu.Lock()
							others = s.next() // what was the current token is unknown now
							s.life = 24 * time.Hour
							s.mu.Unlock()
							if delay == 0 {
								write(t, dir, others.file())
								close(done)
							}
						})
						return false
					}
					s.after = func(*http.Request) {
						if delay != 0 && late.CompareAndSwap(false, true) {
							time.AfterFunc(delay, func() { write(t, dir, others.file()); close(done) })
						}
					}
				})
				c, _ := newClient(t, s.base, dir, nil)
				got, err := c.Token(testContext(t))
				<-done
				if err != nil || (life > 0) != (got == others.access) || !s.alive(t, dir) {
					t.Errorf("%q, %v", got, err)
				}
			})
		}
	}
}

func TestOpaqueTokens(t *testing.T) {
	s, dir := newIssuer(t), t.TempDir()
	s.set(func() { s.opaque = true })
	for _, test := range []struct {
		age     time.Duration
		renewed bool
	}{{0, false}, {29 * time.Minute, false}, {31 * time.Minute, true}, {48 * time.Hour, true}, {-10 * time.Minute, true}} {
		p := s.login(t, dir, 0)
		at := time.Now().Add(-test.age)
		if err := os.Chtimes(tokenPath(dir), at, at); err != nil {
			t.Fatal(err)
		}
		c, _ := newClient(t, s.base, dir, nil)
		got, err := c.Token(testContext(t))
		if err != nil || (got != p.access) != test.renewed {
			t.Errorf("after %s: %q, %v", test.age, got, err)
		}
	}
}

// With a clock that is wrong by a day every command refreshes, and works.
func TestClockAhead(t *testing.T) {
	s, dir := newIssuer(t), t.TempDir()
	s.login(t, dir, 24*time.Hour)
	c, _ := newClient(t, s.base, dir, func(o *login.Options) {
		o.Now = func() time.Time { return time.Now().Add(48 * time.Hour) }
	})
	for n := range 3 {
		if _, err := c.Token(testContext(t)); err != nil {
			t.Fatal(err)
		}
		if rotations, _ := s.counts(); rotations != n+1 {
			t.Errorf("%d refreshes after %d calls", rotations, n+1)
		}
	}
}

func TestOtherIssuer(t *testing.T) {
	s, dir := newIssuer(t), t.TempDir()
	token := func(issuer string) string {
		return sign(signingKey(), map[string]any{"alg": "RS256"}, map[string]any{"iss": issuer, "exp": time.Now().Add(-time.Hour).Unix()})
	}
	write(t, dir, "r\n"+token("https://auth.fal.ai/"))
	c, _ := newClient(t, s.base, dir, nil)
	if _, err := c.Token(testContext(t)); !errors.Is(err, login.OtherIssuer) {
		t.Error(err)
	}
	if err := c.Logout(testContext(t)); !errors.Is(err, login.OtherIssuer) {
		t.Error(err)
	}
	c, _ = newClient(t, s.base, dir, func(o *login.Options) { o.Endpoints = login.Endpoints{} })
	for _, other := range []string{"http://127.0.0.1:8080/auth/", "http://localhost/", "http://[::1]:1/"} {
		write(t, dir, "r\n"+token(other))
		if _, err := c.Token(testContext(t)); !errors.Is(err, login.OtherIssuer) {
			t.Errorf("%s: %v", other, err)
		}
	}
	if _, asked := s.counts(); asked != 0 {
		t.Errorf("%d requests", asked)
	}
}

// What cannot be saved is used as long as the process lives.
func TestUnsaved(t *testing.T) {
	s, dir := newIssuer(t), t.TempDir()
	before := s.login(t, dir, -time.Hour)
	s.set(func() {
		s.after = func(*http.Request) {
			slots, _ := filepath.Glob(filepath.Join(dir, ".auth0_token.*"))
			for _, path := range slots {
				os.Remove(path)
			}
		}
	})
	c, said := newClient(t, s.base, dir, nil)
	got, err := c.Token(testContext(t))
	if err != nil || read(t, dir) != before.file() || !strings.Contains(said.all(), "could not be saved") {
		t.Fatalf("%q, %v; notices: %s", got, err, said.all())
	}
	if again, err := c.Token(testContext(t)); err != nil || again != got {
		t.Errorf("again: %q, %v", again, err)
	}
	s.set(func() { s.after = nil })
	if _, err := c.Renew(testContext(t), got); err != nil || !s.pairs[read(t, dir)] {
		t.Errorf("at last: %v; the file: %q", err, read(t, dir))
	}
}

// The issuer is not asked for what could not be stored.
func TestNoPlaceForTokens(t *testing.T) {
	s, dir := newIssuer(t), t.TempDir()
	s.login(t, dir, -time.Hour)
	if err := os.Mkdir(filepath.Join(dir, ".portalock"), 0o700); err != nil {
		t.Fatal(err)
	}
	c, _ := newClient(t, s.base, dir, nil)
	if _, err := c.Token(testContext(t)); !errors.Is(err, login.Storage) {
		t.Error(err)
	}
	if _, err := c.Begin(testContext(t), nil); !errors.Is(err, login.Storage) {
		t.Error(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c, _ = newClient(t, s.base, file, nil)
	if _, err := c.Begin(testContext(t), nil); !errors.Is(err, login.Storage) {
		t.Error(err)
	}
	if _, asked := s.counts(); asked != 0 || len(s.forms) != 0 {
		t.Errorf("%d requests", asked)
	}
	if _, err := login.New(login.Options{}); !errors.Is(err, login.Storage) {
		t.Error(err)
	}
}

func TestRenew(t *testing.T) {
	s, dir := newIssuer(t), t.TempDir()
	p := s.login(t, dir, time.Hour)
	c, _ := newClient(t, s.base, dir, nil)
	if got, err := c.Renew(testContext(t), "another"); err != nil || got != p.access || read(t, dir) != p.file() {
		t.Errorf("%q, %v; the file: %q", got, err, read(t, dir))
	}
	s.set(func() { s.fault = answer(500, "text/html", "<html>") })
	if _, err := c.Renew(testContext(t), p.access); !errors.Is(err, login.Network) || read(t, dir) != p.file() {
		t.Errorf("%v; the file: %q", err, read(t, dir))
	}
	s.set(func() { s.fault = nil })
	before, _ := s.counts()
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if got, err := c.Renew(testContext(t), p.access); err != nil || got == p.access || got == "" {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	wg.Wait()
	if rotations, _ := s.counts(); rotations != before+1 || !s.pairs[read(t, dir)] {
		t.Errorf("%d refreshes; the file: %q", rotations-before, read(t, dir))
	}
	if err := c.Forget(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Renew(testContext(t), p.access); !errors.Is(err, login.NotLoggedIn) {
		t.Error(err)
	}
}

// Whatever Admit refuses is sent by no way at all.
func TestAdmit(t *testing.T) {
	s, dir := newIssuer(t), t.TempDir()
	ours := s.login(t, dir, -time.Hour)
	for name, test := range map[string]struct{ content, issuer string }{
		"named":        {ours.file(), s.base + "/"},
		"nothing said": {"refresh-production\n", ""},
		"opaque":       {"refresh-production\nopaque", ""},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, dir, test.content)
			var asked []string
			c, _ := newClient(t, s.base, dir, func(o *login.Options) {
				o.Admit = func(issuer string) bool { asked = append(asked, issuer); return false }
			})
			for name, use := range map[string]func() error{
				"token":  func() error { _, err := c.Token(testContext(t)); return err },
				"renew":  func() error { _, err := c.Renew(testContext(t), "x"); return err },
				"logout": func() error { return c.Logout(testContext(t)) },
				"check":  c.Check,
			} {
				asked = nil
				if err := use(); !errors.Is(err, login.OtherIssuer) || len(asked) == 0 || asked[0] != test.issuer {
					t.Errorf("%s: %v, asked about %q", name, err, asked)
				}
			}
			if read(t, dir) != test.content || len(s.forms) > 0 {
				t.Errorf("the file: %q after %d requests", read(t, dir), len(s.forms))
			}
		})
	}
	write(t, dir, "")
	c, _ := newClient(t, s.base, dir, func(o *login.Options) { o.Admit = func(string) bool { return false } })
	if err := c.Check(); !errors.Is(err, login.NotLoggedIn) {
		t.Error(err)
	}
}

func TestEndpoints(t *testing.T) {
	good := login.At("http://127.0.0.1:80/auth")
	if login.At("http://127.0.0.1:80/auth/") != good || good.Token != "http://127.0.0.1:80/auth/oauth/token" {
		t.Errorf("%+v", good)
	}
	service := login.Service()
	for got, want := range map[string]string{
		service.Issuer:      "https://auth.fal.ai/",
		service.DeviceCode:  "https://auth.fal.ai/oauth/device/code",
		service.JWKS:        "https://auth.fal.ai/.well-known/jwks.json",
		service.SessionSeed: "https://fal.ai/api/auth/cli/session-seed",
		service.Audience:    "fal-cloud",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	optional := good
	optional.Logout, optional.SessionSeed, optional.ClientID, optional.Audience = "", "", "", ""
	if _, err := login.New(login.Options{Dir: "x", Endpoints: optional}); err != nil {
		t.Error(err)
	}
	for _, spoil := range []func(*login.Endpoints){
		func(e *login.Endpoints) { e.Issuer = "" },
		func(e *login.Endpoints) { e.Token = "" },
		func(e *login.Endpoints) { e.JWKS = "" },
		func(e *login.Endpoints) { e.Token = "http://auth.example.com/oauth/token" },
		func(e *login.Endpoints) { e.Revoke = "ftp://127.0.0.1/" },
		func(e *login.Endpoints) { e.DeviceCode = "https://me:pw@auth.example.com/" },
		func(e *login.Endpoints) { e.Logout = "javascript:alert(1)" },
		func(e *login.Endpoints) { e.SessionSeed = ":" },
	} {
		bad := good
		spoil(&bad)
		if _, err := login.New(login.Options{Dir: "x", Endpoints: bad}); !errors.Is(err, login.Misconfigured) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func BenchmarkFreshToken(b *testing.B) {
	s, dir := unstarted(), b.TempDir()
	s.mu.Lock()
	p := s.next()
	s.mu.Unlock()
	if err := os.WriteFile(tokenPath(dir), []byte(p.file()), 0o600); err != nil {
		b.Fatal(err)
	}
	c, err := login.New(login.Options{Endpoints: login.At(s.base), Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := c.Token(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}
