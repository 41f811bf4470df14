package issuer

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

func TestPage(t *testing.T) {
	w := newWorld(t, Options{})
	d := w.begin()
	shown := w.get(d.Complete).is(200).says(d.UserCode).says(`value="you" required checked`).says(`value="colleague" required>`)
	if strings.Contains(strings.ToLower(shown.body), "<script") {
		t.Error("there is a script on the page")
	}
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(shown.body)
	if style == nil {
		t.Fatal("there is no style on the page")
	}
	hash := sha256.Sum256([]byte(style[1]))
	policy := shown.header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy is %s, want %s in it", policy, want)
		}
	}
	for name, want := range map[string]string{"X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Content-Type": "text/html; charset=utf-8"} {
		if got := shown.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	w.get("activate").is(200).says(`name="user_code"`)
}

func TestForeignTextStaysText(t *testing.T) {
	w := newWorld(t, Options{})
	const attack = `"><script>alert(1)</script>`
	for _, path := range []string{"activate?user_code=", "v2/logout?returnTo=", "api/auth/cli/session-seed?verification_uri_complete="} {
		if shown := w.get(path + url.QueryEscape(attack)); strings.Contains(shown.body, "script") {
			t.Errorf("%s shows %s", path, shown.body)
		}
	}
	account, _, err := w.state.CreateAccount(t.Context(), "third", "")
	w.do(err)
	_, err = w.state.CreatePerson(t.Context(), attack, attack, attack, account)
	w.do(err)
	shown := w.get(w.begin().Complete).is(200)
	if strings.Contains(shown.body, "<script") || strings.Count(shown.body, "&lt;script") != 4 {
		t.Errorf("a person is shown as %s", shown.body)
	}
}

func TestFormsOfOthersAreRefused(t *testing.T) {
	w := newWorld(t, Options{})
	d, another := w.begin(), w.begin()
	good := formOf(t, w.get(d.Complete).is(200).body)
	good.Set("action", "approve")
	good.Set("person", "you")
	with := func(name, value string) url.Values {
		values := url.Values{}
		for n, v := range good {
			values[n] = v
		}
		values.Set(name, value)
		return values
	}
	for name, test := range map[string]struct {
		form   url.Values
		header [2]string
		status int
	}{
		"no token":            {form: with("csrf_token", ""), status: 403},
		"a wrong token":       {form: with("csrf_token", "x"), status: 403},
		"another's token":     {form: with("user_code", another.UserCode), status: 403},
		"an unknown code":     {form: with("user_code", "BBBB-BBBB"), status: 404},
		"neither yes nor no":  {form: with("action", ""), status: 400},
		"from another site":   {form: good, header: [2]string{"Sec-Fetch-Site", "cross-site"}, status: 403},
		"from another origin": {form: good, header: [2]string{"Origin", "https://example.com"}, status: 403},
		"no form":             {form: good, header: [2]string{"Content-Type", "text/plain"}, status: 415},
		"too large":           {form: with("person", strings.Repeat("x", maxBody)), status: 413},
	} {
		t.Run(name, func(t *testing.T) {
			r := w.request(http.MethodPost, "activate", test.form.Encode())
			if test.header[0] != "" {
				r.Header.Set(test.header[0], test.header[1])
			}
			w.send(r).is(test.status)
		})
	}
	w.poll(d).fails(400, "authorization_pending")
	r := w.request(http.MethodPost, "activate", good.Encode())
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Origin", w.server.URL)
	w.send(r).is(200)
	w.poll(d).is(200)
}

func TestForeignHostsAreRefused(t *testing.T) {
	w := newWorld(t, Options{})
	for host, status := range map[string]int{
		"example.com": 403, "example.com:80": 403, "127.0.0.1.example.com": 403, "192.168.0.1": 403, "localhost.example.com:1": 403,
		"localhost:80@example.com": 403, "localhost": 200, "LOCALHOST:9": 200, "127.9.9.9:80": 200, "[::1]:80": 200, "me.localhost:1": 200,
	} {
		r := w.request(http.MethodGet, ".well-known/openid-configuration", "")
		r.Host = host
		if got := w.send(r); got.status != status {
			t.Errorf("%s: %d %s, want %d", host, got.status, got.body, status)
		} else if status == 200 && !strings.Contains(got.body, `"issuer":"http://`+host+`/auth/"`) {
			t.Errorf("%s: %s", host, got.body)
		}
	}
}

func TestRedirectsLeadToThePage(t *testing.T) {
	w := newWorld(t, Options{})
	d := w.begin()
	host := strings.TrimPrefix(w.server.URL, "http://")
	for target, leads := range map[string]bool{
		d.Complete:                                 true,
		d.VerificationURI:                          true,
		d.Complete + "&next=//example.com":         true,
		d.Complete + "#//example.com":              true,
		"":                                         false,
		"/":                                        false,
		"/auth/activate":                           false,
		"//example.com/auth/activate":              false,
		`\\example.com`:                            false,
		"https://example.com":                      false,
		"https://" + host + "/auth/activate":       false,
		w.server.URL:                               false,
		w.server.URL + "/auth/oauth/token":         false,
		w.server.URL + "/auth/activate/..//x":      false,
		w.server.URL + "@example.com/":             false,
		"http://" + host + "@x/auth/activate":      false,
		"http://x@" + host + "/auth/activate":      false,
		"http://" + host + ".x/auth/activate":      false,
		"http://" + host + "\\.x/auth/activate":    false,
		"javascript:alert(1)":                      false,
		"http://" + host + "/auth/activate\r\nX:y": false,
	} {
		for _, path := range []string{"v2/logout?client_id=" + ClientID + "&returnTo=", "api/auth/cli/session-seed?connection=github&verification_uri_complete="} {
			if target == "" && strings.HasPrefix(path, "v2") {
				continue
			}
			got := w.get(path + url.QueryEscape(target))
			location := got.header.Get("Location")
			switch {
			case !leads && (got.status != 400 || location != ""):
				t.Errorf("%q: %d to %q", target, got.status, location)
			case leads && (got.status != 303 || !strings.HasPrefix(location, w.server.URL+"/auth/activate?user_code=")):
				t.Errorf("%q: %d to %q", target, got.status, location)
			case leads && strings.Contains(location, "example.com"):
				t.Errorf("%q leads to %q", target, location)
			}
		}
	}
	w.get("v2/logout").is(200)
	w.get(w.get("v2/logout?returnTo=" + url.QueryEscape(d.Complete)).header.Get("Location")).is(200).says(d.UserCode)
}

func TestNobodyToLogInAs(t *testing.T) {
	w := newWorld(t, Options{})
	w.server.Close()
	w.server = httptest.NewServer(New(&state.State{}, w.key, Options{Now: w.clock.Now}))
	w.client = w.server.Client()
	w.get(w.begin().Complete).is(200).says("nobody")
}
