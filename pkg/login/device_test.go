package login_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fal-plugins/fal/pkg/login"
)

// inMemory hands requests to an issuer without a network, so that a test's
// minutes pass at once.
type inMemory struct{ issuer *issuer }

func (m inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	m.issuer.ServeHTTP(w, r)
	return w.Result(), nil
}

// device runs test with a client whose issuer is in memory, and with a clock
// of its own.
func device(t *testing.T, test func(t *testing.T, s *issuer, c *login.Client, dir string, said *notices)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, dir := unstarted(), t.TempDir()
		c, said := newClient(t, s.base, dir, func(o *login.Options) { o.HTTPClient = &http.Client{Transport: inMemory{s}} })
		test(t, s, c, dir, said)
	})
}

func begin(t *testing.T, c *login.Client, params *login.BeginParams) *login.Device {
	t.Helper()
	d, err := c.Begin(context.Background(), params)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestLogin(t *testing.T) {
	device(t, func(t *testing.T, s *issuer, c *login.Client, dir string, said *notices) {
		s.polls = []string{"authorization_pending", "slow_down", "authorization_pending"}
		began := time.Now()
		d := begin(t, c, &login.BeginParams{Connection: "github"})
		if d.UserCode != "ABCD-EFGH" || d.VerificationURI != s.base+"/activate?user_code=ABCD-EFGH" || !d.ExpiresAt.Equal(began.Add(15*time.Minute)) {
			t.Errorf("%+v", d)
		}
		if form := s.forms[0]; url.Values(form).Encode() != "audience=fal-cloud&client_id=TwXR51Vz8JbY8GUUMy6EyuVR0fTO7N4N&scope=openid+profile+email+offline_access" {
			t.Errorf("asked with %v", form)
		}
		if err := c.Wait(context.Background(), d); err != nil {
			t.Fatal(err)
		}
		// 5, 5, then 10 seconds apart.
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("it took %s", took)
		}
		content := read(t, dir)
		if !s.pairs[content] {
			t.Errorf("the file: %q", content)
		}
		if got, err := c.Token(context.Background()); err != nil || !strings.HasSuffix(content, "\n"+got) {
			t.Errorf("%q, %v", got, err)
		}
		if c.LastConnection() != "github" || said.all() != "" {
			t.Errorf("connection %q, notices %q", c.LastConnection(), said.all())
		}
	})
}

func TestBrowserURL(t *testing.T) {
	device(t, func(t *testing.T, s *issuer, c *login.Client, _ string, _ *notices) {
		page := url.QueryEscape(s.base + "/activate?user_code=ABCD-EFGH")
		for connection, want := range map[string]string{
			"":             s.base + "/v2/logout?client_id=TwXR51Vz8JbY8GUUMy6EyuVR0fTO7N4N&returnTo=" + page,
			"a&b.example":  s.base + "/api/auth/cli/session-seed?connection=a%26b.example&user_code=ABCD-EFGH&verification_uri_complete=" + page,
			"example.corp": s.base + "/api/auth/cli/session-seed?connection=example.corp&user_code=ABCD-EFGH&verification_uri_complete=" + page,
		} {
			if d := begin(t, c, &login.BeginParams{Connection: connection}); d.BrowserURL != want {
				t.Errorf("%q: %s", connection, d.BrowserURL)
			}
		}
		bare, _ := newClient(t, s.base, t.TempDir(), func(o *login.Options) {
			o.HTTPClient = &http.Client{Transport: inMemory{s}}
			o.Endpoints.Logout, o.Endpoints.SessionSeed = "", ""
		})
		for _, params := range []*login.BeginParams{nil, {Connection: "github"}} {
			if d := begin(t, bare, params); d.BrowserURL != d.VerificationURI {
				t.Errorf("without pages before: %s", d.BrowserURL)
			}
		}
		if bare.LogoutURL("https://fal.ai") != "" {
			t.Error(bare.LogoutURL("https://fal.ai"))
		}
		if _, err := c.Begin(context.Background(), &login.BeginParams{Connection: "two words"}); !errors.Is(err, login.Misconfigured) {
			t.Error(err)
		}
	})
}

func TestLoginEnds(t *testing.T) {
	pending := func(n int, last ...string) []string {
		var all []string
		for range n {
			all = append(all, "authorization_pending")
		}
		return append(all, last...)
	}
	for name, test := range map[string]struct {
		polls []string
		want  login.Kind
		after time.Duration
	}{
		"denied":             {pending(2, "access_denied"), login.Denied, 15 * time.Second},
		"expired":            {pending(1, "expired_token"), login.Expired, 10 * time.Second},
		"unknown code":       {pending(0, "invalid_grant"), login.Expired, 5 * time.Second},
		"nobody came":        {pending(1000), login.Expired, 15 * time.Minute},
		"client not allowed": {pending(1, "unauthorized_client"), login.Rejected, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			device(t, func(t *testing.T, s *issuer, c *login.Client, dir string, _ *notices) {
				s.polls = test.polls
				began := time.Now()
				err := c.Wait(context.Background(), begin(t, c, &login.BeginParams{Connection: "google"}))
				var e *login.Error
				if !errors.As(err, &e) || e.Kind != test.want || !errors.Is(err, test.want) {
					t.Errorf("%v", err)
				}
				if took := time.Since(began); took != test.after {
					t.Errorf("after %s", took)
				}
				if _, err := os.Stat(tokenPath(dir)); !errors.Is(err, fs.ErrNotExist) || c.LastConnection() != "" {
					t.Errorf("something was stored: %v, %q", err, c.LastConnection())
				}
			})
		})
	}
}

// A login that waits for minutes outlives a network that is away for some.
func TestLoginOutlivesFailures(t *testing.T) {
	for name, fault := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"500":  answer(500, "text/plain", "oops"),
		"HTML": answer(200, "text/html", "<html>"),
		"429":  answer(429, "application/json", `{"error":"too_many_requests"}`),
	} {
		t.Run(name, func(t *testing.T) {
			device(t, func(t *testing.T, s *issuer, c *login.Client, dir string, said *notices) {
				d := begin(t, c, nil)
				s.set(func() { s.fault = fault })
				time.AfterFunc(5*time.Minute, func() { s.set(func() { s.fault = nil }) })
				if err := c.Wait(context.Background(), d); err != nil {
					t.Fatal(err)
				}
				if !s.pairs[read(t, dir)] || strings.Count(said.all(), "trying on") != 1 {
					t.Errorf("notices: %q", said.all())
				}
			})
			device(t, func(t *testing.T, s *issuer, c *login.Client, _ string, _ *notices) {
				d := begin(t, c, nil)
				asked := 0
				s.set(func() {
					s.fault = func(w http.ResponseWriter, r *http.Request) bool { asked++; return fault(w, r) }
				})
				if err := c.Wait(context.Background(), d); !errors.Is(err, login.Network) {
					t.Errorf("in the end: %v", err)
				}
				if asked < 20 || asked > 40 { // every half a minute, after some quicker ones
					t.Errorf("asked %d times", asked)
				}
			})
		})
	}
}

func TestLoginCanceled(t *testing.T) {
	device(t, func(t *testing.T, s *issuer, c *login.Client, _ string, _ *notices) {
		s.polls = []string{"authorization_pending", "authorization_pending", "authorization_pending"}
		d := begin(t, c, nil)
		ctx, cancel := context.WithTimeout(context.Background(), 12*time.Second)
		defer cancel()
		if err := c.Wait(ctx, d); !errors.Is(err, login.Network) || !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		ctx, cancel = context.WithCancel(context.Background())
		time.AfterFunc(2*time.Second, cancel)
		if err := c.Wait(ctx, d); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if _, err := c.Begin(ctx, nil); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestBeginFails(t *testing.T) {
	code := func(page string) string {
		return `{"device_code":"d","user_code":"u","interval":1,"expires_in":60,"verification_uri_complete":"` + page + `"}`
	}
	for name, test := range map[string]struct {
		fault func(http.ResponseWriter, *http.Request) bool
		want  login.Kind
	}{
		"500":               {answer(500, "text/html", "<html>"), login.Network},
		"HTML":              {answer(200, "text/html", "<html>"), login.Network},
		"empty":             {answer(200, "application/json", "{}"), login.Network},
		"a page of a thief": {answer(200, "application/json", code("javascript:alert(1)")), login.Network},
		"a page with codes": {answer(200, "application/json", code(`https://x/\u001b[2J`)), login.Network},
		"not allowed":       {answer(403, "application/json", `{"error":"unauthorized_client"}`), login.Rejected},
	} {
		t.Run(name, func(t *testing.T) {
			device(t, func(t *testing.T, s *issuer, c *login.Client, _ string, _ *notices) {
				s.fault = test.fault
				if _, err := c.Begin(context.Background(), nil); !errors.Is(err, test.want) {
					t.Error(err)
				}
			})
		})
	}
	c, _ := newClient(t, "https://issuer.example", t.TempDir(), func(o *login.Options) { o.VerifyIDToken = nil })
	if _, err := c.Begin(context.Background(), nil); !errors.Is(err, login.Misconfigured) {
		t.Error(err)
	}
	if err := c.Wait(context.Background(), &login.Device{}); !errors.Is(err, login.Misconfigured) {
		t.Error(err)
	}
}

// What the issuer leaves out, or sets beyond reason, does not matter.
func TestOddCodes(t *testing.T) {
	for _, odd := range []string{`"interval":-3`, `"interval":999999999`, `"expires_in":0`, `"x":0`} {
		device(t, func(t *testing.T, s *issuer, c *login.Client, _ string, _ *notices) {
			s.fault = answer(200, "application/json", `{"device_code":"device-1","user_code":"u","verification_uri":"https://issuer.example/a",`+odd+`}`)
			d := begin(t, c, nil)
			s.set(func() { s.fault = nil })
			if err := c.Wait(context.Background(), d); err != nil {
				t.Errorf("%s: %v", odd, err)
			}
		})
	}
}

// Tokens whose id_token cannot be verified are not stored.
func TestUntrustedLogin(t *testing.T) {
	tokens := func(extra string) string { return `{"access_token":"a","refresh_token":"r"` + extra + `}` }
	for name, test := range map[string]struct {
		body string
		want login.Kind
	}{
		"no id_token":      {tokens(""), login.Untrusted},
		"a number":         {tokens(`,"id_token":1`), login.Untrusted},
		"not a JWT":        {tokens(`,"id_token":"abc"`), login.Untrusted},
		"no refresh token": {`{"access_token":"a","id_token":"abc"}`, login.Untrusted},
	} {
		t.Run(name, func(t *testing.T) {
			device(t, func(t *testing.T, s *issuer, c *login.Client, dir string, _ *notices) {
				d := begin(t, c, nil)
				s.set(func() {
					s.fault = func(w http.ResponseWriter, r *http.Request) bool {
						return r.URL.Path == "/oauth/token" && answer(200, "application/json", test.body)(w, r)
					}
				})
				if err := c.Wait(context.Background(), d); !errors.Is(err, test.want) {
					t.Error(err)
				}
				if _, err := os.Stat(tokenPath(dir)); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("something was stored: %v", err)
				}
			})
		})
	}
}

func TestLogout(t *testing.T) {
	device(t, func(t *testing.T, s *issuer, c *login.Client, dir string, _ *notices) {
		ctx := context.Background()
		if err := c.Logout(ctx); !errors.Is(err, login.NotLoggedIn) {
			t.Error(err)
		}
		if err := c.Forget(ctx); !errors.Is(err, login.NotLoggedIn) {
			t.Error(err)
		}
		gone := func(what string) {
			t.Helper()
			if _, err := os.Stat(tokenPath(dir)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: the file is still there: %v", what, err)
			}
		}

		p := s.login(t, dir, time.Hour)
		for _, fault := range []func(http.ResponseWriter, *http.Request) bool{
			answer(500, "text/html", "<html>"), answer(302, "text/html", "<html>"), answer(200, "text/html", "<html>"), answer(200, "application/json", `{"error":"x"}`), answer(403, "application/json", `{"error":"unauthorized_client"}`),
		} {
			s.set(func() { s.fault = fault })
			if err := c.Logout(ctx); err == nil || read(t, dir) != p.file() {
				t.Errorf("%v; the file: %q", err, read(t, dir))
			}
		}
		s.set(func() { s.fault = nil })
		if err := c.Logout(ctx); err != nil || s.revocations != 1 || s.family != "" {
			t.Errorf("%v after %d requests", err, s.revocations)
		}
		if form := s.forms[len(s.forms)-1]; url.Values(form).Encode() != "client_id=TwXR51Vz8JbY8GUUMy6EyuVR0fTO7N4N&token="+p.refresh {
			t.Errorf("asked with %v", form)
		}
		gone("logout")

		s.login(t, dir, time.Hour)
		s.set(func() { s.fault = answer(400, "application/json", `{"error":"invalid_token"}`) })
		if err := c.Logout(ctx); err != nil {
			t.Error(err)
		}
		gone("a login that the issuer does not know")

		write(t, dir, "\n")
		asked := len(s.forms)
		if err := c.Logout(ctx); !errors.Is(err, login.NotLoggedIn) || len(s.forms) != asked {
			t.Errorf("%v after %d requests", err, len(s.forms)-asked)
		}
		gone("a file without a token")

		s.login(t, dir, time.Hour)
		before := len(s.forms)
		s.set(func() { s.fault = nil })
		if err := c.Forget(ctx); err != nil || len(s.forms) != before {
			t.Errorf("%v after %d requests", err, len(s.forms)-before)
		}
		gone("forget")
	})
}
