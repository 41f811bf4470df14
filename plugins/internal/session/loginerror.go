package session

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/pkg/login"
	"github.com/fal-plugins/fal/plugins/internal/cli"
)

// loginError turns what went wrong with a login into an error of the command
// line.
func (s *Session) loginError(e *login.Error, err error) *cli.Error {
	out := &cli.Error{Code: e.ErrorCode(), Exit: cli.ExitAuth, Message: e.Message, Err: err}
	switch e.Kind {
	case login.NotLoggedIn:
		out.Hint = s.credentialHints()
	case login.Refused:
		out.Message += ": you are logged out"
		out.Hint = s.credentialHints()
	case login.Network:
		out.Exit = cli.ExitUnavailable
		out.Message += s.keptLogin()
		out.Hint = s.issuerHints()
		if errors.Is(e, context.DeadlineExceeded) {
			out.Hint = append(out.Hint, "`--timeout 5m` gives it more time")
		}
	case login.OtherIssuer:
		out.Message += ": nothing was sent"
		out.Hint = s.otherIssuerHints()
	case login.Rejected:
		out.Message += s.keptLogin()
		out.Hint = s.loginHints()
	case login.Denied:
		out.Hint = s.loginHints()
	case login.Expired, login.Untrusted:
		out.Exit = cli.ExitFailure
		out.Hint = s.loginHints()
	case login.Locked:
		out.Exit = cli.ExitFailure
		out.Hint = []string{"try again; " + s.Config.LoginDir.Value + " holds the lock"}
	case login.Misconfigured:
		out.Exit = cli.ExitUsage
		out.Hint = s.issuerHints()
	default: // the files
		out.Exit = cli.ExitFailure
		out.Hint = s.folderHints()
	}
	return out
}

// keptLogin says that a login is still there, if there is one.
func (s *Session) keptLogin() string {
	if _, err := os.Lstat(s.Config.TokenPath); err != nil {
		return ""
	}
	return "; the login is kept"
}

// loginHints say how to log in, where that is possible.
func (s *Session) loginHints() []string {
	if s.onThisMachine() && issuerOf(s.Config, s.inv).derived {
		return nil
	}
	if program := s.program("auth"); program != "" {
		return []string{program + " login"}
	}
	return nil
}

// onThisMachine reports whether the service is a control plane here.
func (s *Session) onThisMachine() bool {
	return s.Config.Host.IsLoopback() || s.Config.RESTHost.IsLoopback()
}

// folderHints name the folder of the login.
func (s *Session) folderHints() []string {
	if dir := s.Config.LoginDir; dir.Value != "" {
		return []string{"the login is kept in " + dir.Value + "; `export FAL_HOME_DIR=<folder>` names another folder"}
	}
	return []string{"export FAL_HOME_DIR=<folder>"}
}

// issuerHints say where the issuer came from.
func (s *Session) issuerHints() []string {
	if !issuerOf(s.Config, s.inv).derived {
		return []string{"the address of the issuer came from " + varAuthURL}
	}
	if host := s.Config.RESTHost; host.IsLoopback() {
		hints := []string{hostFrom(host)}
		if local := s.local(); local != "" {
			hints = append(hints, "`"+local+" status`, if it is the local control plane")
		}
		return hints
	}
	return []string{"check the network, or a proxy in between"}
}

func (s *Session) otherIssuerHints() []string {
	hints := []string{hostFrom(s.Config.Host)}
	if local := s.local(); local != "" && s.Config.Host.IsLoopback() {
		return append(hints, s.envHint(local)+" takes the credentials of the local control plane")
	}
	return append(hints, s.loginHints()...)
}

func hostFrom(host config.Endpoint) string {
	if host.Origin.Kind == config.OriginDefault {
		return "host " + host.Value + " is the default"
	}
	return fmt.Sprintf("host %s came from %s", host.Value, host.Origin)
}
