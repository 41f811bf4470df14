package doctor

import (
	"context"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/session"
)

// checkProxy says which settings of the network are in use.
func (p *patient) checkProxy(context.Context) finding {
	var found, problems []string
	hint := ""
	used := map[string]bool{}
	for _, h := range p.hops() {
		switch {
		case h.address == "":
		case h.proxyErr != nil:
			return failed(h.proxyErr.Error(), hintsOf(h.proxyErr))
		case h.proxy != nil:
			used[p.proxyVariable(h)] = true
			found = append(found, h.host+" is reached through "+h.proxyHost())
		}
	}
	for _, name := range []string{"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"} {
		upper, lower := p.inv.Getenv(name), p.inv.Getenv(strings.ToLower(name))
		if upper != "" && lower != "" && upper != lower {
			problems = append(problems, name+" and "+strings.ToLower(name)+" differ: the first is used")
			hint = "unset " + strings.ToLower(name)
		}
	}
	set := func(names ...string) string {
		for _, name := range names {
			if p.inv.Getenv(name) != "" {
				return name
			}
		}
		return ""
	}
	for _, names := range [][]string{{"HTTPS_PROXY", "https_proxy"}, {"HTTP_PROXY", "http_proxy"}} {
		if name := set(names...); name != "" && !used[name] && p.settings.hosts != nil {
			found = append(found, name+" is set, and these hosts are reached without it")
		}
	}
	if name := set("NO_PROXY", "no_proxy"); name != "" {
		found = append(found, name+" is "+p.inv.Getenv(name))
	}
	if name := set("ALL_PROXY", "all_proxy"); name != "" && set("HTTPS_PROXY", "https_proxy") == "" {
		problems = append(problems, name+" is not used: only HTTPS_PROXY and HTTP_PROXY are")
		hint = "export HTTPS_PROXY=\"$" + name + "\""
	}
	for _, name := range []string{"SSL_CERT_FILE", "SSL_CERT_DIR"} {
		if value := p.inv.Getenv(name); value != "" {
			found = append(found, name+" is "+value)
		}
	}
	if err := session.CheckRoots(p.inv.Getenv); err != nil {
		return failed(err.Error(), hintsOf(err))
	}
	switch {
	case p.settings.hosts == nil && len(problems)+len(found) == 0 && set("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy") != "":
		return skipped("not known, because of " + p.settings.by)
	case len(problems) > 0:
		return warning(strings.Join(append(problems, found...), "\n"), hint)
	case len(found) == 0:
		return ok("none is set: connections are made directly")
	}
	return ok(strings.Join(found, "\n"))
}
