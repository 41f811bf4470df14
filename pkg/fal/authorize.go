package fal

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/fal-plugins/fal/pkg/internal/transport"
)

// authorizer binds credentials to the account that they are used for.
func authorizer(pairs func(context.Context, string) (map[string]string, error), account string) func(context.Context) (map[string]string, error) {
	return func(ctx context.Context) (map[string]string, error) { return pairs(ctx, account) }
}

// restBase is the base URL of the REST side.
func restBase(o Options, host string) (*url.URL, error) {
	if o.RESTURL != "" {
		u, err := url.Parse(o.RESTURL)
		switch {
		case err != nil, u.Scheme != "https" && u.Scheme != "http", u.Host == "", u.User != nil, u.RawQuery != "", u.Fragment != "":
			return nil, fmt.Errorf("the REST URL must read https://host[:port][/path]")
		}
		return u, nil
	}
	if strings.HasPrefix(host, "api") {
		host = "rest" + strings.TrimPrefix(host, "api")
	}
	target, err := transport.ParseTarget(host)
	if err != nil {
		return nil, err
	}
	u := &url.URL{Scheme: "https", Host: strings.TrimSuffix(target, ":443")}
	if o.Plaintext {
		u.Scheme, u.Host = "http", target
	}
	return u, nil
}
