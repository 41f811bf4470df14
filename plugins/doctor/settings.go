package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/view"
)

// settings are what files, variables and flags amount to, as far as they do.
// What is nil is not known, because of err.
type settings struct {
	at  config.Locations
	err *config.Error
	// by is the check that err is about, and hints are what to do about it.
	by    string
	hints []string

	profile     *config.Config // which profile is in use
	hosts       *config.Config // where the hosts are
	credentials *config.Config
	login       loginFile
}

// standIn is a key that stands in for credentials that are not usable.
const standIn = "none:none"

func resolve(inv *cli.Invocation, d dependencies) settings {
	in := config.Inputs{Profile: inv.Profile, Host: inv.Host, Team: inv.Team, Getenv: inv.Getenv}
	s := settings{at: config.Locate(in)}
	s.login = examineLogin(s.at.Token, d)
	cfg, err := config.Resolve(in)
	if err == nil {
		s.profile, s.hosts, s.credentials = cfg, cfg, cfg
		return s
	}
	if !errors.As(err, &s.err) {
		s.err = &config.Error{Code: config.Unreadable, Message: err.Error()}
	}
	s.hints = s.err.Hints()
	s.by = "config"
	switch s.err.Code {
	case config.UnknownProfile, config.BadProfileName:
		s.by = "profile"
		s.withoutProfile(in)
	case config.BadHost:
		s.by = "host"
		s.withoutHosts(in)
	default:
		in.Key = standIn
		if cfg, err := config.Resolve(in); err == nil {
			s.by = "credentials"
			if s.err.Code == config.Unreadable { // the one file that a key makes unnecessary
				s.by = "login"
			}
			s.profile, s.hosts = cfg, cfg
		}
	}
	return s
}

// without is the environment less some variables.
func without(getenv func(string) string, names ...string) func(string) string {
	return func(name string) string {
		if slices.Contains(names, name) {
			return ""
		}
		return getenv(name)
	}
}

// withoutProfile finds what does not depend on a profile that does not exist.
func (s *settings) withoutProfile(in config.Inputs) {
	const variable = "FAL_PROFILE"
	if in.Profile != "" {
		return // which decides all the rest
	}
	s.hints = append(s.hints, "unset "+variable)
	in.Getenv = without(in.Getenv, variable)
	cfg, err := config.Resolve(in)
	if err != nil {
		return
	}
	given := func(o config.Origin) bool { return o.Kind == config.OriginFlag || o.Kind == config.OriginVariable }
	if given(cfg.Host.Origin) && given(cfg.RESTHost.Origin) {
		s.hosts = cfg
	}
	if o := cfg.Credentials.Origin; cfg.Credentials.Kind == config.CredentialsDisabled || given(o) && o.Name == "FAL_KEY" {
		s.credentials = cfg
	}
}

// hostVariables are those that name hosts.
func hostVariables() []string {
	return []string{"FAL_GRPC_HOST", "FAL_HOST", "FAL_REST_HOST", "FAL_RUN_HOST", "FAL_QUEUE_RUN_HOST"}
}

// withoutHosts finds what does not depend on a host that is none.
func (s *settings) withoutHosts(in config.Inputs) {
	for _, name := range hostVariables() {
		if in.Getenv(name) == "" {
			continue
		}
		changed := in
		changed.Getenv = without(in.Getenv, name)
		if _, err := config.Resolve(changed); err == nil || err.Error() != s.err.Message {
			s.hints = append(s.hints, "unset "+name)
			if name == "FAL_HOST" && strings.HasSuffix(s.err.Message, "begin with api") {
				s.hints = append(s.hints, "FAL_GRPC_HOST takes any name")
			}
			break
		}
	}
	in.Host, in.Getenv = config.DefaultHost, without(in.Getenv, hostVariables()...)
	if cfg, err := config.Resolve(in); err == nil {
		s.profile, s.credentials = cfg, cfg
	}
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

// wrong is the finding of the check that the error is about, if it is this one.
func (s settings) wrong(name string) (finding, bool) {
	if s.err == nil || s.by != name {
		return finding{}, false
	}
	return failed(s.err.Message, strings.Join(s.hints, "\n")), true
}

// unknown is for checks behind an error that is another's.
func (s settings) unknown() finding {
	return finding{status: view.CheckSkipped, found: "not known, because of " + s.by, blockedBy: s.by}
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
	cfg := p.settings.profile
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
	if stripped(cfg.Host) || stripped(cfg.RESTHost) {
		return warning(found+"\nISOLATE_TEST_MODE switches TLS off: whoever is on the way reads what is sent", "unset ISOLATE_TEST_MODE")
	}
	return ok(found)
}

// stripped reports whether a host elsewhere is spoken to without TLS, which
// nothing but the test mode does.
func stripped(e config.Endpoint) bool { return e.Plaintext && !e.IsLoopback() }

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
	cfg := p.settings.credentials
	if cfg == nil {
		return p.settings.unknown()
	}
	if cfg.Credentials.Kind == config.CredentialsLogin && p.settings.login.problem != "" {
		return finding{status: view.CheckSkipped, blockedBy: "login", found: "the login in " + cfg.Credentials.Origin.String() + ", not usable because of login"}
	}
	f := credentialsOf(cfg)
	if cfg.Credentials.Kind == config.CredentialsNone && cfg.Profile.Origin.Kind != config.OriginFlag {
		f.hint = strings.Join(append([]string{f.hint}, session.LocalHints(cfg, p.inv)...), "\n")
	}
	if cfg.ForceLogin && p.inv.Getenv("FAL_KEY") != "" {
		f.found += "\nFAL_KEY is set and not used, because FAL_FORCE_AUTH_BY_USER is set"
		if cfg.Credentials.Kind == config.CredentialsNone {
			f.hint = "fal auth login\n`unset FAL_FORCE_AUTH_BY_USER`, to use the key"
		}
	}
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
	return failed("none", "fal auth login\nor, with a key: `export FAL_KEY=<id>:<secret>`")
}
