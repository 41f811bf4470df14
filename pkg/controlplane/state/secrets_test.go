package state

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// plain is a vault that anybody can look into.
type plain struct{}

var errPlain = errors.New("sealed for another place")

func (plain) Seal(value string, place ...string) []byte {
	return []byte(strings.Join(place, "/") + "\n" + value)
}

func (plain) Unseal(sealed []byte, place ...string) (string, error) {
	value, ok := strings.CutPrefix(string(sealed), strings.Join(place, "/")+"\n")
	if !ok {
		return "", errPlain
	}
	return value, nil
}

// variables returns what a runner gets of the secrets of an environment.
func (w *world) variables(environment string, allowed []string) (variables, missing string) {
	w.t.Helper()
	app := *w.app
	app.Environment, app.Rev.Secrets = environment, allowed
	got, absent, err := w.RunnerSecrets(&app)
	w.do(err)
	return strings.Join(got, " "), strings.Join(absent, " ")
}

func TestSecrets(t *testing.T) {
	w := newWorld(t, Options{Vault: plain{}})
	ctx := t.Context()
	if _, err := w.CreateEnvironment(ctx, w.caller, "dev", ""); err != nil {
		t.Fatal(err)
	}
	first := w.clock.Now().Truncate(time.Microsecond)
	w.do(w.SetSecret(ctx, w.caller, "", "B", "1", nil))
	w.do(w.SetSecret(ctx, w.caller, "main", "A_2", "2", new(false)))
	w.do(w.SetSecret(ctx, w.caller, "dev", "B", "3", new(true)))
	w.do(w.SetSecret(ctx, w.stranger(), "main", "B", "4", nil))
	w.clock.advance(time.Hour)
	check := func(when string) {
		t.Helper()
		for environment, want := range map[string][]Secret{
			"":     {{"A_2", "main", new(false), first}, {"B", "main", nil, first}},
			"main": {{"A_2", "main", new(false), first}, {"B", "main", nil, first}},
			"dev":  {{"B", "dev", new(true), first}},
		} {
			got, err := w.Secrets(w.caller, environment)
			if err != nil || !slices.EqualFunc(got, want, sameSecret) {
				t.Errorf("%s: secrets of %q: %s, %v", when, environment, describeSecrets(got), err)
			}
		}
	}
	check("at first")
	w.do(w.SetSecret(ctx, w.caller, "", "A_2", "two", nil)) // stays hidden
	w.do(w.SetSecret(ctx, w.caller, "", "B", "", nil))      // empty is a value
	check("set again")
	if got, _ := w.variables("main", []string{"A_2", "B"}); got != "A_2=two B=" {
		t.Errorf("values %s", got)
	}
	w.reopen(Options{Vault: plain{}})
	check("after a restart")
	if got, _ := w.variables("main", []string{"A_2", "B"}); got != "A_2=two B=" {
		t.Errorf("values after a restart %s", got)
	}
	w.do(w.SetSecret(ctx, w.caller, "", "B", "b", new(false)))
	if got, err := w.Secrets(w.caller, ""); err != nil || got[1].DefaultExposed == nil || *got[1].DefaultExposed || !got[1].CreatedAt.Equal(first) {
		t.Errorf("hidden later: %s, %v", describeSecrets(got), err)
	}
	w.do(w.DeleteSecret(ctx, w.caller, "", "B"))
	fails(t, "deleting it again", w.DeleteSecret(ctx, w.caller, "main", "B"), NotFound, "B", "main")
	w.clock.advance(time.Second)
	w.do(w.SetSecret(ctx, w.caller, "", "B", "anew", nil))
	if got, err := w.Secrets(w.caller, ""); err != nil || got[1].DefaultExposed != nil || !got[1].CreatedAt.After(first) {
		t.Errorf("made anew: %s, %v", describeSecrets(got), err)
	}
	for what, err := range map[string]error{
		"set":    w.SetSecret(ctx, w.caller, "prod", "A", "v", nil),
		"delete": w.DeleteSecret(ctx, w.caller, "prod", "A"),
	} {
		fails(t, what+" where there is no environment", err, NotFound, "prod")
	}
}

func sameSecret(a, b Secret) bool {
	return a.Name == b.Name && a.Environment == b.Environment && a.CreatedAt.Equal(b.CreatedAt) &&
		(a.DefaultExposed == nil) == (b.DefaultExposed == nil) && (a.DefaultExposed == nil || *a.DefaultExposed == *b.DefaultExposed)
}

func describeSecrets(list []Secret) string {
	var b strings.Builder
	for _, s := range list {
		shown := "unsaid"
		if s.DefaultExposed != nil {
			shown = fmt.Sprint(*s.DefaultExposed)
		}
		fmt.Fprintf(&b, "[%s in %s, exposed %s, of %s]", s.Name, s.Environment, shown, s.CreatedAt)
	}
	return b.String()
}

func TestSecretLimits(t *testing.T) {
	w := newWorld(t, Options{Vault: plain{}})
	set := func(name, value string) error {
		return w.SetSecret(t.Context(), w.caller, "", name, value, nil)
	}
	for _, name := range []string{"", "1A", "A-B", "A B", "A=B", "Ä", "A\n", ".A", strings.Repeat("A", 256), strings.Repeat("A", 3000), "PORT", "FAL_RUNNER_ID", "PATH", "Path", "LD_PRELOAD", "LD_LIBRARY_PATH", "DYLD_INSERT_LIBRARIES"} {
		err := set(name, "canary")
		fails(t, fmt.Sprintf("%.20q", name), err, Invalid)
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("the value is in %q", err)
		}
	}
	for _, name := range []string{"_", "a", "FAL_KEY", "Mixed_Case_9", strings.Repeat("A", 255)} {
		if err := set(name, "v"); err != nil {
			t.Errorf("%.20q: %v", name, err)
		}
	}
	for what, value := range map[string]string{"NUL": "canary\x00", "32000": strings.Repeat("canary", 6000)} {
		err := set("A", value)
		fails(t, what, err, Invalid, "A", what)
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("the value is in %q", err)
		}
	}
	if err := set("A", strings.Repeat("v", 32000)); err != nil {
		t.Errorf("the longest value: %v", err)
	}
	var err error
	n := 0
	for ; err == nil && n < 100; n++ {
		err = set(fmt.Sprintf("BIG%d", n), strings.Repeat("v", 32000))
	}
	fails(t, "one too many", err, Invalid, fmt.Sprintf("BIG%d", n-1), "main", "512 KiB")
	if n != 16 {
		t.Errorf("refused after %d big secrets beside the first", n-1)
	}
	if err := set("BIG0", strings.Repeat("w", 32000)); err != nil {
		t.Errorf("replacing one when it is full: %v", err)
	}
}

func TestWhichSecretsRunnersGet(t *testing.T) {
	w := newWorld(t, Options{Vault: plain{}})
	ctx := t.Context()
	if _, err := w.CreateEnvironment(ctx, w.caller, "dev", ""); err != nil {
		t.Fatal(err)
	}
	w.do(w.SetSecret(ctx, w.caller, "", "UNSAID", "1", nil))
	w.do(w.SetSecret(ctx, w.caller, "", "SHOWN", "2", new(true)))
	w.do(w.SetSecret(ctx, w.caller, "", "HIDDEN", "3", new(false)))
	w.do(w.SetSecret(ctx, w.caller, "dev", "OTHER", "4=5\n", nil))
	for _, test := range []struct {
		environment   string
		allowed       []string
		want, missing string
	}{
		{"main", nil, "SHOWN=2 UNSAID=1", ""},
		{"main", []string{}, "", ""},
		{"main", []string{"HIDDEN"}, "HIDDEN=3", ""},
		{"main", []string{"UNSAID", "NONE", "HIDDEN", "OTHER"}, "HIDDEN=3 UNSAID=1", "NONE OTHER"},
		{"dev", nil, "OTHER=4=5\n", ""},
		{"dev", []string{"SHOWN"}, "", "SHOWN"},
	} {
		if got, missing := w.variables(test.environment, test.allowed); got != test.want || missing != test.missing {
			t.Errorf("in %s with %q: %q, missing %q", test.environment, test.allowed, got, missing)
		}
	}
}

func TestSecretsThatCannotBeReadAreNotPassedOver(t *testing.T) {
	w := newWorld(t, Options{Vault: plain{}})
	w.do(w.SetSecret(t.Context(), w.caller, "", "A", "canary", nil))
	if _, err := Open(t.Context(), w.db, Options{Vault: rotten{}}); !errors.Is(err, errPlain) || !strings.Contains(err.Error(), "secret A of environment main") {
		t.Errorf("with a vault that cannot read it: %v", err)
	}
	if _, err := Open(t.Context(), w.db, Options{}); err == nil || !strings.Contains(err.Error(), "vault") {
		t.Errorf("without a vault: %v", err)
	}
	other := newWorld(t, Options{})
	fails(t, "set without a vault", other.SetSecret(t.Context(), other.caller, "", "A", "v", nil), Conflict, "vault")
}

type rotten struct{ plain }

func (rotten) Unseal([]byte, ...string) (string, error) { return "", errPlain }
