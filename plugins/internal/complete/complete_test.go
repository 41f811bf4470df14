package complete

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
	"github.com/fal-plugins/fal/plugins/internal/cache"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// desk is a command line whose Tab key is pressed.
type desk struct {
	t       *testing.T
	server  *faltest.Server
	env     map[string]string
	later   time.Duration // since the test began
	started [][]string    // in the background, which is done by refresh
}

func newDesk(t *testing.T) *desk {
	server, home := faltest.New(t), t.TempDir()
	server.SetRunners(
		faltest.Runner{ID: "4f2a", Alias: "checkout", State: 0, Uptime: 7980, MachineType: "GPU-H100"},
		faltest.Runner{ID: "9c1d", Alias: "sdxl--staging", State: 8, Uptime: 8000, MachineType: "M"},
		faltest.Runner{ID: "9c\x1b[1d", Alias: "sdxl--staging", State: 8, Uptime: 8000, MachineType: "M"},
	)
	server.SetApps(faltest.App{Alias: "checkout", Revision: "r1", Settings: faltest.Settings{MachineTypes: []string{"GPU-H100", "GPU-A100"}}}, faltest.App{Alias: "idle", Revision: "r2"})
	server.SetRevisions(faltest.Revision{ID: "5555aaaa", App: "checkout", Settings: faltest.Settings{MachineTypes: []string{"M"}}})
	server.SetSecrets(faltest.Secret{Name: "DB_URL"}, faltest.Secret{Name: "TOKEN"})
	server.SetEnvironments(faltest.Environment{Name: "main", Default: true}, faltest.Environment{Name: "staging"})
	server.SetKeys(faltest.Key{ID: "19aa", Description: "old ci"}, faltest.Key{ID: "7d1e", Scope: 1})
	server.SetAccounts(faltest.Account{UserID: "github|1", Nickname: "ada", FullName: "Ada L", Personal: true}, faltest.Account{UserID: "team|2", Nickname: "Acme", Org: true})
	return &desk{t: t, server: server, env: map[string]string{
		"FAL_KEY": "testid:c4n4ry", "FAL_GRPC_HOST": server.Host(), "FAL_REST_HOST": server.Host(),
		"FAL_CONFIG_PATH": filepath.Join(home, "config.toml"), "FAL_HOME_DIR": home, "FAL_CACHE_DIR": filepath.Join(home, "cache"),
	}}
}

func (d *desk) values() Values {
	return Values{
		now:   func() time.Time { return time.Now().Add(d.later) },
		start: func(argv []string) error { d.started = append(d.started, argv); return nil },
	}
}

func (d *desk) app(v Values) *cli.App {
	var text string
	arg := func(name string, c cli.Completer) cli.Arg {
		return cli.Arg{Name: name, Optional: true, Repeat: true, Value: cli.String(&text), Complete: c}
	}
	run := func(context.Context, *cli.Invocation) error { return nil }
	return v.In(&cli.App{Name: "fal-test", Noun: "test", Account: true, Commands: []*cli.Command{
		{Name: "runner", Args: []cli.Arg{arg("ID", v.Runners())}, Run: run},
		{Name: "app", Args: []cli.Arg{arg("APP", v.Apps())}, Environment: true, Run: run},
		{Name: "revision", Args: []cli.Arg{{Name: "APP", Value: cli.String(&text), Complete: v.Apps()}, arg("REV", v.Revisions())}, Environment: true, Run: run},
		{Name: "anyrevision", Args: []cli.Arg{arg("REV", v.Revisions())}, Environment: true, Run: run},
		{Name: "key", Args: []cli.Arg{arg("ID", v.Keys())}, Run: run},
		{Name: "secret", Args: []cli.Arg{arg("NAME", v.Secrets())}, Environment: true, Run: run},
		{Name: "account", Args: []cli.Arg{arg("NAME", v.Accounts(d.loggedIn))}, Run: run},
		{Name: "log", Args: []cli.Arg{arg("ID", v.RunnersOrAliases("app/"))}, Run: run},
		{Name: "alias", Args: []cli.Arg{arg("APP", v.Aliases())}, Run: run},
		{Name: "machine", Args: []cli.Arg{arg("TYPE", v.MachineTypes())}, Run: run},
	}})
}

func (d *desk) loggedIn(*cli.Invocation) bool {
	_, err := os.Stat(d.tokenPath())
	return err == nil
}

func (d *desk) run(argv ...string) string {
	d.t.Helper()
	streams, _, out, errout := iostreams.Test()
	getenv := func(name string) string { return d.env[name] }
	code := cli.Run(d.t.Context(), d.app(d.values()), cli.Process{Args: argv, Streams: streams, Getenv: getenv})
	if code != 0 || errout.Len() > 0 {
		d.t.Errorf("%q: exit %d, stderr %q", argv, code, errout)
	}
	return out.String()
}

// tab returns the candidates, without the line of directives.
func (d *desk) tab(words ...string) string {
	d.t.Helper()
	lines := strings.Split(d.run(append([]string{cli.CompleteWord, "--"}, words...)...), "\n")
	lines = slices.DeleteFunc(lines, func(l string) bool { return l == "" || strings.HasPrefix(l, ":") })
	return strings.ReplaceAll(strings.Join(lines, "; "), "\t", "|")
}

// refresh does what was started in the background.
func (d *desk) refresh() {
	d.t.Helper()
	jobs := d.started
	d.started = nil
	for _, argv := range jobs {
		d.run(argv...)
	}
}

// asked are the requests since the last look, and fails for one that is no mere
// question.
func (d *desk) asked(since *int) string {
	d.t.Helper()
	calls := d.server.Calls()
	var methods []string
	for _, c := range calls[*since:] {
		if !strings.HasPrefix(c.Method, "List") && !strings.HasPrefix(c.Method, "GET ") {
			d.t.Errorf("%s was called", c.Method)
		}
		methods = append(methods, strings.TrimSpace(c.Method+" "+c.Get("fal-user-id")+c.Get("x-fal-user-id")))
	}
	*since = len(calls)
	return strings.Join(methods, ", ")
}

func (d *desk) want(got, want string) {
	d.t.Helper()
	if got != want {
		d.t.Errorf("got\n%s\nwant\n%s", strings.ReplaceAll(got, "; ", "\n"), strings.ReplaceAll(want, "; ", "\n"))
	}
}

func TestNamesComeFromTheServiceOnce(t *testing.T) {
	for _, tt := range []struct{ line, asked, want string }{
		{"runner ", "ListRunners", "4f2a|checkout RUNNING 2h13m; 9c1d|sdxl--staging IDLE 2h13m"},
		{"runner 9", "ListRunners", "9c1d|sdxl--staging IDLE 2h13m"},
		{"app ", "ListAliases", "checkout|private, GPU-H100 GPU-A100, 0 runners; idle|private, 0 runners"},
		{"revision checkout ", "ListApplications", "5555aaaa|M, 0 runners"},
		{"anyrevision ", "ListApplications", "5555aaaa|M, 0 runners"},
		{"key ", "ListUserKeys", "19aa|ADMIN, old ci; 7d1e|API"},
		{"secret ", "ListSecrets", "DB_URL; TOKEN"},
		{"app --env ", "ListEnvironments", "main|default; staging"},
		{"app --team ", "GET /users/teams", "ada|personal, Ada L; Acme|org"},
		{"account ", "GET /users/teams", "ada|personal, Ada L; Acme|org"},
		{"log ", "ListRunners", "4f2a|checkout RUNNING 2h13m; 9c1d|sdxl--staging IDLE 2h13m; app/checkout|1 runner; app/sdxl--staging|1 runner"},
		{"log app/c", "ListRunners", "app/checkout|1 runner"},
		{"alias ", "ListRunners", "checkout|1 runner; sdxl--staging|1 runner"},
		{"machine ", "ListAliases", "GPU-A100; GPU-H100"},
	} {
		t.Run(tt.line, func(t *testing.T) {
			d, seen := newDesk(t), 0
			words := strings.Split(tt.line, " ")
			got := strings.ReplaceAll(d.tab(words...), "|;", ";")
			d.want(strings.TrimSuffix(got, "|"), tt.want)
			d.want(d.asked(&seen), tt.asked)
			again := strings.ReplaceAll(d.tab(words...), "|;", ";")
			if strings.TrimSuffix(again, "|") != strings.TrimSuffix(got, "|") {
				t.Errorf("the second time %s", again)
			}
			d.want(d.asked(&seen), "")
			if d.started != nil {
				t.Errorf("started %q", d.started)
			}
		})
	}
}

// What is stale is offered at once; the service, which hangs, is none of the
// line's business.
func TestStaleIsBetterThanLate(t *testing.T) {
	d, seen := newDesk(t), 0
	fresh := d.tab("runner", "")
	d.asked(&seen)
	d.later = 11 * time.Second
	d.server.Handle("ListRunners", func(faltest.Call) faltest.Answer { return faltest.Hang() })
	begin := time.Now()
	stale := d.tab("runner", "--profile=", "--host", d.server.Host(), "typed-before", "")
	t.Logf("a stale answer took %s", time.Since(begin))
	d.want(strings.ReplaceAll(strings.ReplaceAll(stale, "2h13m", "?"), "2h14m", "?"), strings.ReplaceAll(strings.ReplaceAll(fresh, "2h13m", "?"), "2h14m", "?"))
	d.want(d.asked(&seen), "")
	d.want(fmt.Sprint(d.started), fmt.Sprintf("[[__refresh --host=%s -- runners]]", d.server.Host()))
	d.tab("runner", "")
	if len(d.started) != 1 {
		t.Errorf("started again: %q", d.started)
	}

	d.server.Handle("ListRunners", func(faltest.Call) faltest.Answer {
		return faltest.Reply(`{"runners": [{"runner_id": "77be", "alias": "new", "uptime": 7201}]}`)
	})
	d.refresh()
	d.want(d.asked(&seen), "ListRunners")
	d.want(d.tab("runner", ""), "77be|new RUNNING 2h")
	d.want(d.asked(&seen), "")
}

func TestHungServiceIsLeftAlone(t *testing.T) {
	d, seen := newDesk(t), 0
	d.server.Handle("ListRunners", func(faltest.Call) faltest.Answer { return faltest.Hang() })
	begin := time.Now()
	d.want(d.tab("runner", ""), "")
	t.Logf("with nothing to offer it took %s", time.Since(begin))
	d.want(d.asked(&seen), "ListRunners")
	for _, line := range [][]string{{"runner", ""}, {"app", ""}, {"key", ""}} {
		d.want(d.tab(line...), "")
	}
	d.want(d.asked(&seen), "")
	d.later = 9 * time.Second
	d.want(d.tab("runner", ""), "")
	d.want(d.asked(&seen), "")
	if d.started != nil {
		t.Fatalf("started %q", d.started)
	}
	// A service that is slow is asked again, and nobody waits for it.
	d.later = 11 * time.Second
	d.want(d.tab("runner", ""), "")
	d.want(d.asked(&seen), "")
	d.server.Handle("ListRunners", func(faltest.Call) faltest.Answer {
		return faltest.Reply(`{"runners": [{"runner_id": "77be", "alias": "new", "uptime": 1}]}`)
	})
	d.want(fmt.Sprint(d.started), "[[__refresh -- runners]]")
	d.refresh()
	if got := d.tab("runner", ""); !strings.HasPrefix(got, "77be|new") {
		t.Errorf("after the refresh: %q", got)
	}
	d.want(d.asked(&seen), "ListRunners")
}

func TestFailureIsNotRepeated(t *testing.T) {
	d, seen := newDesk(t), 0
	d.server.Handle("ListSecrets", func(faltest.Call) faltest.Answer { return faltest.Fail(fal.CodePermissionDenied, "no") })
	d.want(d.tab("secret", ""), "")
	d.want(d.tab("secret", ""), "")
	d.want(d.asked(&seen), "ListSecrets")
	if d.tab("app", "") == "" { // the service itself is well
		t.Error("apps are not offered")
	}
	d.want(d.asked(&seen), "ListAliases")
	d.later = 11 * time.Second
	d.want(d.tab("secret", ""), "")
	d.want(d.asked(&seen), "ListSecrets")
	if d.started != nil {
		t.Errorf("started %q", d.started)
	}
}

func TestServiceThatIsDown(t *testing.T) {
	d := newDesk(t)
	before := d.tab("key", "")
	d.server.Close()
	d.want(d.tab("key", ""), before)
	begin := time.Now()
	d.want(d.tab("runner", ""), "")
	t.Logf("with the service down it took %s", time.Since(begin))
	d.later = 11 * time.Second
	d.want(d.tab("key", ""), before)
	d.refresh() // in vain
	d.want(d.tab("key", ""), before)
}

func TestNoCredentials(t *testing.T) {
	d, seen := newDesk(t), 0
	delete(d.env, "FAL_KEY")
	for _, line := range [][]string{{"runner", ""}, {"app", "--env", ""}, {"app", "--team", ""}, {"log", ""}, {"machine", ""}} {
		d.want(d.tab(line...), "")
	}
	d.want(d.asked(&seen), "")
	d.env["FAL_KEY"] = "malformed"
	d.want(d.tab("runner", ""), "")
	if d.started != nil {
		t.Errorf("started %q", d.started)
	}
}

func TestProfiles(t *testing.T) {
	d := newDesk(t)
	d.want(d.tab("runner", "--profile", ""), "")
	file := "[__internal__]\nprofile = \"ci\"\n[prod]\nkey = \"a:b\"\n[ci]\nkey = \"c:d\"\n"
	if err := os.WriteFile(d.env["FAL_CONFIG_PATH"], []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	d.want(d.tab("runner", "--profile", ""), "prod|; ci|the default")
	d.want(d.tab("runner", "--profile=p"), "--profile=prod|")
}

// What is known of one account, host or environment is offered for no other.
func TestPlacesAreKeptApart(t *testing.T) {
	d, seen := newDesk(t), 0
	d.tab("app", "")
	d.tab("secret", "")
	d.asked(&seen)
	d.tab("app", "--env", "staging", "")
	d.tab("secret", "--env=staging", "")
	d.want(d.asked(&seen), "ListAliases, ListSecrets")
	d.tab("app", "--env", "main", "") // is none
	d.want(d.asked(&seen), "")
	d.env["FAL_ENV"] = "dev"
	d.tab("app", "")
	d.want(d.asked(&seen), "ListAliases")
	delete(d.env, "FAL_ENV")
	d.tab("revision", "a", "")
	d.tab("revision", "b", "")
	d.want(d.asked(&seen), "ListApplications, ListApplications")
	d.tab("revision", "a--staging", "")
	d.tab("revision", "--env=staging", "a", "")
	d.tab("revision", "--env=staging", "a--staging", "")
	d.want(d.asked(&seen), "ListApplications")
	d.env["FAL_KEY"] = "other:c4n4ry"
	d.tab("app", "")
	d.want(d.asked(&seen), "ListAliases")
	other := newDesk(t)
	d.env["FAL_GRPC_HOST"] = other.server.Host()
	d.tab("app", "")
	d.want(d.asked(&seen), "")
	if n := len(other.server.Calls()); n != 1 {
		t.Errorf("the other host got %d requests", n)
	}
}

func TestBrokenCache(t *testing.T) {
	d, seen := newDesk(t), 0
	whole := d.tab("key", "")
	d.asked(&seen)
	for name, content := range map[string]func([]byte) []byte{
		"rubbish": func([]byte) []byte { return []byte("\x00rubbish") },
		"torn":    func(b []byte) []byte { return b[:len(b)/2] },
		"empty":   func([]byte) []byte { return nil },
		"other":   func([]byte) []byte { return []byte(`{"host": 1}`) },
	} {
		d.eachFile(func(path string, b []byte) {
			if err := os.WriteFile(path, content(b), 0o600); err != nil {
				t.Fatal(err)
			}
		})
		d.want(d.tab("key", ""), whole)
		if got := d.asked(&seen); got != "ListUserKeys" {
			t.Errorf("%s: asked %q", name, got)
		}
	}
	// A value of another shape is none.
	s, err := session.Offline(&cli.Invocation{Getenv: func(n string) string { return d.env[n] }, Command: &cli.Command{}})
	if err != nil {
		t.Fatal(err)
	}
	st := shelf{s.Kept(), s.Place(false), query{kind: kindNamed(keys)}}
	if err := st.cache.Put(keys, st.key(), []byte("x\ny")); err != nil {
		t.Fatal(err)
	}
	d.want(d.tab("key", ""), whole)
}

func (d *desk) eachFile(visit func(path string, content []byte)) {
	d.t.Helper()
	n := 0
	err := filepath.WalkDir(d.env["FAL_CACHE_DIR"], func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err == nil {
			visit(path, content)
			n++
		}
		return err
	})
	if err != nil || n == 0 {
		d.t.Fatalf("%d files, %v", n, err)
	}
}

// Files are the user's alone and hold no credentials.
func TestFiles(t *testing.T) {
	d := newDesk(t)
	for _, c := range []string{"runner", "app", "key", "secret", "account"} {
		d.tab(c, "")
	}
	d.later = 11 * time.Second
	d.tab("key", "")
	d.refresh()
	d.eachFile(func(path string, content []byte) {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 && runtime.GOOS != "windows" {
			t.Errorf("%s has mode %o", path, mode)
		}
		var e struct{ Value []byte }
		if strings.HasSuffix(path, ".json") {
			if err := json.Unmarshal(content, &e); err != nil {
				t.Error(err)
			}
		}
		if strings.Contains(string(content)+string(e.Value), "c4n4ry") {
			t.Errorf("%s holds the key", path)
		}
	})
}

// One process of a kind asks at a time, and one that comes late finds the work
// done.
func TestRefreshIsOneAtATime(t *testing.T) {
	d, seen := newDesk(t), 0
	held := cache.Open(func(n string) string { return d.env[n] }, "another host", "another account")
	unlock, ok := held.Lock(runners)
	if !ok {
		t.Fatal("no lock")
	}
	d.run("__refresh", "--", "runners")
	d.want(d.asked(&seen), "")
	d.run("__refresh", "--", "keys")
	d.want(d.asked(&seen), "ListUserKeys")
	unlock()
	for range 2 {
		d.run("__refresh", "--", "runners")
	}
	d.want(d.asked(&seen), "ListRunners")
}

func TestRefreshRefusesUnknownKinds(t *testing.T) {
	d := newDesk(t)
	streams, _, _, _ := iostreams.Test()
	code := cli.Run(t.Context(), d.app(d.values()), cli.Process{Args: []string{"__refresh", "failed"}, Streams: streams, Getenv: func(n string) string { return d.env[n] }})
	if code != cli.ExitUsage {
		t.Errorf("exit %d", code)
	}
	for _, k := range kinds() {
		if strings.Trim(k.name, "abcdefghijklmnopqrstuvwxyz") != "" || slices.Contains([]string{failures, attempts, "accounts", "account"}, k.name) {
			t.Errorf("%q is no kind for the cache", k.name)
		}
	}
}

// logIn takes the key away and leaves a login.
func (d *desk) logIn(ends time.Duration) string {
	d.t.Helper()
	delete(d.env, "FAL_KEY")
	payload := fmt.Sprintf(`{"iss": "%s/auth/", "sub": "github|1", "exp": %d}`, d.server.RESTURL(), time.Now().Add(ends).Unix())
	content := "refresh\nhead." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".signature"
	d.writeToken(content)
	return content
}

func (d *desk) writeToken(content string) {
	d.t.Helper()
	if err := os.WriteFile(d.tokenPath(), []byte(content), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) tokenPath() string { return filepath.Join(d.env["FAL_HOME_DIR"], "auth0_token") }

func TestLogin(t *testing.T) {
	d, seen := newDesk(t), 0
	d.logIn(5 * time.Minute) // a command would refresh it
	d.tab("key", "")
	d.want(d.asked(&seen), "ListUserKeys")
	if err := os.WriteFile(d.env["FAL_CONFIG_PATH"], []byte("[__internal__]\nteam = \"acme\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.tab("key", "")
	d.want(d.asked(&seen), "GET /users/teams, ListUserKeys team|2")
	d.tab("account", "") // whatever is selected
	d.want(d.asked(&seen), "GET /users/teams")
	d.tab("key", "--team", "Acme", "")
	d.want(d.asked(&seen), "")

	content := d.logIn(-time.Minute)
	before := d.tab("key", "")
	if before == "" {
		t.Error("what is known of a login whose token has ended is not offered")
	}
	d.want(d.tab("runner", ""), "")
	d.later = 11 * time.Second
	d.want(d.tab("key", ""), before)
	d.refresh()
	d.want(d.asked(&seen), "")
	if now, err := os.ReadFile(d.tokenPath()); err != nil || string(now) != content {
		t.Errorf("the login was changed: %v", err)
	}
}

// A token that is refused stays: another command may have a use for it.
func TestRefusedLoginStays(t *testing.T) {
	d := newDesk(t)
	content := d.logIn(time.Hour)
	d.server.Handle("ListUserKeys", func(faltest.Call) faltest.Answer { return faltest.Fail(fal.CodeUnauthenticated, "no") })
	d.want(d.tab("key", ""), "")
	if now, err := os.ReadFile(d.tokenPath()); err != nil || string(now) != content {
		t.Errorf("the login was changed: %v", err)
	}
}

// The account to select is of the person, also where a key is set.
func TestAccountsOfAPerson(t *testing.T) {
	d := newDesk(t)
	d.logIn(time.Hour)
	d.env["FAL_KEY"] = "testid:c4n4ry"
	d.tab("account", "")
	if c := d.server.Calls(); len(c) != 1 || !strings.HasPrefix(c[0].Get("authorization"), "Bearer ") {
		t.Errorf("%d calls", len(c))
	}
	d.later = 11 * time.Second
	d.tab("account", "")
	d.want(fmt.Sprint(d.started), "[[__refresh --as-person -- nicknames]]")
	d.refresh()
	if c := d.server.Calls(); len(c) != 2 || !strings.HasPrefix(c[1].Get("authorization"), "Bearer ") {
		t.Errorf("%d calls", len(c))
	}
}

func TestKeep(t *testing.T) {
	d, seen := newDesk(t), 0
	inv := &cli.Invocation{IO: &iostreams.Streams{}, Getenv: func(n string) string { return d.env[n] }, App: &cli.App{Name: "fal-test"}, Command: &cli.Command{}}
	s, err := session.Open(t.Context(), inv)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	runner := func(id string) fal.Runner { return fal.Runner{ID: id, Alias: "a", State: fal.RunnerIdle} }
	listed := func(runners ...fal.Runner) func(func(fal.Runner, error) bool) {
		return func(yield func(fal.Runner, error) bool) {
			for _, r := range runners {
				if !yield(r, nil) {
					return
				}
			}
		}
	}
	through := func(all bool, runners ...fal.Runner) {
		n := 0
		for range KeepRunners(s, listed(runners...), all) {
			n++
		}
		if n != len(runners) {
			t.Errorf("%d of %d runners", n, len(runners))
		}
	}
	ended := runner("ended")
	ended.State = fal.RunnerTerminated
	names := func() string {
		var found []string
		for _, c := range strings.Split(d.tab("runner", ""), "; ") {
			name, _, _ := strings.Cut(c, "|")
			found = append(found, name)
		}
		return strings.Join(found, " ")
	}
	through(true, runner("a"), ended, runner("b"))
	d.want(names(), "a b")
	through(true, runner("b"), runner("c"))
	d.want(names(), "b c")
	through(false, runner("d"), runner("b"))
	d.want(names(), "d b c")
	for range KeepRunners(s, listed(runner("x"), runner("y")), true) {
		break // not all were seen
	}
	d.want(names(), "d b c")
	for range KeepRunners(s, func(yield func(fal.Runner, error) bool) {
		_ = yield(runner("x"), nil) && yield(fal.Runner{}, fal.ErrNotFound)
	}, true) {
	}
	d.want(names(), "d b c")
	d.want(d.asked(&seen), "")

	many := make([]fal.Runner, 10_000)
	for i := range many {
		many[i] = runner(fmt.Sprintf("%036d", i))
	}
	through(true, many...)
	if got := strings.Fields(names()); len(got) != most || got[0] != many[0].ID {
		t.Errorf("%d are kept", len(got))
	}
	through(true)
	d.want(d.tab("runner", ""), "")
	d.want(d.asked(&seen), "") // that there is none is known, too
}

// Some that were listed are no reason to think that they are all.
func TestSomeAreStale(t *testing.T) {
	d := newDesk(t)
	inv := &cli.Invocation{IO: &iostreams.Streams{}, Getenv: func(n string) string { return d.env[n] }, App: &cli.App{Name: "fal-test"}, Command: &cli.Command{}}
	s, err := session.Open(t.Context(), inv)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range KeepRunners(s, s.Client.Runners.List(t.Context(), &fal.RunnersListParams{States: []fal.RunnerState{fal.RunnerIdle}}), false) {
	}
	d.want(d.tab("runner", ""), "9c1d|sdxl--staging IDLE 2h13m")
	d.refresh()
	if got := d.tab("runner", ""); !strings.Contains(got, "4f2a") {
		t.Errorf("after the refresh: %s", got)
	}
}

func TestBounded(t *testing.T) {
	long := strings.Repeat("x", longest)
	items := []item{{Name: "a"}, {}, {Name: "b\n"}, {Name: "c\x7f"}, {Name: long}, {Name: long + "x"}, {Name: "d e"}}
	var names []string
	for _, i := range bounded(items) {
		names = append(names, i.Name)
	}
	if want := []string{"a", long, "d e"}; !slices.Equal(names, want) {
		t.Errorf("%q", names)
	}
	heavy := slices.Repeat([]item{{Name: long, About: strings.Repeat("y", 80*4)}}, most)
	if text := (listing{Items: bounded(heavy)}).encode(); len(text) > largest || len(text) < largest/2 {
		t.Errorf("%d bytes", len(text))
	}
	if got := about("", "x", strings.Repeat("ä", 100)); len([]rune(got)) != 80 || !strings.HasSuffix(got, "ä…") {
		t.Errorf("%q", got)
	}
}

func TestSharedFlagsAreCompleted(t *testing.T) {
	app := newDesk(t).app(Values{})
	want := []string{"env", "profile", "team"}
	if got := slices.Sorted(maps.Keys(app.CompleteFlags)); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestListingIsReadAsItWasWritten(t *testing.T) {
	at := time.Unix(0, 1_790_000_000_123_456_789)
	for _, l := range []listing{
		{}, {Listed: at}, {Listed: at, Items: []item{{Name: "a"}}},
		{Items: []item{{Name: "a b", Alias: "b", App: "c", About: "d, e", Began: -1, Machines: []string{"M", "GPU-H100"}}, {Name: "ü"}}},
	} {
		got, ok := decode(l.encode())
		if !ok || !got.Listed.Equal(l.Listed) || fmt.Sprint(got.Items) != fmt.Sprint(l.Items) {
			t.Errorf("%+v became %+v, %v", l, got, ok)
		}
	}
	hostile := listing{Items: []item{{Name: "a", App: "x\ty", About: "\x1b[2J\nb\u0085", Machines: []string{"m\tn"}}}}
	if got, ok := decode(hostile.encode()); !ok || len(got.Items) != 1 || got.Items[0].describe(time.Now()) != "x y  [2J b " {
		t.Errorf("%+v, %v", got, ok)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("1790000000123456789\na\t\tb\tc\t5\tM"))
	f.Add([]byte("\na\t\t\t\t0"))
	f.Fuzz(func(t *testing.T, value []byte) {
		l, ok := decode(value)
		if !ok {
			if l.Items != nil {
				t.Error("items of nothing")
			}
			return
		}
		again, ok := decode(l.encode())
		if !ok || len(again.Items) != len(l.Items) || !again.Listed.Equal(l.Listed) {
			t.Errorf("%q is not read again", value)
		}
	})
}

// Where nothing can be kept, a service that hangs is asked once for one line, and
// not at all when the time of the line is over.
func TestHungServiceIsAskedOnce(t *testing.T) {
	d := newDesk(t)
	hangs := make(chan struct{})
	defer close(hangs)
	d.server.Handle("ListRunners", func(faltest.Call) faltest.Answer { <-hangs; return faltest.Reply(`{}`) })
	d.env["FAL_CACHE_DIR"] = filepath.Join(os.DevNull, "x")
	d.want(d.tab("log", ""), "")
	if n := len(d.server.Calls("ListRunners")); n > 1 {
		t.Errorf("the service was asked %d times", n)
	}

	seen := 0
	d.asked(&seen)
	v := d.values()
	app := d.app(v)
	for _, complete := range []cli.Completer{v.RunnersOrAliases("app/"), v.Runners(), v.Apps(), v.Keys(), v.Aliases(), v.MachineTypes(), v.Accounts(nil), v.Revisions()} {
		c := &cli.Completion{Getenv: func(name string) string { return d.env[name] }, App: app, Command: app.Commands[0], Began: time.Now().Add(-patience)}
		if found := complete(t.Context(), c); len(found) > 0 {
			t.Errorf("offers %v", found)
		}
	}
	d.want(d.asked(&seen), "")
}
