package config_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/pkg/config"
)

func TestParseHost(t *testing.T) {
	t.Setenv("ISOLATE_TEST_MODE", "1") // does not count
	for written, want := range map[string]string{
		"API.example.com":          "https://api.example.com",
		"control.example.com:8443": "https://control.example.com:8443",
		"https://api.example.com/": "https://api.example.com",
		"localhost:5005":           "http://localhost:5005",
		"https://127.0.0.1:5005":   "https://127.0.0.1:5005",
		"http://[::1]:5005":        "http://[::1]:5005",
	} {
		if e, err := config.ParseHost(written, "HOST"); err != nil || e.URL() != want {
			t.Errorf("%s: %s, %v; want %s", written, e.URL(), err, want)
		}
	}
	for _, written := range []string{"", "an-id:hunter2", "http://example.com", "hunter2 x", "hunter2/path"} {
		_, err := config.ParseHost(written, "HOST")
		var e *config.Error
		if !errors.As(err, &e) || e.Code != config.BadHost || !strings.Contains(e.Message, "from HOST") || strings.Contains(e.Message, "hunter2") {
			t.Errorf("%q: %v", written, err)
		}
	}
}
