package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fal-plugins/fal/pkg/config"
)

// home makes a home folder with a configuration file, unless file is "", and a
// login, if wanted.
func home(t *testing.T, file string, login bool) string {
	t.Helper()
	dir := t.TempDir()
	fal := filepath.Join(dir, ".fal")
	if err := os.Mkdir(fal, 0o700); err != nil {
		t.Fatal(err)
	}
	if file != "" {
		write(t, filepath.Join(fal, "config.toml"), file)
	}
	if login {
		write(t, filepath.Join(fal, "auth0_token"), "refresh\n")
	}
	return dir
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func getenv(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

type (
	env  = map[string]string
	want = map[string]string
)

// parts renders what the tables below expect, a line each.
func parts(c *config.Config) want {
	from := func(s config.Setting) string { return s.Value + " from " + s.Origin.String() }
	w := want{
		"profile":     from(c.Profile),
		"host":        from(c.Host.Setting),
		"address":     c.Host.Address(),
		"rest":        c.RESTURL() + " from " + c.RESTHost.Origin.String(),
		"run":         c.RunHost.URL() + " from " + c.RunHost.Origin.String(),
		"queue":       c.QueueHost.URL() + " from " + c.QueueHost.Origin.String(),
		"team":        from(c.Team),
		"environment": from(c.Environment),
		"path":        filepath.Base(c.Path.Value) + " from " + c.Path.Origin.String(),
		"notices":     strings.Join(c.Notices, "\n"),
		"flags": fmt.Sprintf("test=%t noauth=%t login=%t updates=%t urls=%s check=%t links=%t debug=%t", c.TestMode,
			c.AuthDisabled, c.ForceLogin, c.CheckUpdates, c.URLOutput, c.DeployCheck, !c.DontOpenLinks, c.Debug),
		"credentials": c.Credentials.Kind.String(),
	}
	if c.Host.Plaintext {
		w["host"] = "plaintext " + w["host"]
	}
	if k := c.Credentials; k.Kind == config.CredentialsKey {
		w["credentials"] += " " + k.KeyID + "/" + k.Secret.Reveal()
	}
	if c.Credentials.Kind != config.CredentialsNone {
		w["credentials"] += " from " + c.Credentials.Origin.String()
	}
	return w
}

const threeProfiles = `
[dev]
key = "devid:devsecret"
host = "api.dev.fal.ai"

[bare]
host = "api.bare.fal.ai"

[local]
key = "locid:locsecret"
local_host = "127.0.0.1:7000"

[prod]
key = "prodid:prodsecret"
`

const (
	chosenDev   = "[__internal__]\nprofile = 'dev'\nteam = 'acme'\n"
	chosenLocal = "[__internal__]\nprofile = 'local'\n"
	ofFile      = "~/.fal/config.toml"
	ofDev       = "profile dev (~/.fal/config.toml)"
	ofLocal     = "profile local (~/.fal/config.toml)"
	ofLogin     = "login from ~/.fal/auth0_token"
)

func TestResolve(t *testing.T) {
	for _, tt := range []struct {
		name  string
		in    config.Inputs
		env   env
		file  string
		login bool
		want  want // the parts that are checked
	}{
		{
			name: "nothing at all",
			want: want{
				"profile": " from default", "host": "api.alpha.fal.ai from default", "address": "api.alpha.fal.ai:443",
				"rest": "https://rest.alpha.fal.ai from default", "run": "https://fal.run from default",
				"queue": "https://queue.fal.run from default", "team": " from default", "environment": " from default",
				"credentials": "none", "path": "config.toml from default", "notices": "",
				"flags": "test=false noauth=false login=false updates=true urls=all check=false links=true debug=false",
			},
		},

		// Profile.
		{name: "profile by flag", in: config.Inputs{Profile: "dev"}, env: env{"FAL_PROFILE": "prod"}, file: threeProfiles,
			want: want{"profile": "dev from --profile", "credentials": "key devid/devsecret from " + ofDev, "host": "api.dev.fal.ai from " + ofDev, "notices": ""}},
		{name: "profile by variable", env: env{"FAL_PROFILE": "prod"}, file: chosenDev + threeProfiles,
			want: want{"profile": "prod from FAL_PROFILE", "credentials": "key prodid/prodsecret from profile prod (~/.fal/config.toml)", "host": "api.alpha.fal.ai from default"}},
		{name: "profile by file", file: chosenDev + threeProfiles,
			want: want{"profile": "dev from " + ofFile, "credentials": "key devid/devsecret from " + ofDev, "host": "api.dev.fal.ai from " + ofDev}},
		{name: "profile by file is missing", file: "[__internal__]\nprofile = 'gone'\n" + threeProfiles,
			want: want{"profile": " from default", "credentials": "none", "notices": `the default profile "gone" is not in ~/.fal/config.toml: none is used`}},
		{name: "profile by file is the internal table", file: "[__internal__]\nprofile = '__internal__'\nkey = 'a:b'\n",
			want: want{"profile": " from default", "credentials": "none"}},
		{name: "empty variables are not set", env: env{"FAL_PROFILE": "", "FAL_KEY": "", "FAL_HOST": "", "FAL_ENV": ""}, file: chosenDev + threeProfiles,
			want: want{"profile": "dev from " + ofFile, "credentials": "key devid/devsecret from " + ofDev, "host": "api.dev.fal.ai from " + ofDev}},

		// Key.
		{name: "key by flag beats all", in: config.Inputs{Key: "f:g"}, env: env{"FAL_KEY": "a:b", "FAL_FORCE_AUTH_BY_USER": "1"}, file: chosenDev + threeProfiles, login: true,
			want: want{"credentials": "key f/g from --key", "flags": "test=false noauth=false login=false updates=true urls=all check=false links=true debug=false"}},
		{name: "key by flag beats the profile of the flag", in: config.Inputs{Key: "f:g", Profile: "dev"}, env: env{"FAL_KEY": "a:b"}, file: threeProfiles,
			want: want{"credentials": "key f/g from --key", "notices": ""}},
		{name: "FAL_KEY beats the profile", env: env{"FAL_KEY": "a:b:c", "FAL_KEY_ID": "x", "FAL_KEY_SECRET": "y"}, file: chosenDev + threeProfiles, login: true,
			want: want{"credentials": "key a/b:c from FAL_KEY", "notices": ""}},
		{name: "the profile beats the halves", env: env{"FAL_KEY_ID": "x", "FAL_KEY_SECRET": "y"}, file: chosenDev + threeProfiles, login: true,
			want: want{"credentials": "key devid/devsecret from " + ofDev}},
		{name: "the halves beat the login", env: env{"FAL_KEY_ID": "x", "FAL_KEY_SECRET": "y"}, login: true,
			want: want{"credentials": "key x/y from FAL_KEY_ID and FAL_KEY_SECRET"}},
		{name: "half a key does not matter behind a whole one", env: env{"FAL_KEY": "a:b", "FAL_KEY_ID": "x"},
			want: want{"credentials": "key a/b from FAL_KEY"}},
		{name: "login", login: true, want: want{"credentials": ofLogin}},
		{name: "login by force", env: env{"FAL_KEY": "a:b", "FAL_FORCE_AUTH_BY_USER": "1"}, file: chosenDev + threeProfiles, login: true,
			want: want{"credentials": ofLogin, "flags": "test=false noauth=false login=true updates=true urls=all check=false links=true debug=false"}},
		{name: "login by force passes over a malformed key", env: env{"FAL_KEY": "rubbish", "FAL_FORCE_AUTH_BY_USER": "TRUE"}, login: true,
			want: want{"credentials": ofLogin}},
		{name: "login by force without a login", env: env{"FAL_KEY": "a:b", "FAL_FORCE_AUTH_BY_USER": "1"}, want: want{"credentials": "none"}},
		{name: "no force", env: env{"FAL_KEY": "a:b", "FAL_FORCE_AUTH_BY_USER": "False"}, login: true, want: want{"credentials": "key a/b from FAL_KEY"}},
		{name: "an empty key is none", file: "[__internal__]\nprofile='x'\n[x]\nkey=''\n", login: true, want: want{"credentials": ofLogin}},
		{name: "disabled", env: env{"FAL_KEY": "rubbish", "ISOLATE_AUTH_DISABLED": "yes"}, login: true,
			want: want{"credentials": "disabled from ISOLATE_AUTH_DISABLED", "rest": "https://rest.alpha.fal.ai from default", "notices": ""}},
		{name: "disabled with a profile", in: config.Inputs{Profile: "dev"}, env: env{"FAL_KEY": "a:b", "ISOLATE_AUTH_DISABLED": "1"}, file: threeProfiles,
			want: want{"credentials": "disabled from ISOLATE_AUTH_DISABLED", "notices": "ISOLATE_AUTH_DISABLED is set: no credentials are sent"}},

		// Hosts.
		{name: "host by flag", in: config.Inputs{Host: "api.flag.ai"}, env: env{"FAL_GRPC_HOST": "api.g.ai", "FAL_HOST": "api.h.ai"}, file: chosenDev + threeProfiles,
			want: want{"host": "api.flag.ai from --host", "rest": "https://rest.flag.ai from --host", "run": "https://flag.run from --host", "queue": "https://queue.flag.run from --host"}},
		{name: "FAL_GRPC_HOST beats FAL_HOST", env: env{"FAL_GRPC_HOST": "grpc.g.ai", "FAL_HOST": "api.h.ai"}, file: chosenDev + threeProfiles,
			want: want{"host": "grpc.g.ai from FAL_GRPC_HOST", "rest": "https://grpc.g.ai from FAL_GRPC_HOST"}},
		{name: "FAL_HOST beats the profile", env: env{"FAL_HOST": "api.h.ai:8443"}, file: chosenDev + threeProfiles,
			want: want{"host": "api.h.ai:8443 from FAL_HOST", "address": "api.h.ai:8443", "rest": "https://rest.h.ai:8443 from FAL_HOST", "credentials": "key devid/devsecret from " + ofDev}},
		{name: "other hosts by variable", env: env{"FAL_REST_HOST": "r.ai", "FAL_RUN_HOST": "run.ai", "FAL_QUEUE_RUN_HOST": "q.ai"},
			want: want{"rest": "https://r.ai from FAL_REST_HOST", "run": "https://run.ai from FAL_RUN_HOST", "queue": "https://q.ai from FAL_QUEUE_RUN_HOST"}},
		{name: "queue follows the run host", env: env{"FAL_RUN_HOST": "run.ai"}, want: want{"queue": "https://queue.run.ai from FAL_RUN_HOST"}},
		{name: "upper case and a slash", env: env{"FAL_HOST": "HTTPS://API.Alpha.Fal.AI/"}, want: want{"host": "api.alpha.fal.ai from FAL_HOST"}},
		{name: "loopback is plaintext", env: env{"FAL_HOST": "127.0.0.1:7000"},
			want: want{"host": "plaintext 127.0.0.1:7000 from FAL_HOST", "rest": "http://127.0.0.1:7000 from FAL_HOST", "run": "http://127.0.0.1:7000 from FAL_HOST", "queue": "http://127.0.0.1:7000 from FAL_HOST"}},
		{name: "loopback by name", env: env{"FAL_HOST": "http://localhost:7000"}, want: want{"host": "plaintext localhost:7000 from FAL_HOST", "queue": "http://localhost:7000 from FAL_HOST"}},
		{name: "loopback IPv6", env: env{"FAL_HOST": "::1"}, want: want{"host": "plaintext [::1] from FAL_HOST", "address": "[::1]:80", "rest": "http://[::1] from FAL_HOST"}},
		{name: "loopback with TLS", env: env{"FAL_HOST": "https://localhost:7000"}, want: want{"host": "localhost:7000 from FAL_HOST", "rest": "https://localhost:7000 from FAL_HOST"}},
		{name: "a subdomain of localhost is no loopback", env: env{"FAL_HOST": "api.localhost:7000"}, want: want{"host": "api.localhost:7000 from FAL_HOST"}},
		{name: "a REST host of its own on this machine", env: env{"FAL_REST_HOST": "localhost:8080"}, want: want{"rest": "http://localhost:8080 from FAL_REST_HOST"}},
		{name: "test mode", env: env{"FAL_HOST": "controller:50051", "ISOLATE_TEST_MODE": "1"},
			want: want{"host": "plaintext controller:50051 from FAL_HOST", "rest": "http://controller:50051 from FAL_HOST"}},
		{name: "test mode with TLS", env: env{"FAL_HOST": "https://controller:50051", "ISOLATE_TEST_MODE": "1"}, want: want{"host": "controller:50051 from FAL_HOST"}},
		{name: "test mode leaves the built-in host alone", env: env{"ISOLATE_TEST_MODE": "1"}, want: want{"host": "api.alpha.fal.ai from default", "rest": "https://rest.alpha.fal.ai from default"}},
		{name: "a local host takes the place of the host", env: env{"FAL_PROFILE": "x"}, file: "[x]\nhost='wrong'\nlocal_host='localhost:9'\nkey='a:b'\n",
			want: want{"host": "plaintext localhost:9 from profile x (~/.fal/config.toml)"}},

		// Team, environment, the rest.
		{name: "team by flag", in: config.Inputs{Team: "flag"}, file: chosenDev + threeProfiles, want: want{"team": "flag from --team"}},
		{name: "team by file", file: chosenDev + threeProfiles, want: want{"team": "acme from " + ofFile}},
		{name: "environment by flag", in: config.Inputs{Environment: "main"}, env: env{"FAL_ENV": "staging"}, want: want{"environment": "main from --env"}},
		{name: "environment by variable", env: env{"FAL_ENV": "staging"}, want: want{"environment": "staging from FAL_ENV"}},
		{name: "switches", env: env{"ISOLATE_TEST_MODE": "on", "FAL_URL_OUTPUT": "none", "FAL_DEPLOY_CHECK": "1", "FAL_DONT_OPEN_LINKS": "1", "DEBUG": "1"}, file: "check_updates = false\n",
			want: want{"flags": "test=true noauth=false login=false updates=false urls=none check=true links=false debug=true"}},
		{name: "URL output in any case", env: env{"FAL_URL_OUTPUT": " PlayGround "},
			want: want{"flags": "test=false noauth=false login=false updates=true urls=playground check=false links=true debug=false", "notices": ""}},
		{name: "an unknown kind of URL output", env: env{"FAL_URL_OUTPUT": "some\x1b[31m"},
			want: want{"notices": "FAL_URL_OUTPUT=some?[31m is none of all, playground, none: all is used"}},

		// Who loses, and that it is said.
		{name: "--profile beats the variables", in: config.Inputs{Profile: "dev"}, env: env{"FAL_KEY": "a:b", "FAL_HOST": "127.0.0.1:7000"}, file: threeProfiles,
			want: want{"credentials": "key devid/devsecret from " + ofDev, "host": "api.dev.fal.ai from " + ofDev, "notices": "--profile dev: FAL_KEY and FAL_HOST are ignored"}},
		{name: "--profile without a host beats FAL_HOST", in: config.Inputs{Profile: "prod"}, env: env{"FAL_HOST": "127.0.0.1:7000"}, file: threeProfiles,
			want: want{"host": "api.alpha.fal.ai from default", "notices": "--profile prod: FAL_HOST is ignored"}},
		{name: "--profile beats what fal local env exports", in: config.Inputs{Profile: "dev"}, file: threeProfiles,
			env: env{"FAL_KEY": "a:b", "FAL_HOST": "127.0.0.1:7000", "FAL_REST_HOST": "127.0.0.1:7000", "FAL_RUN_HOST": "127.0.0.1:1", "FAL_QUEUE_RUN_HOST": "127.0.0.1:2", "ISOLATE_TEST_MODE": "1"},
			want: want{"host": "api.dev.fal.ai from " + ofDev, "rest": "https://rest.dev.fal.ai from " + ofDev, "queue": "https://queue.dev.fal.run from " + ofDev,
				"notices": "--profile dev: FAL_KEY, FAL_HOST, FAL_REST_HOST, FAL_RUN_HOST, FAL_QUEUE_RUN_HOST and ISOLATE_TEST_MODE are ignored"}},
		{name: "--profile and variables that agree", in: config.Inputs{Profile: "local"}, env: env{"FAL_KEY": "locid:locsecret", "FAL_HOST": "http://127.0.0.1:7000", "ISOLATE_TEST_MODE": "1"}, file: threeProfiles,
			want: want{"credentials": "key locid/locsecret from " + ofLocal, "notices": ""}},
		{name: "--profile beats the forced login", in: config.Inputs{Profile: "dev"}, env: env{"FAL_FORCE_AUTH_BY_USER": "1"}, file: threeProfiles, login: true,
			want: want{"credentials": "key devid/devsecret from " + ofDev, "notices": "--profile dev: FAL_FORCE_AUTH_BY_USER is ignored"}},
		{name: "--profile without a key takes no key from variables", in: config.Inputs{Profile: "bare"}, env: env{"FAL_KEY": "a:b"}, file: threeProfiles,
			want: want{"credentials": "none", "notices": "--profile bare: FAL_KEY is ignored"}},
		{name: "--profile without a key takes no halves", in: config.Inputs{Profile: "bare"}, env: env{"FAL_KEY_ID": "x", "FAL_KEY_SECRET": "y"}, file: threeProfiles, login: true,
			want: want{"credentials": ofLogin, "notices": "--profile bare: FAL_KEY_ID and FAL_KEY_SECRET are ignored\nprofile bare has no key: the login is used"}},
		{name: "--profile passes over a malformed key", in: config.Inputs{Profile: "dev"}, env: env{"FAL_KEY": "rubbish", "FAL_HOST": "also rubbish"}, file: threeProfiles,
			want: want{"notices": "--profile dev: FAL_KEY and FAL_HOST are ignored"}},
		{name: "--profile and --host", in: config.Inputs{Profile: "dev", Host: "api.flag.ai"}, env: env{"FAL_HOST": "api.h.ai", "FAL_REST_HOST": "r.ai"}, file: threeProfiles,
			want: want{"host": "api.flag.ai from --host", "rest": "https://rest.flag.ai from --host", "notices": "--profile dev: FAL_REST_HOST is ignored"}},
		{name: "--profile with an https host in test mode", in: config.Inputs{Profile: "x"}, env: env{"ISOLATE_TEST_MODE": "1"}, file: "[x]\nkey='a:b'\nhost='https://api.x.ai'\n",
			want: want{"host": "api.x.ai from profile x (~/.fal/config.toml)", "notices": ""}},
		{name: "--profile with an http host in test mode", in: config.Inputs{Profile: "x"}, env: env{"ISOLATE_TEST_MODE": "1"}, file: "[x]\nkey='a:b'\nhost='http://api.x.ai'\n",
			want: want{"host": "plaintext api.x.ai from profile x (~/.fal/config.toml)", "notices": ""}},
		{name: "FAL_PROFILE does not beat the variables", env: env{"FAL_PROFILE": "dev", "FAL_KEY": "a:b", "FAL_HOST": "api.h.ai"}, file: threeProfiles,
			want: want{"credentials": "key a/b from FAL_KEY", "host": "api.h.ai from FAL_HOST",
				"notices": "FAL_PROFILE dev: its key is not used, since FAL_KEY is set\nFAL_PROFILE dev: its host is not used, since FAL_HOST is set"}},
		{name: "FAL_PROFILE and variables that agree", env: env{"FAL_PROFILE": "local", "FAL_KEY": "locid:locsecret", "FAL_HOST": "127.0.0.1:7000"}, file: threeProfiles,
			want: want{"notices": ""}},
		{name: "a key from a variable at the default profile's own control plane", env: env{"FAL_KEY": "a:b"}, file: chosenLocal + threeProfiles,
			want: want{"credentials": "key a/b from FAL_KEY", "host": "plaintext 127.0.0.1:7000 from " + ofLocal,
				"notices": "the key from FAL_KEY is used with the host of profile local (127.0.0.1:7000); --profile local uses its own key"}},
		{name: "the login is not sent to a local control plane", in: config.Inputs{Profile: "x"}, file: "[x]\nlocal_host='127.0.0.1:7000'\n", login: true,
			want: want{"credentials": "none"}},
		{name: "the login is sent to a local control plane when forced", in: config.Inputs{Profile: "x"}, env: env{"FAL_FORCE_AUTH_BY_USER": "1"}, file: "[x]\nlocal_host='127.0.0.1:7000'\n", login: true,
			want: want{"credentials": ofLogin}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.in.HomeDir = home(t, tt.file, tt.login)
			tt.in.Getenv = getenv(tt.env)
			c, err := config.Resolve(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			all, got := parts(c), want{}
			for k := range tt.want {
				got[k] = filepath.ToSlash(all[k])
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}

func TestResolveErrors(t *testing.T) {
	for _, tt := range []struct {
		name    string
		in      config.Inputs
		env     env
		file    string
		code    config.Code
		message string
		hints   string
	}{
		{name: "unknown profile", in: config.Inputs{Profile: "dve"}, file: threeProfiles, code: config.UnknownProfile,
			message: `unknown profile "dve"`, hints: "did you mean dev?\nprofiles in ~/.fal/config.toml: bare, dev, local, prod"},
		{name: "unknown profile by variable", env: env{"FAL_PROFILE": "nothing-like-it", "FAL_KEY": "a:b"}, file: threeProfiles, code: config.UnknownProfile,
			message: `unknown profile "nothing-like-it" (from FAL_PROFILE)`, hints: "profiles in ~/.fal/config.toml: bare, dev, local, prod"},
		{name: "no profile at all", in: config.Inputs{Profile: "dev"}, code: config.UnknownProfile,
			message: `unknown profile "dev"`, hints: "~/.fal/config.toml has no profile"},
		{name: "a setting is no profile", in: config.Inputs{Profile: "check_updates"}, file: "check_updates = true\n", code: config.UnknownProfile, message: `unknown profile "check_updates"`},
		{name: "the internal table is no profile", in: config.Inputs{Profile: "__internal__"}, file: chosenDev, code: config.UnknownProfile, message: `unknown profile "__internal__"`},
		{name: "a profile's name cannot drive the terminal", in: config.Inputs{Profile: "\x1b[31m"}, code: config.UnknownProfile, message: `unknown profile "\x1b[31m"`},

		{name: "key of the wrong type", in: config.Inputs{Profile: "x"}, file: "[x]\nkey = 12345\n", code: config.BadValue, message: "~/.fal/config.toml: key of profile x must be a string, in quotes"},
		{name: "host of the wrong type", in: config.Inputs{Profile: "x"}, file: "[x]\nhost = []\n", code: config.BadValue, message: "~/.fal/config.toml: host of profile x must be a string, in quotes"},
		{name: "default profile of the wrong type", file: "[__internal__]\nprofile = 1\n", code: config.BadValue, message: "~/.fal/config.toml: __internal__.profile must be a string, in quotes"},
		{name: "team of the wrong type", file: "[__internal__]\nteam = 1\n", code: config.BadValue, message: "~/.fal/config.toml: __internal__.team must be a string, in quotes"},
		{name: "internal table of the wrong type", file: "__internal__ = 1\n", code: config.BadValue, message: "~/.fal/config.toml: __internal__ must be a table"},

		{name: "host must begin with api", env: env{"FAL_HOST": "rest.fal.ai"}, code: config.BadHost, message: "bad host from FAL_HOST: rest.fal.ai does not begin with api"},
		{name: "profile's host must begin with api", in: config.Inputs{Profile: "x"}, file: "[x]\nhost='grpc.corp'\n", code: config.BadHost,
			message: "bad host from profile x (~/.fal/config.toml): grpc.corp does not begin with api", hints: "a control plane of your own goes under local_host in the profile"},
		{name: "plaintext elsewhere", env: env{"FAL_HOST": "http://api.fal.ai:80"}, code: config.BadHost,
			message: "bad host from FAL_HOST: plaintext http is for this machine only, not for api.fal.ai", hints: "write https://api.fal.ai:80"},
		{name: "plaintext REST elsewhere", env: env{"FAL_REST_HOST": "http://rest.fal.ai"}, code: config.BadHost, message: "bad host from FAL_REST_HOST: plaintext http is for this machine only, not for rest.fal.ai"},
		{name: "local host in plaintext elsewhere", in: config.Inputs{Profile: "x"}, file: "[x]\nlocal_host='http://10.0.0.1:7000'\n", code: config.BadHost, message: "plaintext http is for this machine only"},
		{name: "bad host by flag", in: config.Inputs{Host: "a b"}, code: config.BadHost, message: "bad host from --host: it contains white space or characters outside ASCII", hints: "a host reads host[:port], for example api.alpha.fal.ai"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.in.HomeDir = home(t, tt.file, true)
			tt.in.Getenv = getenv(tt.env)
			_, err := config.Resolve(tt.in)
			e := asError(t, err, tt.code)
			if got := filepath.ToSlash(e.Error()); !strings.Contains(got, tt.message) {
				t.Errorf("message %q, want %q in it", got, tt.message)
			}
			if got := filepath.ToSlash(strings.Join(e.Hints(), "\n")); tt.hints != "" && got != tt.hints {
				t.Errorf("hints %q, want %q", got, tt.hints)
			}
		})
	}
}

func asError(t *testing.T, err error, code config.Code) *config.Error {
	t.Helper()
	var e *config.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v (%T), want a *config.Error", err, err)
	}
	if e.Code != code || e.ErrorCode() != string(code) {
		t.Fatalf("code %q, want %q: %v", e.Code, code, err)
	}
	wantExit := 2
	switch code {
	case config.Unwritable, config.Busy, config.Conflict:
		wantExit = 1
	}
	if e.ExitCode() != wantExit {
		t.Errorf("exit code %d, want %d", e.ExitCode(), wantExit)
	}
	return e
}

// Of names that differ in case alone, the one written as it was typed is meant.
func TestNearestInCase(t *testing.T) {
	for typed, want := range map[string]string{"cii": "ci", "CII": "CI", "Ci": "CI", "prdo": "prod"} {
		dir := home(t, "[CI]\n[ci]\n[prod]\n", true)
		_, err := config.Resolve(config.Inputs{Profile: typed, HomeDir: dir, Getenv: getenv(nil)})
		e := asError(t, err, config.UnknownProfile)
		if got := e.Hints()[0]; got != "did you mean "+want+"?" {
			t.Errorf("%s: %s", typed, got)
		}
		if lines := e.ErrorLines(); len(lines) != 1 || lines[0] != e.Error() {
			t.Errorf("lines %q", lines)
		}
	}
}

func TestMalformedHosts(t *testing.T) {
	for _, host := range []string{
		"", "http://", "ftp://api.fal.ai", "api.fal.ai/path", "api.fal.ai?q", "api.fal.ai#f", `api\x`, "user:topsecret@api.fal.ai",
		"api.fal.ai:", "api.fal.ai:0", "api.fal.ai:65536", "api.fal.ai:+80", "api.fal.ai:http", "api..fal", "-api.fal", "api.fal-", ".api",
		"api fal", "api.fal.ai\n", "апи.fal", "[::1", "[::1]x", "[::1]:", "[localhost]:80", "a:b:c", "256.1.1.1", "127.1", "fe80::1%eth0",
		strings.Repeat("a.", 127) + "ab", strings.Repeat("a", 64) + ".ai", "api.0b5f:topsecret",
	} {
		t.Run(host, func(t *testing.T) {
			in := config.Inputs{HomeDir: t.TempDir(), Getenv: getenv(env{"ISOLATE_TEST_MODE": "1"}), Host: host}
			if host == "" {
				in.Host = "https:///"
			}
			_, err := config.Resolve(in)
			e := asError(t, err, config.BadHost)
			if strings.Contains(e.Error()+strings.Join(e.Hints(), ""), "topsecret") {
				t.Errorf("the value is repeated: %v", e)
			}
		})
	}
}

func TestTruthy(t *testing.T) {
	for value, on := range map[string]bool{
		"": false, "0": false, "false": false, "FALSE": false, "False": false,
		"1": true, "true": true, "no": true, "off": true, " ": true, "00": true,
	} {
		c, err := config.Resolve(config.Inputs{HomeDir: t.TempDir(), Getenv: getenv(env{"DEBUG": value})})
		if err != nil {
			t.Fatal(err)
		}
		if c.Debug != on {
			t.Errorf("%q counts as %t", value, c.Debug)
		}
	}
}

func TestLocations(t *testing.T) {
	dir := t.TempDir()
	elsewhere := t.TempDir()
	write(t, filepath.Join(elsewhere, "my.toml"), threeProfiles)
	write(t, filepath.Join(elsewhere, "auth0_token"), "refresh")
	in := config.Inputs{HomeDir: dir, Profile: "bare", Getenv: getenv(env{
		"FAL_CONFIG_PATH": filepath.Join(elsewhere, "my.toml"),
		"FAL_HOME_DIR":    elsewhere,
	})}
	c, err := config.Resolve(in)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.TokenPath, filepath.Join(elsewhere, "auth0_token"); got != want {
		t.Errorf("token at %s, want %s", got, want)
	}
	if c.Path.Origin.String() != "FAL_CONFIG_PATH" || c.LoginDir.Origin.String() != "FAL_HOME_DIR" {
		t.Errorf("origins %s, %s", c.Path.Origin, c.LoginDir.Origin)
	}
	if c.Credentials.Kind != config.CredentialsLogin {
		t.Errorf("credentials %s, want login", c.Credentials.Kind)
	}

	in.Getenv = getenv(env{"FAL_CONFIG_PATH": "~/x/c.toml", "FAL_HOME_DIR": "~/y"})
	l := config.Locate(in)
	if l.Config.Value != filepath.Join(dir, "x", "c.toml") || l.LoginDir.Value != filepath.Join(dir, "y") {
		t.Errorf("~ is not the home folder: %s, %s", l.Config.Value, l.LoginDir.Value)
	}

	// A file that repairs need is found, whatever else is wrong.
	in.Getenv = getenv(env{"FAL_KEY": "rubbish"})
	if got := config.Locate(in).Config.Value; got != filepath.Join(dir, ".fal", "config.toml") {
		t.Errorf("configuration at %s", got)
	}
}

func TestNoHomeFolder(t *testing.T) {
	for _, name := range []string{"HOME", "USERPROFILE", "home"} {
		t.Setenv(name, "")
	}
	c, err := config.Resolve(config.Inputs{Getenv: getenv(env{"FAL_KEY": "a:b"})})
	if err != nil {
		t.Fatal(err)
	}
	if c.Credentials.KeyID != "a" || c.Path.Value != "" || c.TokenPath != "" {
		t.Errorf("got %+v", c)
	}
	_, err = config.Resolve(config.Inputs{Profile: "dev", Getenv: getenv(nil)})
	asError(t, err, config.UnknownProfile)
	asError(t, config.Update("", func(*config.File) error { return nil }), config.Unwritable)
}

func TestUnreadable(t *testing.T) {
	t.Run("a folder in the file's place", func(t *testing.T) {
		dir := home(t, "", false)
		if err := os.Mkdir(filepath.Join(dir, ".fal", "config.toml"), 0o700); err != nil {
			t.Fatal(err)
		}
		_, err := config.Resolve(config.Inputs{HomeDir: dir, Getenv: getenv(nil)})
		e := asError(t, err, config.Unreadable)
		if !strings.Contains(e.Error(), "config.toml: ") {
			t.Error(e)
		}
	})
	t.Run("too large", func(t *testing.T) {
		dir := home(t, "#"+strings.Repeat("x", 4<<20), false)
		_, err := config.Resolve(config.Inputs{HomeDir: dir, Getenv: getenv(nil)})
		asError(t, err, config.Unreadable)
	})
	t.Run("a folder in the token's place", func(t *testing.T) {
		dir := home(t, "", false)
		if err := os.Mkdir(filepath.Join(dir, ".fal", "auth0_token"), 0o700); err != nil {
			t.Fatal(err)
		}
		_, err := config.Resolve(config.Inputs{HomeDir: dir, Getenv: getenv(nil)})
		asError(t, err, config.Unreadable)
	})
}
