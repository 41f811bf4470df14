package session

import (
	"cmp"
	"net/url"

	"golang.org/x/net/http/httpproxy"
)

// proxy answers which proxy the environment wants for a URL, as curl and
// net/http read it.
func proxy(getenv func(string) string) func(*url.URL) (*url.URL, error) {
	either := func(upper, lower string) string { return cmp.Or(getenv(upper), getenv(lower)) }
	return (&httpproxy.Config{
		HTTPProxy:  either("HTTP_PROXY", "http_proxy"),
		HTTPSProxy: either("HTTPS_PROXY", "https_proxy"),
		NoProxy:    either("NO_PROXY", "no_proxy"),
	}).ProxyFunc()
}
