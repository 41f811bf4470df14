//go:build !windows

package local

// systemFiles is where systems keep the authorities that they trust.
func systemFiles() []string {
	return []string{
		"/etc/ssl/certs/ca-certificates.crt",                // Debian, Ubuntu, Arch
		"/etc/pki/tls/certs/ca-bundle.crt",                  // Fedora, RHEL 6
		"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // RHEL 7 and later
		"/etc/ssl/ca-bundle.pem",                            // openSUSE
		"/etc/ssl/cert.pem",                                 // macOS, Alpine
	}
}

func systemAuthorities(preferred, own string) ([]byte, error) {
	return firstAuthorities(append([]string{preferred}, systemFiles()...), own)
}
