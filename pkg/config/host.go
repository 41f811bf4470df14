package config

// ParseHost reads a host, [scheme://]host[:port], as [Inputs].Host is read
// outside test mode: plaintext on this machine unless it says https, TLS
// elsewhere. from names its source in errors, which contain no part of it.
func ParseHost(written, from string) (Endpoint, error) {
	r := resolver{in: Inputs{Getenv: func(string) string { return "" }}}
	return r.endpoint(written, fromFlag(from), anyName)
}
