package fal_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

const secret = "s3cr3t-0f-the-key"

func TestAKeyIsNeverShown(t *testing.T) {
	key := fal.Key{ID: "the-id", Secret: secret}
	holder := struct {
		Key  fal.Key
		Keys []fal.Key
		Any  any
	}{key, []fal.Key{key}, &key}
	var shown strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&shown, verb+"\n", key)
		fmt.Fprintf(&shown, verb+"\n", &key)
		fmt.Fprintf(&shown, verb+"\n", holder)
	}
	text, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	shown.Write(text)
	slog.New(slog.NewTextHandler(&shown, nil)).Info("x", "key", key, "holder", holder)
	slog.New(slog.NewJSONHandler(&shown, nil)).Info("x", "key", key, "holder", holder)
	if s := shown.String(); strings.Contains(s, secret) || strings.Contains(s, fmt.Sprintf("%x", secret)) {
		t.Errorf("shown: %s", s)
	}
	if !strings.Contains(shown.String(), "the-id") {
		t.Error("the id is not shown either")
	}
}

type tokens func(context.Context) (string, error)

func (f tokens) Token(ctx context.Context) (string, error) { return f(ctx) }

func TestCredentialsOnTheWire(t *testing.T) {
	login := fal.Login(tokens(func(context.Context) (string, error) { return "t0k3n", nil }))
	names := []string{"auth-key-id", "auth-key", "authorization", "fal-user-id"}
	for name, c := range map[string]struct {
		credentials fal.Credentials
		team        string
		want        map[string]string
	}{
		"key":            {fal.Key{ID: "i", Secret: "s"}, "", map[string]string{"auth-key-id": "i", "auth-key": "s"}},
		"pointer to key": {&fal.Key{ID: "i", Secret: "s"}, "", map[string]string{"auth-key-id": "i", "auth-key": "s"}},
		"login":          {login, "", map[string]string{"authorization": "Bearer t0k3n"}},
		"team":           {login, "github|12", map[string]string{"authorization": "Bearer t0k3n", "fal-user-id": "github|12"}},
		"anonymous":      {fal.Anonymous, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			server := faltest.New(t)
			o := server.Options()
			o.Credentials, o.Team, o.UserAgent = c.credentials, c.team, "fal-cli/1.2"
			ctx, client := newClient(t, o)
			if err := client.Runners.Kill(ctx, "a", nil); err != nil {
				t.Fatal(err)
			}
			call := server.Calls()[0]
			for _, name := range names {
				if got := call.Get(name); got != c.want[name] {
					t.Errorf("%s: %q, want %q", name, got, c.want[name])
				}
				if n := len(call.Metadata[name]); n > 1 {
					t.Errorf("%s is there %d times", name, n)
				}
			}
			if agent := call.Get("user-agent"); !strings.HasPrefix(agent, "fal-cli/1.2 fal-go") {
				t.Errorf("user agent %q", agent)
			}
		})
	}
}

func TestTokensAreAskedForEachAttempt(t *testing.T) {
	server := faltest.New(t)
	server.Script("ListRunners", faltest.Fail(fal.CodeUnavailable, "restarting"))
	n := 0
	o := server.Options()
	o.Credentials = fal.Login(tokens(func(context.Context) (string, error) { n++; return fmt.Sprint("token-", n), nil }))
	ctx, client := newClient(t, o)
	if _, err := collect(ctx, client, nil); err != nil {
		t.Fatal(err)
	}
	calls := server.Calls()
	if len(calls) != 2 || calls[1].Get("authorization") != "Bearer token-2" {
		t.Errorf("calls %v", calls)
	}
}

func TestTokenSourceErrors(t *testing.T) {
	server := faltest.New(t)
	expired := errors.New("the login has expired")
	own := &fal.Error{Code: fal.CodeUnavailable, Message: "the issuer cannot be reached"}
	for name, c := range map[string]struct{ err, want error }{
		"any":  {expired, fal.ErrUnauthenticated},
		"ours": {fmt.Errorf("refresh: %w", own), fal.ErrUnavailable},
	} {
		o := server.Options()
		asked := 0
		o.Credentials = fal.Login(tokens(func(context.Context) (string, error) { asked++; return "", c.err }))
		ctx, client := newClient(t, o)
		err := client.Runners.Kill(ctx, "a", nil)
		if !errors.Is(err, c.want) || !errors.Is(err, c.err) || asked != 1 {
			t.Errorf("%s: %v after asking %d times", name, err, asked)
		}
	}
	o := server.Options()
	ctx, cancel := context.WithCancel(context.Background())
	o.Credentials = fal.Login(tokens(func(ctx context.Context) (string, error) { cancel(); return "", ctx.Err() }))
	_, client := newClient(t, o)
	if err := client.Runners.Kill(ctx, "a", nil); !errors.Is(err, fal.ErrCanceled) {
		t.Errorf("canceled while the token was fetched: %v", err)
	}
	if calls := server.Calls(); len(calls) != 0 {
		t.Errorf("sent %v", calls)
	}
}

func TestTraceShowsNoSecret(t *testing.T) {
	server := faltest.New(t)
	server.Script("ListRunners", faltest.Fail(fal.CodeUnavailable, "cannot check "+secret).WithTrailer("x-echo", "it was "+secret).WithTrailer("set-cookie", "c00kie"))
	var mu sync.Mutex
	var events []fal.TraceEvent
	o := server.Options()
	o.Credentials = fal.Key{ID: "the-id", Secret: secret}
	o.Trace = func(e fal.TraceEvent) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, e)
	}
	ctx, client := newClient(t, o)
	if _, err := collect(ctx, client, nil); err != nil {
		t.Fatal(err)
	}
	if len(events) != 2 {
		t.Fatalf("%d events, want 2", len(events))
	}
	shown := fmt.Sprintf("%+v", events)
	for _, hidden := range []string{secret, "c00kie"} {
		if strings.Contains(shown, hidden) {
			t.Errorf("%q is shown in %s", hidden, shown)
		}
	}
	first, second := events[0], events[1]
	if first.Method != "ListRunners" || first.Target != server.Host() || first.Attempt != 1 || first.Status != "Unavailable" || first.Error == "" || first.Request["auth-key-id"][0] != "the-id" {
		t.Errorf("first event %+v", first)
	}
	if second.Attempt != 2 || second.Status != "OK" || second.Error != "" || second.Sent == 0 || second.Received == 0 || second.Duration <= 0 {
		t.Errorf("second event %+v", second)
	}
}

func TestNewRefuses(t *testing.T) {
	key := fal.Key{ID: "i", Secret: secret}
	for name, c := range map[string]struct {
		options fal.Options
		want    error
	}{
		"no credentials":               {fal.Options{}, fal.ErrUnauthenticated},
		"half a key":                   {fal.Options{Credentials: fal.Key{ID: "i"}}, fal.ErrUnauthenticated},
		"half a key behind a pointer":  {fal.Options{Credentials: &fal.Key{ID: "i"}}, fal.ErrUnauthenticated},
		"a key with a line break":      {fal.Options{Credentials: fal.Key{ID: "i", Secret: secret + "\n"}}, fal.ErrInvalidArgument},
		"a key and a team":             {fal.Options{Credentials: key, Team: "t"}, fal.ErrInvalidArgument},
		"plaintext to another machine": {fal.Options{Credentials: key, Host: "api.example.com", Plaintext: true}, fal.ErrInvalidArgument},
		"a URL as the host":            {fal.Options{Credentials: key, Host: "https://api.example.com"}, fal.ErrInvalidArgument},
		"a host with credentials":      {fal.Options{Credentials: key, Host: "user@api.example.com"}, fal.ErrInvalidArgument},
		"no port":                      {fal.Options{Credentials: key, Host: "localhost:x"}, fal.ErrInvalidArgument},
		"REST without scheme":          {fal.Options{Credentials: key, RESTURL: "rest.example.com"}, fal.ErrInvalidArgument},
		"REST in plaintext":            {fal.Options{Credentials: key, RESTURL: "http://rest.example.com"}, fal.ErrInvalidArgument},
		"REST with credentials":        {fal.Options{Credentials: key, RESTURL: "https://u:" + secret + "@rest.example.com"}, fal.ErrInvalidArgument},
		"user agent of two lines":      {fal.Options{Credentials: key, UserAgent: "a\nb"}, fal.ErrInvalidArgument},
	} {
		client, err := fal.New(c.options)
		if !errors.Is(err, c.want) || client != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the secret is in %q", name, err)
		}
	}
	for name, o := range map[string]fal.Options{
		"defaults":           {Credentials: key},
		"loopback":           {Credentials: key, Host: "localhost:7070", Plaintext: true},
		"another, for tests": {Credentials: key, Host: "controller:7070", Plaintext: true, AllowPlaintext: true},
	} {
		client, err := fal.New(o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := client.Close(); err != nil {
			t.Errorf("%s: Close: %v", name, err)
		}
	}
}

func TestTLS(t *testing.T) {
	server := faltest.NewTLS(t)
	server.SetRunners(faltest.Runner{ID: "a"})
	ctx, client := newClient(t, server.Options())
	runners, err := collect(ctx, client, nil)
	if err != nil || len(runners) != 1 {
		t.Errorf("listed %v, %v", runners, err)
	}
}

func TestConcurrentCalls(t *testing.T) {
	server := faltest.New(t)
	server.SetRunners(faltest.Runner{ID: "a"})
	ctx, client := newClient(t, server.Options())
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if _, err := collect(ctx, client, nil); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}
