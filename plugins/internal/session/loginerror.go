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
			out.Hint = append(out.Hint, "--timeout gives it more time, as in --timeout 5m")
		}
	case login.OtherIssuer:
		out.Message += ": nothing was sent"
		out.Hint = s.otherIssuerHints()
	case login.Rejected:
		out.Message += s.keptLogin()
		out.Hint = s.loginHints()
	case login.Denied:
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
	if !s.hasLogin() {
		return nil
	}
	if program := s.program("auth"); program != "" {
		return []string{program + " login"}
	}
	return nil
}

// hasLogin reports whether a login is what this command line may use: for a
// host on this machine it lies in a folder of its own, which was named.
func (s *Session) hasLogin() bool {
	return s.inv.Getenv(varAuthURL) != "" || s.Config.LoginDir.Origin.Kind == config.OriginVariable ||
		!s.Config.Host.IsLoopback() && !s.Config.RESTHost.IsLoopback()
}

// issuerHints say where the issuer came from.
func (s *Session) issuerHints() []string {
	if s.inv.Getenv(varAuthURL) != "" {
		return []string{"the address of the issuer came from " + varAuthURL}
	}
	if host := s.Config.RESTHost; host.IsLoopback() {
		hints := []string{fmt.Sprintf("host %s came from %s", host.Value, host.Origin)}
		if local := s.local(); local != "" {
			hints = append(hints, local+" status, if it is the local control plane")
		}
		return hints
	}
	return []string{"check the network, or a proxy in between"}
}

// notOfThisMachine is the error for a login that is not the local control
// plane's, which the command line leads to.
func (s *Session) notOfThisMachine() error {
	return &cli.Error{Code: string(login.OtherIssuer), Exit: cli.ExitAuth, Hint: s.otherIssuerHints(),
		Message: fmt.Sprintf("the login in %s is not of the control plane at %s: nothing was sent", s.Config.TokenPath, s.Config.RESTHost.Value)}
}

func (s *Session) otherIssuerHints() []string {
	hints := []string{fmt.Sprintf("host %s came from %s", s.Config.Host.Value, s.Config.Host.Origin)}
	if local := s.local(); local != "" && s.Config.Host.IsLoopback() {
		return append(hints, fmt.Sprintf("eval \"$(%s env)\" takes the credentials of the local control plane", local))
	}
	return append(hints, s.loginHints()...)
}
