package issuer

import (
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
)

// FuzzVerifyAccessToken never takes a token that says something else than the one
// that was signed.
func FuzzVerifyAccessToken(f *testing.F) {
	key, err := NewKey()
	if err != nil {
		f.Fatal(err)
	}
	now := time.Unix(1_800_000_000, 0)
	claims := accessClaims{Claims: jwt.Claims{Audience: jwt.Audience{Audience}, Expiry: jwt.NewNumericDate(now.Add(time.Hour))}, Login: "login"}
	good, err := jwt.Signed(key.access).Claims(claims).Serialize()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[1:])
	f.Add(strings.ReplaceAll(good, ".", ".."))
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Fuzz(func(t *testing.T, token string) {
		login, err := key.VerifyAccessToken(token, now)
		if err == nil && login != claims.Login || err != nil && login != "" {
			t.Errorf("%q: login %q, %v", token, login, err)
		}
	})
}

// FuzzHost never takes a name that leads elsewhere for this machine's.
func FuzzHost(f *testing.F) {
	for _, host := range []string{"localhost", "127.0.0.1:80", "[::1]:80", "::1", "example.com", "localhost:80@example.com", "127.0.0.1.example.com", "a.localhost"} {
		f.Add(host)
	}
	f.Fuzz(func(t *testing.T, host string) {
		if ownHost(host) && strings.ContainsAny(host, "@/\\?#") {
			t.Errorf("%q is taken for this machine", host)
		}
	})
}
