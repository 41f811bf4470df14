package login

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

const scope = "openid profile email offline_access"

// Endpoints say who issues the tokens. In the zero value all are the
// service's; otherwise only Logout and SessionSeed may be empty.
type Endpoints struct {
	Issuer     string // as tokens name it, to the letter
	DeviceCode string
	Token      string
	Revoke     string
	JWKS       string

	// Logout ends a session of the browser and goes on to the page that a
	// person confirms the code on. When it is empty that page comes first.
	Logout string
	// SessionSeed goes on to the same page by way of a connection.
	SessionSeed string

	ClientID, Audience string // empty: the service's
}

// Service returns the endpoints of the fal service.
func Service() Endpoints {
	e := At("https://auth.fal.ai")
	e.SessionSeed = "https://fal.ai/api/auth/cli/session-seed"
	return e
}

// At returns the endpoints of an issuer that has them all below one URL, such
// as https://auth.example.com or http://127.0.0.1:8080/auth.
func At(base string) Endpoints {
	base = strings.TrimRight(base, "/")
	return Endpoints{
		Issuer:      base + "/",
		DeviceCode:  base + "/oauth/device/code",
		Token:       base + "/oauth/token",
		Revoke:      base + "/oauth/revoke",
		JWKS:        base + "/.well-known/jwks.json",
		Logout:      base + "/v2/logout",
		SessionSeed: base + "/api/auth/cli/session-seed",
		ClientID:    "TwXR51Vz8JbY8GUUMy6EyuVR0fTO7N4N",
		Audience:    "fal-cloud",
	}
}

func (e Endpoints) resolve() (Endpoints, error) {
	service := Service()
	if e == (Endpoints{}) {
		return service, nil
	}
	if e.ClientID == "" {
		e.ClientID = service.ClientID
	}
	if e.Audience == "" {
		e.Audience = service.Audience
	}
	if e.Issuer == "" {
		return e, &Error{Kind: Misconfigured, Message: "the issuer has no name"}
	}
	for _, u := range []struct {
		name, value string
		optional    bool
	}{
		{"device code", e.DeviceCode, false}, {"token", e.Token, false}, {"revocation", e.Revoke, false}, {"keys", e.JWKS, false},
		{"logout", e.Logout, true}, {"session seed", e.SessionSeed, true},
	} {
		if u.value == "" && u.optional {
			continue
		}
		if why := unfit(u.value); why != "" {
			return e, &Error{Kind: Misconfigured, Message: fmt.Sprintf("the address for the issuer's %s, %s, %s", u.name, plain(fmt.Sprintf("%q", u.value)), why)}
		}
	}
	return e, nil
}

// unfit says why credentials cannot be sent to an address, or "".
func unfit(address string) string {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return "is no https URL"
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return "must begin with https://: only loopback addresses may go without"
	case u.User != nil:
		return "holds credentials"
	}
	return ""
}

func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// host is the issuer's, for messages.
func (e Endpoints) host() string {
	if u, err := url.Parse(e.Token); err == nil {
		return u.Host
	}
	return e.Issuer
}

// foreign reports whether tokens by another issuer are certainly not for this
// one: the service's for any other issuer, and those of this machine for
// the service.
func (e Endpoints) foreign(issuer string) bool {
	service := Service().Issuer
	switch {
	case issuer == "" || issuer == e.Issuer:
		return false
	case e.Issuer != service:
		return issuer == service
	}
	u, err := url.Parse(issuer)
	return err == nil && loopback(u.Hostname())
}
