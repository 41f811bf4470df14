package state

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// fails checks the kind of an error and what its text names.
func fails(t *testing.T, what string, err error, kind Kind, texts ...string) {
	t.Helper()
	var failure *Error
	if !errors.As(err, &failure) || failure.Kind != kind {
		t.Errorf("%s: %v, want an error of kind %d", what, err, kind)
		return
	}
	for _, text := range texts {
		if !strings.Contains(failure.Message, text) {
			t.Errorf("%s: %q does not name %q", what, failure.Message, text)
		}
	}
}

func (w *world) environmentNames(caller Caller) string {
	w.t.Helper()
	list := w.Environments(caller)
	names := make([]string, len(list))
	for i, e := range list {
		names[i] = e.Name
		if e.Default != (i == 0) {
			w.t.Errorf("environment %d, %s, is the default one: %t", i, e.Name, e.Default)
		}
	}
	return strings.Join(names, " ")
}

// stranger is an admin of another account.
func (w *world) stranger() Caller {
	w.t.Helper()
	_, key, err := w.CreateAccount(w.t.Context(), "stranger", "A Stranger")
	w.do(err)
	caller, err := w.Authenticate(key.ID, key.Secret)
	w.do(err)
	return caller
}

func TestEnvironments(t *testing.T) {
	w := newWorld(t, Options{Vault: plain{}})
	ctx, stranger := t.Context(), w.stranger()
	if got := w.environmentNames(w.caller); got != "main" {
		t.Errorf("at first %s", got)
	}
	if main := w.Environments(w.caller)[0]; main != (Environment{Name: "main", Default: true, CreatedAt: w.caller.Account.CreatedAt}) {
		t.Errorf("the default one is %+v", main)
	}
	w.clock.advance(time.Second)
	staging, err := w.CreateEnvironment(ctx, w.caller, "staging", "before it counts")
	if want := (Environment{Name: "staging", Description: "before it counts", CreatedAt: w.clock.Now().Truncate(time.Microsecond)}); err != nil || staging != want {
		t.Errorf("created %+v, %v, want %+v", staging, err, want)
	}
	for _, name := range []string{"dev", "a", "x-1-y", strings.Repeat("e", 63)} {
		if _, err := w.CreateEnvironment(ctx, w.caller, name, ""); err != nil {
			t.Errorf("create %s: %v", name, err)
		}
	}
	_, err = w.CreateEnvironment(ctx, w.caller, "staging", "")
	fails(t, "a second one", err, Exists, "staging")
	_, err = w.CreateEnvironment(ctx, w.caller, "main", "")
	fails(t, "a second main", err, Exists, "main")
	if _, err := w.CreateEnvironment(ctx, stranger, "staging", ""); err != nil {
		t.Errorf("another account's: %v", err)
	}
	want := "main staging dev a x-1-y " + strings.Repeat("e", 63)
	if got := w.environmentNames(w.caller); got != want {
		t.Errorf("environments %s", got)
	}
	w.do(w.DeleteEnvironment(ctx, w.caller, "dev"))
	fails(t, "deleting it again", w.DeleteEnvironment(ctx, w.caller, "dev"), NotFound, "dev")
	fails(t, "deleting the default one", w.DeleteEnvironment(ctx, w.caller, "main"), Conflict, "main")
	fails(t, "deleting none", w.DeleteEnvironment(ctx, w.caller, ""), Invalid, "name")
	fails(t, "deleting another account's", w.DeleteEnvironment(ctx, stranger, "a"), NotFound, "a")

	w.reopen(Options{Vault: plain{}})
	if got := w.environmentNames(w.caller); got != strings.Replace(want, " dev", "", 1) {
		t.Errorf("after a restart %s", got)
	}
	if got := w.Environments(w.caller)[1]; got != staging {
		t.Errorf("after a restart %+v, want %+v", got, staging)
	}
	if _, err := w.CreateEnvironment(ctx, w.caller, "dev", ""); err != nil {
		t.Errorf("create one that was deleted: %v", err)
	}
}

func TestEnvironmentNames(t *testing.T) {
	w := newWorld(t, Options{})
	for _, name := range []string{"", "Dev", "a--b", "-a", "a-", "a_b", "a.b", "a b", "ä", "a\n", strings.Repeat("e", 64), strings.Repeat("e", 300)} {
		_, err := w.CreateEnvironment(t.Context(), w.caller, name, "")
		fails(t, fmt.Sprintf("%q", name), err, Invalid)
	}
	if _, err := w.CreateEnvironment(t.Context(), w.caller, "ok", strings.Repeat("ä", 256)); err != nil {
		t.Errorf("a long description: %v", err)
	}
	_, err := w.CreateEnvironment(t.Context(), w.caller, "no", strings.Repeat("ä", 257))
	fails(t, "a longer description", err, Invalid, "256")
}

func TestAnAccountHasSoManyEnvironments(t *testing.T) {
	w := newWorld(t, Options{})
	for i := range maxEnvironments {
		if _, err := w.CreateEnvironment(t.Context(), w.caller, fmt.Sprintf("e%d", i), ""); err != nil {
			t.Fatal(err)
		}
	}
	_, err := w.CreateEnvironment(t.Context(), w.caller, "one-more", "")
	fails(t, "one more", err, Exhausted, "100")
}

func TestEnvironmentsOfRequests(t *testing.T) {
	w := newWorld(t, Options{})
	if _, err := w.CreateEnvironment(t.Context(), w.caller, "dev", ""); err != nil {
		t.Fatal(err)
	}
	for sent, want := range map[string]string{"": "main", "main": "main", "dev": "dev"} {
		if got, err := w.environment(w.caller.Account.ID, sent); err != nil || got != want {
			t.Errorf("%q is %s, %v", sent, got, err)
		}
	}
	for _, sent := range []string{"prod", "Main", "dev "} {
		_, err := w.environment(w.caller.Account.ID, sent)
		fails(t, sent, err, NotFound, sent)
	}
	_, err := w.environment(w.stranger().Account.ID, "dev")
	fails(t, "another account's", err, NotFound, "dev")
	_, err = w.environment(w.caller.Account.ID, strings.Repeat("x", 5000))
	fails(t, "a very long one", err, Invalid)
}

func TestEnvironmentsThatHoldSomethingStay(t *testing.T) {
	w := newWorld(t, Options{Vault: plain{}})
	ctx := t.Context()
	if _, err := w.CreateEnvironment(ctx, w.caller, "dev", ""); err != nil {
		t.Fatal(err)
	}
	w.do(w.SetSecret(ctx, w.caller, "", "ELSEWHERE", "v", nil))
	for i := range 7 {
		w.do(w.SetSecret(ctx, w.caller, "dev", fmt.Sprintf("S%d", i), "v", nil))
	}
	fails(t, "with secrets", w.DeleteEnvironment(ctx, w.caller, "dev"), Conflict, "dev", "secrets S0, S1, S2, S3, S4 and 2 more")
	for _, alias := range []string{"shop--dev", "web--dev"} {
		w.register(AppSpec{Name: alias, Environment: "dev", Argv: []string{"x"}})
	}
	ofDev := func() int {
		t.Helper()
		list, err := w.Revisions(w.caller, "dev", "")
		w.do(err)
		return len(list)
	}
	if n := ofDev(); n != 2 {
		t.Errorf("%d revisions", n)
	}
	gone := func(alias string) {
		t.Helper()
		_, err := w.DeleteApp(ctx, w.caller, "dev", alias)
		w.do(err)
	}
	for i := 1; i < 7; i++ {
		w.do(w.DeleteSecret(ctx, w.caller, "dev", fmt.Sprintf("S%d", i)))
	}
	fails(t, "with apps too", w.DeleteEnvironment(ctx, w.caller, "dev"), Conflict, "apps shop, web and secret S0")
	w.do(w.DeleteSecret(ctx, w.caller, "dev", "S0"))
	gone("shop--dev")
	fails(t, "with an app", w.DeleteEnvironment(ctx, w.caller, "dev"), Conflict, "it has app web")
	gone("web--dev")
	if n := ofDev(); n != 2 {
		t.Errorf("%d revisions of apps that were deleted", n)
	}
	w.do(w.DeleteEnvironment(ctx, w.caller, "dev"))
	_, err := w.Secrets(w.caller, "dev")
	fails(t, "its secrets", err, NotFound, "dev")
	// Another environment of that name has nothing of it.
	_, err = w.CreateEnvironment(ctx, w.caller, "dev", "")
	w.do(err)
	for range 2 {
		if n := ofDev(); n != 0 {
			t.Errorf("%d revisions are left", n)
		}
		if list, err := w.Revisions(w.caller, "", ""); err != nil || len(list) != 1 {
			t.Errorf("revisions of main %+v, %v", list, err)
		}
		w.reopen(Options{Vault: plain{}})
	}
	if list, err := w.Secrets(w.caller, "main"); err != nil || !slices.EqualFunc(list, []string{"ELSEWHERE"}, func(s Secret, name string) bool { return s.Name == name }) {
		t.Errorf("secrets of main %+v, %v", list, err)
	}
}

// reopen is a restart of the control plane.
func (w *world) reopen(o Options) {
	w.t.Helper()
	w.close()
	w.open(o)
}
