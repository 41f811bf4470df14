package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/pkg/config"
)

// TestMalformedKeys holds every malformed key of every source against the
// promise that neither half of it is printed.
func TestMalformedKeys(t *testing.T) {
	const id, secret = "KEYIDENT", "TOPSECRET"
	for name, key := range map[string]string{
		"no colon":         id + secret,
		"empty id":         ":" + secret,
		"empty secret":     id + ":",
		"only a colon":     ":",
		"space inside":     id + ": " + secret,
		"newline at end":   id + ":" + secret + "\n",
		"newline inside":   id + ":" + "\n" + secret,
		"tab":              id + "\t:" + secret,
		"carriage return":  id + ":" + secret + "\r",
		"space before":     " " + id + ":" + secret,
		"quotes around":    `"` + id + ":" + secret + `"`,
		"single quotes":    "'" + id + ":" + secret + "'",
		"control byte":     id + ":" + secret + "\x00",
		"not ASCII":        id + ":" + secret + "é",
		"not UTF-8":        id + ":" + secret + "\xff",
		"only white space": "  ",
	} {
		profile := fmt.Sprintf("[p]\nkey = %s\n", tomlString(key))
		for source, in := range map[string]struct {
			inputs config.Inputs
			env    env
			from   string
		}{
			"flag":     {inputs: config.Inputs{Key: key}, from: "--key"},
			"variable": {env: env{"FAL_KEY": key}, from: "FAL_KEY"},
			"profile":  {inputs: config.Inputs{Profile: "p"}, from: "profile p (~/.fal/config.toml)"},
		} {
			if source == "profile" && name == "not UTF-8" {
				continue // no TOML: see TestSyntaxErrors
			}
			t.Run(name+" by "+source, func(t *testing.T) {
				dir := home(t, "", true)
				if source == "profile" {
					dir = home(t, profile, true)
				}
				in := in.inputs
				in.HomeDir, in.Getenv = dir, getenv(nil)
				if source == "variable" {
					in.Getenv = getenv(env{"FAL_KEY": key})
				}
				_, err := config.Resolve(in)
				e := asError(t, err, config.MalformedKey)
				checkKeyError(t, e, id, secret)
			})
		}
	}
}

func TestHalvesOfKeys(t *testing.T) {
	const id, secret = "KEYIDENT", "TOPSECRET"
	for name, e := range map[string]env{
		"no secret":      {"FAL_KEY_ID": id},
		"no id":          {"FAL_KEY_SECRET": secret},
		"colon in id":    {"FAL_KEY_ID": id + ":x", "FAL_KEY_SECRET": secret},
		"space in id":    {"FAL_KEY_ID": id + " ", "FAL_KEY_SECRET": secret},
		"line in secret": {"FAL_KEY_ID": id, "FAL_KEY_SECRET": secret + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.Resolve(config.Inputs{HomeDir: home(t, "", true), Getenv: getenv(e)})
			checkKeyError(t, asError(t, err, config.MalformedKey), id, secret)
		})
	}
}

func checkKeyError(t *testing.T, e *config.Error, parts ...string) {
	t.Helper()
	all := fmt.Sprintf("%v %+v %#v %s %q", e, e, *e, strings.Join(e.Hints(), "\n"), e.Unwrap())
	for _, part := range parts {
		for n := len(part); n >= 4; n-- { // no piece of it either
			if strings.Contains(all, part[:n]) {
				t.Fatalf("%q is in the error: %s", part[:n], all)
			}
		}
	}
	if strings.Count(e.Error(), "malformed key") != 1 || strings.Contains(e.Error(), "\n") {
		t.Errorf("message %q", e.Error())
	}
	if !strings.Contains(strings.Join(e.Hints(), "\n"), "<id>:<secret>") {
		t.Errorf("hints %q", e.Hints())
	}
}

func TestMalformedKeyNamesItsSource(t *testing.T) {
	for _, tt := range []struct {
		in   config.Inputs
		env  env
		want string
	}{
		{env: env{"FAL_KEY": "x"}, want: "malformed key from FAL_KEY: it has no ':' between id and secret"},
		{env: env{"FAL_KEY": ":x"}, want: "malformed key from FAL_KEY: the id before ':' is empty"},
		{env: env{"FAL_KEY": "x:"}, want: "malformed key from FAL_KEY: the secret after ':' is empty"},
		{env: env{"FAL_KEY": "a:b\n"}, want: "malformed key from FAL_KEY: it contains white space"},
		{env: env{"FAL_KEY": `"a:b"`}, want: "malformed key from FAL_KEY: it has quotation marks around it"},
		{env: env{"FAL_KEY": "a:bé"}, want: "malformed key from FAL_KEY: it contains a character that is not printable ASCII"},
		{env: env{"FAL_KEY_ID": "x"}, want: "malformed key from FAL_KEY_ID: FAL_KEY_SECRET is not set"},
		{env: env{"FAL_KEY_SECRET": "x"}, want: "malformed key from FAL_KEY_SECRET: FAL_KEY_ID is not set"},
		{in: config.Inputs{Profile: "bad"}, want: "malformed key from profile bad (~/.fal/config.toml): it has no ':' between id and secret"},
		{in: config.Inputs{Key: "x"}, want: "malformed key from --key: it has no ':' between id and secret"},
	} {
		tt.in.HomeDir = home(t, "[bad]\nkey = 'x'\n", false)
		tt.in.Getenv = getenv(tt.env)
		_, err := config.Resolve(tt.in)
		if err == nil {
			t.Errorf("no error, want %q", tt.want)
			continue
		}
		if got := strings.ReplaceAll(err.Error(), `\`, "/"); got != tt.want {
			t.Errorf("got  %q\nwant %q", got, tt.want)
		}
	}
}

// tomlString writes any valid UTF-8 as a TOML string, on its own, so that a
// mistake in the package's encoder cannot hide.
func tomlString(s string) string {
	var b strings.Builder
	for _, r := range s {
		fmt.Fprintf(&b, `\U%08X`, r)
	}
	return `"` + b.String() + `"`
}
