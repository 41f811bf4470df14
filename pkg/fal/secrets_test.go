package fal_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

func TestSecrets(t *testing.T) {
	created := time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC)
	yes, no := true, false
	server := faltest.New(t)
	server.SetSecrets(
		faltest.Secret{Name: "A", Value: "1", CreatedAt: created, DefaultExposed: &no},
		faltest.Secret{Name: "A", Value: "2", Environment: "staging"},
	)
	ctx, client := newClient(t, server.Options())
	if err := client.Secrets.Set(ctx, "A", "", nil); err != nil {
		t.Error(err)
	}
	if err := client.Secrets.Set(ctx, "B", "x\ny", &fal.SecretsSetParams{DefaultExposed: &yes}); err != nil {
		t.Error(err)
	}
	want := []fal.Secret{{Name: "A", CreatedAt: created, DefaultExposed: &no}, {Name: "B", DefaultExposed: &yes}}
	if diff := cmp.Diff(want, all(t, client.Secrets.List(ctx, nil))); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
	if got := server.Secrets(); got[0].Value != "" || got[1].Value != "2" || got[2].Value != "x\ny" {
		t.Errorf("set to %+v", got)
	}
	const sent = `{"name":"A","value":""}`
	if got := string(server.Calls("SetSecret")[0].Request); got != sent {
		t.Errorf("sent %s, want %s", got, sent)
	}
	o := server.Options()
	o.Environment = "staging"
	ctx, client = newClient(t, o)
	want = []fal.Secret{{Name: "A", Environment: "staging"}}
	if diff := cmp.Diff(want, all(t, client.Secrets.List(ctx, nil))); diff != "" {
		t.Errorf("secrets in staging (-want +got):\n%s", diff)
	}
	if err := client.Secrets.Unset(ctx, "A", nil); err != nil {
		t.Error(err)
	}
	if err := client.Secrets.Unset(ctx, "A", nil); !errors.Is(err, fal.ErrNotFound) {
		t.Errorf("second unset: %v", err)
	}
}

// tracing is a client of the server, and all that its trace was told.
func tracing(o *fal.Options) func() string {
	var mu sync.Mutex
	var told strings.Builder
	o.Trace = func(e fal.TraceEvent) {
		mu.Lock()
		defer mu.Unlock()
		text, err := json.Marshal(e)
		fmt.Fprintf(&told, "%s %v %+v\n", text, err, e)
	}
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		return told.String()
	}
}

// everythingIn is all that an error can be made to say.
func everythingIn(err error) string {
	var shown strings.Builder
	for ; err != nil; err = errors.Unwrap(err) {
		fmt.Fprintf(&shown, "%v %+v %#v %q\n", err, err, err, err)
		var own *fal.Error
		if errors.As(err, &own) {
			fmt.Fprintf(&shown, "%+v %q %q\n", *own, own.Message, own.RequestID)
		}
	}
	return shown.String()
}

// TestASecretsValueIsNeverShown, though the service repeats it wherever it can.
func TestASecretsValueIsNeverShown(t *testing.T) {
	const canary = "canary-5f1c-value"
	for name, answer := range map[string]faltest.Answer{
		"set":          faltest.Reply(),
		"metadata":     faltest.Reply().WithHeader("x-echo", canary).WithTrailer("x-trailer", "it is "+canary),
		"refused":      faltest.Fail(fal.CodeInvalidArgument, "value "+canary+" is too long").WithTrailer("x-request-id", canary),
		"unavailable":  faltest.Fail(fal.CodeUnavailable, "cannot keep "+canary),
		"gateway":      faltest.HTTP(500, "text/plain", "cannot keep "+canary),
		"gateway away": faltest.HTTP(503, "text/html", "<p>"+canary+"</p>"),
		"dropped":      faltest.Drop(),
		"rubbish":      faltest.Rubbish(),
		"malformed":    faltest.Broken([]byte("\xff" + canary)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := faltest.New(t)
			server.Handle("SetSecret", func(faltest.Call) faltest.Answer { return answer })
			o := server.Options()
			told := tracing(&o)
			ctx, client := newClient(t, o)
			err := client.Secrets.Set(ctx, "NAME", canary, nil)
			if succeeds := name == "set" || name == "metadata"; succeeds != (err == nil) {
				t.Errorf("error %v", err)
			}
			if calls := server.Calls("SetSecret"); len(calls) == 0 || !strings.Contains(string(calls[0].Request), canary) {
				t.Fatal("the value was not sent")
			}
			if !strings.Contains(told(), "SetSecret") {
				t.Fatal("nothing was traced")
			}
			for where, shown := range map[string]string{"error": everythingIn(err), "trace": told()} {
				if strings.Contains(shown, canary) {
					t.Errorf("the %s shows the value: %s", where, shown)
				}
			}
			if name == "refused" && asError(t, err).Message != "value [redacted] is too long" {
				t.Errorf("got %v", err)
			}
		})
	}
}

// An error on this side keeps its cause.
func TestConcealingKeepsCauses(t *testing.T) {
	server := faltest.New(t)
	ctx, client := newClient(t, server.Options())
	ctx, cancel := context.WithCancel(ctx)
	server.Handle("SetSecret", func(faltest.Call) faltest.Answer { cancel(); return faltest.Hang() })
	err := client.Secrets.Set(ctx, "NAME", "value", nil)
	if !errors.Is(err, fal.ErrCanceled) {
		t.Errorf("got %v", err)
	}
	if asError(t, err).Unwrap() == nil {
		t.Error("the cause is gone")
	}
}

// TestAKeysSecretIsNeverShown: it is in the answer, and nowhere else.
func TestAKeysSecretIsNeverShown(t *testing.T) {
	const canary = "canary-7a2e-secret"
	server := faltest.New(t)
	server.Script("CreateUserKey",
		faltest.Reply(`{"key_id": "k", "key_secret": "`+canary+`"}`),
		faltest.Reply(`{"key_secret": "`+canary+`"}`),
		faltest.Broken([]byte("\x0a\x12"+canary+"\xff")),
	)
	o := server.Options()
	told := tracing(&o)
	ctx, client := newClient(t, o)
	key, err := client.Keys.Create(ctx, fal.KeyScopeAPI, nil)
	if err != nil || key.Secret != canary {
		t.Fatalf("created %v, %v", key, err)
	}
	shown := fmt.Sprintf("%v %+v %#v", key, key, key)
	for range 2 {
		_, err := client.Keys.Create(ctx, fal.KeyScopeAPI, nil)
		if err == nil {
			t.Error("a broken answer is taken for a key")
		}
		shown += everythingIn(err)
	}
	if shown += told(); strings.Contains(shown, canary) {
		t.Errorf("shown: %s", shown)
	}
}
