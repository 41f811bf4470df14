package fal_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

func restClient(t *testing.T, server *faltest.Server) *fal.Client {
	t.Helper()
	client, err := fal.New(server.Options())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Request-Id", "req-7")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestAccountsCurrent(t *testing.T) {
	server := faltest.New(t)
	server.HandleREST("GET /users/current", answer(200, `{"user_id":"github|1","nickname":"me","full_name":"Me","more":[1]}`))
	got, err := restClient(t, server).Accounts.Current(t.Context())
	if want := (fal.Account{UserID: "github|1", Nickname: "me", FullName: "Me"}); err != nil || got != want {
		t.Fatalf("%+v, %v; want %+v", got, err, want)
	}
	call := server.Calls("GET /users/current")[0]
	key := server.Key()
	if call.Get("authorization") != "Key "+key.ID+":"+key.Secret {
		t.Errorf("authorization %q", call.Get("authorization"))
	}
}

func TestRESTErrors(t *testing.T) {
	tests := []struct {
		name    string
		status  int
		body    string
		want    error
		message string
	}{
		{"detail", 401, `{"detail":"who are you"}`, fal.ErrUnauthenticated, "who are you"},
		{"list of problems", 422, `{"detail":[{"loc":["query","since"],"msg":"bad time","type":"x"},{"loc":[],"msg":"worse","type":"x"}]}`, fal.ErrInvalidArgument, "query.since: bad time; worse"},
		{"detail of another shape", 400, `{"detail":{"a":1}}`, fal.ErrInvalidArgument, `{"a":1}`},
		{"plain text", 403, "not yours\n", fal.ErrPermissionDenied, "not yours"},
		{"a proxy's page", 404, "<html>nothing here</html>", fal.ErrNotFound, "not found"},
		{"nothing", 500, "", fal.ErrInternal, "internal server error"},
		{"too many", 429, "", fal.ErrResourceExhausted, "too many requests"},
		{"conflict", 409, "", fal.ErrAlreadyExists, "conflict"},
		{"other", 418, "", fal.ErrUnknown, "teapot"},
		{"no JSON", 200, "<html>", fal.ErrUnavailable, "not JSON"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := faltest.New(t)
			server.HandleREST("GET /users/current", answer(tt.status, tt.body))
			_, err := restClient(t, server).Accounts.Current(t.Context())
			if !errors.Is(err, tt.want) || !strings.Contains(fmt.Sprint(err), tt.message) {
				t.Errorf("%v, want %v with %q", err, tt.want, tt.message)
			}
			var e *fal.Error
			if tt.status >= 400 && (!errors.As(err, &e) || e.RequestID != "req-7") {
				t.Errorf("%+v lacks the request id", err)
			}
			if n := len(server.Calls("GET /users/current")); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestRESTIsRepeatedWhileUnavailable(t *testing.T) {
	server := faltest.New(t)
	left := 2
	server.HandleREST("GET /users/current", func(w http.ResponseWriter, r *http.Request) {
		if left--; left >= 0 {
			answer(503, "later")(w, r)
			return
		}
		answer(200, `{"user_id":"u","nickname":"n","full_name":"f"}`)(w, r)
	})
	if _, err := restClient(t, server).Accounts.Current(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(server.Calls("GET /users/current")); n != 3 {
		t.Errorf("%d requests, want 3", n)
	}
}

func TestRESTInTrouble(t *testing.T) {
	t.Run("refused", func(t *testing.T) {
		server := faltest.New(t)
		client := restClient(t, server)
		server.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond) // fewer attempts
		defer cancel()
		_, err := client.Accounts.Current(ctx)
		var e *fal.Error
		if !errors.Is(err, fal.ErrUnavailable) || !errors.As(err, &e) || e.Cause() != fal.CauseRefused {
			t.Errorf("%v", err)
		}
	})
	t.Run("silent", func(t *testing.T) {
		server := faltest.New(t)
		server.Connections(faltest.Silent)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := restClient(t, server).Accounts.Current(ctx)
		if !errors.Is(err, fal.ErrDeadlineExceeded) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	})
	t.Run("rubbish", func(t *testing.T) {
		server := faltest.New(t)
		server.Connections(faltest.Garbage)
		_, err := restClient(t, server).Accounts.Current(t.Context())
		var e *fal.Error
		if !errors.As(err, &e) || e.Cause() != fal.CauseProtocol {
			t.Errorf("%v", err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		server := faltest.New(t)
		server.Connections(faltest.Silent)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := restClient(t, server).Accounts.Current(ctx)
		if !errors.Is(err, fal.ErrCanceled) || !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}
