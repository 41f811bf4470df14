package local

import (
	"bytes"
	"encoding/pem"
	"errors"
	"unsafe"

	"golang.org/x/sys/windows"
)

// systemAuthorities returns what is in the file, or else the root store of the
// user, which includes that of the machine.
func systemAuthorities(preferred, own string) ([]byte, error) {
	given, err := firstAuthorities([]string{preferred}, own)
	if err != nil || given != nil {
		return given, err
	}
	name, err := windows.UTF16PtrFromString("ROOT")
	if err != nil {
		return nil, err
	}
	store, err := windows.CertOpenSystemStore(0, name)
	if err != nil {
		return nil, err
	}
	defer windows.CertCloseStore(store, 0)
	var out bytes.Buffer
	var cert *windows.CertContext
	for {
		cert, err = windows.CertEnumCertificatesInStore(store, cert)
		if errors.Is(err, windows.Errno(windows.CRYPT_E_NOT_FOUND)) || err == nil && cert == nil {
			return out.Bytes(), nil
		}
		if err != nil {
			return nil, err
		}
		der := unsafe.Slice(cert.EncodedCert, cert.Length)
		if err := pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: der}); err != nil {
			return nil, err
		}
	}
}
