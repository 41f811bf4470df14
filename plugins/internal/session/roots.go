package session

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/cli"
)

// The variables that name more certificate authorities: a file, and folders of
// files.
const (
	varCertFile = "SSL_CERT_FILE"
	varCertDir  = "SSL_CERT_DIR"
)

// Roots are the certificate authorities to trust: the system's, and those of
// SSL_CERT_FILE and SSL_CERT_DIR. nil means those that crypto/x509 takes by
// itself: the variables count for it too, but not on macOS and Windows. A
// file that cannot be read or holds no certificate is an error of usage.
func Roots(getenv func(string) string) (*x509.CertPool, error) {
	file, dirs := getenv(varCertFile), getenv(varCertDir)
	if file == "" && dirs == "" {
		return nil, nil
	}
	if readByLibrary(getenv) {
		_, err := certificates(file, "") // its folders may be large, and are read again
		return nil, err
	}
	found, err := certificates(file, dirs)
	if err != nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("the system's certificates can not be read: %w", err)
	}
	for _, pem := range found {
		pool.AppendCertsFromPEM(pem)
	}
	return pool, nil
}

// CheckRoots reads all that the variables name. Its error is one of usage,
// also for folders that hold no certificate.
func CheckRoots(getenv func(string) string) error {
	_, err := certificates(getenv(varCertFile), getenv(varCertDir))
	return err
}

func certificates(file, dirs string) (found [][]byte, err error) {
	if file != "" {
		pem, err := certificateFile(file)
		if err != nil {
			return nil, err
		}
		found = append(found, pem)
	}
	if dirs == "" {
		return found, nil
	}
	pems, err := certificateFolders(filepath.SplitList(dirs))
	return append(found, pems...), err
}

// readByLibrary reports whether crypto/x509 reads the variables: on Unix those
// of this process.
func readByLibrary(getenv func(string) string) bool {
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" {
		return false
	}
	return os.Getenv(varCertFile) == getenv(varCertFile) && os.Getenv(varCertDir) == getenv(varCertDir)
}

func certificateFile(path string) ([]byte, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, badRoots(varCertFile, err.Error())
	}
	if !holdsCertificate(pem) {
		return nil, badRoots(varCertFile, path+" holds no certificate")
	}
	return pem, nil
}

// certificateFolders reads the certificates in folders. As for OpenSSL,
// folders that are not there and other files in them are no mistake.
func certificateFolders(dirs []string) ([][]byte, error) {
	var found [][]byte
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, e := range entries {
			if pem, err := os.ReadFile(filepath.Join(dir, e.Name())); err == nil && holdsCertificate(pem) {
				found = append(found, pem)
			}
		}
	}
	if len(found) == 0 {
		return nil, badRoots(varCertDir, "no certificate in "+strings.Join(dirs, ", "))
	}
	return found, nil
}

func badRoots(variable, why string) error {
	e := cli.Usagef("%s: %s", variable, why)
	e.Hint = []string{"unset " + variable}
	return e
}

func holdsCertificate(pem []byte) bool {
	return bytes.Contains(pem, []byte("-----BEGIN CERTIFICATE-----"))
}
