package issuer

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

// The scopes that change what is issued.
const (
	scopeOpenID  = "openid"
	scopeProfile = "profile"
	scopeEmail   = "email"
	scopeOffline = "offline_access"
)

func scopes() []string { return []string{scopeOpenID, scopeProfile, scopeEmail, scopeOffline} }

// knownScopes leaves out what means nothing here, and repetitions.
func knownScopes(asked string) string {
	fields := strings.Fields(asked)
	return strings.Join(slices.DeleteFunc(scopes(), func(s string) bool { return !slices.Contains(fields, s) }), " ")
}

func hasScope(scope, name string) bool { return slices.Contains(strings.Fields(scope), name) }

type accessClaims struct {
	jwt.Claims

	Client string `json:"azp"`
	Scope  string `json:"scope"`
	Login  string `json:"sid"`
}

type idClaims struct {
	jwt.Claims
	personClaims

	Login string `json:"sid"`
}

// personClaims say who somebody is, as far as the scope lets them.
type personClaims struct {
	Name          string `json:"name,omitempty"`
	Nickname      string `json:"nickname,omitempty"`
	Email         string `json:"email,omitempty"`
	EmailVerified bool   `json:"email_verified,omitempty"`
}

func newPersonClaims(p state.Person, personal state.Account, scope string) personClaims {
	var c personClaims
	if hasScope(scope, scopeProfile) {
		c.Name, c.Nickname = p.FullName, personal.Nickname
	}
	if hasScope(scope, scopeEmail) {
		c.Email, c.EmailVerified = p.Email, true
	}
	return c
}

// issued is the answer to a grant.
type issued struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
	Scope        string `json:"scope"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"` // seconds from now
}

// issue makes the tokens of a grant: the same ones whenever it is asked.
func (i *Issuer) issue(g state.Grant, name string) (issued, error) {
	// Tokens count in seconds, and are good for no less than was said.
	expires := g.ExpiresAt.Add(time.Second - 1).Truncate(time.Second)
	claims := jwt.Claims{
		Issuer:   name,
		Subject:  g.Account.UserID,
		Audience: jwt.Audience{Audience},
		IssuedAt: jwt.NewNumericDate(g.IssuedAt),
		Expiry:   jwt.NewNumericDate(expires),
		ID:       g.Login + "." + strconv.FormatInt(g.IssuedAt.UnixMicro(), 36),
	}
	answer := issued{RefreshToken: g.RefreshToken, Scope: g.Scope, TokenType: "Bearer", ExpiresIn: max(0, int64(expires.Sub(i.now())/time.Second))}
	var err error
	answer.AccessToken, err = jwt.Signed(i.key.access).Claims(accessClaims{Claims: claims, Client: g.ClientID, Scope: g.Scope, Login: g.Login}).Serialize()
	if err != nil || !hasScope(g.Scope, scopeOpenID) {
		return answer, err
	}
	claims.Audience, claims.ID = jwt.Audience{g.ClientID}, ""
	answer.IDToken, err = jwt.Signed(i.key.id).Claims(idClaims{Claims: claims, personClaims: newPersonClaims(g.Person, g.Account, g.Scope), Login: g.Login}).Serialize()
	return answer, err
}
