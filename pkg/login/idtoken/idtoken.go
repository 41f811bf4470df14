// Package idtoken verifies the id_token that an issuer sends at the end of a
// login. Give it to the login package:
//
//	login.New(login.Options{VerifyIDToken: idtoken.Verify, …})
//
// It accepts what the official client accepts: signed with RS256 by a key of
// the issuer's key set, for the client id, and valid now, with 60 seconds of
// leeway for clocks that differ.
package idtoken

import (
	"context"
	"crypto"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"github.com/fal-plugins/fal/pkg/login"
)

const (
	leeway   = 60 * time.Second
	leastKey = 2048 // bits
	maxKeys  = 1 << 20

	fetchLimit = 15 * time.Second
	attempts   = 3
	retryPause = 250 * time.Millisecond
)

// Verify proves the id_token raw. Its errors are of type *[login.Error]: of the
// kind Network when the issuer's keys could not be had, Untrusted when the
// token is not what is expected, or the error of ctx.
func Verify(ctx context.Context, raw string, want login.Expected) error {
	keys, err := fetch(ctx, want)
	if err != nil {
		return err
	}
	now := want.Now()
	verifier := oidc.NewVerifier(want.Issuer, &oidc.StaticKeySet{PublicKeys: keys}, &oidc.Config{
		ClientID:             want.ClientID,
		SupportedSigningAlgs: []string{oidc.RS256},
		Now:                  func() time.Time { return now.Add(-leeway) },
	})
	token, err := verifier.Verify(ctx, raw)
	var expired *oidc.TokenExpiredError
	if errors.As(err, &expired) {
		return login.NewError(login.Untrusted, fmt.Sprintf("the id_token had expired by %s when it came: is the clock of this machine right?", now.Sub(expired.Expiry).Round(time.Second)), err)
	}
	if err != nil {
		return login.NewError(login.Untrusted, "the id_token is not to be trusted: "+err.Error(), err)
	}
	return check(token, want.ClientID, now)
}

// check holds a token against what go-oidc leaves to its callers.
func check(token *oidc.IDToken, clientID string, now time.Time) error {
	var said struct {
		Party     string  `json:"azp"`
		NotBefore float64 `json:"nbf"`
	}
	if err := token.Claims(&said); err != nil {
		return login.NewError(login.Untrusted, "the id_token is not to be trusted: "+err.Error(), err)
	}
	if said.Party != "" && said.Party != clientID {
		return login.NewError(login.Untrusted, fmt.Sprintf("the id_token was issued to %q", said.Party), nil)
	}
	begin := token.IssuedAt
	if nbf := time.Unix(int64(said.NotBefore), 0); said.NotBefore != 0 && nbf.After(begin) {
		begin = nbf
	}
	if ahead := begin.Sub(now); ahead > leeway {
		return login.NewError(login.Untrusted, fmt.Sprintf("the id_token is of a time that is %s ahead: is the clock of this machine right?", ahead.Round(time.Second)), nil)
	}
	return nil
}

// fetch returns the issuer's keys for RS256.
func fetch(ctx context.Context, want login.Expected) ([]crypto.PublicKey, error) {
	for attempt := 1; ; attempt++ {
		content, err := get(ctx, want)
		if err == nil {
			return parse(content)
		}
		if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
			return nil, ctx.Err()
		}
		if attempt == attempts || ctx.Err() != nil {
			return nil, login.NewError(login.Network, "cannot get the keys of the issuer: "+brief(err), err)
		}
		pause := time.NewTimer(retryPause)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
		}
	}
}

func brief(err error) string {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err.Error()
	}
	return err.Error()
}

func get(ctx context.Context, want login.Expected) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, want.JWKS, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	response, err := want.HTTPClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("HTTP status %d", response.StatusCode)
	}
	content, err := io.ReadAll(io.LimitReader(response.Body, maxKeys))
	if err != nil {
		return nil, err
	}
	if !json.Valid(content) {
		return nil, errors.New("the answer is not JSON")
	}
	return content, nil
}

// parse takes the keys that can sign with RS256 out of a key set; a set may
// hold others, also of kinds that nobody here knows.
func parse(content []byte) ([]crypto.PublicKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(content, &set); err != nil {
		return nil, login.NewError(login.Untrusted, "the keys of the issuer cannot be read", err)
	}
	var keys []crypto.PublicKey
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		if json.Unmarshal(raw, &key) != nil || key.Use == "enc" || key.Algorithm != "" && key.Algorithm != oidc.RS256 {
			continue
		}
		if public, ok := key.Key.(*rsa.PublicKey); ok && public.N.BitLen() >= leastKey {
			keys = append(keys, public)
		}
	}
	if len(keys) == 0 {
		return nil, login.NewError(login.Untrusted, "the issuer has no key for RS256", nil)
	}
	return keys, nil
}
