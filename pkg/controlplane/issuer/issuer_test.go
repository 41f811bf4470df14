package issuer

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

func TestDeviceFlow(t *testing.T) {
	w := newWorld(t, Options{PollInterval: 3 * time.Second, DeviceCodeLifetime: time.Minute})
	d := w.begin()
	if d.Interval != 3 || d.ExpiresIn != 60 || d.VerificationURI != w.server.URL+"/auth/activate" || d.Complete != d.VerificationURI+"?user_code="+d.UserCode {
		t.Errorf("begins with %+v", d)
	}
	w.poll(d).fails(400, "authorization_pending")
	w.clock.advance(2 * time.Second)
	w.post("oauth/token", "grant_type", grantDevice, "device_code", d.DeviceCode).fails(400, "slow_down")
	w.poll(d).fails(400, "authorization_pending")
	w.decide(d, "approve", "you").is(200).says("Logged in")
	w.get(d.Complete).is(409).says("used already")
	var tokens issued
	answered := w.poll(d).is(200)
	answered.decode(&tokens)
	if answered.header.Get("Cache-Control") != "no-store" {
		t.Error("tokens may be stored on their way")
	}
	if tokens.TokenType != "Bearer" || tokens.ExpiresIn != 24*60*60 || tokens.Scope != "openid profile email offline_access" || tokens.RefreshToken == "" {
		t.Errorf("the tokens are %+v", tokens)
	}
	w.poll(d).fails(400, "invalid_grant") // once is enough

	caller, err := w.state.AuthenticateLogin(tokens.AccessToken, "")
	w.do(err)
	if caller.Account.Nickname != "local" || caller.Scope != state.Admin || caller.KeyID != "" {
		t.Errorf("logged in as %+v", caller)
	}
	r := w.request(http.MethodPost, "userinfo", "")
	r.Header.Set("Authorization", "Bearer "+tokens.AccessToken)
	w.send(r).is(200).says(`"sub":"` + caller.Account.UserID + `","name":"You","nickname":"local","email":"you@localhost"`)
	w.get("userinfo").fails(401, "invalid_token")
}

func TestSomebodyElse(t *testing.T) {
	w := newWorld(t, Options{})
	caller, err := w.state.AuthenticateLogin(w.login("COLLEAGUE").AccessToken, "")
	w.do(err)
	if caller.Account.Nickname != "colleague" {
		t.Errorf("logged in as %+v", caller)
	}
	d := w.begin()
	w.decide(d, "approve", "nobody").is(400).says("not known")
	w.poll(d).fails(400, "authorization_pending")
	if err := w.issuer.Approve(t.Context(), strings.ToLower(strings.ReplaceAll(d.UserCode, "-", " ")), "you"); err != nil {
		t.Error(err)
	}
	w.poll(d).is(200)
}

func TestDenied(t *testing.T) {
	w := newWorld(t, Options{})
	d := w.begin()
	w.decide(d, "deny", "").is(200).says("Denied")
	w.poll(d).fails(400, "access_denied")
	w.poll(d).fails(400, "access_denied")
	if err := w.issuer.Approve(t.Context(), d.UserCode, "you"); err == nil {
		t.Error("what was denied was approved after all")
	}
}

func TestExpired(t *testing.T) {
	w := newWorld(t, Options{DeviceCodeLifetime: time.Minute})
	d := w.begin()
	page := w.get(d.Complete).is(200).body
	w.clock.advance(time.Minute)
	w.get(d.Complete).is(410).says("expired")
	values := formOf(t, page)
	values.Set("action", "approve")
	values.Set("person", "you")
	w.send(w.request(http.MethodPost, d.Complete, values.Encode())).is(410)
	w.poll(d).fails(400, "expired_token")
	w.clock.advance(2 * time.Minute)
	w.begin()
	w.poll(d).fails(400, "invalid_grant") // forgotten
}

func TestScopesDecideWhatIsIssued(t *testing.T) {
	w := newWorld(t, Options{})
	var d devicePending
	w.post("oauth/device/code", "scope", "email nonsense").is(200).decode(&d)
	w.do(w.issuer.Approve(t.Context(), d.UserCode, "you"))
	var tokens issued
	w.poll(d).is(200).decode(&tokens)
	if tokens.IDToken != "" || tokens.RefreshToken != "" || tokens.Scope != "email" {
		t.Errorf("issued %+v", tokens)
	}
	if _, err := w.state.AuthenticateLogin(tokens.AccessToken, ""); err != nil {
		t.Error(err)
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	w := newWorld(t, Options{})
	d := w.begin()
	w.post("oauth/device/code", "client_id", "another").fails(401, "invalid_client")
	w.post("oauth/token", "client_id", "another", "grant_type", grantDevice, "device_code", d.DeviceCode).fails(401, "invalid_client")
	w.post("oauth/token", "client_id", "", "grant_type", grantRefresh, "refresh_token", "x").fails(401, "invalid_client")
	w.post("oauth/revoke", "client_id", "another", "token", "x").fails(401, "invalid_client")
	w.post("oauth/device/code", "audience", "elsewhere").fails(400, "invalid_target")
	w.post("oauth/token").fails(400, "invalid_request")
	w.post("oauth/token", "grant_type", "password").fails(400, "unsupported_grant_type")
	w.post("oauth/token", "grant_type", grantDevice).fails(400, "invalid_request")
	w.post("oauth/token", "grant_type", grantRefresh).fails(400, "invalid_request")
	w.post("oauth/token", "grant_type", grantDevice, "device_code", "unknown").fails(400, "invalid_grant")
	w.refresh("unknown").fails(400, "invalid_grant")
	w.post("oauth/revoke").fails(400, "invalid_request")
	w.post("oauth/revoke", "token", "unknown").is(200)
	w.post("oauth/token", "grant_type", strings.Repeat("x", maxBody)).fails(413, "invalid_request")
	w.get("nothing").fails(404, "not_found")
	w.send(w.request(http.MethodPost, "oauth/token", "grant_type=a&grant_type=b")).fails(400, "invalid_request")
	w.send(w.request(http.MethodPost, "oauth/token", "grant_type=%zz")).fails(400, "invalid_request")
	r := w.request(http.MethodPost, "oauth/token", `{"grant_type":"refresh_token"}`)
	r.Header.Set("Content-Type", "application/json")
	w.send(r).fails(415, "invalid_request")
}

func TestCodesAreLimited(t *testing.T) {
	w := newWorld(t, Options{DeviceCodeLifetime: time.Minute})
	for range maxCodes {
		w.begin()
	}
	refused := w.post("oauth/device/code")
	refused.fails(429, "temporarily_unavailable")
	if refused.header.Get("Retry-After") != "60" {
		t.Errorf("again after %q seconds", refused.header.Get("Retry-After"))
	}
	for range 3 {
		w.clock.advance(time.Minute)
		for range maxCodes {
			w.begin()
		}
	}
	if n := len(w.issuer.codes.byDevice); n > 2*maxCodes || n != len(w.issuer.codes.byUser) {
		t.Errorf("%d codes are kept, %d by user code", n, len(w.issuer.codes.byUser))
	}
}

// TestIDTokenIsWhatOpenIDConnectWants uses a library of the other side, which
// finds everything by the issuer's name.
func TestIDTokenIsWhatOpenIDConnectWants(t *testing.T) {
	w := newWorld(t, Options{})
	tokens := w.login("you")
	ctx := oidc.ClientContext(context.Background(), w.client)
	provider, err := oidc.NewProvider(ctx, w.server.URL+Path)
	w.do(err)
	verified, err := provider.Verifier(&oidc.Config{ClientID: ClientID, Now: w.clock.Now}).Verify(ctx, tokens.IDToken)
	w.do(err)
	var said struct {
		Name     string `json:"name"`
		Nickname string `json:"nickname"`
		Email    string `json:"email"`
	}
	w.do(verified.Claims(&said))
	if said.Name != "You" || said.Nickname != "local" || said.Email != "you@localhost" || !strings.HasPrefix(verified.Subject, "local|") {
		t.Errorf("the id_token says %+v of %s", said, verified.Subject)
	}
	if _, err := provider.Verifier(&oidc.Config{ClientID: Audience, Now: w.clock.Now}).Verify(ctx, tokens.AccessToken); err != nil {
		t.Errorf("the access token: %v", err)
	}
	if _, err := provider.Verifier(&oidc.Config{ClientID: ClientID, Now: w.clock.Now}).Verify(ctx, tokens.AccessToken); err == nil {
		t.Error("an access token is good as an id_token")
	}
	if _, err := w.state.AuthenticateLogin(tokens.IDToken, ""); err == nil {
		t.Error("an id_token is good as an access token")
	}
}

// TestAccessTokenIsAPlainJWT verifies one with nothing but the key set and the
// arithmetic of RS256.
func TestAccessTokenIsAPlainJWT(t *testing.T) {
	w := newWorld(t, Options{})
	tokens := w.login("you")
	var set struct {
		Keys []map[string]string `json:"keys"`
	}
	w.get(".well-known/jwks.json").is(200).decode(&set)
	if len(set.Keys) != 1 || set.Keys[0]["kty"] != "RSA" || set.Keys[0]["use"] != "sig" || set.Keys[0]["alg"] != "RS256" || set.Keys[0]["d"] != "" {
		t.Fatalf("the key set is %v", set.Keys)
	}
	part := func(text string) []byte {
		t.Helper()
		raw, err := base64.RawURLEncoding.DecodeString(text)
		w.do(err)
		return raw
	}
	public := &rsa.PublicKey{N: new(big.Int).SetBytes(part(set.Keys[0]["n"])), E: int(new(big.Int).SetBytes(part(set.Keys[0]["e"])).Int64())}
	parts := strings.Split(tokens.AccessToken, ".")
	if len(parts) != 3 {
		t.Fatalf("%d parts", len(parts))
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	w.do(rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], part(parts[2])))
	var header, claims map[string]any
	w.do(json.Unmarshal(part(parts[0]), &header))
	w.do(json.Unmarshal(part(parts[1]), &claims))
	if header["alg"] != "RS256" || header["kid"] != set.Keys[0]["kid"] || header["typ"] != "at+jwt" {
		t.Errorf("header %v", header)
	}
	begun := float64(w.clock.Now().Unix())
	for name, want := range map[string]any{"iss": w.server.URL + "/auth/", "aud": "fal-cloud", "iat": begun, "exp": begun + 24*60*60, "azp": ClientID, "scope": tokens.Scope} {
		if fmt.Sprint(claims[name]) != fmt.Sprint(want) && fmt.Sprint(claims[name]) != fmt.Sprint([]any{want}) {
			t.Errorf("%s is %v, want %v", name, claims[name], want)
		}
	}
	if sub, _ := claims["sub"].(string); !strings.HasPrefix(sub, "local|") {
		t.Errorf("sub is %q", sub)
	}
}

func TestForgedAndExpiredAccessTokens(t *testing.T) {
	w := newWorld(t, Options{})
	tokens := w.login("you")
	parts := strings.Split(tokens.AccessToken, ".")
	encode := base64.RawURLEncoding.EncodeToString
	other := newWorld(t, Options{}).login("you")
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	w.do(err)
	changed := encode([]byte(strings.Replace(string(claims), "local|", "other|", 1)))
	for name, token := range map[string]string{
		"nothing":       "",
		"words":         "a b c",
		"no algorithm":  encode([]byte(`{"alg":"none","typ":"at+jwt"}`)) + "." + parts[1] + ".",
		"an HMAC":       encode([]byte(`{"alg":"HS256","typ":"at+jwt"}`)) + "." + parts[1] + "." + parts[2],
		"no signature":  parts[0] + "." + parts[1] + ".",
		"other claims":  parts[0] + "." + changed + "." + parts[2],
		"another key":   other.AccessToken,
		"a long one":    strings.Repeat("a", maxToken+1),
		"an id_token":   tokens.IDToken,
		"a refresh one": tokens.RefreshToken,
	} {
		if _, err := w.state.AuthenticateLogin(token, ""); err == nil || !strings.Contains(err.Error(), "is not one of this control plane") {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.clock.advance(24*time.Hour - time.Second)
	if _, err := w.state.AuthenticateLogin(tokens.AccessToken, ""); err != nil {
		t.Error(err)
	}
	w.clock.advance(time.Second)
	if _, err := w.state.AuthenticateLogin(tokens.AccessToken, ""); err == nil || !strings.Contains(err.Error(), "has expired") {
		t.Errorf("a day later: %v", err)
	}
}

func TestRotation(t *testing.T) {
	w := newWorld(t, Options{})
	first := w.login("you")
	w.clock.advance(time.Hour)
	var second, again issued
	w.refresh(first.RefreshToken).is(200).decode(&second)
	if second.RefreshToken == first.RefreshToken || second.AccessToken == first.AccessToken || second.IDToken == "" || second.ExpiresIn != 24*60*60 {
		t.Errorf("refreshed to %+v", second)
	}
	w.clock.advance(10 * time.Second)
	w.refresh(first.RefreshToken).is(200).decode(&again)
	second.ExpiresIn -= 10
	if again != second {
		t.Errorf("within ten seconds:\n%+v, want\n%+v", again, second)
	}
	var third issued
	w.refresh(second.RefreshToken).is(200).decode(&third)
	for name, tokens := range map[string]issued{"first": first, "second": second, "third": third} {
		if _, err := w.state.AuthenticateLogin(tokens.AccessToken, ""); err != nil {
			t.Errorf("the %s access token: %v", name, err)
		}
	}
}

func TestReuseEndsTheLogin(t *testing.T) {
	w := newWorld(t, Options{})
	first, bystander := w.login("you"), w.login("you")
	var second issued
	w.refresh(first.RefreshToken).is(200).decode(&second)
	w.clock.advance(11 * time.Second)
	w.refresh(first.RefreshToken).fails(400, "invalid_grant")
	w.refresh(second.RefreshToken).fails(400, "invalid_grant")
	for _, token := range []string{first.AccessToken, second.AccessToken} {
		if _, err := w.state.AuthenticateLogin(token, ""); err == nil {
			t.Error("an access token of the login is still good")
		}
	}
	w.refresh(bystander.RefreshToken).is(200)
}

func TestRevocation(t *testing.T) {
	w := newWorld(t, Options{})
	first, bystander := w.login("you"), w.login("you")
	var second issued
	w.refresh(first.RefreshToken).is(200).decode(&second)
	for range 2 {
		w.post("oauth/revoke", "token", second.RefreshToken).is(200)
		w.refresh(second.RefreshToken).fails(400, "invalid_grant")
	}
	w.refresh(first.RefreshToken).fails(400, "invalid_grant")
	if _, err := w.state.AuthenticateLogin(second.AccessToken, ""); err == nil {
		t.Error("the access token is still good")
	}
	w.refresh(bystander.RefreshToken).is(200)
}

func TestUnusedLoginsExpire(t *testing.T) {
	w := newWorld(t, Options{})
	used, unused := w.login("you"), w.login("you")
	for range 3 {
		w.clock.advance(15 * 24 * time.Hour)
		w.refresh(used.RefreshToken).is(200).decode(&used)
	}
	w.refresh(unused.RefreshToken).fails(400, "invalid_grant")
}

// TestRestart keeps logins, and even what was answered last.
func TestRestart(t *testing.T) {
	w := newWorld(t, Options{})
	first := w.login("you")
	var second, again issued
	w.refresh(first.RefreshToken).is(200).decode(&second)
	d := w.begin()
	w.stop()
	marshalled, err := w.key.Marshal()
	w.do(err)
	w.key, err = ParseKey(marshalled)
	w.do(err)
	w.open(Options{})
	if _, err := w.state.AuthenticateLogin(second.AccessToken, ""); err != nil {
		t.Error(err)
	}
	w.refresh(first.RefreshToken).is(200).decode(&again)
	if again.RefreshToken != second.RefreshToken {
		t.Error("after a restart the same token is answered with another")
	}
	w.refresh(again.RefreshToken).is(200)
	w.poll(d).fails(400, "invalid_grant")
	if n := len(w.state.People()); n != 2 {
		t.Errorf("%d people", n)
	}
}

// TestOneRefreshOfManyAtOnce is what a crowd of processes without a lock would
// do.
func TestOneRefreshOfManyAtOnce(t *testing.T) {
	w := newWorld(t, Options{})
	first := w.login("you")
	replies := make([]reply, 20)
	var group sync.WaitGroup
	for i := range replies {
		r := w.request(http.MethodPost, "oauth/token", "client_id="+ClientID+"&grant_type=refresh_token&refresh_token="+first.RefreshToken)
		group.Go(func() { replies[i] = w.send(r) })
	}
	group.Wait()
	for _, r := range replies {
		if r.is(200).body != replies[0].body {
			t.Errorf("one was answered %s, another %s", r.body, replies[0].body)
		}
	}
}

// TestOneLoginOfManyPolls gives an approved code to one of those who ask.
func TestOneLoginOfManyPolls(t *testing.T) {
	w := newWorld(t, Options{PollInterval: time.Nanosecond})
	d := w.begin()
	w.do(w.issuer.Approve(t.Context(), d.UserCode, "you"))
	replies := make([]reply, 20)
	var group sync.WaitGroup
	for i := range replies {
		r := w.request(http.MethodPost, "oauth/token", "client_id="+ClientID+"&grant_type="+grantDevice+"&device_code="+d.DeviceCode)
		group.Go(func() { replies[i] = w.send(r) })
	}
	group.Wait()
	given := 0
	for _, r := range replies {
		if r.status == 200 {
			given++
		}
	}
	if given != 1 {
		t.Errorf("the code was good for %d logins", given)
	}
}

func TestNothingSecretIsKept(t *testing.T) {
	w := newWorld(t, Options{})
	if text := fmt.Sprintf("%v %+v %#v %s", w.key, w.key, w.key, w.key); strings.Trim(text, "[key] ") != "" {
		t.Errorf("a key is printed as %s", text)
	}
	for name, content := range map[string]string{"nothing": "", "another PEM": "-----BEGIN X-----\nAAAA\n-----END X-----\n", "garbage": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if _, err := ParseKey([]byte(content)); err == nil {
			t.Errorf("%s is taken for a key", name)
		}
	}
}
