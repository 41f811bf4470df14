package account

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fal-plugins/fal/pkg/fal/faltest"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/complete"
	"github.com/fal-plugins/fal/plugins/internal/signaltest"
	"github.com/fal-plugins/fal/plugins/internal/termtest"
)

func TestMain(m *testing.M) {
	signaltest.Heed()
	goleak.VerifyTestMain(m)
}

// term is where the program is run.
type term struct{ *termtest.Term }

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
	tm := &term{termtest.New(t, server, func(func() time.Time) *cli.App { return app(complete.Values{}) })}
	delete(tm.Env, "FAL_KEY")
	tm.Env["FAL_HOME_DIR"], tm.Env["FAL_CACHE_DIR"] = t.TempDir(), t.TempDir()
	tm.Never = []string{"c4n4ry", "\x1b"}
	tm.logIn()
	if file != "" {
		tm.WriteConfig(file)
	}
	return tm
}

// token is an access token of an issuer that ends in the next century.
func token(issuer string) string {
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	return part(`{"alg":"RS256"}`) + "." + part(`{"iss":"`+issuer+`","sub":"github|1","exp":4102444800}`) + ".c4n4ry"
}

func (tm *term) logIn() {
	tm.T.Helper()
	access := token(tm.Server.RESTURL() + "/auth/")
	if err := os.WriteFile(filepath.Join(tm.Env["FAL_HOME_DIR"], "auth0_token"), []byte("c4n4ry-refresh\n"+access), 0o600); err != nil {
		tm.T.Fatal(err)
	}
}

func (tm *term) logOut() {
	tm.T.Helper()
	if err := os.Remove(filepath.Join(tm.Env["FAL_HOME_DIR"], "auth0_token")); err != nil {
		tm.T.Fatal(err)
	}
}

func selects(nickname string) string { return "[__internal__]\nteam = \"" + nickname + "\"\n" }

func TestTryEverything(t *testing.T) { cli.TryEverything(t, App) }

func TestList(t *testing.T) {
	tm := newTerm(t, "")
	tm.Want(tm.Run("list"), 0, `{"teams":[`+
		`{"nickname":"you","full_name":"You","type":"personal","is_selected":true},`+
		`{"nickname":"2","full_name":"Two","type":"team","is_selected":false},`+
		`{"nickname":"Acme","full_name":"Acme Inc.\u001b[31m","type":"org","is_selected":false},`+
		`{"nickname":"crew","full_name":"","type":"team","is_selected":false}]}`+"\n", "")
	tm.Want(tm.Run("ls", "-o", "name"), 0, "you\n2\nAcme\ncrew\n", "")
	tm.Want(tm.Run("list", "--team", "CREW", "-q", ".teams[] | select(.is_selected).nickname"), 0, "crew\n", "")
	r := tm.Run("list", "--team", "crow")
	tm.Want(r, 3, "", "account crow not found\nhint: did you mean crew?\nhint: accounts: you, 2, Acme, crew\n")
	tm.Want(tm.Run("list", "--team", "crow", "--json"), 3, "", `{"error":{"code":"unknown_team",`)
	if strings.Contains(r.Err, "is selected") {
		t.Errorf("stderr %q", r.Err)
	}
	tm.TTY = true
	tm.Want(tm.Run("list"), 0, "#  ACCOUNT  SELECTED  TYPE      NAME\n1  you      yes       personal  You\n2  2                  team      Two\n3  Acme               org       Acme Inc.\\x1b[31m\n4  crew               team\n", "4 accounts\n")
	for _, c := range tm.Server.Calls() {
		if c.Method != "GET /users/teams" || c.Get("authorization") != "Bearer "+token(tm.Server.RESTURL()+"/auth/") || c.Get("x-fal-user-id") != "" {
			t.Errorf("%s as %s", c.Method, c.Get("authorization"))
		}
	}
}

func TestListSelected(t *testing.T) {
	const selected = ".teams[] | select(.is_selected).nickname"
	tm := newTerm(t, selects("acme"))
	tm.Want(tm.Run("list", "-q", selected), 0, "Acme\n", "")
	tm = newTerm(t, selects("gone"))
	tm.Want(tm.Run("list", "-q", selected), 0, "", "notice: account gone is selected and not among them; `fal-account set` selects another\n")
	tm = newTerm(t, selects("crew"))
	tm.Env["FAL_KEY"] = "an-id:c4n4ry"
	tm.Want(tm.Run("list", "-q", selected), 0, "crew\n", "notice: commands act for the account of key an-id from FAL_KEY: with a key the selection does not count\n")
}

// Without a login it is the account of the key that there is.
func TestListOfKey(t *testing.T) {
	tm := newTerm(t, selects("crew"))
	tm.logOut()
	tm.Env["FAL_KEY"] = "an-id:c4n4ry"
	tm.Want(tm.Run("list", "-q", ".teams[] | select(.is_selected).nickname"), 0, "you\n", "notice: commands act for the account of key an-id from FAL_KEY")
	for _, c := range tm.Server.Calls() {
		if c.Get("authorization") != "Key an-id:c4n4ry" {
			t.Errorf("%s as %s", c.Method, c.Get("authorization"))
		}
	}
	delete(tm.Env, "FAL_KEY")
	tm.Want(tm.Run("list"), 4, "", "no credentials")
}

// A login of another control plane stays at home, and the key is used.
func TestListWithALoginOfAnother(t *testing.T) {
	tm := newTerm(t, "")
	text := "c4n4ry-refresh\n" + token("http://127.0.0.1:1/auth/")
	if err := os.WriteFile(filepath.Join(tm.Env["FAL_HOME_DIR"], "auth0_token"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	tm.Want(tm.Run("list"), 4, "", "nothing was sent")
	tm.Env["FAL_KEY"] = "an-id:c4n4ry"
	tm.Want(tm.Run("list", "-o", "name"), 0, "you\n2\nAcme\ncrew\n", "notice: commands act for the account of key an-id from FAL_KEY")
	tm.Want(tm.Run("set", "crew"), 4, "", "key an-id from FAL_KEY decides the account")
	for _, c := range tm.Server.Calls() {
		if c.Get("authorization") != "Key an-id:c4n4ry" {
			t.Errorf("%s as %s", c.Method, c.Get("authorization"))
		}
	}
}

func TestSet(t *testing.T) {
	for word, want := range map[string]string{
		"crew": "crew (team)", "CREW": "crew (team)", "acme": `Acme (Acme Inc.\x1b[31m, org)`, "1": "you (You, personal)",
		"2": "2 (Two, team)", "4": "crew (team)", // a nickname goes before a number
	} {
		tm := newTerm(t, "")
		tm.Want(tm.Run("set", word), 0, "selected account "+want+"\n", "")
		nickname, _, _ := strings.Cut(want, " ")
		tm.WantConfig(selects(nickname))
	}
	tm := newTerm(t, "")
	tm.Want(tm.Run("set", "crew", "--json"), 0, `{"nickname":"crew","full_name":"","type":"team","unset_profile":null}`+"\n", "")
	if calls := tm.Server.Calls(); len(calls) != 1 {
		t.Errorf("%d requests", len(calls))
	}
}

// A profile that is the default would go before the account.
func TestSetUnsetsProfile(t *testing.T) {
	tm := newTerm(t, "[ci] # mine\nkey = 'an-id:c4n4ry'\n\n[__internal__]\nprofile = 'ci'\nteam = 'old'\n")
	tm.Want(tm.Run("set", "crew"), 0, "selected account crew (team)\n", "notice: profile ci is no longer the default, so that the account counts\n")
	tm.WantConfig("[ci] # mine\nkey = 'an-id:c4n4ry'\n\n[__internal__]\nteam = \"crew\"\n")
	tm.Env["FAL_PROFILE"] = "ci"
	tm.Want(tm.Run("set", "you"), 0, "selected account you (You, personal)\n", "notice: commands act for the account of key an-id from profile ci (")
}

func TestSetUnknown(t *testing.T) {
	for word, want := range map[string][]string{
		"acmee": {"account acmee not found", "hint: did you mean Acme?", "hint: accounts: you, 2, Acme, crew"},
		"5":     {"account 5 not found: there are 4", "hint: accounts: you, 2, Acme, crew"},
		"0":     {"account 0 not found"},
		"gone":  {"account gone not found"},
	} {
		tm := newTerm(t, selects("crew"))
		r := tm.Run("set", word)
		for _, w := range want {
			tm.Want(r, 3, "", w)
		}
		tm.WantConfig(selects("crew"))
	}
	tm := newTerm(t, "")
	tm.Want(tm.Run("set"), 2, "", "ACCOUNT is missing, and there is no terminal to choose on")
	tm.Want(tm.Run("set", "crew", "--team", "acme"), 2, "", "hint: fal-account set crew\n")
	tm.Want(tm.Run("set", "--team=-x"), 2, "", "hint: fal-account set -- -x\n")
	r := tm.Run("unset", "--team", "acme")
	tm.Want(r, 2, "", "--team names an account for one command")
	tm.Want(r, 2, "", "\nhint: fal-account unset\n")
	tm.WantConfig("")
	if calls := tm.Server.Calls(); len(calls) != 0 {
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
		tm.TTY, tm.Stdin = true, stdin
		r := tm.Run("set")
		if r.Code != want.code || !strings.HasPrefix(r.Err, shown) || !strings.Contains(r.Err, want.err) {
			t.Errorf("%q: %+v", stdin, r)
		}
		tm.WantConfig(selects(want.file))
	}
}

func TestSetOfKey(t *testing.T) {
	tm := newTerm(t, "")
	tm.logOut()
	tm.Env["FAL_KEY"] = "an-id:c4n4ry"
	r := tm.Run("set", "you")
	tm.Want(r, 4, "", "key an-id from FAL_KEY decides the account, and no login goes with it to select one for")
	tm.Want(r, 4, "", "hint: `fal auth login` makes it possible to act for the accounts of a person\n")
	tm.WantConfig("")
}

// Where no login can be, it is not said that it is credentials that lack.
func TestNoHomeFolder(t *testing.T) {
	t.Setenv("HOME", "")
	t.Setenv("USERPROFILE", "")
	for _, argv := range [][]string{{"list"}, {"set", "crew"}} {
		tm := newTerm(t, "")
		for _, name := range []string{"FAL_HOME_DIR", "FAL_GRPC_HOST", "FAL_REST_HOST"} {
			delete(tm.Env, name)
		}
		r := tm.Run(argv...)
		if r.Code == 0 || r.Out != "" || !strings.Contains(r.Err, "no home folder is known") || strings.Contains(r.Err, "no credentials") {
			t.Errorf("%q: %+v", argv, r)
		}
	}
}

// The key of the default profile may be done without.
func TestSetOfProfileKey(t *testing.T) {
	tm := newTerm(t, "")
	file := "[dev]\nkey = 'an-id:c4n4ry'\nlocal_host = '" + tm.Server.Host() + "'\n[__internal__]\nprofile = 'dev'\n"
	if err := os.WriteFile(tm.Config, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	tm.logOut()
	delete(tm.Env, "FAL_GRPC_HOST")
	delete(tm.Env, "FAL_REST_HOST")
	r := tm.Run("set", "crew")
	tm.Want(r, 4, "", "key an-id from profile dev (")
	tm.Want(r, 4, "", "hint: `fal profile unset` leaves the profile and its key out\n")
	tm.WantConfig(file)

	// A profile that is named is meant with its key.
	tm.logIn()
	tm.Want(tm.Run("set", "crew", "--profile", "dev"), 4, "", "decides the account")
	tm.Want(tm.Run("set", "crew"), 0, "selected account crew (team)\n", "notice: profile dev is no longer the default")
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
		"this machine, its own login":   {map[string]string{"FAL_KEY": "a:b", "FAL_HOST": "127.0.0.1:1", "FAL_HOME_DIR": "own"}, "", true},
		"this machine, another's login": {map[string]string{"FAL_KEY": "a:b", "FAL_HOST": "127.0.0.1:2", "FAL_HOME_DIR": "own"}, "", false},
		"a folder that was named":       {map[string]string{"FAL_KEY": "a:b", "FAL_HOST": "127.0.0.1:1", "FAL_HOME_DIR": "named"}, "", false},
		"an issuer that was named":      {map[string]string{"FAL_KEY": "a:b", "FAL_HOST": "127.0.0.1:1", "FAL_AUTH_URL": "http://127.0.0.1:1/auth"}, "", true},
		"an issuer that is elsewhere":   {map[string]string{"FAL_KEY": "a:b", "FAL_AUTH_URL": "http://127.0.0.1:1/auth"}, "", false},
		"a local profile, its issuer":   {map[string]string{"FAL_AUTH_URL": "https://auth.mine.example"}, "[p]\nkey = 'a:b'\nlocal_host = 'api.mine.example'\n[__internal__]\nprofile = 'p'\n", true},
		"no login in the folder at all": {map[string]string{"FAL_KEY": "a:b", "FAL_HOME_DIR": "empty"}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			t.Setenv("HOME", home)
			t.Setenv("USERPROFILE", home)
			for _, dir := range []string{".fal", "named", "empty", "own"} {
				if err := os.Mkdir(filepath.Join(home, dir), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			for path, text := range map[string]string{".fal/auth0_token": "x\n", "named/auth0_token": "x\n", "own/auth0_token": "x\n" + token("http://127.0.0.1:1/auth/"), ".fal/config.toml": tt.file} {
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
	tm.Server.SetAccounts()
	tm.Want(tm.Run("list"), 0, `{"teams":[]}`+"\n", "no accounts\n")
	tm.Want(tm.Run("set", "you"), 3, "", "account you not found")
	tm.TTY = true
	tm.Want(tm.Run("set"), 3, "", "the login has no account")
	tm.Server.Close()
	tm.Want(tm.Run("set", "you", "--timeout", "1s"), 6, "", "connection refused")
	tm.WantConfig("")
}

func TestUnset(t *testing.T) {
	tm := newTerm(t, "# mine\n"+selects("Acme")+"profile = 'ci'\n")
	tm.Want(tm.Run("unset"), 0, "account Acme is no longer selected: commands act for the personal one\n", "")
	tm.WantConfig("# mine\n[__internal__]\nprofile = 'ci'\n")
	tm.Want(tm.Run("unset"), 0, "no account was selected\n", "")
	tm.Env["FAL_KEY"] = "an-id:c4n4ry"
	tm.Want(tm.Run("unset", "--json"), 0, `{"nickname":null,"full_name":null,"type":null,"unset_profile":null}`+"\n", "notice: commands act for the account of key an-id from FAL_KEY")
	if calls := tm.Server.Calls(); len(calls) != 0 {
		t.Errorf("%d requests", len(calls))
	}
}
