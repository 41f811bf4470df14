package local

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// bundleName is the file of certificates that clients are pointed at. The
// variables that do so replace what a client trusts, so that the authorities of
// the system are in it too: with them, other programs of the same shell go on
// reaching public sites.
const bundleName = "ca-bundle.pem"

func (d dataDir) bundle() string { return d.file(bundleName) }

// writeBundle writes the system's authorities and the one in caFile.
func (d dataDir) writeBundle(caFile string) error {
	own, err := os.ReadFile(caFile)
	if err != nil {
		return d.failure("cannot read", err)
	}
	system, err := systemAuthorities(os.Getenv("SSL_CERT_FILE"), d.bundle())
	if err != nil {
		return fmt.Errorf("cannot read the certificates of the system: %w", err)
	}
	if len(system) > 0 && system[len(system)-1] != '\n' {
		system = append(system, '\n')
	}
	if err := replaceFile(d.bundle(), append(system, own...)); err != nil {
		return d.failure("cannot write", err)
	}
	return nil
}

// firstAuthorities returns the content of the first of the files that holds a
// certificate, passing over our own bundle and others of its kind.
func firstAuthorities(files []string, own string) ([]byte, error) {
	for _, file := range files {
		if file == "" || file == own || filepath.Base(file) == bundleName {
			continue
		}
		data, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if block, _ := pem.Decode(bytes.TrimSpace(data)); block != nil {
			return data, nil
		}
	}
	return nil, nil
}
