package profilestore

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/pkg/config"
	"github.com/fal-plugins/fal/plugins/internal/cli"
)

func fileWith(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func wantFile(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("%v, got\n%swant\n%s", err, got, want)
	}
}

// Every host that a command can talk to comes back from the saved profile.
func TestHostOfProfile(t *testing.T) {
	for _, host := range []string{"", "api.alpha.fal.ai", "api.example.com", "api.example.com:8443", "127.0.0.1:5005", "https://127.0.0.1:5005", "localhost:5005", "[::1]:5005", "control.example.com", "api.localhost:5005"} {
		for _, before := range []string{"", "[ci]\nhost = 'api.other.example'\nlocal_host = 'localhost:1'\n"} {
			path := fileWith(t, before)
			getenv := func(name string) string { return map[string]string{"FAL_CONFIG_PATH": path}[name] }
			used, err := config.Resolve(config.Inputs{Host: host, Getenv: getenv})
			if err != nil {
				t.Fatal(err)
			}
			d := &Destination{Path: path, Profile: "ci", Host: used.Host, Replace: true}
			if err := d.Prove(); err != nil {
				t.Fatal(err)
			}
			wantFile(t, path, before)
			if err := d.Save("a", "b"); err != nil {
				t.Fatal(err)
			}
			if notice := d.Differs(getenv, used); notice != "" {
				text, _ := os.ReadFile(path)
				t.Errorf("%s: %s\n%s", host, notice, text)
			}
		}
	}
}

func TestSetHost(t *testing.T) {
	for host, want := range map[string]string{
		"api.alpha.fal.ai":     "host = \"api.alpha.fal.ai\"\n",
		"api.example.com":      "host = \"api.example.com\"\n",
		"127.0.0.1:5005":       "local_host = \"127.0.0.1:5005\"\n",
		"https://localhost":    "local_host = \"https://localhost\"\n",
		"control.example.com":  "local_host = \"https://control.example.com\"\n",
		"https://a.example:99": "local_host = \"https://a.example:99\"\n",
	} {
		path := fileWith(t, "[ci] # c\nhost = 5\nlocal_host = 'x'\nmore = true\n")
		endpoint, err := config.ParseHost(host, "HOST")
		if err != nil {
			t.Fatal(err)
		}
		if err := config.Update(path, func(f *config.File) error {
			_, err := SetHost(f, "ci", endpoint)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		text, _ := os.ReadFile(path)
		if !strings.Contains(string(text), want) || strings.Count(string(text), "host = ") != 1 || !strings.Contains(string(text), "more = true\n") {
			t.Errorf("%s:\n%s", host, text)
		}
		err = config.Update(path, func(f *config.File) error {
			_, err := SetHost(f, "other", endpoint)
			return err
		})
		if e := (*config.Error)(nil); !errors.As(err, &e) || e.Code != config.UnknownProfile {
			t.Errorf("a profile that is not there: %v", err)
		}
	}
}

func TestSaveKeepsWhatIsThere(t *testing.T) {
	for before, want := range map[string]string{
		"[ci]\nkey = 'old:hunter2'\n":              "profile ci has key old already",
		"[ci]\nkey = 'hunter2'\n":                  "profile ci has a key already",
		"[ci]\nkey = 5\n":                          "profile ci has a key already",
		"[ci]\nhost = 'api.example.com'\n":         "profile ci is for api.example.com, and the key would be for localhost:1",
		"ci = 1\n":                                 "cannot be the name of a profile",
		"[ci]\nhost = ['api.alpha.fal.ai']\n":      "profile ci is for a malformed host, and the key would be for localhost:1",
		"[ci\nkey = 'hunter2'":                     "config.toml:1",
		"[ci]\nlocal_host = \"a\\u001b[31m:80\"\n": `is for a\x1b[31m:80`,
	} {
		path := fileWith(t, before)
		host, err := config.ParseHost("localhost:1", "HOST")
		if err != nil {
			t.Fatal(err)
		}
		d := &Destination{Path: path, Profile: "ci", Host: host}
		for name, act := range map[string]func() error{"prove": d.Prove, "save": func() error { return d.Save("a", "b") }} {
			err := act()
			if err == nil || cli.ExitCode(err) != cli.ExitUsage || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s of %q: %v", name, before, err)
			}
		}
		wantFile(t, path, before)
		d.Replace = true
		if strings.HasPrefix(before, "[ci]\nkey = 'old") {
			if err := d.Save("a", "b"); err != nil || d.Replaced != "old" {
				t.Errorf("replaced %q, %v", d.Replaced, err)
			}
		}
	}
}

func TestSaveRefusesWhatIsNoKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.toml")
	d := &Destination{Path: path, Profile: "ci"}
	if err := d.Save("a", "hunter2 x"); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("written all the same")
	}
}

// The lines of an error stay what they are, and its hints.
func TestProveKeepsLinesAndHints(t *testing.T) {
	var e *cli.Error
	if err := Prove(fileWith(t, "[ci]\n[ci]\n"), func(*config.File) error { return nil }); !errors.As(err, &e) || len(cli.ErrorLines(err)) != 3 || len(e.Hint) == 0 {
		t.Errorf("%q, hints %q", cli.ErrorLines(err), e.Hint)
	}
	refusal := cli.Usagef("no").WithHint("do")
	if err := Prove(fileWith(t, ""), func(*config.File) error { return refusal }); err != error(refusal) {
		t.Errorf("%v", err)
	}
}

func TestProve(t *testing.T) {
	set := func(f *config.File) error { return f.Set("ci", Key, "a:b") }
	path := filepath.Join(t.TempDir(), "more", "config.toml")
	if err := Prove(path, set); err != nil {
		t.Errorf("a new file: %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the file was made")
	}
	for name, spoil := range map[string]func(path string){
		"a read-only file": func(path string) {
			if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, 0o400)); err != nil {
				t.Fatal(err)
			}
		},
		"a folder": func(path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		},
	} {
		path := filepath.Join(t.TempDir(), "config.toml")
		spoil(path)
		if err := Prove(path, set); cli.ExitCode(err) != cli.ExitUsage || !strings.Contains(err.Error(), "config.toml") {
			t.Errorf("%s: %v", name, err)
		}
		_ = os.Chmod(path, 0o700)
	}
	if runtime.GOOS == "windows" {
		return
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if err := Prove(filepath.Join(dir, "config.toml"), set); cli.ExitCode(err) != cli.ExitUsage {
		t.Errorf("a read-only folder: %v", err)
	}
	_ = os.Chmod(dir, 0o700)
}

func TestMasked(t *testing.T) {
	for key, want := range map[string]string{
		"7d1e:0123456789abcdef":      "7d1e:…cdef",
		"7d1e:0123456789abcde":       "7d1e:…",
		"7d1e:a:b:c:0123456789abcde": "7d1e:…bcde",
		"7d1e:x":                     "7d1e:…",
		"0123456789abcdef":           "malformed",
		"7d1e:0123456789abc def":     "malformed",
		":0123456789abcdef":          "malformed",
		"":                           "malformed",
	} {
		if got := Masked(key); got != want {
			t.Errorf("%s: %s, want %s", key, got, want)
		}
	}
}
