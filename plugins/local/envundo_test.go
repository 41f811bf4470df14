package local

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func changes(e Environment) map[string]string {
	got := map[string]string{}
	for _, v := range e.variables() {
		got[v[0]] = v[1]
	}
	return got
}

func TestUndone(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	dir, other := dataDir(data), dataDir(t.TempDir())
	for _, d := range []dataDir{dir, other} {
		if err := d.saveSettings(settings{}); err != nil {
			t.Fatal(err)
		}
	}
	const address = "127.0.0.1:4100"
	for name, c := range map[string]struct {
		env  map[string]string
		want string
	}{
		"nothing set":           {nil, ""},
		"a key":                 {map[string]string{"FAL_KEY": "k:s", "FAL_HOST": address, "FAL_GRPC_HOST": address, "FAL_REST_HOST": address, "ISOLATE_TEST_MODE": "1"}, "FAL_KEY FAL_HOST FAL_GRPC_HOST FAL_REST_HOST ISOLATE_TEST_MODE"},
		"a key for the service": {map[string]string{"FAL_KEY": "k:s"}, ""},
		"another host":          {map[string]string{"FAL_KEY": "k:s", "FAL_HOST": "api.example.com", "ISOLATE_TEST_MODE": "1"}, ""},
		"one side elsewhere":    {map[string]string{"FAL_KEY": "k:s", "FAL_HOST": address, "FAL_REST_HOST": "rest.example.com"}, ""},
		"a login": {map[string]string{"FAL_HOST": address, "FAL_AUTH_URL": "http://" + address + "/auth", "FAL_HOME_DIR": dir.login(),
			"FAL_CONFIG_PATH": filepath.Join(dir.login(), "config.toml"), "FAL_FORCE_AUTH_BY_USER": "1"}, "FAL_HOST FAL_AUTH_URL FAL_HOME_DIR FAL_CONFIG_PATH FAL_FORCE_AUTH_BY_USER"},
		"a login, and a key for the service": {map[string]string{"FAL_KEY": "k:s", "FAL_HOST": address, "FAL_AUTH_URL": "http://" + address + "/auth", "FAL_HOME_DIR": dir.login(), "FAL_FORCE_AUTH_BY_USER": "1"},
			"FAL_HOST FAL_AUTH_URL FAL_HOME_DIR FAL_FORCE_AUTH_BY_USER"},
		"a login to another control plane": {map[string]string{"FAL_HOME_DIR": other.login()}, "FAL_HOME_DIR"},
		"a login after a reset":            {map[string]string{"FAL_AUTH_URL": "https://" + address + "/auth", "FAL_HOME_DIR": filepath.Join(data, "gone", "login")}, "FAL_AUTH_URL FAL_HOME_DIR"},
		"a folder of one's own":            {map[string]string{"FAL_HOME_DIR": filepath.Join(data, "mine"), "FAL_CONFIG_PATH": filepath.Join(data, "config.toml"), "FAL_FORCE_AUTH_BY_USER": "1"}, ""},
		"another issuer":                   {map[string]string{"FAL_AUTH_URL": "https://auth.example.com/auth"}, ""},
		"certificates":                     {map[string]string{"SSL_CERT_FILE": dir.bundle(), "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": dir.bundle()}, "SSL_CERT_FILE GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"},
		"certificates of one's own":        {map[string]string{"SSL_CERT_FILE": "/etc/ssl/cert.pem"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			want := map[string]string{}
			for _, v := range strings.Fields(c.want) {
				want[v] = ""
			}
			if got := changes(undone(dir, func(name string) string { return c.env[name] })); !maps.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

// What a control plane with logins has left in a shell does not lead another
// one, or nobody, into its folder.
func TestEnvForgetsLogin(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.start("--login")
	folder := filepath.Join(b.data(), "login")
	shell := []string{"FAL_HOST=" + *s.Address, "FAL_AUTH_URL=http://" + *s.Address + "/auth", "FAL_HOME_DIR=" + folder,
		"FAL_CONFIG_PATH=" + filepath.Join(folder, "config.toml"), "FAL_FORCE_AUTH_BY_USER=1"}
	b.stop()
	const names = "FAL_HOST FAL_AUTH_URL FAL_HOME_DIR FAL_CONFIG_PATH FAL_FORCE_AUTH_BY_USER\n"
	const undo = "command -v unset >/dev/null && unset " + names + "command -v unset >/dev/null || set -e " + names
	b.runEnv(shell, "env", "--unset").ok().prints(undo)
	b.runEnv(shell, "env", "--unset", "-q", ".FAL_HOME_DIR, .FAL_KEY").ok().prints("\nnull\n")
	b.runEnv(shell, "start").ok()
	if r := b.runEnv(shell, "env").ok(); !strings.HasPrefix(r.stdout, "export FAL_KEY='"+b.key()) ||
		!strings.HasSuffix(r.stdout, "command -v unset >/dev/null || set -e FAL_AUTH_URL FAL_HOME_DIR FAL_CONFIG_PATH FAL_FORCE_AUTH_BY_USER\n") {
		t.Errorf("env:\n%s", r.stdout)
	}
	if r := b.runEnv(shell, "env", "--shell", "powershell").ok(); !strings.HasSuffix(r.stdout, "Remove-Item Env:FAL_AUTH_URL, Env:FAL_HOME_DIR, Env:FAL_CONFIG_PATH, Env:FAL_FORCE_AUTH_BY_USER -ErrorAction SilentlyContinue\n") {
		t.Errorf("env for PowerShell:\n%s", r.stdout)
	}
	b.runEnv(shell, "stop").ok().says("env --unset")
	b.run("env", "--unset").ok().prints("").says("nothing to undo")
	if _, err := os.Stat(folder); err != nil {
		t.Error(err)
	}
	b.gone()
}
