package doctor

import (
	"io/fs"
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
		hints map[string]string
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
			"profile": {"ok", "none is chosen"}, "host": {"failed", "bad host from FAL_GRPC_HOST"}, "credentials": {"ok", "key testid from FAL_KEY"}}},
		"a host of another name": {env: map[string]string{"FAL_GRPC_HOST": "", "FAL_HOST": "x.fal.invalid"}, hints: map[string]string{"host": "unset FAL_HOST\nFAL_GRPC_HOST takes any name"}, want: map[string][2]string{
			"host": {"failed", "does not begin with api"}, "credentials": {"ok", "key testid from FAL_KEY"}}},
		"a REST host that is none": {env: map[string]string{"FAL_REST_HOST": "x/y"}, hints: map[string]string{"host": "unset FAL_REST_HOST"}, want: map[string][2]string{
			"host": {"failed", "bad host from FAL_REST_HOST"}}},
		"an unknown profile, by a variable": {env: map[string]string{"FAL_PROFILE": "wrok"}, file: "[work]\n", hints: map[string]string{"profile": "unset FAL_PROFILE"}, want: map[string][2]string{
			"profile": {"failed", "wrok"}, "host": {"ok", ", from FAL_GRPC_HOST"}, "credentials": {"ok", "key testid from FAL_KEY"}}},
		"an unknown profile that may decide": {env: map[string]string{"FAL_PROFILE": "wrok", "FAL_KEY": "", "FAL_REST_HOST": "", "FAL_GRPC_HOST": ""}, file: "[work]\n", want: map[string][2]string{
			"profile": {"failed", "wrok"}, "host": {"skipped", unknown + "profile"}, "credentials": {"skipped", unknown + "profile"}}},
		"TLS switched off": {env: map[string]string{"ISOLATE_TEST_MODE": "1", "FAL_GRPC_HOST": "api.fal.invalid", "FAL_REST_HOST": ""}, hints: map[string]string{"host": "unset ISOLATE_TEST_MODE"}, want: map[string][2]string{
			"host": {"warning", "without TLS, from FAL_GRPC_HOST\nREST at rest.fal.invalid"}}},
		"on this machine, in test mode": {env: map[string]string{"ISOLATE_TEST_MODE": "1"}, want: map[string][2]string{"host": {"ok", "without TLS"}}},
		"a key that does not count": {env: map[string]string{"FAL_FORCE_AUTH_BY_USER": "1"}, hints: map[string]string{"credentials": "`unset FAL_FORCE_AUTH_BY_USER`"}, want: map[string][2]string{
			"credentials": {"failed", "FAL_KEY is set and not used, because FAL_FORCE_AUTH_BY_USER is set"}}},
		"a key that is no text": {flags: cli.Invocation{Profile: "work"}, file: "[work]\nkey = 5\n", want: map[string][2]string{
			"config": {"ok", ""}, "host": {"ok", ", the default"}, "credentials": {"failed", "key of profile work"}}},
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
				if hint := tt.hints[c.name]; !strings.Contains(f.hint, hint) {
					t.Errorf("%s: %+v, want the hint %q", c.name, f, hint)
				}
			}
		})
	}
}

func TestLogin(t *testing.T) {
	s := newScene(t)
	s.env["FAL_KEY"] = ""
	path := s.write(".fal/auth0_token", canary+canary+"\n")
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
	s.wants(s.patient().checkLogin(t.Context()), "warning", "is a folder, not in use: a key is", "mv ")

	// In use, it is at fault alone, and the way to the service is tried.
	s.env["FAL_KEY"] = ""
	_, rows := s.diagnose()
	if c := rows["login"]; c.Status != "failed" || !strings.Contains(c.Found, "is a folder") || !strings.HasPrefix(text(c.Hint), "mv ") {
		t.Errorf("%+v", c)
	}
	for name, want := range map[string]string{"config": "ok", "host": "ok", "credentials": "skipped", "tcp": "ok", "grpc": "ok", "rest": "ok", "account": "skipped"} {
		if c := rows[name]; c.Status != want || want == "skipped" && !strings.Contains(c.Found, "because of login") {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

// A file that can be no login is found, and nothing behind it is tried.
func TestALoginThatCannotWork(t *testing.T) {
	denied := func(path string) ([]byte, error) {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrPermission}
	}
	for _, tt := range []struct {
		content     string
		read        func(string) ([]byte, error)
		found, hint string
	}{
		{"", os.ReadFile, "holds no login: it is empty", "fal auth login"},
		{"\n\n", os.ReadFile, "holds no login: it is empty", "fal auth login"},
		{"garbage\n", os.ReadFile, "too short for a token", "fal auth login"},
		{"this is no token at all\n", os.ReadFile, "its first line is no token", "fal auth login"},
		{"\x00\x01\x02\x03binary binary binary", os.ReadFile, "its first line is no token", "fal auth login"},
		{strings.Repeat("x", largestLogin+1), os.ReadFile, "too large", "fal auth login"},
		{canary + canary, denied, "cannot be read: permission denied", "chmod 600 "},
	} {
		s := newScene(t)
		s.env["FAL_KEY"] = ""
		s.deps.read = tt.read
		s.write(".fal/auth0_token", tt.content)
		s.wants(s.patient().checkLogin(t.Context()), "failed", tt.found, tt.hint)
		s.wants(s.patient().checkCredentials(t.Context()), "skipped", "not usable because of login", "")
	}
	s := newScene(t)
	s.env["FAL_KEY"] = ""
	s.deps.writable = func(string) bool { return false }
	s.write(".fal/auth0_token", canary+canary)
	s.wants(s.patient().checkLogin(t.Context()), "warning", "may not be written to", "chmod u+w ")
}
