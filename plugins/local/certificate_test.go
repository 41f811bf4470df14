package local

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func selfSigned(t *testing.T) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func TestFirstAuthorities(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, certificate := selfSigned(t)
	good, own, other := filepath.Join(dir, "good.pem"), filepath.Join(dir, "own.pem"), filepath.Join(dir, bundleName)
	rubbish := filepath.Join(dir, "rubbish.pem")
	for path, content := range map[string][]byte{good: certificate, own: certificate, other: certificate, rubbish: []byte("none")} {
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		files []string
		found bool
	}{
		{nil, false},
		{[]string{"", own, other, rubbish, filepath.Join(dir, "missing")}, false},
		{[]string{own, rubbish, good}, true},
	} {
		data, err := firstAuthorities(c.files, own)
		if err != nil || (string(data) == string(certificate)) != c.found || (data != nil) != c.found {
			t.Errorf("%v: %q, %v", c.files, data, err)
		}
	}
}
