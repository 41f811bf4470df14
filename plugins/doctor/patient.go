package doctor

import (
	"context"
	"net/url"
	"os"
	"runtime"
	"strings"
	"sync"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/installed"
	"github.com/fal-plugins/fal/plugins/internal/searchpath"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/version"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// A patient is the set-up that is checked.
type patient struct {
	dependencies
	inv     *cli.Invocation
	updates bool // a module proxy is asked for the newest release

	settings settings
	finder   installed.Finder
	list     func() (installed.Listing, error)
	proxy    func(*url.URL) (*url.URL, error)

	service probe
}

func newPatient(d dependencies, inv *cli.Invocation) *patient {
	path := searchpath.Parse(inv.Getenv("PATH"), inv.Getenv("PATHEXT"))
	p := &patient{
		dependencies: d,
		inv:          inv,
		settings:     resolve(inv, d),
		finder:       installed.Finder{Path: path, Self: d.self, Builtins: installed.Builtins()},
		proxy:        session.Proxy(inv.Getenv),
	}
	// Reading folders ends by itself, and is of use to two checks.
	p.list = sync.OnceValues(func() (installed.Listing, error) { return p.finder.List(context.Background()) })
	return p
}

// checks are all checks in the order in which they are shown.
func (p *patient) checks() []*check {
	var all []*check
	add := func(c *check) *check {
		all = append(all, c)
		return c
	}
	local := func(name string, run func(context.Context) finding, after ...*check) *check {
		return add(&check{name: name, run: run, after: after})
	}
	local("version", p.checkVersion)
	local("client", p.checkClient)
	file := local("config", p.checkConfig)
	profile := local("profile", p.checkProfile, file)
	host := local("host", p.checkHost, file)
	credentials := local("credentials", p.checkCredentials, file)
	local("login", p.checkLogin)

	// A check of the network for each address; gRPC and REST may share one.
	network := func(name string, hops []hop, run func(context.Context, hop) finding, after func(i int) []*check) []*check {
		var checks []*check
		for i, h := range hops {
			checks = append(checks, add(&check{name: name, host: h.address, after: append([]*check{host}, after(i)...), limit: p.limit,
				run: func(ctx context.Context) finding { return run(ctx, h) }}))
		}
		return checks
	}
	hops := p.hops()
	dns := network("dns", hops, p.checkDNS, func(int) []*check { return nil })
	tcp := network("tcp", hops, p.checkTCP, func(i int) []*check { return dns[i : i+1] })
	tls := network("tls", hops, p.checkTLS, func(i int) []*check { return tcp[i : i+1] })
	add(&check{name: "grpc", host: p.settings.grpc(), after: []*check{host, tls[0]}, limit: p.limit, run: p.checkGRPC})
	rest := add(&check{name: "rest", host: p.settings.rest(), after: []*check{host, tls[len(tls)-1]}, limit: p.limit, run: p.checkREST})
	add(&check{name: "account", host: p.settings.rest(), after: []*check{profile, credentials, rest}, limit: p.limit, run: p.checkAccount})
	local("clock", p.checkClock, rest)
	local("plugins", p.checkPlugins)
	local("completion", p.checkCompletion)
	add(&check{name: "local", limit: p.limit, run: p.checkLocal})
	local("proxy", p.checkProxy)
	if p.updates {
		add(&check{name: "updates", limit: p.limit, run: p.checkUpdates})
	}
	return all
}

// hops are the addresses of the service: that of gRPC first, that of REST
// last, and one when they are the same. Without a configuration there is one
// all the same, to say that it was not tried.
func (p *patient) hops() []hop {
	cfg := p.settings.hosts
	if cfg == nil {
		return []hop{{}}
	}
	grpc, rest := p.hop(cfg.Host, "https"), p.hop(cfg.RESTHost, schemeOf(cfg.RESTHost))
	if grpc.address == rest.address && grpc.plaintext == rest.plaintext {
		return []hop{grpc}
	}
	return []hop{grpc, rest}
}

func schemeOf(e config.Endpoint) string {
	if e.Plaintext {
		return "http"
	}
	return "https"
}

// diagnosis sums up what the checks found.
func (p *patient) diagnosis(rows []view.Check) view.Diagnosis {
	d := view.NewDiagnosis(rows)
	d.Version, d.Platform = version.Get(p.inv.App.Name).Version, runtime.GOOS+"/"+runtime.GOARCH
	if p.settings.hosts != nil {
		d.Host = p.settings.hosts.Host.Value
	}
	if cfg := p.settings.credentials; cfg != nil {
		d.KeyID = cfg.Credentials.KeyID
	}
	if client, found := p.client(); found {
		d.Isolate, d.Python = client.isolate, client.python
	}
	return d
}

// shown is a path with ~ for the home folder, as it may be shown.
func shown(path string) string {
	if home, err := os.UserHomeDir(); err == nil && home != "" {
		if rest, below := strings.CutPrefix(path, home+string(os.PathSeparator)); below {
			path = "~" + string(os.PathSeparator) + rest
		}
	}
	return installed.Shown(path)
}
