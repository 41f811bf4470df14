package session

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpproxy"

	"github.com/fal-plugins/fal/plugins/internal/cli"
)

// Proxy answers which proxy the environment wants for a URL, as curl and
// net/http read it: HTTPS_PROXY, HTTP_PROXY and NO_PROXY, in capitals or else
// in small letters. A proxy that is no URL is an error for what would go
// through it, and not passed over: one of usage, with a hint.
func Proxy(getenv func(string) string) func(*url.URL) (*url.URL, error) {
	either := func(upper string) (name, value string) {
		if value := getenv(upper); value != "" {
			return upper, value
		}
		return strings.ToLower(upper), getenv(strings.ToLower(upper))
	}
	settings := httpproxy.Config{NoProxy: cmp.Or(getenv("NO_PROXY"), getenv("no_proxy"))}
	// The library takes a value that it cannot read for none.
	unusable := map[string]string{}
	read := func(variable string) string {
		name, value := either(variable)
		if value == "" || usable(value) {
			return value
		}
		host := strings.ToLower(strings.ReplaceAll(variable, "_", "-")) + ".invalid"
		unusable[host] = name
		return "http://" + host
	}
	settings.HTTPProxy, settings.HTTPSProxy = read("HTTP_PROXY"), read("HTTPS_PROXY")
	find := settings.ProxyFunc()
	return func(u *url.URL) (*url.URL, error) {
		proxy, err := find(u)
		if proxy != nil && unusable[proxy.Host] != "" {
			name := unusable[proxy.Host]
			e := cli.Usagef("%s is no address of a proxy, such as http://proxy.example.com:3128", name)
			e.Hint = []string{"unset " + name}
			return nil, e
		}
		return proxy, err
	}
}

// usable reports whether a value is the address of a proxy that can be spoken
// to.
func usable(value string) bool {
	proxy, err := (&httpproxy.Config{HTTPSProxy: value}).ProxyFunc()(&url.URL{Scheme: "https", Host: "host.invalid"})
	if err != nil || proxy == nil || proxy.Hostname() == "" || strings.HasSuffix(proxy.Host, ":") || strings.Trim(proxy.Path, "/") != "" {
		return false
	}
	return slices.Contains([]string{"http", "https", "socks5", "socks5h"}, proxy.Scheme)
}
