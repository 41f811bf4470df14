package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// settings are what files, variables and flags amount to.
type settings struct {
	at config.Locations
	// config is nil when err says why it does not resolve.
	config *config.Config
	err    *config.Error
	// hosts is where the hosts are known from: also without usable
	// credentials. nil when they are not known.
	hosts *config.Config
	// token is the login's file as it was before anything used it.
	token    fs.FileInfo
	tokenErr error
}

func resolve(inv *cli.Invocation) settings {
	in := config.Inputs{Profile: inv.Profile, Host: inv.Host, Team: inv.Team, Getenv: inv.Getenv}
	s := settings{at: config.Locate(in), tokenErr: fs.ErrNotExist}
	if s.at.Token != "" {
		s.token, s.tokenErr = os.Stat(s.at.Token)
	}
	cfg, err := config.Resolve(in)
	if err == nil {
		s.config, s.hosts = cfg, cfg
		return s
	}
	if !errors.As(err, &s.err) {
		s.err = &config.Error{Code: config.Unreadable, Message: err.Error()}
	}
	if s.err.Code == config.MalformedKey {
		// A key given explicitly stands in for the one that cannot be used.
		in.Key = "none:none"
		if cfg, err := config.Resolve(in); err == nil {
			s.hosts = cfg
		}
	}
	return s
}

func (s settings) grpc() string {
	if s.hosts == nil {
		return ""
	}
	return s.hosts.Host.Address()
}

func (s settings) rest() string {
	if s.hosts == nil {
		return ""
	}
	return s.hosts.RESTHost.Address()
}

// part is what a kind of error is about.
func part(code config.Code) string {
	switch code {
	case config.UnknownProfile, config.BadProfileName:
		return "profile"
	case config.BadHost:
		return "host"
	case config.MalformedKey:
		return "credentials"
	}
	return "config"
}

// wrong is the finding of the check that the error is about, if it is this one.
func (s settings) wrong(name string) (finding, bool) {
	if s.err == nil || part(s.err.Code) != name {
		return finding{}, false
	}
	return failed(s.err.Message, strings.Join(s.err.Hints(), "\n")), true
}

// unknown is for checks behind an error that is another's.
func (s settings) unknown() finding {
	by := part(s.err.Code)
	return finding{status: view.CheckSkipped, found: "not known, because of " + by, blockedBy: by}
}

func (p *patient) checkConfig(context.Context) finding {
	if f, wrong := p.settings.wrong("config"); wrong {
		return f
	}
	path := p.settings.at.Config.Value
	from := ""
	if o := p.settings.at.Config.Origin; o.Kind != config.OriginDefault {
		from = ", named by " + o.String()
	}
	if path == "" {
		return warning("no home folder is known, and so no file", "set HOME or FAL_CONFIG_PATH")
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return ok("no file " + shown(path) + from)
	}
	if err != nil {
		return failed(err.Error(), "")
	}
	return private(path, info, from)
}

// private finds a file that others can read.
func private(path string, info fs.FileInfo, more string) finding {
	if runtime.GOOS == "windows" {
		return ok(shown(path) + more)
	}
	found := fmt.Sprintf("%s, mode %04o%s", shown(path), info.Mode().Perm(), more)
	if info.Mode().Perm()&0o077 != 0 {
		return warning(found+": other users of this machine may read it", "chmod 600 "+cli.Quote(path))
	}
	return ok(found)
}

func (p *patient) checkProfile(context.Context) finding {
	if f, wrong := p.settings.wrong("profile"); wrong {
		return f
	}
	cfg := p.settings.hosts
	switch {
	case cfg == nil:
		return skipped(p.settings.unknown().found)
	case cfg.Profile.Value == "":
		return ok("none is chosen")
	}
	return ok(cfg.Profile.Value + ", chosen by " + cfg.Profile.Origin.String())
}

func (p *patient) checkHost(context.Context) finding {
	if f, wrong := p.settings.wrong("host"); wrong {
		return f
	}
	cfg := p.settings.hosts
	if cfg == nil {
		return p.settings.unknown()
	}
	found := endpoint("gRPC", cfg.Host)
	if cfg.RESTHost.Address() != cfg.Host.Address() || cfg.RESTHost.Plaintext != cfg.Host.Plaintext {
		found += "\n" + endpoint("REST", cfg.RESTHost)
	}
	return ok(found)
}

func endpoint(side string, e config.Endpoint) string {
	text := side + " at " + e.Value
	if e.Plaintext {
		text += " without TLS"
	}
	if e.Origin.Kind == config.OriginDefault {
		return text + ", the default"
	}
	return text + ", from " + e.Origin.String()
}

func (p *patient) checkCredentials(context.Context) finding {
	if f, wrong := p.settings.wrong("credentials"); wrong {
		return f
	}
	cfg := p.settings.config
	if cfg == nil {
		return p.settings.unknown()
	}
	f := credentialsOf(cfg)
	if len(cfg.Notices) > 0 {
		f.found += "\n" + strings.Join(cfg.Notices, "\n")
		if f.status == view.CheckOK {
			f.status = view.CheckWarning
		}
	}
	return f
}

func credentialsOf(cfg *config.Config) finding {
	switch c := cfg.Credentials; c.Kind {
	case config.CredentialsKey:
		found := "key " + c.KeyID + " from " + c.Origin.String()
		if cfg.Team.Value != "" && cfg.Team.Origin.Kind != config.OriginFlag {
			found += "; it decides the account, and not the selected team " + cfg.Team.Value
		}
		return ok(found)
	case config.CredentialsLogin:
		found := "the login in " + c.Origin.String()
		if cfg.Team.Value != "" {
			found += ", for the team " + cfg.Team.Value + " from " + cfg.Team.Origin.String()
		}
		return ok(found)
	case config.CredentialsDisabled:
		return warning("none are sent: "+c.Origin.String(), "unset "+c.Origin.String())
	}
	if profile := cfg.Profile; profile.Value != "" && profile.Origin.Kind == config.OriginFlag {
		return failed("the profile "+profile.Value+" has no key", "fal --profile "+cli.Quote(profile.Value)+" profile key")
	}
	return failed("none", "fal auth login, or export FAL_KEY=<id>:<secret>")
}

// checkLogin looks at the file alone: whether the login is good shows when the
// account is asked for, which refreshes it if it must.
func (p *patient) checkLogin(context.Context) finding {
	path, info, err := p.settings.at.Token, p.settings.token, p.settings.tokenErr
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return skipped("nobody is logged in")
	case err != nil:
		return failed(err.Error(), "")
	case info.IsDir():
		return failed(shown(path)+" is a folder", "")
	}
	more := ""
	if cfg := p.settings.config; cfg != nil && cfg.Credentials.Kind == config.CredentialsKey {
		more = ", not in use: a key is"
	}
	return private(path, info, more)
}
