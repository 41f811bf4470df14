package login

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/login/internal/tokenfile"
)

const (
	// margin is how long before its end an access token counts as expired, as
	// it does for the official client: what begins with a token may take long.
	margin = 30 * time.Minute
	// opaqueLife is how long a token that does not say so is taken to live.
	opaqueLife = time.Hour
	// skew is how far a file's time may be ahead of ours.
	skew = time.Minute
)

// claims is what an access token says of itself. Nothing of it is verified:
// the service does that.
type claims struct {
	Issuer string
	Expiry time.Time // zero: it does not say
}

// readClaims reads the claims of a JWT; those of an opaque token are empty.
func readClaims(token string) claims {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return claims{}
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return claims{}
	}
	var said struct {
		Issuer any `json:"iss"`
		Expiry any `json:"exp"`
	}
	if json.Unmarshal(payload, &said) != nil {
		return claims{}
	}
	var c claims
	c.Issuer, _ = said.Issuer.(string)
	const latest = 1 << 40 // seconds: 34,000 years, within what time.Time compares
	if exp, ok := said.Expiry.(float64); ok && !math.IsNaN(exp) && exp > 0 {
		c.Expiry = time.Unix(int64(min(exp, latest)), 0)
	}
	return c
}

// expiry is when the access token ends.
func (c *Client) expiry(found tokenfile.Contents) time.Time {
	if end := readClaims(found.Access).Expiry; !end.IsZero() {
		return end
	}
	if found.Modified.After(c.now().Add(skew)) {
		return time.Time{} // one of the clocks is wrong: its age is not known
	}
	return found.Modified.Add(opaqueLife)
}

// fresh reports whether the access token will do for a while.
func (c *Client) fresh(found tokenfile.Contents) bool {
	return found.Access != "" && c.now().Add(margin).Before(c.expiry(found))
}

// alive reports whether the access token has not ended yet.
func (c *Client) alive(found tokenfile.Contents) bool {
	return found.Access != "" && c.now().Before(c.expiry(found))
}
