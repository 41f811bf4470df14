package issuer

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

// The grants that are served.
const (
	grantDevice  = "urn:ietf:params:oauth:grant-type:device_code"
	grantRefresh = "refresh_token"
)

// devicePending is the answer to a request for a device code.
type devicePending struct {
	DeviceCode      string `json:"device_code"`
	UserCode        string `json:"user_code"`
	VerificationURI string `json:"verification_uri"`
	Complete        string `json:"verification_uri_complete"`
	ExpiresIn       int64  `json:"expires_in"` // seconds
	Interval        int64  `json:"interval"`   // seconds
}

func (i *Issuer) deviceCode(w http.ResponseWriter, r *http.Request) {
	values, ok := clientForm(w, r)
	if !ok {
		return
	}
	if audience := values.Get("audience"); audience != "" && audience != Audience {
		refuse(w, "invalid_target", "tokens are issued for the audience "+Audience+" only")
		return
	}
	c, wait, err := i.codes.create(ClientID, knownScopes(values.Get("scope")), i.now())
	if err != nil {
		w.Header().Set("Retry-After", strconv.FormatInt(seconds(wait), 10))
		answer(w, http.StatusTooManyRequests, failure{Code: "temporarily_unavailable", Description: err.Error()})
		return
	}
	page := i.base(r) + "/activate"
	answer(w, http.StatusOK, devicePending{
		DeviceCode:      c.device,
		UserCode:        c.user,
		VerificationURI: page,
		Complete:        page + "?user_code=" + url.QueryEscape(c.user),
		ExpiresIn:       seconds(i.codes.lifetime),
		Interval:        seconds(i.interval),
	})
}

// seconds is d for the wire, no less and at least one.
func seconds(d time.Duration) int64 { return max(1, int64((d+time.Second-1)/time.Second)) }

func (i *Issuer) token(w http.ResponseWriter, r *http.Request) {
	values, ok := clientForm(w, r)
	if !ok {
		return
	}
	switch grant := values.Get("grant_type"); grant {
	case grantDevice:
		i.exchangeDeviceCode(w, r, values.Get("device_code"))
	case grantRefresh:
		i.exchangeRefreshToken(w, r, values.Get("refresh_token"))
	case "":
		refuse(w, "invalid_request", "grant_type is missing")
	default:
		refuse(w, "unsupported_grant_type", "the grants served are "+grantDevice+" and "+grantRefresh)
	}
}

func (i *Issuer) exchangeDeviceCode(w http.ResponseWriter, r *http.Request, device string) {
	if device == "" {
		refuse(w, "invalid_request", "device_code is missing")
		return
	}
	c, err := i.codes.poll(device, ClientID, i.interval, i.now())
	if err != nil {
		refuse(w, err.Error(), explain(err))
		return
	}
	g, err := i.state.StartLogin(r.Context(), *c.person, c.clientID, c.scope, hasScope(c.scope, scopeOffline))
	if err != nil {
		i.broken(w, "the login could not be stored", err)
		return
	}
	i.grant(w, r, g)
}

func explain(err error) string {
	switch {
	case errors.Is(err, errPending):
		return "the login has not been approved yet"
	case errors.Is(err, errSlowDown):
		return "polled too soon: keep to the interval"
	case errors.Is(err, errDenied):
		return "the login was denied"
	case errors.Is(err, errOver):
		return "the device code has expired: begin again"
	}
	return "the device code is not known here, or was used already"
}

func (i *Issuer) exchangeRefreshToken(w http.ResponseWriter, r *http.Request, token string) {
	if token == "" {
		refuse(w, "invalid_request", "refresh_token is missing")
		return
	}
	g, err := i.state.RefreshLogin(r.Context(), ClientID, token)
	var failed *state.Error
	switch {
	case errors.As(err, &failed):
		refuse(w, "invalid_grant", failed.Message)
	case err != nil:
		i.broken(w, "the login could not be refreshed", err)
	default:
		i.grant(w, r, g)
	}
}

func (i *Issuer) grant(w http.ResponseWriter, r *http.Request, g state.Grant) {
	tokens, err := i.issue(g, i.name(r))
	if err != nil {
		i.broken(w, "the tokens could not be signed", err)
		return
	}
	answer(w, http.StatusOK, tokens)
}

// revoke ends a login. As RFC 7009 has it, a token that means nothing is revoked
// already.
func (i *Issuer) revoke(w http.ResponseWriter, r *http.Request) {
	values, ok := clientForm(w, r)
	if !ok {
		return
	}
	token := values.Get("token")
	if token == "" {
		refuse(w, "invalid_request", "token is missing")
		return
	}
	if err := i.state.EndLogin(r.Context(), ClientID, token); err != nil {
		i.broken(w, "the login could not be ended", err)
		return
	}
	answer(w, http.StatusOK, struct{}{})
}

// userInfo says who is behind an access token.
func (i *Issuer) userInfo(w http.ResponseWriter, r *http.Request) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		token = ""
	}
	person, err := i.state.Identify(strings.TrimSpace(token))
	if err != nil {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		answer(w, http.StatusUnauthorized, failure{Code: "invalid_token", Description: err.Error()})
		return
	}
	personal := i.state.PersonalAccount(person)
	answer(w, http.StatusOK, struct {
		Subject string `json:"sub"`
		personClaims
	}{personal.UserID, newPersonClaims(person, personal, scopeProfile+" "+scopeEmail)})
}

func (i *Issuer) keys(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, i.key.set())
}

// metadata is what OpenID Connect Discovery asks for, as far as it applies.
type metadata struct {
	Issuer        string   `json:"issuer"`
	DeviceCode    string   `json:"device_authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	Revocation    string   `json:"revocation_endpoint"`
	UserInfo      string   `json:"userinfo_endpoint"`
	JWKS          string   `json:"jwks_uri"`
	Grants        []string `json:"grant_types_supported"`
	ResponseTypes []string `json:"response_types_supported"`
	Subjects      []string `json:"subject_types_supported"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
	Scopes        []string `json:"scopes_supported"`
	ClientAuth    []string `json:"token_endpoint_auth_methods_supported"`
}

func (i *Issuer) configuration(w http.ResponseWriter, r *http.Request) {
	base := i.base(r)
	answer(w, http.StatusOK, metadata{
		Issuer:        i.name(r),
		DeviceCode:    base + "/oauth/device/code",
		Token:         base + "/oauth/token",
		Revocation:    base + "/oauth/revoke",
		UserInfo:      base + "/userinfo",
		JWKS:          base + "/.well-known/jwks.json",
		Grants:        []string{grantDevice, grantRefresh},
		ResponseTypes: []string{},
		Subjects:      []string{"public"},
		Algorithms:    []string{string(jose.RS256)},
		Scopes:        scopes(),
		ClientAuth:    []string{"none"},
	})
}
