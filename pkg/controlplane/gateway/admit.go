package gateway

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

// The headers with credentials.
const (
	authorization = "Authorization"
	userID        = "X-Fal-User-Id"
)

// unescape undoes the escaping of a part of a path. One that cannot be undone is
// the name of nothing, and stays as it is.
func unescape(part string) string {
	if plain, err := url.PathUnescape(part); err == nil {
		return plain
	}
	return part
}

// find returns the app of an address and its owner.
func (g *Gateway) find(at address) (*state.App, state.Account, error) {
	app, owner, err := g.state.Lookup(at.owner, at.alias)
	if err == nil && owner.LockReason != "" {
		err = &state.Error{Kind: state.Denied, Message: "the account " + owner.Nickname + " is locked: " + owner.LockReason}
	}
	return app, owner, err
}

// admit returns who calls an app, nobody where that does not matter.
func (g *Gateway) admit(app *state.App, owner state.Account, r *http.Request) (state.Caller, error) {
	mode := state.AuthMode(app.AuthMode)
	if mode == state.Public {
		return state.Caller{}, nil
	}
	caller, err := g.authenticate(owner, mode, r.Header)
	if err != nil {
		return caller, err
	}
	if mode == state.Private && caller.Account.ID != owner.ID {
		return caller, &state.Error{Kind: state.Denied, Message: "app " + app.Alias + " of " + owner.Nickname + " is private, and these are no credentials of its owner"}
	}
	return caller, nil
}

// isOurs reports whether an Authorization is for this gateway, and not for a public
// app: any key, and what logs somebody in here.
func (g *Gateway) isOurs(value string) bool {
	scheme, credentials, _ := strings.Cut(strings.TrimSpace(value), " ")
	switch {
	case strings.EqualFold(scheme, "Key"):
		return true
	case !strings.EqualFold(scheme, "Bearer"):
		return false
	}
	_, err := g.state.Identify(strings.TrimSpace(credentials))
	return err == nil
}

// authenticate takes a key of whatever scope: calling apps is what the narrow one
// is for. A login that says nothing else acts as the owner of a private app.
func (g *Gateway) authenticate(owner state.Account, mode state.AuthMode, header http.Header) (state.Caller, error) {
	as := header.Get(userID)
	scheme, credentials, _ := strings.Cut(strings.TrimSpace(header.Get(authorization)), " ")
	credentials = strings.TrimSpace(credentials)
	if strings.EqualFold(scheme, "Bearer") {
		if as == "" && mode == state.Private {
			as = owner.UserID
		}
		return g.state.AuthenticateLogin(credentials, as)
	}
	id, secret, ok := strings.Cut(credentials, ":")
	if !strings.EqualFold(scheme, "Key") || !ok {
		id, secret = "", ""
	}
	caller, err := g.state.Authenticate(id, secret)
	if err != nil {
		return caller, err
	}
	return caller, caller.ActAs(as)
}
