package view

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

func viewSecrets() []Secret {
	yes, no := true, false
	now := time.Date(2026, 11, 21, 18, 30, 0, 0, time.UTC)
	var rows []Secret
	for _, s := range []fal.Secret{
		{Name: "STRIPE_KEY", Environment: "staging", CreatedAt: now.Add(-26 * time.Hour), DefaultExposed: &no},
		{Name: "DB_URL", Environment: "", CreatedAt: now.Add(-41*time.Second + 678901*time.Microsecond), DefaultExposed: &yes},
		{Name: "bad\x1b[31m", Environment: "main"},
	} {
		rows = append(rows, NewSecret(s, now))
	}
	return rows
}

// What scripts and people see of secrets, in every format.
func TestSecretsGolden(t *testing.T) {
	for _, format := range output.Formats() {
		for _, terminal := range []bool{false, true} {
			name := "secrets." + string(format)
			if terminal {
				name += ".terminal"
			}
			t.Run(name, func(t *testing.T) {
				streams, _, out, errout := iostreams.Test()
				streams.SetTerminal(terminal, terminal, terminal)
				streams.SetWidth(120)
				p := output.New(streams, output.Options{Format: format, Explicit: true})
				if err := output.List(t.Context(), p, Secrets(), viewSecrets()); err != nil {
					t.Fatal(err)
				}
				golden(t, name, append(out.Bytes(), errout.Bytes()...))
			})
		}
	}
}

func TestSecretActionsGolden(t *testing.T) {
	why := "not allowed"
	actions := []SecretAction{
		{Name: "B", Environment: "staging", Action: "set", Result: "done"},
		{Name: "A", Environment: "staging", Action: "set", Result: "failed", Error: &why},
		{Name: "C", Environment: "staging", Action: "set", Result: "skipped"},
	}
	for _, format := range []output.Format{output.JSON, output.TSV, output.Name} {
		name := "secret_actions." + string(format)
		t.Run(name, func(t *testing.T) {
			streams, _, out, _ := iostreams.Test()
			p := output.New(streams, output.Options{Format: format, Explicit: true})
			if err := output.List(t.Context(), p, SecretActions(), actions); err != nil {
				t.Fatal(err)
			}
			golden(t, name, out.Bytes())
		})
	}
}

func TestSecretsSort(t *testing.T) {
	for key, want := range map[string][]string{
		"":             {"DB_URL", "STRIPE_KEY", "bad\x1b[31m"},
		"name:desc":    {"bad\x1b[31m", "STRIPE_KEY", "DB_URL"},
		"created":      {"bad\x1b[31m", "STRIPE_KEY", "DB_URL"},
		"age":          {"DB_URL", "STRIPE_KEY", "bad\x1b[31m"},
		"exposed":      {"DB_URL", "STRIPE_KEY", "bad\x1b[31m"},
		"exposed:desc": {"bad\x1b[31m", "STRIPE_KEY", "DB_URL"},
	} {
		compare, err := output.ParseSort(Secrets(), key)
		if err != nil {
			t.Fatal(err)
		}
		rows := viewSecrets()
		slices.SortFunc(rows, compare)
		var names []string
		for _, s := range rows {
			names = append(names, s.Name)
		}
		if !slices.Equal(names, want) {
			t.Errorf("%s: %q, want %q", key, names, want)
		}
	}
}

// The keys and types of the official client.
func TestSecretJSON(t *testing.T) {
	text, err := json.Marshal(SecretList{viewSecrets()[1:]})
	const want = `{"secrets":[{"name":"DB_URL","environment":"","created_at":"2026-11-21 18:29:19.678901+00:00","default_exposed":true},` +
		`{"name":"bad\u001b[31m","environment":"main","created_at":"","default_exposed":null}]}`
	if err != nil || string(text) != want {
		t.Errorf("%v: %s", err, text)
	}
	if strings.Contains(string(text), "value") {
		t.Error("there is a value")
	}
}
