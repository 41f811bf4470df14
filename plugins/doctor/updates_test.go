package doctor

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/networktest"
)

const latestPath = "/github.com/fal-plugins/fal/@latest"

// releases is a module proxy that gives one answer.
func releases(t *testing.T, status int, body string) (proxy *httptest.Server, asked *atomic.Int32) {
	t.Helper()
	asked = new(atomic.Int32)
	proxy = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.Method != http.MethodGet || r.URL.Path != latestPath || !strings.HasPrefix(r.UserAgent(), "fal-doctor/") {
			t.Errorf("%s %s by %s", r.Method, r.URL, r.UserAgent())
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	proxy.Config.Protocols = new(http.Protocols)
	proxy.Config.Protocols.SetHTTP1(true)
	proxy.Config.Protocols.SetUnencryptedHTTP2(true) // behind what speaks TLS for it
	proxy.Start()
	t.Cleanup(proxy.Close)
	return proxy, asked
}

func TestUpdates(t *testing.T) {
	const hint = "`go install github.com/fal-plugins/fal/cmd/fal...@v1.3.0`"
	for name, tt := range map[string]struct {
		code                int
		body                string
		status, found, hint string
	}{
		"a release":        {200, `{"Version": "v1.3.0", "Time": "2026-11-01T23:00:00Z"}`, "ok", "1.3.0 is the newest release, since 2026-11-01; this is devel", ""},
		"without a time":   {200, `{"Version": "v1.3.0"}`, "ok", "1.3.0 is the newest release; this is devel", ""},
		"commits alone":    {200, `{"Version": "v0.0.0-20261101230000-0123456789ab"}`, "skipped", "has no release of github.com/fal-plugins/fal, only commits", ""},
		"not there":        {404, "not found: module", "skipped", "has no release of github.com/fal-plugins/fal", ""},
		"gone":             {410, "", "skipped", "has no release", ""},
		"forbidden":        {403, "<html>", "skipped", "says nothing of github.com/fal-plugins/fal: HTTP status 403", ""},
		"out of order":     {503, "", "failed", "answers with HTTP status 503", "later"},
		"a page":           {200, "<html>log in</html>", "failed", "is no release", "GOPROXY"},
		"no version":       {200, `{"Version": "1.3\u001b[31m"}`, "failed", "is no release", "GOPROXY"},
		"more than enough": {200, `{"Version": "v1.3.0", "x": "` + strings.Repeat("x", largestRelease) + `"}`, "failed", "is no release", "GOPROXY"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			proxy, _ := releases(t, tt.code, tt.body)
			s.env["GOPROXY"] = proxy.URL + "/,direct"
			s.wants(s.patient().checkUpdates(t.Context()), tt.status, tt.found, tt.hint)
		})
	}

	exe := ""
	if runtime.GOOS == "windows" {
		exe = ".exe"
	}
	bin := t.TempDir()
	build(t, filepath.Join(bin, "fal"+exe)) // before the scene takes the build cache's folder away
	s := newScene(t)
	s.env["PATH"] = bin
	proxy, _ := releases(t, 200, `{"Version": "v1.3.0"}`)
	s.env["GOPROXY"] = proxy.URL
	older := filepath.Join(bin, "fal-runners"+exe)
	restamp(t, filepath.Join(bin, "fal"+exe), older, "1.2.3")
	restamp(t, filepath.Join(bin, "fal"+exe), filepath.Join(bin, "fal-apps"+exe), "1.3.0")
	s.wants(s.patient().checkUpdates(t.Context()), "warning", "1.3.0 is out\n"+older+" is 1.2.3", hint)
	restamp(t, filepath.Join(bin, "fal"+exe), older, "1.4.0")
	s.wants(s.patient().checkUpdates(t.Context()), "ok", "1.3.0 is the newest release", "")
}

// Nobody is asked unasked, and what was found is part of every format.
func TestUpdatesWhenAsked(t *testing.T) {
	s := newScene(t)
	proxy, asked := releases(t, 200, `{"Version": "v1.3.0"}`)
	s.env["GOPROXY"] = proxy.URL
	if _, rows := s.diagnose(); asked.Load() != 0 || rows["updates"].Check != "" {
		t.Errorf("asked %d times: %+v", asked.Load(), rows["updates"])
	}
	d, rows := s.diagnose("--check-updates")
	if asked.Load() != 1 || !d.OK || rows["updates"].Status != "ok" || d.Checks[len(d.Checks)-1].Check != "updates" {
		t.Errorf("asked %d times: %+v", asked.Load(), d)
	}
	if r := s.run("--check-updates", "-o", "pretty"); !strings.Contains(r.out, " updates      1.3.0 is the newest release") {
		t.Errorf("%+v", r)
	}
	proxy.Close()
	if d, rows = s.diagnose("--check-updates"); d.OK || rows["updates"].Status != "failed" ||
		!strings.HasSuffix(rows["updates"].Found, "connection refused") && runtime.GOOS != "windows" || strings.Contains(rows["updates"].Found, "\n") {
		t.Errorf("%+v", rows["updates"])
	}
}

func TestUpdatesWithoutAnAnswer(t *testing.T) {
	s := newScene(t)
	hung := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(hung.Close)
	s.env["GOPROXY"] = strings.Replace(hung.URL, "://", "://user:pa55@", 1)
	f := s.patient().checkUpdates(bounded(t))
	s.wants(f, "failed", "no answer in time", "check the network")
	if strings.Contains(f.found, "pa55") {
		t.Errorf("a secret was shown: %+v", f)
	}
	for _, none := range []string{"off", "direct", "direct,https://goproxy.invalid", "file:///goproxy", "https://", "::"} {
		s.env["GOPROXY"] = none
		s.wants(s.patient().checkUpdates(t.Context()), "skipped", "GOPROXY names no module proxy first", "")
	}
	s.env["GOPROXY"], s.env["HTTPS_PROXY"] = "", "http://pro xy"
	s.wants(s.patient().checkUpdates(t.Context()), "failed", "no answer from the module proxy proxy.golang.org: HTTPS_PROXY is no address", "unset HTTPS_PROXY")
	s.env["SSL_CERT_FILE"] = filepath.Join(s.home, "missing.pem")
	s.wants(s.patient().checkUpdates(t.Context()), "skipped", "because of proxy", "")
}

// The module proxy is reached as everything else is.
func TestUpdatesThroughAProxy(t *testing.T) {
	s := newScene(t)
	modules, asked := releases(t, 200, `{"Version": "v1.3.0"}`)
	authority := networktest.NewAuthority(t, "Example Corp")
	front := networktest.TLS(t, authority, strings.TrimPrefix(modules.URL, "http://"), "proxy.golang.org")
	proxy := networktest.NewProxy(t, map[string]string{"proxy.golang.org:443": front})
	s.env["HTTPS_PROXY"], s.env["SSL_CERT_FILE"] = proxy.URL, authority.File()
	s.wants(s.patient().checkUpdates(t.Context()), "ok", "1.3.0 is the newest release", "")
	if asked.Load() != 1 {
		t.Errorf("asked %d times", asked.Load())
	}
}

func TestOlderThan(t *testing.T) {
	for _, tt := range []struct {
		version, release string
		want             bool
	}{
		{"1.2.3", "v1.3.0", true},
		{"1.3.0", "v1.3.0", false},
		{"1.10.0", "v1.9.0", false},
		{"1.3.0-rc.1", "v1.3.0", true},
		{"1.3.0", "v1.3.1-rc.1", true},
		{"1.3.0+dirty", "v1.3.0", false},
		{"1.3.0-dirty", "v1.3.0", false},
		{"1.3.0-4-g0123abc", "v1.3.0", false},
		{"1.3.0-4-g0123abc-dirty", "v1.3.1", true},
		{"1.3.0-rc.1-4-g0123abc", "v1.3.0", true},
		{"1.3.1-0.20261101230000-0123456789ab", "v1.3.0", false},
		{"0.0.0-20261101230000-0123456789ab", "v0.1.0", true},
		{"devel", "v1.3.0", false},
		{"", "v1.3.0", false},
	} {
		if got := olderThan(tt.version, tt.release); got != tt.want {
			t.Errorf("%q older than %q: %v", tt.version, tt.release, got)
		}
	}
}

func TestSameFile(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	for _, path := range []string{a, b} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if !sameFile(a, a) || sameFile(a, b) || sameFile(a, "") || sameFile("", a) {
		t.Error("files are mixed up")
	}
}
