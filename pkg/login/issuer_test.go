package login_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/login"
	"github.com/fal-plugins/fal/pkg/login/idtoken"
)

const grace = 10 * time.Second

var signingKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func sign(key *rsa.PrivateKey, header, claims map[string]any) string {
	part := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	signed := part(header) + "." + part(claims)
	digest := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	if err != nil {
		panic(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

type pair struct{ refresh, access string }

func (p pair) file() string { return p.refresh + "\n" + p.access }

// issuer is an OAuth issuer with rotation: a refresh token that was used is
// honoured for another 10 s, with the same answer, and ends the login after.
type issuer struct {
	server *httptest.Server
	base   string
	now    func() time.Time

	mu       sync.Mutex
	life     time.Duration // of access tokens
	opaque   bool
	family   string // the current refresh token; "" after it was revoked
	issued   int
	pairs    map[string]bool // every pair, as the file holds it
	replaced map[string]successor
	polls    []string // what comes before success for a device code: error codes

	rotations, asked, revocations int
	forms                         []map[string][]string

	// fault, if it is there, may answer in the issuer's place, and says so.
	fault func(w http.ResponseWriter, r *http.Request) bool
	// after is called when a token request was handled, before its answer.
	after func(r *http.Request)
}

type successor struct {
	pair  pair
	until time.Time
}

func newIssuer(t *testing.T) *issuer {
	s := unstarted()
	s.server = httptest.NewServer(s)
	t.Cleanup(s.server.Close)
	s.base = s.server.URL
	return s
}

func unstarted() *issuer {
	return &issuer{base: "https://issuer.example", now: time.Now, life: 24 * time.Hour, pairs: map[string]bool{}, replaced: map[string]successor{}}
}

// next issues a pair; s.mu is held.
func (s *issuer) next() pair {
	s.issued++
	p := pair{refresh: fmt.Sprintf("refresh-%d-%s", s.issued, strings.Repeat("r", 40))}
	now := s.now()
	p.access = sign(signingKey(), map[string]any{"alg": "RS256", "kid": "one"},
		map[string]any{"iss": s.base + "/", "aud": "fal-cloud", "exp": now.Add(s.life).Unix(), "iat": now.Unix(), "jti": s.issued})
	if s.opaque {
		p.access = fmt.Sprintf("opaque-%d", s.issued)
	}
	s.family = p.refresh
	s.pairs[p.file()] = true
	return p
}

// login issues a pair and writes it, as another client would.
func (s *issuer) login(t *testing.T, dir string, life time.Duration) pair {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	usual := s.life
	s.life = life
	p := s.next()
	s.life = usual
	write(t, dir, p.file())
	return p
}

func (s *issuer) counts() (rotations, asked int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rotations, s.asked
}

func (s *issuer) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	fault, after := s.fault, s.after
	s.mu.Unlock()
	_ = r.ParseForm()
	if fault != nil && fault(w, r) {
		return
	}
	status, answer := http.StatusNotFound, any(map[string]any{"error": "not_found"})
	s.mu.Lock()
	s.forms = append(s.forms, r.PostForm)
	switch r.Method + " " + r.URL.Path {
	case "POST /oauth/device/code":
		status, answer = http.StatusOK, map[string]any{
			"device_code": "device-1", "user_code": "ABCD-EFGH", "interval": 5, "expires_in": 900,
			"verification_uri": s.base + "/activate", "verification_uri_complete": s.base + "/activate?user_code=ABCD-EFGH",
		}
	case "POST /oauth/token":
		s.asked++
		status, answer = s.token(r)
	case "POST /oauth/revoke":
		s.revocations++
		status, answer = http.StatusOK, nil
		if r.PostForm.Get("token") == s.family {
			s.family = ""
		}
	case "GET /.well-known/jwks.json":
		public := signingKey().PublicKey
		status, answer = http.StatusOK, map[string]any{"keys": []any{
			map[string]any{"kty": "XYZ", "kid": "of the future"},
			map[string]any{"kty": "RSA", "kid": "one", "use": "sig", "alg": "RS256",
				"n": base64.RawURLEncoding.EncodeToString(public.N.Bytes()),
				"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(public.E)).Bytes())},
		}}
	}
	s.mu.Unlock()
	if after != nil && r.URL.Path == "/oauth/token" {
		after(r)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if answer != nil {
		_ = json.NewEncoder(w).Encode(answer)
	}
}

// token handles the two grants; s.mu is held.
func (s *issuer) token(r *http.Request) (int, any) {
	refused := func(code string) (int, any) {
		return http.StatusForbidden, map[string]any{"error": code, "error_description": "it is " + strings.ReplaceAll(code, "_", " ")}
	}
	var p pair
	switch f := r.PostForm; f.Get("grant_type") {
	case "refresh_token":
		used := f.Get("refresh_token")
		before, known := s.replaced[used]
		switch {
		case used == s.family && used != "":
			p = s.next()
			s.rotations++
			s.replaced[used] = successor{p, s.now().Add(grace)}
		case known && s.now().Before(before.until) && s.family == before.pair.refresh:
			p = before.pair
		default:
			if known {
				s.family = "" // it was stolen, for all that the issuer knows
			}
			return refused("invalid_grant")
		}
	case "urn:ietf:params:oauth:grant-type:device_code":
		if len(s.polls) > 0 {
			code := s.polls[0]
			s.polls = s.polls[1:]
			return refused(code)
		}
		if f.Get("device_code") != "device-1" {
			return refused("invalid_grant")
		}
		p = s.next()
	default:
		return refused("unsupported_grant_type")
	}
	now := s.now()
	return http.StatusOK, map[string]any{
		"access_token": p.access, "refresh_token": p.refresh, "token_type": "Bearer", "expires_in": int(s.life.Seconds()),
		"id_token": sign(signingKey(), map[string]any{"alg": "RS256", "kid": "one"}, map[string]any{
			"iss": s.base + "/", "aud": r.PostForm.Get("client_id"), "sub": "someone",
			"iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}),
	}
}

// alive reports whether the token in dir would be honoured now.
func (s *issuer) alive(t *testing.T, dir string) bool {
	t.Helper()
	refresh, _, _ := strings.Cut(read(t, dir), "\n")
	s.mu.Lock()
	defer s.mu.Unlock()
	before, known := s.replaced[refresh]
	return refresh == s.family || known && s.now().Before(before.until)
}

func tokenPath(dir string) string { return filepath.Join(dir, "auth0_token") }

func write(t *testing.T, dir, content string) {
	t.Helper()
	if err := os.WriteFile(tokenPath(dir), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, dir string) string {
	t.Helper()
	content, err := os.ReadFile(tokenPath(dir))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

type notices struct {
	mu   sync.Mutex
	said []string
}

func (n *notices) add(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.said = append(n.said, text)
}

func (n *notices) all() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.said, "\n")
}

// newClient makes a client for an issuer at base; change may be nil.
func newClient(t *testing.T, base, dir string, change func(*login.Options)) (*login.Client, *notices) {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	said := &notices{}
	o := login.Options{Endpoints: login.At(base), Dir: dir, HTTPClient: &http.Client{Transport: transport}, VerifyIDToken: idtoken.Verify, Notice: said.add}
	if change != nil {
		change(&o)
	}
	c, err := login.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c, said
}

// tests may be slow on a machine that does other things, but not this slow.
func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}
