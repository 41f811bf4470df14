//go:build interop && unix

package interop

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// logins is a control plane with an issuer, seen through a proxy that counts
// how often a login was renewed.
type logins struct {
	*nouns
	issuer  string // its address through the proxy
	renewed atomic.Int64
}

func newLogins(t *testing.T) *logins {
	t.Helper()
	officialPath := official(t)
	bin := build(t, "fal-local", "fal-runners", "fal-auth", "fal-account")
	l := &logins{nouns: &nouns{bin: bin, plane: startPlane(t, bin, officialPath, "--login")}}
	env := l.variables(t)
	target, err := url.Parse(env["FAL_AUTH_URL"])
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host // the name that was asked for stays
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err == nil && r.PostForm.Get("grant_type") == "refresh_token" {
			l.renewed.Add(1)
		}
		r.Body = io.NopCloser(strings.NewReader(r.PostForm.Encode()))
		r.ContentLength = int64(len(r.PostForm.Encode()))
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	l.issuer = server.URL + target.Path
	return l
}

// variables are what `fal local env` sets.
func (l *logins) variables(t *testing.T) map[string]string {
	t.Helper()
	var env map[string]string
	l.decode(t, &env, l.succeed(t, l.within(l.local, "env", "--data-dir", l.data, "--json")...).stdout)
	return env
}

// with runs a command in the shell that `fal local env` made, the issuer
// reached through the proxy.
func (l *logins) with(argv ...string) []string {
	return l.within(append([]string{"env", "FAL_AUTH_URL=" + l.issuer}, argv...)...)
}

// ours and theirs are the two clients' command lines.
func (l *logins) ours(noun string, args ...string) []string {
	return l.with(append([]string{l.our(noun)}, args...)...)
}

func (l *logins) theirs(t *testing.T, args ...string) []string {
	t.Helper()
	script, err := filepath.Abs(filepath.Join("testdata", "issuer.py"))
	if err != nil {
		t.Fatal(err)
	}
	return l.with(append([]string{filepath.Join(filepath.Dir(l.official), "python"), script}, args...)...)
}

var (
	activation = regexp.MustCompile(`user_code(?:=|%3D)([A-Za-z0-9-]+)`)
	hidden     = regexp.MustCompile(`name="(user_code|csrf_token)" value="([^"]*)"`)
)

// login runs a command that logs in, and posts the form that it waits for.
func (l *logins) login(t *testing.T, argv []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = l.home, l.env
	out, write := io.Pipe()
	cmd.Stdout, cmd.Stderr = write, write
	cmd.Stdin = strings.NewReader("1\n") // the official client asks which account to use
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		done <- cmd.Wait()
		write.Close()
	}()
	said, approved := "", false
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said += lines.Text() + "\n"
		if found := activation.FindStringSubmatch(lines.Text()); found != nil && !approved {
			approved = true
			l.approve(t, found[1])
		}
	}
	if err := <-done; err != nil || !approved {
		t.Fatalf("%q: %v\n%s", argv, err, said)
	}
}

func (l *logins) approve(t *testing.T, code string) {
	t.Helper()
	response, err := http.Get(l.issuer + "/activate?user_code=" + code)
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(response.Body)
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"action": {"approve"}, "person": {"you"}}
	for _, field := range hidden.FindAllStringSubmatch(string(page), -1) {
		form.Set(field[1], field[2])
	}
	response, err = http.PostForm(l.issuer+"/activate", form)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("the form: %s", response.Status)
	}
}

// TestLogin logs in with either client and goes on with the other.
func TestLogin(t *testing.T) {
	l := newLogins(t)

	l.login(t, l.theirs(t, "auth", "login", "--no-browser", "--connection", "github"))
	l.sameAccounts(t)
	l.succeed(t, l.ours("account", "set", "SAMPLE-TEAM")...)
	l.sameAccounts(t)
	l.succeed(t, l.theirs(t, "account", "unset")...)
	l.sameAccounts(t)
	before := l.listed(t, l.ours("runners", "list", "--json")...)
	theirs := l.listed(t, l.theirs(t, "runners", "list", "--json")...)
	for _, d := range Disagreements(before, theirs, l.listed(t, l.ours("runners", "list", "--json")...)) {
		t.Error(d)
	}
	l.succeed(t, l.ours("auth", "logout")...)
	if r := l.run(t, l.theirs(t, "runners", "list", "--json")...); r.code == 0 {
		t.Errorf("logged out by ours, the official client prints %q", r.stdout)
	}

	l.login(t, l.ours("auth", "login", "--no-browser"))
	l.sameAccounts(t)
	l.succeed(t, l.theirs(t, "auth", "logout", "--no-browser")...)
	if r := l.run(t, l.ours("runners", "list")...); r.code != 4 {
		t.Errorf("logged out by the official client: exit %d, %q", r.code, r.stderr)
	}
}

func (l *logins) sameAccounts(t *testing.T) {
	t.Helper()
	var ours, theirs struct {
		Teams []map[string]any `json:"teams"`
	}
	l.decode(t, &ours, l.succeed(t, l.ours("account", "list", "--json")...).stdout)
	l.decode(t, &theirs, l.succeed(t, l.theirs(t, "account", "list", "--json")...).stdout)
	if len(theirs.Teams) == 0 || len(ours.Teams) != len(theirs.Teams) {
		t.Fatalf("ours lists %v, the official client %v", ours.Teams, theirs.Teams)
	}
	for i, team := range theirs.Teams {
		for key, value := range team {
			if printed(ours.Teams[i][key]) != printed(value) {
				t.Errorf("%s of %v is %s for ours", key, team, printed(ours.Teams[i][key]))
			}
		}
	}
}

// TestRenewal has 50 processes of ours and 5 of the official client find an
// access token that has expired: one of them renews it, and all succeed.
func TestRenewal(t *testing.T) {
	l := newLogins(t)
	l.login(t, l.ours("auth", "login", "--no-browser"))
	path := filepath.Join(l.variables(t)["FAL_HOME_DIR"], "auth0_token")
	for round := range 3 {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		refresh, _, _ := strings.Cut(string(text), "\n")
		if err := os.WriteFile(path, []byte(refresh), 0o600); err != nil { // as if its access token had expired
			t.Fatal(err)
		}
		l.renewed.Store(0)
		var all sync.WaitGroup
		var mu sync.Mutex
		var failures []string
		for i := range 55 {
			argv := l.ours("runners", "list", "--json")
			if i%11 == 0 {
				argv = l.theirs(t, "runners", "list", "--json")
			}
			all.Go(func() {
				cmd := exec.Command(argv[0], argv[1:]...)
				cmd.Dir, cmd.Env = l.home, l.env
				if out, err := cmd.CombinedOutput(); err != nil || !json.Valid([]byte(lastLine(out))) {
					mu.Lock()
					failures = append(failures, fmt.Sprintf("%v: %s", err, out))
					mu.Unlock()
				}
			})
		}
		all.Wait()
		if len(failures) > 0 {
			t.Fatalf("round %d: %d failed, the first: %s", round, len(failures), failures[0])
		}
		if n := l.renewed.Load(); n != 1 {
			t.Errorf("round %d: the login was renewed %d times, want once", round, n)
		}
		text, err = os.ReadFile(path)
		if now, access, ok := strings.Cut(strings.TrimSpace(string(text)), "\n"); err != nil || !ok || now == refresh || strings.Count(access, ".") != 2 {
			t.Errorf("round %d: the token file is not whole: %d bytes, %v", round, len(text), err)
		}
	}
}
