package issuer

import (
	"crypto"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// ErrKey is returned by ParseKey when there is no key to be found.
var ErrKey = errors.New("does not hold a PKCS #8 RSA key of 2048 bits or more in PEM")

const (
	keyBits = 2048
	keyPEM  = "PRIVATE KEY"
)

// maxToken bounds the tokens that are looked at, in bytes.
const maxToken = 8 << 10

// The types in the headers of tokens (RFC 9068 for the first).
const (
	accessType = "at+jwt"
	idType     = "JWT"
)

// Key signs tokens and tells refresh tokens' successors; it is a state.Tokens.
// Printed, it shows nothing of itself.
type Key struct {
	private   *rsa.PrivateKey
	public    jose.JSONWebKey
	access    jose.Signer
	id        jose.Signer
	successor []byte // keys the HMAC
}

// NewKey makes a key.
func NewKey() (*Key, error) {
	private, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, err
	}
	return newKey(private)
}

// ParseKey reads what Marshal wrote.
func ParseKey(content []byte) (*Key, error) {
	block, _ := pem.Decode(content)
	if block == nil || block.Type != keyPEM {
		return nil, ErrKey
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, ErrKey // what the reason says is of no use to anybody
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok || private.N.BitLen() < keyBits {
		return nil, ErrKey
	}
	return newKey(private)
}

func newKey(private *rsa.PrivateKey) (*Key, error) {
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	public := jose.JSONWebKey{Key: private.Public(), Algorithm: string(jose.RS256), Use: "sig"}
	thumbprint, err := public.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, err
	}
	public.KeyID = base64.RawURLEncoding.EncodeToString(thumbprint)
	k := &Key{private: private, public: public}
	if k.successor, err = hkdf.Key(sha256.New, encoded, nil, "refresh tokens", sha256.Size); err != nil {
		return nil, err
	}
	signing := jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: private, KeyID: public.KeyID}}
	if k.access, err = jose.NewSigner(signing, (&jose.SignerOptions{}).WithType(accessType)); err != nil {
		return nil, err
	}
	k.id, err = jose.NewSigner(signing, (&jose.SignerOptions{}).WithType(idType))
	return k, err
}

// Marshal returns the key, secret as it is, for ParseKey.
func (k *Key) Marshal() ([]byte, error) {
	encoded, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: keyPEM, Bytes: encoded}), nil
}

// Format shows nothing of the key, whatever the verb.
func (k *Key) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "[key]") }

// set is the public half as it is published.
func (k *Key) set() jose.JSONWebKeySet { return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{k.public}} }

// The reasons why an access token is refused, as they go on after its name.
var (
	errForeign = errors.New("is not one of this control plane")
	errExpired = errors.New("has expired")
)

// VerifyAccessToken is state.Tokens'. It does not look at who the token says its
// issuer is: nobody else has the key, and the address may have changed since.
func (k *Key) VerifyAccessToken(token string, now time.Time) (login string, err error) {
	if len(token) > maxToken {
		return "", errForeign
	}
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return "", errForeign
	}
	if kind, _ := parsed.Headers[0].ExtraHeaders[jose.HeaderType].(string); kind != accessType {
		return "", errForeign
	}
	var claims accessClaims
	if err := parsed.Claims(k.public.Key, &claims); err != nil {
		return "", errForeign
	}
	if !claims.Audience.Contains(Audience) || claims.Login == "" || claims.Expiry == nil {
		return "", errForeign
	}
	if !now.Before(claims.Expiry.Time()) {
		return "", errExpired
	}
	return claims.Login, nil
}

// NextRefreshToken is state.Tokens'.
func (k *Key) NextRefreshToken(token string) string {
	mac := hmac.New(sha256.New, k.successor)
	mac.Write([]byte(token)) // never fails
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
