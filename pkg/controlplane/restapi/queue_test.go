package restapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
)

func TestQueue(t *testing.T) {
	s := serve(t, state.Options{}, Options{})
	app, err := s.RegisterApp(t.Context(), state.AppSpec{Name: "web", Argv: []string{"web"}})
	s.do(err)
	ended := make(chan error, 3)
	for _, user := range []string{"a", "b", "b"} {
		go func() {
			_, _, err := s.Acquire(context.Background(), app, "", user)
			ended <- err
		}()
	}
	for deadline := time.Now().Add(patience); s.Waiting(app) < 3; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("they do not wait")
		}
	}
	ask := func(method, path string, query url.Values, header http.Header) (int, string) {
		response := s.request(method, path, query, header)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		s.do(err)
		return response.StatusCode, strings.TrimSpace(string(body))
	}
	expect := func(method, path string, query url.Values, header http.Header, code int, body string) {
		t.Helper()
		if got, text := ask(method, path, query, header); got != code || body != "" && text != body {
			t.Errorf("%s %s %v: %d %s", method, path, query, got, text)
		}
	}
	const path = "/applications/me/web/queue"
	narrow, err := s.CreateKey(t.Context(), s.caller, state.API, "")
	s.do(err)
	reader := http.Header{"Authorization": {"Key " + narrow.ID + ":" + narrow.Secret}}
	stranger := http.Header{"Authorization": {"Key " + s.other}}
	expect("GET", path, nil, reader, 200, `{"queue_size":3}`)
	expect("GET", path, url.Values{"by_user": {"true"}}, nil, 200, `{"queue_size":3,"by_user":{"a":1,"b":2}}`)
	expect("GET", path, url.Values{"by_user": {"x"}}, nil, 422, "")
	expect("GET", path, nil, stranger, 403, "")
	expect("GET", "/applications/me/nothing/queue", nil, nil, 404, "")
	expect("DELETE", path, nil, stranger, 403, "")
	expect("DELETE", path, nil, reader, 403, "")
	expect("DELETE", path, url.Values{"caller_user_id": {"b"}}, nil, 200, "")
	expect("GET", path, nil, nil, 200, `{"queue_size":1}`)
	expect("DELETE", path, nil, nil, 200, "")
	for range 3 {
		var failure *state.Error
		if err := <-ended; !errors.As(err, &failure) || failure.Message != "the queue of app web was flushed" {
			t.Errorf("one ended with %v", err)
		}
	}
}
