package session

import (
	"net"
	"net/url"
	"strings"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/pkg/login"
	"github.com/fal-plugins/fal/plugins/internal/cli"
)

// varAuthURL names the issuer of logins, a URL that all its endpoints are
// below. Only these programs read it.
const varAuthURL = "FAL_AUTH_URL"

// issuer is who issues the tokens for the hosts of a configuration, and which
// logins may go there.
type issuer struct {
	login.Endpoints

	derived  bool // from the hosts, and not named by varAuthURL
	setAside bool // varAuthURL names another one, and does not count
	sameHost bool // both sides are one host
}

// issuerOf decides the issuer together with the hosts: varAuthURL is for those
// that the environment names. Where the command line names another one, or the
// issuer is of this machine and the host is not, the host decides.
func issuerOf(cfg *config.Config, inv *cli.Invocation) issuer {
	i := issuer{sameHost: cfg.Host.Value == cfg.RESTHost.Value}
	local := cfg.Host.IsLoopback() || cfg.RESTHost.IsLoopback()
	base := inv.Getenv(varAuthURL)
	if base != "" && inv.Host == "" && inv.Profile == "" && (!onLoopback(base) || local) {
		i.Endpoints = login.At(base)
		return i
	}
	i.derived = true
	i.Endpoints = login.Service()
	if local { // that of a control plane on this machine is part of it
		i.Endpoints = login.At(cfg.RESTURL() + "/auth")
	}
	i.setAside = base != "" && login.At(base).Issuer != i.Issuer
	return i
}

func (i issuer) service() bool { return i.Endpoints == login.Service() }

// admit reports whether a login may go to the hosts: its tokens are by by, or
// nobody knows by whom. On this machine anyone may listen, so that a login must
// be of the very control plane there, unless its issuer was named.
func (i issuer) admit(by string) bool {
	switch {
	case !i.derived:
		return true
	case i.service():
		return !i.setAside || by == i.Issuer
	}
	return by == i.Issuer && i.sameHost
}

// LoginFits reports whether the login that is kept may go to the hosts of a
// configuration, as [Open] holds it against them, and whether its issuer was
// named and need not be derived from the hosts.
func LoginFits(cfg *config.Config, inv *cli.Invocation) (fits, named bool) {
	i := issuerOf(cfg, inv)
	return i.admit(readClaims(storedToken(cfg.TokenPath)).Issuer), !i.derived
}

func onLoopback(base string) bool {
	u, err := url.Parse(base)
	if err != nil {
		return false
	}
	name := u.Hostname()
	ip := net.ParseIP(name)
	return name == "localhost" || strings.HasSuffix(name, ".localhost") || ip != nil && ip.IsLoopback()
}
