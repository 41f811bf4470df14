package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/pelletier/go-toml/v2"

	"github.com/fal-plugins/fal/pkg/config"
)

const secretText = "s3cr3t-7f1c"

func TestSecretNeverPrints(t *testing.T) {
	secret := config.NewSecret(secretText)
	type holder struct {
		Exported config.Secret
		hidden   config.Secret
		inner    struct{ deep config.Secret }
	}
	h := holder{Exported: secret, hidden: secret}
	h.inner.deep = secret
	c, err := config.Resolve(config.Inputs{HomeDir: t.TempDir(), Getenv: getenv(env{"FAL_KEY": "id:" + secretText})})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{secret, &secret, h, &h, []config.Secret{secret}, map[string]config.Secret{"a": secret}, *c, c, c.Credentials} {
		for verb := 'A'; verb <= 'z'; verb++ {
			for _, flags := range []string{"", "+", "#", " ", "0", "-", "10"} {
				if s := fmt.Sprintf("%"+flags+string(verb), v); leaks(s) {
					t.Errorf("%%%s%c of %T gives %s", flags, verb, v, s)
				}
			}
		}
		if s := fmt.Sprint(v) + fmt.Sprintln(v); leaks(s) {
			t.Errorf("Print of %T gives %s", v, s)
		}
		for name, marshal := range map[string]func(any) ([]byte, error){
			"JSON": json.Marshal,
			"YAML": yaml.Marshal,
			"TOML": func(v any) ([]byte, error) { return toml.Marshal(map[string]any{"v": v}) },
		} {
			if out, err := marshal(v); leaks(string(out)) || err != nil && leaks(err.Error()) {
				t.Errorf("%s of %T gives %s, %v", name, v, out, err)
			}
		}
		var logged bytes.Buffer
		slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "v", v)
		if leaks(logged.String()) {
			t.Errorf("slog of %T gives %s", v, logged.String())
		}
	}
	if secret.Reveal() != secretText || secret.String() != "[secret]" || secret.IsEmpty() {
		t.Errorf("reveal %q, string %q", secret.Reveal(), secret)
	}
	var none config.Secret
	if none.Reveal() != "" || none.String() != "" || !none.IsEmpty() || !config.NewSecret("").IsEmpty() {
		t.Error("the zero value is not the empty secret")
	}
}

// leaks looks for the secret as it is and in hexadecimal, which %x gives.
func leaks(s string) bool {
	return strings.Contains(s, secretText) || strings.Contains(strings.ToLower(s), fmt.Sprintf("%x", secretText))
}
