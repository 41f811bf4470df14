package idtoken

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"go.uber.org/goleak"

	"github.com/fal-plugins/fal/pkg/login"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const issuerName, client = "https://auth.example/", "the-client"

type signer struct {
	algorithm jose.SignatureAlgorithm
	key       any
	id        string
}

func (s signer) sign(t *testing.T, claims map[string]any) string {
	t.Helper()
	made, err := jose.NewSigner(jose.SigningKey{Algorithm: s.algorithm, Key: jose.JSONWebKey{Key: s.key, KeyID: s.id}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := made.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func rsaKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// serve answers with a key set and returns what is expected of its tokens.
func serve(t *testing.T, handler http.HandlerFunc, now time.Time) login.Expected {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return login.Expected{Issuer: issuerName, ClientID: client, JWKS: server.URL, HTTPClient: server.Client(), Now: func() time.Time { return now }}
}

func keySet(t *testing.T, keys ...jose.JSONWebKey) []byte {
	t.Helper()
	all := []any{map[string]any{"kty": "of the future", "kid": "x"}}
	for _, k := range keys {
		all = append(all, k)
	}
	content, err := json.Marshal(map[string]any{"keys": all})
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestVerify(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	key, stranger := rsaKey(t), rsaKey(t)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	set := keySet(t,
		jose.JSONWebKey{Key: stranger.Public(), KeyID: "enc", Use: "enc"},
		jose.JSONWebKey{Key: curve.Public(), KeyID: "ec", Algorithm: "ES256"},
		jose.JSONWebKey{Key: key.Public(), KeyID: "one", Algorithm: "RS256", Use: "sig"})
	want := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(set) }, now)
	in := func(d time.Duration) int64 { return now.Add(d).Unix() }
	own := signer{jose.RS256, key, "one"}

	for name, test := range map[string]struct {
		by     signer
		change map[string]any // nil values are left out
		fails  string
	}{
		"good":                   {own, nil, ""},
		"several audiences":      {own, map[string]any{"aud": []string{"other", client}, "azp": client}, ""},
		"just ended":             {own, map[string]any{"exp": in(-59 * time.Second)}, ""},
		"ended":                  {own, map[string]any{"exp": in(-61 * time.Second)}, "clock"},
		"no end":                 {own, map[string]any{"exp": nil}, "clock"},
		"soon":                   {own, map[string]any{"iat": in(59 * time.Second)}, ""},
		"of the future":          {own, map[string]any{"iat": in(61 * time.Second)}, "clock"},
		"valid in the future":    {own, map[string]any{"nbf": in(61 * time.Second)}, "clock"},
		"another issuer":         {own, map[string]any{"iss": "https://auth.example"}, "issued by"},
		"no issuer":              {own, map[string]any{"iss": nil}, "issued by"},
		"another audience":       {own, map[string]any{"aud": "fal-cloud"}, "audience"},
		"no audience":            {own, map[string]any{"aud": nil}, "audience"},
		"issued to another":      {own, map[string]any{"aud": []string{"other", client}, "azp": "other"}, "issued to"},
		"another key":            {signer{jose.RS256, stranger, "one"}, nil, "signature"},
		"a key not for signing":  {signer{jose.RS256, stranger, "enc"}, nil, "signature"},
		"PS256":                  {signer{jose.PS256, key, "one"}, nil, "malformed"},
		"ES256":                  {signer{jose.ES256, curve, "ec"}, nil, "malformed"},
		"the public key as HMAC": {signer{jose.HS256, []byte(strings.Repeat("public", 10)), "one"}, nil, "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			claims := map[string]any{"iss": issuerName, "aud": client, "sub": "me", "iat": in(0), "exp": in(time.Hour)}
			for k, v := range test.change {
				if claims[k] = v; v == nil {
					delete(claims, k)
				}
			}
			err := Verify(context.Background(), test.by.sign(t, claims), want)
			if test.fails == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, login.Untrusted) || !strings.Contains(err.Error(), test.fails) {
				t.Errorf("%v", err)
			}
		})
	}
	for name, raw := range map[string]string{
		"empty": "", "words": "a.b.c",
		"unsigned": "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2F1dGguZXhhbXBsZS8iLCJhdWQiOiJ0aGUtY2xpZW50IiwiZXhwIjo5OTk5OTk5OTk5fQ.",
	} {
		if err := Verify(context.Background(), raw, want); !errors.Is(err, login.Untrusted) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKeysThatCannotBeHad(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	body := func(status int, content string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status); _, _ = w.Write([]byte(content)) }
	}
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		kind    login.Kind
	}{
		"500":         {body(500, "{}"), login.Network},
		"HTML":        {body(200, "<html>"), login.Network},
		"no keys":     {body(200, "{}"), login.Untrusted},
		"not a set":   {body(200, "[]"), login.Untrusted},
		"a small key": {body(200, string(keySet(t, jose.JSONWebKey{Key: crypto.PublicKey(small.Public()), KeyID: "s"}))), login.Untrusted},
	} {
		if err := Verify(context.Background(), "a.b.c", serve(t, test.handler, time.Now())); !errors.Is(err, test.kind) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	canceled := serve(t, func(http.ResponseWriter, *http.Request) { cancel() }, time.Now())
	if err := Verify(ctx, "a.b.c", canceled); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestKeysAreAskedForAgain(t *testing.T) {
	key := rsaKey(t)
	set := keySet(t, jose.JSONWebKey{Key: key.Public(), KeyID: "one"})
	var asked atomic.Int32
	want := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_, _ = w.Write(set)
	}, time.Now())
	raw := signer{jose.RS256, key, "one"}.sign(t, map[string]any{"iss": issuerName, "aud": client, "exp": time.Now().Add(time.Hour).Unix()})
	if err := Verify(context.Background(), raw, want); err != nil || asked.Load() != 2 {
		t.Errorf("%v after asking %d times", err, asked.Load())
	}
}
