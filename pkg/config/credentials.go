package config

import (
	"errors"
	"io/fs"
	"os"
	"strings"
)

// CredentialKind is how calls are authenticated.
type CredentialKind int

// The kinds of credentials.
const (
	CredentialsNone     CredentialKind = iota // nothing was found
	CredentialsKey                            // KeyID and Secret
	CredentialsLogin                          // the token file at Config.TokenPath exists
	CredentialsDisabled                       // ISOLATE_AUTH_DISABLED: send none
)

// String returns none, key, login or disabled.
func (k CredentialKind) String() string {
	switch k {
	case CredentialsKey:
		return "key"
	case CredentialsLogin:
		return "login"
	case CredentialsDisabled:
		return "disabled"
	}
	return "none"
}

// Credentials are what calls are authenticated with.
type Credentials struct {
	Kind   CredentialKind
	KeyID  string // of a key; no secret
	Secret Secret // of a key
	Origin Origin
}

// ParseKey splits a key, <id>:<secret>. from names its source in errors, which
// contain no part of it.
func ParseKey(key, from string) (id string, secret Secret, err error) {
	switch {
	case strings.ContainsAny(key, " \t\r\n\v\f"):
		return "", Secret{}, malformedKey(from, "it contains white space")
	case strings.ContainsFunc(key, func(r rune) bool { return r < '!' || r > '~' }):
		return "", Secret{}, malformedKey(from, "it contains a character that is not printable ASCII")
	case strings.ContainsAny(key[:min(1, len(key))]+key[max(0, len(key)-1):], `"'`):
		return "", Secret{}, malformedKey(from, "it has quotation marks around it")
	}
	id, text, ok := strings.Cut(key, ":")
	switch {
	case !ok:
		return "", Secret{}, malformedKey(from, "it has no ':' between id and secret")
	case id == "":
		return "", Secret{}, malformedKey(from, "the id before ':' is empty")
	case text == "":
		return "", Secret{}, malformedKey(from, "the secret after ':' is empty")
	}
	return id, NewSecret(text), nil
}

func malformedKey(from, why string) *Error {
	return errorf(MalformedKey, "malformed key from %s: %s", from, why).hint("a key reads <id>:<secret>")
}

func parseKey(key string, origin Origin) (Credentials, error) {
	id, secret, err := ParseKey(key, origin.String())
	if err != nil {
		return Credentials{}, err
	}
	return Credentials{Kind: CredentialsKey, KeyID: id, Secret: secret, Origin: origin}, nil
}

func (r *resolver) resolveCredentials(cfg *Config) (err error) {
	cfg.ForceLogin = truthy(r.in.getenv(varForceLogin))
	if cfg.AuthDisabled {
		cfg.Credentials = Credentials{Kind: CredentialsDisabled, Origin: fromVariable(varAuthDisabled)}
		if r.in.Key != "" || r.profile.explicit() {
			r.notice("%s is set: no credentials are sent", varAuthDisabled)
		}
		return nil
	}
	if cfg.Credentials, err = r.findKey(cfg.ForceLogin); err != nil {
		return err
	}
	if cfg.Credentials.Kind == CredentialsKey {
		cfg.ForceLogin = false
		return nil
	}
	// The login belongs to the service. A profile for a local control plane
	// that lacks its key must not hand the token to whatever listens there.
	local, err := r.profileText(profileLocalHost)
	if err != nil {
		return err
	}
	if local != "" && cfg.Host.Origin.Kind == OriginProfile && !cfg.ForceLogin {
		return nil
	}
	cfg.Credentials, err = r.findLogin()
	return err
}

// findKey returns the key in use, or no credentials when there is none.
func (r *resolver) findKey(forceLogin bool) (Credentials, error) {
	if r.in.Key != "" {
		return parseKey(r.in.Key, fromFlag(flagKey))
	}
	if forceLogin && !r.profile.explicit() {
		return Credentials{}, nil
	}
	if v := r.in.getenv(varKey); v != "" && !r.profile.explicit() {
		return parseKey(v, fromVariable(varKey))
	}
	v, err := r.profileText(profileKey)
	if err != nil {
		return Credentials{}, err
	}
	if v != "" {
		return parseKey(v, r.fromProfile())
	}
	if r.profile.explicit() {
		return Credentials{}, nil
	}
	return r.keyFromHalves()
}

func (r *resolver) keyFromHalves() (Credentials, error) {
	id, secret := r.in.getenv(varKeyID), r.in.getenv(varKeySecret)
	both := varKeyID + " and " + varKeySecret
	switch {
	case id == "" && secret == "":
		return Credentials{}, nil
	case secret == "":
		return Credentials{}, malformedKey(varKeyID, varKeySecret+" is not set")
	case id == "":
		return Credentials{}, malformedKey(varKeySecret, varKeyID+" is not set")
	case strings.Contains(id, ":"):
		return Credentials{}, malformedKey(both, varKeyID+" contains ':'")
	}
	return parseKey(id+":"+secret, fromVariable(both))
}

func (r *resolver) findLogin() (Credentials, error) {
	if r.at.Token == "" {
		return Credentials{}, nil
	}
	shown := r.at.show(r.at.Token)
	info, err := os.Stat(r.at.Token)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Credentials{}, nil
	case err != nil:
		return Credentials{}, unreadable(shown, err)
	case info.IsDir():
		return Credentials{}, errorf(Unreadable, "cannot read %s: it is a folder", shown).about(shown, nil)
	}
	return Credentials{Kind: CredentialsLogin, Origin: Origin{Kind: OriginFile, Path: shown}}, nil
}
