package faltest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newClient(t *testing.T, server *faltest.Server) (context.Context, *fal.Client) {
	t.Helper()
	client, err := fal.New(server.Options())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx, client
}

func list(ctx context.Context, client *fal.Client) (ids []string, err error) {
	for r, err := range client.Runners.List(ctx, nil) {
		if err != nil {
			return ids, err
		}
		ids = append(ids, r.ID)
	}
	return ids, nil
}

func TestScriptsHandlersAndRunnersInThatOrder(t *testing.T) {
	server := faltest.New(t)
	ctx, client := newClient(t, server)
	server.SetRunners(faltest.Runner{ID: "set"})
	check := func(want string) {
		t.Helper()
		ids, err := list(ctx, client)
		if err != nil || strings.Join(ids, " ") != want {
			t.Errorf("listed %v, %v; want %q", ids, err, want)
		}
	}
	check("set")
	server.Handle("ListRunners", func(c faltest.Call) faltest.Answer {
		return faltest.Reply(`{"runners": [{"runner_id": "handled"}, {"runner_id": "` + c.Get("auth-key-id") + `"}]}`)
	})
	check("handled testid")
	server.Script("ListRunners", faltest.Reply(`{"runners": [{"runner_id": "scripted"}]}`), faltest.Reply())
	check("scripted")
	check("")
	check("handled testid")
}

func TestCallsAreRecorded(t *testing.T) {
	server := faltest.NewTLS(t)
	ctx, client := newClient(t, server)
	if err := client.Runners.Stop(ctx, "a", &fal.RunnersStopParams{ReplaceFirst: true}); err != nil {
		t.Fatal(err)
	}
	server.HandleREST("POST /logs/history", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	})
	pool := server.Options().RootCAs
	if len(server.CertificatePEM()) == 0 {
		t.Error("no certificate")
	}
	web := &http.Client{Transport: httpTransport(pool)}
	defer web.CloseIdleConnections()
	response, err := web.Post(server.RESTURL()+"/logs/history?job_id=a", "text/plain", strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != "body" {
		t.Errorf("answered %q, %v", body, err)
	}
	missing, err := web.Get(server.RESTURL() + "/nothing")
	if err != nil {
		t.Fatal(err)
	}
	defer missing.Body.Close()
	if missing.StatusCode != http.StatusNotFound {
		t.Errorf("status %d", missing.StatusCode)
	}
	calls := server.Calls()
	if len(calls) != 3 {
		t.Fatalf("%d calls", len(calls))
	}
	if c := calls[0]; c.Transport != faltest.GRPC || c.Method != "StopRunner" || string(c.Request) != `{"replace_first":true,"runner_id":"a"}` || !json.Valid(c.Request) {
		t.Errorf("call %+v", c)
	}
	if c := calls[1]; c.Transport != faltest.REST || c.Method != "POST /logs/history" || c.Query.Get("job_id") != "a" || string(c.Body) != "body" {
		t.Errorf("call %+v", c)
	}
	if n := len(server.Calls("GET /nothing")); n != 1 {
		t.Errorf("%d calls of that method", n)
	}
}

func TestClosedServerRefuses(t *testing.T) {
	server := faltest.New(t)
	ctx, client := newClient(t, server)
	server.Close()
	server.Close()
	_, err := list(ctx, client)
	var failed *fal.Error
	if !errors.As(err, &failed) || failed.Cause() != fal.CauseRefused {
		t.Errorf("got %v", err)
	}
}

func TestConnectionsCanBeMended(t *testing.T) {
	server := faltest.New(t)
	ctx, client := newClient(t, server)
	server.Connections(faltest.Garbage)
	if _, err := list(ctx, client); !errors.Is(err, fal.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	server.Connections(faltest.Serve)
	for {
		if _, err := list(ctx, client); err == nil {
			break
		} else if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

func httpTransport(pool *x509.CertPool) *http.Transport {
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
}

// What was not given is not served: the methods answer their empty messages,
// so that a test needs to say only what it is about.
func TestTablesAreServedOnceTheyAreSet(t *testing.T) {
	server := faltest.New(t)
	ctx, client := newClient(t, server)
	if err := client.Secrets.Unset(ctx, "A", nil); err != nil {
		t.Errorf("unset: %v", err)
	}
	if _, err := client.Apps.Delete(ctx, "a", nil); err != nil {
		t.Errorf("delete: %v", err)
	}
	server.SetSecrets()
	server.SetApps()
	if err := client.Secrets.Unset(ctx, "A", nil); !errors.Is(err, fal.ErrNotFound) {
		t.Errorf("unset: %v", err)
	}
	if _, err := client.Apps.Delete(ctx, "a", nil); !errors.Is(err, fal.ErrNotFound) {
		t.Errorf("delete: %v", err)
	}
}

// No environment is main, and what is listed and changed is of one alone.
func TestTablesKeepEnvironmentsApart(t *testing.T) {
	for _, environment := range []string{"", "main", "staging"} {
		server := faltest.New(t)
		o := server.Options()
		o.Environment = environment
		client, err := fal.New(o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = client.Close() })
		server.SetSecrets(faltest.Secret{Name: "A", Value: "1"}, faltest.Secret{Name: "A", Value: "2", Environment: "staging"})
		server.SetApps(faltest.App{Alias: "a"}, faltest.App{Alias: "a--staging", Environment: "staging"})
		if err := client.Secrets.Set(t.Context(), "A", "new", nil); err != nil {
			t.Fatal(err)
		}
		here, there := server.Secrets()[0], server.Secrets()[1]
		wantAlias := "a"
		if environment == "staging" {
			here, there, wantAlias = there, here, "a--staging"
		}
		if here.Value != "new" || there.Value == "new" {
			t.Errorf("set in %q: %+v", environment, server.Secrets())
		}
		var aliases []string
		for app, err := range client.Apps.List(t.Context(), nil) {
			if err != nil {
				t.Fatal(err)
			}
			aliases = append(aliases, app.Alias)
		}
		if len(aliases) != 1 || aliases[0] != wantAlias {
			t.Errorf("listed in %q: %q", environment, aliases)
		}
	}
}

func TestAccounts(t *testing.T) {
	server := faltest.New(t)
	ctx, client := newClient(t, server)
	if _, err := client.Accounts.Current(ctx); !errors.Is(err, fal.ErrNotFound) {
		t.Errorf("no accounts: %v", err)
	}
	server.SetAccounts(faltest.Account{UserID: "u1", Nickname: "me", Personal: true}, faltest.Account{UserID: "u2", Nickname: "us"})
	if a, err := client.Accounts.Current(ctx); err != nil || a.Nickname != "me" {
		t.Errorf("%+v, %v", a, err)
	}
	n := 0
	for _, err := range client.Accounts.List(ctx, nil) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 2 {
		t.Errorf("%d accounts", n)
	}
	server.SetAccounts()
	if _, err := client.Accounts.Current(ctx); !errors.Is(err, fal.ErrNotFound) {
		t.Errorf("no account: %v", err)
	}
}
