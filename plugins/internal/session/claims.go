package session

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"os"
	"strings"
)

// claims is what an access token says of itself. It is not verified: it decides
// what is shown, under which name something is kept, and which requests are not
// made; never what is allowed.
type claims struct {
	Issuer  string `json:"iss"`
	Subject string `json:"sub"`
}

func readClaims(token string) claims {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return claims{}
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	var c claims
	if err != nil || json.Unmarshal(payload, &c) != nil {
		return claims{}
	}
	return c
}

// storedToken is the access token in a token file, "" when there is none.
func storedToken(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, 1<<20))
	if lines := strings.Fields(string(content)); err == nil && len(lines) > 1 {
		return lines[1]
	}
	return ""
}
