package restapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/pkg/controlplane/state"
	"github.com/fal-plugins/fal/pkg/controlplane/store"
	"github.com/fal-plugins/fal/pkg/internal/restwire"
)

func TestStatus(t *testing.T) {
	for kind, want := range map[state.Kind]int{
		state.Invalid: 422, state.Unauthenticated: 401, state.Denied: 403, state.NotFound: 404, state.Conflict: 409, state.Exists: 409, state.Exhausted: 429, 0: 500,
	} {
		if got := status(&state.Error{Kind: kind}); got != want {
			t.Errorf("kind %d becomes %d, want %d", kind, got, want)
		}
	}
	if got := status(errors.New("disk full")); got != 500 {
		t.Errorf("any other error becomes %d", got)
	}
}

// FuzzAuthorization holds that nothing but the key itself is let in, and that
// every refusal is JSON.
func FuzzAuthorization(f *testing.F) {
	db, err := store.Open(f.Context(), filepath.Join(f.TempDir(), "state.db"))
	if err != nil {
		f.Fatal(err)
	}
	st, err := state.Open(f.Context(), db, state.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		st.Close()
		if err := db.Close(); err != nil {
			f.Error(err)
		}
	})
	_, key, err := st.CreateAccount(f.Context(), "me", "My Self")
	if err != nil {
		f.Fatal(err)
	}
	good := key.ID + ":" + key.Secret
	handler := New(st, Options{})
	for _, seed := range []string{"", "Key", "Key ", "Key :", "Key a:b", "Key " + good, "key  " + good, "Bearer " + good, good, "Key " + good + ":", "Key " + key.ID + ":", "Basic YTpi", "Key \x00:\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, authorization string) {
		request := httptest.NewRequest(http.MethodGet, "/users/current", nil)
		request.Header["Authorization"] = []string{authorization}
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		switch recorder.Code {
		case http.StatusOK:
			scheme, rest, _ := strings.Cut(authorization, " ")
			if !strings.EqualFold(scheme, "Key") || strings.TrimSpace(rest) != good {
				t.Errorf("%q was let in", authorization)
			}
		case http.StatusUnauthorized:
			var body restwire.Error
			if err := json.Unmarshal(recorder.Body.Bytes(), &body); err != nil || body.Detail == "" {
				t.Errorf("%q is answered %q", authorization, recorder.Body)
			}
		default:
			t.Errorf("%q is answered %d", authorization, recorder.Code)
		}
	})
}
