package localplane_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/localplane"
)

func TestRead(t *testing.T) {
	folder := t.TempDir()
	for content, want := range map[string]bool{
		`{"control": "127.0.0.1:1", "token": "t", "pid": 7}`: true,
		`{"control": "127.0.0.1:1"}`:                         false,
		`{"control"`:                                         false,
		``:                                                   false,
	} {
		if err := os.WriteFile(filepath.Join(folder, localplane.RecordName), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if r, ok, err := localplane.Read(folder); ok != want || err != nil || ok && r.PID != 7 {
			t.Errorf("%q: %+v, %v, %v", content, r, ok, err)
		}
	}
	if _, ok, err := localplane.Read(filepath.Join(folder, "missing")); ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
}

// The token goes to the server that the record names, and no further.
func TestCall(t *testing.T) {
	stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
	defer stranger.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "Bearer t":
			http.Error(w, "who?", http.StatusUnauthorized)
		case r.URL.Path == "/away":
			http.Redirect(w, r, stranger.URL, http.StatusFound)
		case r.URL.Path == "/failed":
			http.Error(w, `{"message": "no room"}`, http.StatusInternalServerError)
		default:
			_, _ = w.Write([]byte(`{"answer": 42}`))
		}
	}))
	defer server.Close()
	r := localplane.Record{Control: strings.TrimPrefix(server.URL, "http://"), Token: "t"}
	var said struct{ Answer int }
	if err := r.Call(t.Context(), http.MethodGet, "/health", &said); err != nil || said.Answer != 42 {
		t.Errorf("%v, %+v", err, said)
	}
	for path, want := range map[string]string{"/failed": "no room", "/away": "302"} {
		if err := r.Call(t.Context(), http.MethodGet, path, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	r.Token = "other"
	if err := r.Call(t.Context(), http.MethodGet, "/health", nil); err == nil || !strings.Contains(err.Error(), "401") {
		t.Error(err)
	}
}

func TestFolder(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	for set, want := range map[string]string{
		"":                                   filepath.Join(home, ".fal", "local"),
		"~":                                  filepath.Join(home, "local"),
		"~" + string(os.PathSeparator) + "x": filepath.Join(home, "x", "local"),
		filepath.Join(home, "y"):             filepath.Join(home, "y", "local"),
	} {
		if got, err := localplane.Folder(func(string) string { return set }); got != want || err != nil {
			t.Errorf("%q: %s, %v", set, got, err)
		}
	}
}
