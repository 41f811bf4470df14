package config

import (
	"net"
	"strings"
)

// DefaultHost is the gRPC host when none is configured.
const DefaultHost = "api.alpha.fal.ai"

// Endpoint is a host to call. Value is host[:port], as written but without a
// scheme and in lower case.
type Endpoint struct {
	Setting
	Plaintext bool // no TLS
}

// Address returns host:port, with port 443 when none was written, or 80 for
// plaintext.
func (e Endpoint) Address() string {
	if _, _, err := net.SplitHostPort(e.Value); err == nil {
		return e.Value
	}
	port := "443"
	if e.Plaintext {
		port = "80"
	}
	return net.JoinHostPort(strings.Trim(e.Value, "[]"), port)
}

// URL returns the address with its scheme and without a final slash.
func (e Endpoint) URL() string {
	if e.Plaintext {
		return "http://" + e.Value
	}
	return "https://" + e.Value
}

// IsLoopback reports whether the host is on this machine for certain.
func (e Endpoint) IsLoopback() bool {
	a, why := parseAddress(e.Value)
	return why == "" && a.isLoopback()
}

func (r *resolver) resolveHosts(cfg *Config) (err error) {
	if cfg.Host, err = r.grpcHost(); err != nil {
		return err
	}
	if cfg.RESTHost, err = r.variableHost(varRESTHost, restHost(cfg.Host)); err != nil {
		return err
	}
	if cfg.RunHost, err = r.variableHost(varRunHost, runHost(cfg.Host)); err != nil {
		return err
	}
	cfg.QueueHost, err = r.variableHost(varQueueHost, queueHost(cfg.RunHost))
	return err
}

func (r *resolver) grpcHost() (Endpoint, error) {
	if r.in.Host != "" {
		return r.endpoint(r.in.Host, fromFlag(flagHost), anyName)
	}
	if !r.profile.explicit() {
		if v := r.in.getenv(varGRPCHost); v != "" {
			return r.endpoint(v, fromVariable(varGRPCHost), anyName)
		}
		if v := r.in.getenv(varHost); v != "" {
			return r.endpoint(v, fromVariable(varHost), apiName)
		}
	}
	local, err := r.profileText(profileLocalHost)
	if err != nil {
		return Endpoint{}, err
	}
	if local != "" {
		return r.endpoint(local, r.fromProfile(), anyName)
	}
	host, err := r.profileText(profileHost)
	if err != nil {
		return Endpoint{}, err
	}
	if host != "" {
		return r.endpoint(host, r.fromProfile(), apiName)
	}
	return Endpoint{Setting: Setting{Value: DefaultHost}}, nil
}

// variableHost returns the host that a variable gives, and otherwise derived.
func (r *resolver) variableHost(name string, derived Endpoint) (Endpoint, error) {
	v := r.in.getenv(name)
	if v == "" || r.profile.explicit() {
		return derived, nil
	}
	return r.endpoint(v, fromVariable(name), anyName)
}

// nameRule says which names a source of hosts may give.
type nameRule bool

const (
	anyName nameRule = false
	apiName nameRule = true // begins with api, as the official client demands
)

func (r *resolver) endpoint(written string, origin Origin, rule nameRule) (Endpoint, error) {
	a, why := parseAddress(written)
	if why != "" {
		return Endpoint{}, errorf(BadHost, "bad host from %s: %s", origin, why).
			hint("a host reads host[:port], for example %s", DefaultHost)
	}
	loopback := a.isLoopback()
	if rule == apiName && !loopback && !r.testMode && !strings.HasPrefix(a.host, "api") {
		e := errorf(BadHost, "bad host from %s: %s does not begin with api", origin, a.host)
		if origin.Kind == OriginProfile {
			e.hint("a control plane of your own goes under %s in the profile", profileLocalHost)
		}
		return Endpoint{}, e
	}
	e := Endpoint{Setting: Setting{Value: a.String(), Origin: origin}}
	switch a.scheme {
	case "http":
		if !loopback && !r.testMode {
			return Endpoint{}, errorf(BadHost, "bad host from %s: plaintext http is for this machine only, not for %s", origin, a.host).
				hint("write https://%s", a)
		}
		e.Plaintext = true
	case "":
		// A shell that turns test mode off explicitly has a local control
		// plane with TLS; the official client takes no https:// there. And
		// test mode must not strip TLS off the connection of a profile that
		// was named explicitly.
		off := r.in.getenv(varTestMode) != "" && !r.testMode && origin.Kind == OriginVariable
		e.Plaintext = loopback && !off || r.testMode && !r.profile.explicit()
		r.keptTLS = r.testMode && !e.Plaintext
	}
	return e, nil
}

func restHost(grpc Endpoint) Endpoint {
	if rest, ok := strings.CutPrefix(grpc.Value, "api"); ok {
		grpc.Value = "rest" + rest
	}
	return grpc
}

func runHost(grpc Endpoint) Endpoint {
	v := strings.Replace(grpc.Value, "api.", "", 1)
	v = strings.Replace(v, "alpha.", "", 1)
	grpc.Value = strings.Replace(v, ".ai", ".run", 1)
	return grpc
}

// queueHost returns the host of the queue: on this machine there are no
// subdomains, and one server answers for both.
func queueHost(run Endpoint) Endpoint {
	if !run.IsLoopback() {
		run.Value = "queue." + run.Value
	}
	return run
}
