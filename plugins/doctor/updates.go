package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/fal-plugins/fal/plugins/internal/installed"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/version"
)

const (
	// goProxy is what the go command goes by unless GOPROXY says otherwise.
	goProxy = "https://proxy.golang.org,direct"
	// largestRelease is far more than a proxy says of a release, in bytes.
	largestRelease = 64 << 10
)

// A release is what a module proxy says of the newest one.
type release struct {
	Version string // with its leading v
	Time    time.Time
}

// checkUpdates asks a module proxy for the newest release, and compares the
// programs of this project with it.
func (p *patient) checkUpdates(ctx context.Context) finding {
	proxy, found := moduleProxy(cmp.Or(p.inv.Getenv("GOPROXY"), goProxy))
	if !found {
		return skipped("GOPROXY names no module proxy first, and nothing else is asked")
	}
	newest, problem := p.newestRelease(ctx, proxy)
	if problem != nil {
		return *problem
	}
	listing, err := p.list()
	if err != nil {
		return failed(err.Error(), "")
	}
	mine := version.Get(p.inv.App.Name).Version
	var older []string
	if olderThan(mine, newest.Version) {
		older = append(older, "this is "+mine)
	}
	compare := func(path, version string) {
		if !sameFile(path, p.self) && olderThan(version, newest.Version) {
			older = append(older, shown(path)+" is "+version)
		}
	}
	if dispatcher, found := p.dispatcher(); found {
		v, _ := installed.Version(dispatcher)
		compare(dispatcher, v)
	}
	for _, plugin := range listing.Plugins {
		if plugin.Own {
			compare(plugin.Path, plugin.Version)
		}
	}
	latest := strings.TrimPrefix(newest.Version, "v")
	switch {
	case len(older) > 0:
		return warning(strings.Join(append([]string{latest + " is out" + newest.since()}, older...), "\n"),
			"`go install "+installed.Module+"/cmd/fal...@"+newest.Version+"`, or the archive or package of that release where they came from one")
	case !semver.IsValid("v" + mine):
		return ok(latest + " is the newest release" + newest.since() + "; this is " + mine + ", which no release is compared with")
	}
	return ok("nothing is older than " + latest + ", the newest release")
}

func (r release) since() string {
	if r.Time.IsZero() {
		return ""
	}
	return ", since " + r.Time.UTC().Format(time.DateOnly)
}

// moduleProxy is the first entry of GOPROXY, if it is a proxy that is spoken
// to by HTTP: `off` and `direct` want none to be asked.
func moduleProxy(list string) (*url.URL, bool) {
	first, _, _ := strings.Cut(strings.ReplaceAll(list, "|", ","), ",")
	proxy, err := url.Parse(strings.TrimSpace(first))
	if err != nil || proxy.Host == "" || proxy.Scheme != "https" && proxy.Scheme != "http" {
		return nil, false
	}
	return proxy, true
}

// newestRelease asks a module proxy. What it cannot tell is a finding.
func (p *patient) newestRelease(ctx context.Context, proxy *url.URL) (newest release, problem *finding) {
	not := func(f finding) (release, *finding) { return release{}, &f }
	roots, err := session.Roots(p.inv.Getenv)
	if err != nil {
		return not(because("proxy"))
	}
	transport := &http.Transport{
		DialContext:       p.dial,
		Proxy:             func(r *http.Request) (*url.URL, error) { return p.proxy(r.URL) },
		TLSClientConfig:   &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12, Time: p.now},
		ForceAttemptHTTP2: true,
		DisableKeepAlives: true,
	}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, proxy.JoinPath(installed.Module, "@latest").String(), nil)
	if err != nil {
		return not(failed("the module proxy "+proxy.Host+" cannot be asked: "+reason(ctx, err), ""))
	}
	request.Header.Set("User-Agent", version.Get(p.inv.App.Name).UserAgent())
	unreached := func(err error) (release, *finding) {
		hint := cmp.Or(hintsOf(err), "check the network; a company's network may want a proxy in HTTPS_PROXY, or a module proxy in GOPROXY")
		return not(failed("no answer from the module proxy "+proxy.Host+": "+p.foreign(reason(ctx, err)), hint))
	}
	answer, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return unreached(err)
	}
	defer func() { _ = answer.Body.Close() }() // nothing was written
	switch answer.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound, http.StatusGone:
		return not(skipped("the module proxy " + proxy.Host + " has no release of " + installed.Module))
	case http.StatusUnauthorized, http.StatusForbidden:
		return not(skipped(fmt.Sprintf("the module proxy %s says nothing of %s: HTTP status %d", proxy.Host, installed.Module, answer.StatusCode)))
	default:
		return not(failed(fmt.Sprintf("the module proxy %s answers with HTTP status %d", proxy.Host, answer.StatusCode), "try again later"))
	}
	content, err := io.ReadAll(io.LimitReader(answer.Body, largestRelease))
	if err != nil {
		return unreached(err)
	}
	if err := json.Unmarshal(content, &newest); err != nil || !semver.IsValid(newest.Version) {
		return not(failed("what the module proxy "+proxy.Host+" answers is no release", "check GOPROXY, and what else may have answered in its place"))
	}
	if module.IsPseudoVersion(newest.Version) {
		return not(skipped("the module proxy " + proxy.Host + " has no release of " + installed.Module + ", only commits"))
	}
	return newest, nil
}

// olderThan compares the version of a program, without a leading v, with that
// of a release, with one. What has no version is not older.
func olderThan(version, release string) bool {
	// git describe names commits behind a tag after it, where the order of
	// versions puts what follows a hyphen before.
	tag := commitsBehind().ReplaceAllString(strings.TrimSuffix("v"+version, "-dirty"), "")
	return semver.IsValid(tag) && semver.Compare(tag, release) < 0
}

func commitsBehind() *regexp.Regexp { return regexp.MustCompile(`-[0-9]+-g[0-9a-f]+$`) }

func sameFile(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}
