package login

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

func TestReadClaims(t *testing.T) {
	for payload, want := range map[string]claims{
		`{"iss":"i","exp":1700000000}`:     {"i", time.Unix(1700000000, 0)},
		`{"exp":1700000000.75}`:            {"", time.Unix(1700000000, 0)},
		`{"exp":1e300,"iss":["a","list"]}`: {"", time.Unix(1<<40, 0)},
		`{"iss":"i"}`:                      {Issuer: "i"},
		`{"exp":"1700000000"}`:             {},
		`{"exp":-5}`:                       {},
		`{"exp":0}`:                        {},
		`[]`:                               {},
		`null`:                             {},
		`{"exp":`:                          {},
	} {
		for _, padding := range []string{"", "="} {
			token := "e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + padding + ".c2ln"
			if got := readClaims(token); got.Issuer != want.Issuer || !got.Expiry.Equal(want.Expiry) {
				t.Errorf("%s: %+v", payload, got)
			}
		}
	}
	for _, opaque := range []string{"", "abc", "a.b", "a.!.c", "a.b.c.d"} {
		if got := readClaims(opaque); got != (claims{}) {
			t.Errorf("%q: %+v", opaque, got)
		}
	}
}

func FuzzReadClaims(f *testing.F) {
	for _, seed := range []string{"", "a.b.c", "e30.eyJleHAiOjE3MDAwMDAwMDB9.x", "..", "e30.e30=.x", "e30.eyJleHAiOjFlMzA4fQ.x"} {
		f.Add(seed)
	}
	latest := time.Unix(1<<40, 0)
	f.Fuzz(func(t *testing.T, token string) {
		c := readClaims(token)
		if !c.Expiry.IsZero() && (c.Expiry.Before(time.Unix(0, 0)) || c.Expiry.After(latest)) {
			t.Fatalf("%q: %s", token, c.Expiry)
		}
		if strings.Count(token, ".") != 2 && c != (claims{}) {
			t.Fatalf("%q: %+v", token, c)
		}
	})
}
