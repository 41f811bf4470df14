package transport

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

const defaultPort = "443"

// ParseTarget reads "host", "host:port" or an IP address, with or without the
// brackets of IPv6, and answers "host:port"; the port is 443 if none is given.
func ParseTarget(s string) (string, error) {
	host, port := s, defaultPort
	switch {
	case s == "":
		return "", fmt.Errorf("the host is empty")
	case strings.ContainsAny(s, "/@?#% \t\r\n\\"):
		return "", fmt.Errorf("host %q: want a host name or address with an optional port, and nothing else", s)
	}
	if addr, err := netip.ParseAddr(unbracketed(s)); err == nil {
		return net.JoinHostPort(addr.String(), port), nil
	}
	if strings.Contains(s, ":") {
		var err error
		if host, port, err = net.SplitHostPort(s); err != nil {
			return "", fmt.Errorf("host %q: %w", s, err)
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "", fmt.Errorf("host %q: %q is no port between 1 and 65535", s, port)
		}
	}
	addr, err := netip.ParseAddr(host)
	switch {
	case host == "":
		return "", fmt.Errorf("host %q: the name is missing", s)
	case strings.ContainsAny(s, "[]") && (err != nil || !addr.Is6()):
		return "", fmt.Errorf("host %q: brackets are for IPv6 addresses", s)
	}
	return net.JoinHostPort(host, port), nil
}

func unbracketed(s string) string {
	if inner, ok := strings.CutPrefix(s, "["); ok && strings.HasSuffix(inner, "]") {
		return strings.TrimSuffix(inner, "]")
	}
	return s
}

// IsLoopback reports whether a host, with or without a port, is this machine by
// its spelling alone: localhost, a name below it, or a loopback address. What
// the name resolves to is checked when it is dialled.
func IsLoopback(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.ToLower(unbracketed(host)), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
