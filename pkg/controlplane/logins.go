package controlplane

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/gateway"
	"github.com/fal-plugins/fal/pkg/controlplane/issuer"
	"github.com/fal-plugins/fal/pkg/controlplane/restapi"
	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

// LoginKeyFile is the file in the data folder with the key that tokens are signed
// under. It is made at the first start with logins, with mode 0600. Without it
// another is made, and everybody has to log in again.
const LoginKeyFile = "login.key"

// Logins are how people log in; the zero value is good. They are "you", who acts
// as the first account and as a team's and an organization's, and "colleague". The
// issuer is below the path /auth, with the paths of the service: package issuer
// says what it does, and that it asks nobody for a password.
type Logins struct {
	AccessTokenLifetime  time.Duration // 24 h when 0
	RefreshTokenLifetime time.Duration // from its issue, if it is not used; 30 days when 0
	RefreshTokenGrace    time.Duration // in which one that was used is answered again; 10 s when 0
	DeviceCodeLifetime   time.Duration // in which a login is to be approved; 15 min when 0
	PollInterval         time.Duration // least time between two polls; 1 s when 0
}

// openLogins makes the key when there is none.
func openLogins(o *Logins, path string) (*issuer.Key, state.Logins, error) {
	if o == nil {
		return nil, state.Logins{}, nil
	}
	key, err := loginKey(path)
	return key, state.Logins{
		Tokens:               key,
		AccessTokenLifetime:  o.AccessTokenLifetime,
		RefreshTokenLifetime: o.RefreshTokenLifetime,
		RefreshTokenGrace:    o.RefreshTokenGrace,
	}, err
}

func loginKey(path string) (*issuer.Key, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return createLoginKey(path)
	}
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(path, 0o600); err != nil {
			return nil, err
		}
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := issuer.ParseKey(content)
	if err != nil {
		return nil, fmt.Errorf("%s %w; without the file another is made, and everybody has to log in again", path, err)
	}
	return key, nil
}

func createLoginKey(path string) (*issuer.Key, error) {
	key, err := issuer.NewKey()
	if err != nil {
		return nil, err
	}
	content, err := key.Marshal()
	if err != nil {
		return nil, err
	}
	return key, writePrivate(path, content)
}

func (s *Server) newIssuer(ctx context.Context, key *issuer.Key) (*issuer.Issuer, error) {
	if err := s.state.SeedPeople(ctx); err != nil {
		return nil, fmt.Errorf("add people to log in as: %w", err)
	}
	return issuer.New(s.state, key, issuer.Options{
		TLS:                s.options.TLS,
		DeviceCodeLifetime: s.options.Logins.DeviceCodeLifetime,
		PollInterval:       s.options.Logins.PollInterval,
		Logger:             s.logger,
	}), nil
}

// handler answers what is not gRPC.
func (s *Server) handler() http.Handler {
	rest, logins := restapi.New(s.state, restapi.Options{Files: s.files, BaseURL: s.baseURL()}), http.Handler(http.HandlerFunc(withoutLogins))
	if s.issuer != nil {
		logins = s.issuer
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, issuer.Path):
			logins.ServeHTTP(w, r)
		case gateway.Serves(r.URL.EscapedPath()):
			s.gateway.ServeHTTP(w, r)
		default:
			rest.ServeHTTP(w, r)
		}
	})
}

// withoutLogins tells whoever wants to log in, in the words of OAuth.
func withoutLogins(w http.ResponseWriter, _ *http.Request) {
	const why = "this control plane was started without logins: use its API key"
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusNotFound)
	// A client that has gone away cannot be told.
	_ = json.NewEncoder(w).Encode(map[string]string{"error": "not_found", "error_description": why, "detail": why})
}

// errNoLogins is what ApproveLogin fails with when there are none.
var errNoLogins = errors.New("the control plane was started without logins")

// AuthURL returns where the issuer is, such as "http://127.0.0.1:41234/auth";
// empty without logins.
func (s *Server) AuthURL() string {
	switch {
	case s.issuer == nil:
		return ""
	case s.options.TLS:
		return "https://" + s.address + "/auth"
	}
	return "http://" + s.address + "/auth"
}

// ApproveLogin does what the page at the issuer does: the program that shows the
// user code is logged in as the person of that name, such as "you".
func (s *Server) ApproveLogin(ctx context.Context, userCode, person string) error {
	if s.issuer == nil {
		return errNoLogins
	}
	return s.issuer.Approve(ctx, userCode, person)
}

// DenyLogin refuses it.
func (s *Server) DenyLogin(ctx context.Context, userCode string) error {
	if s.issuer == nil {
		return errNoLogins
	}
	return s.issuer.Deny(ctx, userCode)
}
