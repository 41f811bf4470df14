package config

import (
	"net/netip"
	"strconv"
	"strings"
)

// address is a host as it was written, taken apart.
type address struct {
	scheme string // "", "http" or "https"
	host   string // a name in lower case or an IP address, without brackets
	port   string // "" when none was written
}

// parseAddress takes [scheme://]host[:port] apart. why says what is wrong with
// s without repeating it, since people paste keys into the wrong variable.
func parseAddress(s string) (a address, why string) {
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return a, "it contains white space or characters outside ASCII"
	}
	s = strings.ToLower(s)
	if scheme, rest, ok := strings.Cut(s, "://"); ok {
		if scheme != "http" && scheme != "https" {
			return a, "the scheme must be http or https"
		}
		a.scheme, s = scheme, rest
	}
	s = strings.TrimSuffix(s, "/")
	switch {
	case s == "":
		return a, "it is empty"
	case strings.Contains(s, "@"):
		return a, "it contains a user name"
	case strings.ContainsAny(s, `/\?#`):
		return a, "it must be host[:port] without a path"
	}
	if a.host, a.port, why = splitPort(s); why != "" {
		return a, why
	}
	if a.port != "" {
		n, err := strconv.ParseUint(a.port, 10, 16)
		if err != nil || n == 0 {
			return a, "the port must be a number from 1 to 65535"
		}
		a.port = strconv.FormatUint(n, 10)
	}
	return a, a.checkHost()
}

func splitPort(s string) (host, port, why string) {
	if strings.HasPrefix(s, "[") {
		host, rest, ok := strings.Cut(s[1:], "]")
		if !ok || !strings.Contains(host, ":") {
			return "", "", "brackets are for an IPv6 address"
		}
		if rest != "" && (rest[0] != ':' || rest == ":") {
			return "", "", "after ']' only :port may follow"
		}
		return host, strings.TrimPrefix(rest, ":"), ""
	}
	if strings.Count(s, ":") > 1 {
		return s, "", "" // an IPv6 address, or checkHost refuses it
	}
	host, port, ok := strings.Cut(s, ":")
	if ok && port == "" {
		return "", "", "the port after ':' is missing"
	}
	return host, port, ""
}

func (a *address) checkHost() (why string) {
	if ip, err := netip.ParseAddr(a.host); err == nil {
		if ip.Zone() != "" {
			return "an IPv6 zone is not supported"
		}
		a.host = ip.String()
		return ""
	}
	if strings.Contains(a.host, ":") {
		return "it is neither host[:port] nor an IPv6 address"
	}
	const wrong = "it is not a host name"
	if len(a.host) > 253 {
		return wrong
	}
	labels := strings.Split(a.host, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
			return wrong
		}
		for i := range len(l) {
			if !isBareKeyChar(l[i]) {
				return wrong
			}
		}
	}
	if strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return "it is not an IPv4 address"
	}
	return ""
}

// String returns host[:port] without the scheme.
func (a address) String() string {
	host := a.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if a.port == "" {
		return host
	}
	return host + ":" + a.port
}

// isLoopback reports whether the address is certainly on this machine. Names
// other than localhost are not: a resolver may send *.localhost anywhere.
func (a address) isLoopback() bool {
	if a.host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(a.host)
	return err == nil && ip.Unmap().IsLoopback()
}
