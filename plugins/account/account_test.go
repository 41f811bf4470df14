package account

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/fal-plugins/fal/pkg/fal/faltest"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/complete"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/signaltest"
)

func TestMain(m *testing.M) {
	signaltest.Heed()
	goleak.VerifyTestMain(m)
}

// term is a command at a terminal, or in pipes, against a recording server.
type term struct {
	t      *testing.T
	server *faltest.Server
	env    map[string]string
	stdin  string
	tty    bool
	config string
}

type result struct {
	code     int
	out, err string
}

// newTerm is a term for somebody who is logged in.
func newTerm(t *testing.T, file string) *term {
	server := faltest.New(t)
	server.SetAccounts(
		faltest.Account{UserID: "github|1", Nickname: "you", FullName: "You", Personal: true},
		faltest.Account{UserID: "team|2", Nickname: "Acme", FullName: "Acme Inc.\x1b[31m", Org: true},
		faltest.Account{UserID: "team|3", Nickname: "crew"},
		faltest.Account{UserID: "team|4", Nickname: "2", FullName: "Two"},
		faltest.Account{UserID: "team|5", Nickname: "gone", LockReason: "This account has been archived. Please contact support@fal.ai."},
	)
	tm := &term{t: t, server: server, config: filepath.Join(t.TempDir(), "config.toml")}
	tm.env = map[string]string{"FAL_GRPC_HOST": server.Host(), "FAL_REST_HOST": server.Host(), "FAL_CONFIG_PATH": tm.config, "FAL_HOME_DIR": t.TempDir(), "FAL_CACHE_DIR": t.TempDir()}
	tm.logIn()
	if file != "" {
		if err := os.WriteFile(tm.config, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return tm
}

// token is an access token of an issuer that ends in the next century.
func token(issuer string) string {
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	return part(`{"alg":"RS256"}`) + "." + part(`{"iss":"`+issuer+`","sub":"github|1","exp":4102444800}`) + ".c4n4ry"
}

func (tm *term) logIn() {
	tm.t.Helper()
	access := token(tm.server.RESTURL() + "/auth/")
	if err := os.WriteFile(filepath.Join(tm.env["FAL_HOME_DIR"], "auth0_token"), []byte("c4n4ry-refresh\n"+access), 0o600); err != nil {
		tm.t.Fatal(err)
	}
}

func (tm *term) logOut() {
	tm.t.Helper()
	if err := os.Remove(filepath.Join(tm.env["FAL_HOME_DIR"], "auth0_token")); err != nil {
		tm.t.Fatal(err)
	}
}

func (tm *term) run(argv ...string) result {
	tm.t.Helper()
	streams, in, out, errout := iostreams.Test()
	in.WriteString(tm.stdin)
	getenv := func(name string) string { return tm.env[name] }
	streams.SetEnv(getenv)
	streams.SetTerminal(tm.tty, tm.tty, tm.tty)
	streams.SetColor(iostreams.ColorNever)
	code := cli.Run(tm.t.Context(), app(complete.Values{}), cli.Process{Args: argv, Streams: streams, Getenv: getenv})
	r := result{code, out.String(), errout.String()}
	if all := r.out + r.err; strings.Contains(all, "\x1b") || strings.Contains(all, "c4n4ry") {
		tm.t.Errorf("%q shows %q", argv, all)
	}
	return r
}

func (tm *term) want(r result, code int, out, errout string) {
	tm.t.Helper()
	if r.code != code {
		tm.t.Errorf("exit %d, want %d\nstdout %s\nstderr %s", r.code, code, r.out, r.err)
	}
	if r.out != out {
		tm.t.Errorf("stdout\n%swant\n%s", r.out, out)
	}
	if errout == "" && r.err != "" || !strings.Contains(r.err, errout) {
		tm.t.Errorf("stderr %q, want %q", r.err, errout)
	}
}

func (tm *term) wantFile(want string) {
	tm.t.Helper()
	got, err := os.ReadFile(tm.config)
	if err != nil && !(want == "" && os.IsNotExist(err)) || string(got) != want {
		tm.t.Errorf("%v: the file is\n%swant\n%s", err, got, want)
	}
}

func selects(nickname string) string { return "[__internal__]\nteam = \"" + nickname + "\"\n" }

func TestTryEverything(t *testing.T) { cli.TryEverything(t, App) }

func TestList(t *testing.T) {
	tm := newTerm(t, "")
	tm.want(tm.run("list"), 0, `{"teams":[`+
		`{"nickname":"you","full_name":"You","type":"personal","is_selected":true},`+
		`{"nickname":"2","full_name":"Two","type":"team","is_selected":false},`+
		`{"nickname":"Acme","full_name":"Acme Inc.\u001b[31m","type":"org","is_selected":false},`+
		`{"nickname":"crew","full_name":"","type":"team","is_selected":false}]}`+"\n", "")
	tm.want(tm.run("ls", "-o", "name"), 0, "you\n2\nAcme\ncrew\n", "")
	tm.want(tm.run("list", "--team", "CREW", "-q", ".teams[] | select(.is_selected).nickname"), 0, "crew\n", "")
	r := tm.run("list", "--team", "crow")
	tm.want(r, 3, "", "account crow not found\nhint: did you mean crew?\nhint: accounts: you, 2, Acme, crew\n")
	tm.want(tm.run("list", "--team", "crow", "--json"), 3, "", `{"error":{"code":"unknown_team",`)
	if strings.Contains(r.err, "is selected") {
		t.Errorf("stderr %q", r.err)
	}
	tm.tty = true
	tm.want(tm.run("list"), 0, "#  ACCOUNT  SELECTED  TYPE      NAME\n1  you      yes       personal  You\n2  2                  team      Two\n3  Acme               org       Acme Inc.\\x1b[31m\n4  crew               team\n", "4 accounts\n")
	for _, c := range tm.server.Calls() {
		if c.Method != "GET /users/teams" || c.Get("authorization") != "Bearer "+token(tm.server.RESTURL()+"/auth/") || c.Get("x-fal-user-id") != "" {
			t.Errorf("%s as %s", c.Method, c.Get("authorization"))
		}
	}
}

func TestListSelected(t *testing.T) {
	const selected = ".teams[] | select(.is_selected).nickname"
	tm := newTerm(t, selects("acme"))
	tm.want(tm.run("list", "-q", selected), 0, "Acme\n", "")
	tm = newTerm(t, selects("gone"))
	tm.want(tm.run("list", "-q", selected), 0, "", "notice: account gone is selected and not among them; `fal-account set` selects another\n")
	tm = newTerm(t, selects("crew"))
	tm.env["FAL_KEY"] = "an-id:c4n4ry"
	tm.want(tm.run("list", "-q", selected), 0, "crew\n", "notice: commands act for the account of key an-id from FAL_KEY: with a key the selection does not count\n")
}

// Without a login it is the account of the key that there is.
func TestListOfKey(t *testing.T) {
	tm := newTerm(t, selects("crew"))
	tm.logOut()
	tm.env["FAL_KEY"] = "an-id:c4n4ry"
	tm.want(tm.run("list", "-q", ".teams[] | select(.is_selected).nickname"), 0, "you\n", "notice: commands act for the account of key an-id from FAL_KEY")
	for _, c := range tm.server.Calls() {
		if c.Get("authorization") != "Key an-id:c4n4ry" {
			t.Errorf("%s as %s", c.Method, c.Get("authorization"))
		}
	}
	delete(tm.env, "FAL_KEY")
	tm.want(tm.run("list"), 4, "", "no credentials")
}

func TestSet(t *testing.T) {
	for word, want := range map[string]string{
		"crew": "crew (team)", "CREW": "crew (team)", "acme": `Acme (Acme Inc.\x1b[31m, org)`, "1": "you (You, personal)",
		"2": "2 (Two, team)", "4": "crew (team)", // a nickname goes before a number
	} {
		tm := newTerm(t, "")
		tm.want(tm.run("set", word), 0, "selected account "+want+"\n", "")
		nickname, _, _ := strings.Cut(want, " ")
		tm.wantFile(selects(nickname))
	}
	tm := newTerm(t, "")
	tm.want(tm.run("set", "crew", "--json"), 0, `{"nickname":"crew","full_name":"","type":"team","unset_profile":null}`+"\n", "")
	if calls := tm.server.Calls(); len(calls) != 1 {
		t.Errorf("%d requests", len(calls))
	}
}

// A profile that is the default would go before the account.
func TestSetUnsetsProfile(t *testing.T) {
	tm := newTerm(t, "[ci] # mine\nkey = 'an-id:c4n4ry'\n\n[__internal__]\nprofile = 'ci'\nteam = 'old'\n")
	tm.want(tm.run("set", "crew"), 0, "selected account crew (team)\n", "notice: profile ci is no longer the default, so that the account counts\n")
	tm.wantFile("[ci] # mine\nkey = 'an-id:c4n4ry'\n\n[__internal__]\nteam = \"crew\"\n")
	tm.env["FAL_PROFILE"] = "ci"
	tm.want(tm.run("set", "you"), 0, "selected account you (You, personal)\n", "notice: commands act for the account of key an-id from profile ci (")
}

func TestSetUnknown(t *testing.T) {
	for word, want := range map[string][]string{
		"acmee": {"account acmee not found", "hint: did you mean Acme?", "hint: accounts: you, 2, Acme, crew"},
		"5":     {"account 5 not found: there are 4", "hint: accounts: you, 2, Acme, crew"},
		"0":     {"account 0 not found"},
		"gone":  {"account gone not found"},
	} {
		tm := newTerm(t, selects("crew"))
		r := tm.run("set", word)
		for _, w := range want {
			tm.want(r, 3, "", w)
		}
		tm.wantFile(selects("crew"))
	}
	tm := newTerm(t, "")
	tm.want(tm.run("set"), 2, "", "ACCOUNT is missing, and there is no terminal to choose on")
	tm.want(tm.run("set", "crew", "--team", "acme"), 2, "", "hint: fal-account set crew\n")
	tm.want(tm.run("set", "--team=-x"), 2, "", "hint: fal-account set -- -x\n")
	r := tm.run("unset", "--team", "acme")
	tm.want(r, 2, "", "--team names an account for one command")
	tm.want(r, 2, "", "\nhint: fal-account unset\n")
	tm.wantFile("")
	if calls := tm.server.Calls(); len(calls) != 0 {
		t.Errorf("%d requests", len(calls))
	}
}

func TestSetPicked(t *testing.T) {
	const shown = "  1  you (You, personal)\n* 2  2 (Two, team)\n  3  Acme (Acme Inc.\\x1b[31m, org)\n  4  crew (team)\nAccount, by number or nickname [2]: "
	for stdin, want := range map[string]struct {
		code int
		file string
		err  string
	}{
		"3\n":         {0, "Acme", ""},
		"crew\n":      {0, "crew", ""},
		"\n":          {0, "2", ""},
		"crow\n9\n1":  {0, "you", "account crow not found: did you mean crew?\nAccount, by number or nickname [2]: account 9 not found: there are 4\nAccount, by number or nickname [2]: "},
		"":            {1, "2", "no other account was chosen: 2 stays"},
		"nonsense\n ": {0, "2", "account nonsense not found\n"},
	} {
		tm := newTerm(t, selects("2"))
		tm.tty, tm.stdin = true, stdin
		r := tm.run("set")
		if r.code != want.code || !strings.HasPrefix(r.err, shown) || !strings.Contains(r.err, want.err) {
			t.Errorf("%q: %+v", stdin, r)
		}
		tm.wantFile(selects(want.file))
	}
}

func TestSetOfKey(t *testing.T) {
	tm := newTerm(t, "")
	tm.logOut()
	tm.env["FAL_KEY"] = "an-id:c4n4ry"
	r := tm.run("set", "you")
	tm.want(r, 4, "", "key an-id from FAL_KEY decides the account, and no login goes with it to select one for")
	tm.want(r, 4, "", "hint: `fal auth login` makes it possible to act for the accounts of a person\n")
	tm.wantFile("")
}

// Where no login can be, it is not said that it is credentials that lack.
func TestNoHomeFolder(t *testing.T) {
	t.Setenv("HOME", "")
	t.Setenv("USERPROFILE", "")
	for _, argv := range [][]string{{"list"}, {"set", "crew"}} {
		tm := newTerm(t, "")
		for _, name := range []string{"FAL_HOME_DIR", "FAL_GRPC_HOST", "FAL_REST_HOST"} {
			delete(tm.env, name)
		}
		r := tm.run(argv...)
		if r.code == 0 || r.out != "" || !strings.Contains(r.err, "no home folder is known") || strings.Contains(r.err, "no credentials") {
			t.Errorf("%q: %+v", argv, r)
		}
	}
}

// The key of the default profile may be done without.
func TestSetOfProfileKey(t *testing.T) {
	tm := newTerm(t, "")
	file := "[dev]\nkey = 'an-id:c4n4ry'\nlocal_host = '" + tm.server.Host() + "'\n[__internal__]\nprofile = 'dev'\n"
	if err := os.WriteFile(tm.config, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	tm.logOut()
	delete(tm.env, "FAL_GRPC_HOST")
	delete(tm.env, "FAL_REST_HOST")
	r := tm.run("set", "crew")
	tm.want(r, 4, "", "key an-id from profile dev (")
	tm.want(r, 4, "", "hint: `fal profile unset` leaves the profile and its key out\n")
	tm.wantFile(file)

	// A profile that is named is meant with its key.
	tm.logIn()
	tm.want(tm.run("set", "crew", "--profile", "dev"), 4, "", "decides the account")
	tm.want(tm.run("set", "crew"), 0, "selected account crew (team)\n", "notice: profile dev is no longer the default")
}

// The login of the service is not for what listens on this machine.
func TestLoginStaysAway(t *testing.T) {
	for name, tt := range map[string]struct {
		env  map[string]string
		file string
		want bool
	}{
		"the service":                   {nil, "", true},
		"a key of a variable":           {map[string]string{"FAL_KEY": "a:b"}, "", true},
		"a profile's key":               {nil, "[p]\nkey = 'a:b'\nhost = 'api.example.com'\n[__internal__]\nprofile = 'p'\n", true},
		"this machine":                  {map[string]string{"FAL_KEY": "a:b", "FAL_HOST": "127.0.0.1:1"}, "", false},
		"this machine for REST":         {map[string]string{"FAL_KEY": "a:b", "FAL_REST_HOST": "localhost:1"}, "", false},
		"this machine without a key":    {map[string]string{"FAL_HOST": "127.0.0.1:1"}, "", false},
		"a local profile":               {nil, "[p]\nkey = 'a:b'\nlocal_host = 'api.mine.example'\n[__internal__]\nprofile = 'p'\n", false},
		"a local profile, host beaten":  {map[string]string{"FAL_HOST": "api.example.com"}, "[p]\nkey = 'a:b'\nlocal_host = 'localhost:1'\n[__internal__]\nprofile = 'p'\n", true},
		"a folder that was named":       {map[string]string{"FAL_HOST": "127.0.0.1:1", "FAL_HOME_DIR": "named"}, "", true},
		"no login in the folder at all": {map[string]string{"FAL_KEY": "a:b", "FAL_HOME_DIR": "empty"}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			t.Setenv("HOME", home)
			t.Setenv("USERPROFILE", home)
			for _, dir := range []string{".fal", "named", "empty"} {
				if err := os.Mkdir(filepath.Join(home, dir), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			for path, text := range map[string]string{".fal/auth0_token": "x\n", "named/auth0_token": "x\n", ".fal/config.toml": tt.file} {
				if err := os.WriteFile(filepath.Join(home, path), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			getenv := func(name string) string {
				if value := tt.env[name]; name == "FAL_HOME_DIR" && value != "" {
					return filepath.Join(home, value)
				}
				return tt.env[name]
			}
			if got := loginGoesFirst(&cli.Invocation{Getenv: getenv}); got != tt.want {
				t.Errorf("the login goes first: %t", got)
			}
		})
	}
}

func TestSetFails(t *testing.T) {
	tm := newTerm(t, "")
	tm.server.SetAccounts()
	tm.want(tm.run("list"), 0, `{"teams":[]}`+"\n", "no accounts\n")
	tm.want(tm.run("set", "you"), 3, "", "account you not found")
	tm.tty = true
	tm.want(tm.run("set"), 3, "", "the login has no account")
	tm.server.Close()
	tm.want(tm.run("set", "you", "--timeout", "1s"), 6, "", "connection refused")
	tm.wantFile("")
}

func TestUnset(t *testing.T) {
	tm := newTerm(t, "# mine\n"+selects("Acme")+"profile = 'ci'\n")
	tm.want(tm.run("unset"), 0, "account Acme is no longer selected: commands act for the personal one\n", "")
	tm.wantFile("# mine\n[__internal__]\nprofile = 'ci'\n")
	tm.want(tm.run("unset"), 0, "no account was selected\n", "")
	tm.env["FAL_KEY"] = "an-id:c4n4ry"
	tm.want(tm.run("unset", "--json"), 0, `{"nickname":null,"full_name":null,"type":null,"unset_profile":null}`+"\n", "notice: commands act for the account of key an-id from FAL_KEY")
	if calls := tm.server.Calls(); len(calls) != 0 {
		t.Errorf("%d requests", len(calls))
	}
}
