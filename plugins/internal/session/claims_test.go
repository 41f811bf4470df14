package session

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestClaims(t *testing.T) {
	good := unsigned(map[string]any{"iss": "https://auth.example.com/", "sub": "github|1", "exp": 1})
	for token, want := range map[string]claims{
		good:                                     {Issuer: "https://auth.example.com/", Subject: "github|1"},
		good + "=":                               {Issuer: "https://auth.example.com/", Subject: "github|1"},
		good + ".x":                              {},
		unsigned(map[string]any{"sub": 5}):       {},
		unsigned(map[string]any{"exp": "later"}): {},
		"a.b.c":                                  {},
		"":                                       {},
	} {
		if got := readClaims(token); got != want {
			t.Errorf("%q: %+v, want %+v", token, got, want)
		}
	}
	if holder(good) != "login https://auth.example.com/ github|1" {
		t.Errorf("the holder is %q", holder(good))
	}
	if whose := holder("opaque-canary"); strings.Contains(whose, "canary") || whose == holder("opaque") {
		t.Errorf("the holder is %q", whose)
	}
}

func TestStoredToken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "auth0_token")
	if got := storedToken(path); got != "" {
		t.Errorf("no file: %q", got)
	}
	for content, want := range map[string]string{"": "", "refresh": "", "refresh\n": "", "refresh\naccess": "access", "refresh\r\naccess\r\n": "access"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := storedToken(path); got != want {
			t.Errorf("%q: %q, want %q", content, got, want)
		}
	}
}

// A token is foreign: whatever it is, nothing of it is shown in a name.
func FuzzClaims(f *testing.F) {
	f.Add(unsigned(map[string]any{"iss": "i", "sub": "s"}))
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, token string) {
		c := readClaims(token)
		if whose := holder(token); c.Subject == "" && len(whose) != len("token ")+64 {
			t.Errorf("%q is of %q", token, whose)
		}
	})
}
