package local

import (
	"maps"
	"net"
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

// A key of the form that control planes on this machine make, and one that they do not.
const (
	localKey   = "00000000-0000-4000-8000-000000000000:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	serviceKey = "00000000-0000-4000-8000-000000000000:0123456789abcdef0123456789abcdef"
)

// folderWith is a data folder with a last port, and a key unless that is empty.
func folderWith(t *testing.T, address, key string) dataDir {
	t.Helper()
	dir := dataDir(t.TempDir())
	if err := dir.saveSettings(settings{}); err != nil {
		t.Fatal(err)
	}
	if address != "" {
		if err := dir.remember(address); err != nil {
			t.Fatal(err)
		}
	}
	if key != "" {
		if err := os.WriteFile(dir.file("credentials"), []byte(key+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestUndone(t *testing.T) {
	t.Parallel()
	stranger, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stranger.Close() })
	taken := stranger.Addr().String()
	const (
		ours, free = "127.0.0.1:1", "127.0.0.1:2" // nothing listens there
		key        = "of:this"
		all        = "FAL_HOST FAL_GRPC_HOST FAL_REST_HOST ISOLATE_TEST_MODE"
	)
	dir, other := folderWith(t, ours, key), folderWith(t, free, "of:another")
	evicted, lost := folderWith(t, taken, key), folderWith(t, "", "")
	orphan := filepath.Join(t.TempDir(), "login")
	led := func(address, key string, more ...string) map[string]string {
		env := map[string]string{"FAL_HOST": address, "FAL_GRPC_HOST": address, "FAL_REST_HOST": address, "ISOLATE_TEST_MODE": "1", "FAL_KEY": key}
		for i := 0; i < len(more); i += 2 {
			env[more[i]] = more[i+1]
		}
		return env
	}
	loggedIn := func(address, key, folder string) map[string]string {
		return led(address, key, "FAL_AUTH_URL", "http://"+address+"/auth", "FAL_HOME_DIR", folder,
			"FAL_CONFIG_PATH", filepath.Join(folder, "config.toml"), "FAL_FORCE_AUTH_BY_USER", "1")
	}
	const login = " FAL_AUTH_URL FAL_HOME_DIR FAL_CONFIG_PATH FAL_FORCE_AUTH_BY_USER"
	for name, c := range map[string]struct {
		dir  dataDir
		env  map[string]string
		want string
	}{
		"nothing set":                       {dir, nil, ""},
		"a key":                             {dir, led(ours, key), "FAL_KEY " + all},
		"a key for the service":             {dir, map[string]string{"FAL_KEY": serviceKey}, ""},
		"the key alone":                     {dir, map[string]string{"FAL_KEY": key}, "FAL_KEY"},
		"another host":                      {dir, led("api.example.com", "k:s"), ""},
		"one side elsewhere":                {dir, led(ours, "k:s", "FAL_REST_HOST", "rest.example.com"), ""},
		"two ports":                         {dir, led(ours, "k:s", "FAL_REST_HOST", free), ""},
		"a tunnel":                          {dir, led(taken, serviceKey), ""},
		"a tunnel that is down":             {dir, led(free, serviceKey), ""},
		"another control plane":             {dir, led(free, "of:another"), ""},
		"its last port, and another key":    {dir, led(ours, serviceKey), all},
		"its last port, which is another's": {evicted, led(taken, "of:another"), ""},
		"its last port, and its key":        {evicted, led(taken, key), "FAL_KEY " + all},
		"the port before":                   {dir, led(free, key), "FAL_KEY " + all},
		"the port before, which is taken":   {dir, led(taken, key), "FAL_KEY"},

		"a login":                            {dir, loggedIn(ours, "", dir.login()), all + login},
		"a login, and its key":               {dir, loggedIn(ours, key, dir.login()), "FAL_KEY " + all + login},
		"a login, and a key for the service": {dir, loggedIn(ours, serviceKey, dir.login()), all + login},
		"a login at the port before":         {dir, loggedIn(taken, "", dir.login()), all + login},
		"a login to another control plane":   {dir, loggedIn(free, "", other.login()), ""},
		"its key, and a login to another":    {dir, loggedIn(free, key, other.login()), "FAL_KEY"},
		"another issuer":                     {dir, map[string]string{"FAL_AUTH_URL": "https://auth.example.com/auth"}, ""},
		"a folder of one's own":              {dir, map[string]string{"FAL_HOME_DIR": filepath.Join(string(dir), "mine"), "FAL_CONFIG_PATH": filepath.Join(string(dir), "config.toml"), "FAL_FORCE_AUTH_BY_USER": "1"}, ""},

		"after a reset":                               {lost, led(free, localKey), "FAL_KEY " + all},
		"after a reset, another control plane":        {lost, led(taken, localKey), ""},
		"after a reset, a tunnel that is down":        {lost, led(free, serviceKey), ""},
		"after a reset, a local key alone":            {lost, map[string]string{"FAL_KEY": localKey}, ""},
		"after a reset, a login":                      {lost, loggedIn(free, "", orphan), all + login},
		"after a reset, a login to another":           {lost, loggedIn(free, "", other.login()), ""},
		"after another's reset, a login":              {dir, loggedIn(free, "", orphan), ""},
		"after a reset, a login over TLS and no host": {lost, map[string]string{"FAL_AUTH_URL": "https://" + free + "/auth", "FAL_HOME_DIR": orphan}, "FAL_AUTH_URL FAL_HOME_DIR"},

		"certificates":              {dir, map[string]string{"SSL_CERT_FILE": dir.bundle(), "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": dir.bundle()}, "SSL_CERT_FILE GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"},
		"certificates of one's own": {dir, map[string]string{"SSL_CERT_FILE": "/etc/ssl/cert.pem"}, ""},
		"certificates of another":   {dir, map[string]string{"SSL_CERT_FILE": other.bundle()}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			want := map[string]string{}
			for _, v := range strings.Fields(c.want) {
				want[v] = ""
			}
			if got := changes(undone(t.Context(), c.dir, func(name string) string { return c.env[name] })); !maps.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

// Of two control planes the one is not undone with the other.
func TestUndoneIsOfOneControlPlane(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.start()
	folder := filepath.Join(b.home, "other")
	b.run("start", "--data-dir", folder).ok()
	led := func(address, key string) []string {
		return []string{"FAL_KEY=" + key, "FAL_HOST=" + address, "FAL_GRPC_HOST=" + address, "FAL_REST_HOST=" + address, "ISOLATE_TEST_MODE=1"}
	}
	const hosts, nothing = "FAL_HOST FAL_GRPC_HOST FAL_REST_HOST ISOLATE_TEST_MODE", ""
	undoes := func(shell []string, names string, flags ...string) result {
		t.Helper()
		want := nothing
		if names != nothing {
			want = "command -v unset >/dev/null && unset " + names + "\ncommand -v unset >/dev/null || set -e " + names + "\n"
		}
		return b.runEnv(shell, append([]string{"env", "--unset"}, flags...)...).ok().prints(want)
	}
	old := b.key()
	shell := led(*s.Address, old)
	undoes(shell, nothing, "--data-dir", folder).says("nothing to undo: " + *s.Address + " is not known as the control plane in " + folder)
	undoes(led("127.0.0.1:1", serviceKey), nothing).says("--data-dir names another one")
	undoes(shell, "FAL_KEY "+hosts)
	undoes(led(*s.Address, serviceKey), hosts).says("note: FAL_KEY is not the key of the control plane in " + b.data() + ", and stays")
	if r := b.runEnv(shell, "stop", "--data-dir", folder).ok().prints("stopped\n"); strings.Contains(r.stderr, "hint") {
		t.Errorf("stopping another control plane: %s", r.stderr)
	}

	// Its last port is that of the one that runs by now.
	if err := dataDir(folder).remember(*s.Address); err != nil {
		t.Fatal(err)
	}
	undoes(shell, nothing, "--data-dir", folder)
	if r := b.runEnv(shell, "stop", "--data-dir", folder).ok().prints("not running\n"); strings.Contains(r.stderr, "hint") {
		t.Errorf("a shell that leads to another control plane: %s", r.stderr)
	}
	b.runEnv(shell, "stop").ok().says("env --unset")

	// A login beside the key of the same control plane, and after a reset.
	s = b.start("--login")
	login := filepath.Join(b.data(), "login")
	shell = append(led(*s.Address, old), "FAL_AUTH_URL=http://"+*s.Address+"/auth", "FAL_HOME_DIR="+login,
		"FAL_CONFIG_PATH="+filepath.Join(login, "config.toml"), "FAL_FORCE_AUTH_BY_USER=1")
	const all = "FAL_KEY " + hosts + " FAL_AUTH_URL FAL_HOME_DIR FAL_CONFIG_PATH FAL_FORCE_AUTH_BY_USER"
	undoes(shell, all)
	b.run("reset", "--yes").ok()
	undoes(shell, all)
	undoes(led("127.0.0.1:1", old), "FAL_KEY "+hosts)
	b.run("reset", "--yes", "--data-dir", folder).ok()
	b.gone()
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
