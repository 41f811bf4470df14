package session

import (
	"crypto/x509"
	"fmt"
	"os"
	"runtime"

	"github.com/fal-plugins/fal/plugins/internal/cli"
)

// rootCAs makes SSL_CERT_FILE work where crypto/x509 does not read it: on
// macOS and Windows it is added to the system's roots. nil means the system's
// own, which elsewhere are those of the variable already.
func rootCAs(getenv func(string) string) (*x509.CertPool, error) {
	path := getenv("SSL_CERT_FILE")
	if path == "" || runtime.GOOS != "darwin" && runtime.GOOS != "windows" {
		return nil, nil
	}
	return poolWith(path)
}

func poolWith(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, cli.Usagef("SSL_CERT_FILE: %s", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("the system's certificates can not be read: %w", err)
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, cli.Usagef("SSL_CERT_FILE: %s holds no certificate", path)
	}
	return pool, nil
}
