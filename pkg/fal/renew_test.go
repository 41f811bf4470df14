package fal_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

// renewer gives token-0, token-1 and so on, each until it is renewed.
type renewer struct {
	mu       sync.Mutex
	n        int
	rejected []string
	err      error
}

func (r *renewer) Token(context.Context) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprint("token-", r.n), nil
}

func (r *renewer) Renew(_ context.Context, rejected string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n++
	r.rejected = append(r.rejected, rejected)
	return r.err
}

// A token that is not accepted is renewed once, for calls of both sides, and
// also for those that may not be repeated otherwise.
func TestRenewal(t *testing.T) {
	for name, call := range map[string]struct {
		method string
		make   func(context.Context, *fal.Client) error
	}{
		"read":  {"ListUserKeys", func(ctx context.Context, c *fal.Client) error { return drain(c.Keys.List(ctx, nil)) }},
		"write": {"StopRunner", func(ctx context.Context, c *fal.Client) error { return c.Runners.Stop(ctx, "a", nil) }},
		"REST":  {"GET /users/current", func(ctx context.Context, c *fal.Client) error { _, err := c.Accounts.Current(ctx); return err }},
	} {
		for _, again := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " ", again), func(t *testing.T) {
				server := faltest.New(t)
				server.SetRunners(faltest.Runner{ID: "a"})
				refusals := 1
				if again {
					refusals = 2
				}
				if name == "REST" {
					server.HandleREST("GET /users/current", func(w http.ResponseWriter, _ *http.Request) {
						if refusals--; refusals >= 0 {
							w.WriteHeader(http.StatusUnauthorized)
							return
						}
						fmt.Fprint(w, `{"user_id":"u","nickname":"ada"}`)
					})
				} else {
					server.Script(call.method, slices.Repeat([]faltest.Answer{faltest.Fail(fal.CodeUnauthenticated, "what is this")}, refusals)...)
				}
				source := &renewer{}
				o := server.Options()
				o.Credentials = fal.Login(source)
				c, err := fal.New(o)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				if err := call.make(t.Context(), c); errors.Is(err, fal.ErrUnauthenticated) != again || err != nil && !again {
					t.Error(err)
				}
				var sent []string
				for _, made := range server.Calls() {
					sent = append(sent, strings.TrimPrefix(made.Get("authorization"), "Bearer "))
				}
				if !slices.Equal(sent, []string{"token-0", "token-1"}) || !slices.Equal(source.rejected, []string{"token-0"}) {
					t.Errorf("sent %q, rejected %q", sent, source.rejected)
				}
			})
		}
	}
}

func TestRenewalFails(t *testing.T) {
	server := faltest.New(t)
	server.Script("ListUserKeys", faltest.Fail(fal.CodeUnauthenticated, "what is this"))
	gone := errors.New("the login is over")
	o := server.Options()
	o.Credentials = fal.Login(&renewer{err: gone})
	c, err := fal.New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := drain(c.Keys.List(t.Context(), nil)); !errors.Is(err, fal.ErrUnauthenticated) || !errors.Is(err, gone) {
		t.Error(err)
	}
	if n := len(server.Calls()); n != 1 {
		t.Errorf("%d calls", n)
	}
}
