package doctor

import (
	"crypto/tls"
	"crypto/x509"
	"slices"
	"strings"
)

// usual are the organizations of the authorities that issue certificates for
// public hosts: those that issue nearly all of them, and all of the large
// clouds.
func usual() []string {
	return []string{
		"Let's Encrypt", "ISRG", "Internet Security Research Group", "Google Trust Services", "Amazon", "DigiCert", "GlobalSign",
		"Sectigo", "COMODO", "The USERTRUST Network", "GoDaddy", "Starfield", "Entrust", "Microsoft Corporation", "Cloudflare",
		"ZeroSSL", "IdenTrust", "SSL Corporation", "SSL Corp", "Buypass", "Certainly", "Baltimore", "VeriSign", "Thawte", "GeoTrust",
		"QuoVadis", "Actalis", "HARICA", "Hellenic Academic", "Apple Inc.",
	}
}

// isUsual reports whether a certificate comes from a public authority: whoever
// intercepts connections signs with one of its own.
func isUsual(state tls.ConnectionState) bool {
	for _, chain := range state.VerifiedChains {
		root := chain[len(chain)-1]
		for _, organization := range append(slices.Clone(root.Subject.Organization), root.Issuer.Organization...) {
			if slices.ContainsFunc(usual(), func(name string) bool { return strings.HasPrefix(organization, name) }) {
				return true
			}
		}
	}
	return false
}

// isOfTheService reports whether a host is one of the service, whose
// certificate comes from a public authority.
func isOfTheService(host string) bool {
	return strings.HasSuffix(host, ".fal.ai") || strings.HasSuffix(host, ".fal.run") || host == "fal.run"
}

// issuer names who issued a certificate.
func issuer(c *x509.Certificate) string {
	name := c.Issuer.CommonName
	if len(c.Issuer.Organization) == 0 {
		if name == "" {
			return "nobody"
		}
		return name
	}
	organization := strings.Join(c.Issuer.Organization, ", ")
	if name == "" || strings.HasPrefix(name, organization) {
		return organization
	}
	return organization + " (" + name + ")"
}
