package doctor

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/cli"
)

func TestSettings(t *testing.T) {
	const unknown = "not known, because of "
	for name, tt := range map[string]struct {
		file  string
		mode  os.FileMode
		env   map[string]string
		flags cli.Invocation
		// Checks with their status and what is found.
		want map[string][2]string
	}{
		"no file": {want: map[string][2]string{
			"config": {"ok", "no file "}, "profile": {"ok", "none is chosen"}, "host": {"ok", ", from FAL_GRPC_HOST"},
			"credentials": {"ok", "key testid from FAL_KEY"}, "login": {"skipped", "nobody is logged in"}}},
		"a profile": {file: "[work]\nkey = 'workid:" + canary + "'\n[__internal__]\nprofile = 'work'\n", env: map[string]string{"FAL_KEY": ""}, want: map[string][2]string{
			"config": {"ok", "config.toml, mode 0600, named by FAL_CONFIG_PATH"}, "profile": {"ok", "work, chosen by "}, "credentials": {"ok", "key workid from profile work"}}},
		"open to others": {file: "[work]\nkey = 'workid:" + canary + "'\n", mode: 0o644, want: map[string][2]string{
			"config": {"warning", "mode 0644, named by FAL_CONFIG_PATH: other users of this machine may read it"}, "credentials": {"ok", ""}}},
		"not TOML": {file: "[work]\nkey = 'workid:" + canary + "\n", want: map[string][2]string{
			"config": {"failed", ":2:"}, "profile": {"skipped", "not known"}, "host": {"skipped", unknown + "config"}, "credentials": {"skipped", unknown + "config"}}},
		"an unknown profile": {flags: cli.Invocation{Profile: "wrok"}, file: "[work]\n", want: map[string][2]string{
			"config": {"ok", ""}, "profile": {"failed", "wrok"}, "host": {"skipped", unknown + "profile"}, "credentials": {"skipped", unknown + "profile"}}},
		"a profile without a key": {flags: cli.Invocation{Profile: "work"}, file: "[work]\n", want: map[string][2]string{
			"profile": {"ok", "work, chosen by --profile"}, "credentials": {"failed", "the profile work has no key"}}},
		"a host that is none": {env: map[string]string{"FAL_GRPC_HOST": "http://x/y"}, want: map[string][2]string{
			"profile": {"skipped", unknown + "host"}, "host": {"failed", "bad host from FAL_GRPC_HOST"}, "credentials": {"skipped", unknown + "host"}}},
		"a malformed key": {env: map[string]string{"FAL_KEY": canary}, want: map[string][2]string{
			"host": {"ok", ", from FAL_GRPC_HOST"}, "credentials": {"failed", "malformed key from FAL_KEY"}}},
		"the defaults": {env: map[string]string{"FAL_GRPC_HOST": "", "FAL_REST_HOST": ""}, want: map[string][2]string{
			"host": {"ok", "gRPC at api.alpha.fal.ai, the default\nREST at rest.alpha.fal.ai, the default"}}},
		"nothing to authenticate with": {env: map[string]string{"FAL_KEY": ""}, want: map[string][2]string{"credentials": {"failed", "none"}}},
		"switched off":                 {env: map[string]string{"ISOLATE_AUTH_DISABLED": "1"}, want: map[string][2]string{"credentials": {"warning", "none are sent: ISOLATE_AUTH_DISABLED"}}},
		"a variable that does not count": {flags: cli.Invocation{Profile: "work"}, file: "[work]\nkey = 'workid:" + canary + "'\n", want: map[string][2]string{
			"credentials": {"warning", "FAL_KEY"}}},
		"a team beside a key": {file: "[__internal__]\nteam = 'acme'\n", want: map[string][2]string{"credentials": {"ok", "and not the selected team acme"}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			if tt.file != "" {
				s.env["FAL_CONFIG_PATH"] = s.write("config.toml", tt.file)
				if tt.mode != 0 {
					if err := os.Chmod(s.env["FAL_CONFIG_PATH"], tt.mode); err != nil {
						t.Fatal(err)
					}
				}
			}
			for name, value := range tt.env {
				s.env[name] = value
			}
			p := s.patient()
			inv := *p.inv
			inv.Profile = tt.flags.Profile
			p = newPatient(s.deps, &inv)
			for _, c := range p.checks() {
				want, named := tt.want[c.name]
				if !named {
					continue
				}
				if runtime.GOOS == "windows" && c.name == "config" && strings.Contains(want[1], "mode") {
					continue
				}
				f := c.run(t.Context())
				if f.status != want[0] || !strings.Contains(f.found, want[1]) || strings.Contains(f.found+f.hint, canary) {
					t.Errorf("%s: %+v, want %q", c.name, f, want)
				}
			}
		})
	}
}

func TestLogin(t *testing.T) {
	s := newScene(t)
	s.env["FAL_KEY"] = ""
	path := s.write(".fal/auth0_token", canary+"\n")
	p := s.patient()
	s.wants(p.checkCredentials(t.Context()), "ok", "the login in ~", "")
	s.wants(p.checkLogin(t.Context()), "ok", filepath.Join("~", ".fal", "auth0_token"), "")
	if runtime.GOOS != "windows" {
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		s.wants(s.patient().checkLogin(t.Context()), "warning", "mode 0644: other users", "chmod 600 ")
	}
	s.env["FAL_HOME_DIR"] = filepath.Join(s.home, "elsewhere")
	s.write("elsewhere/auth0_token/file", "")
	s.env["FAL_KEY"] = "testid:" + canary
	s.wants(s.patient().checkLogin(t.Context()), "failed", "is a folder", "")
}
