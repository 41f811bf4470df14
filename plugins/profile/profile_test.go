package profile

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fal-plugins/fal/pkg/fal/faltest"
	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/session"
	"github.com/fal-plugins/fal/plugins/internal/signaltest"
	"github.com/fal-plugins/fal/plugins/internal/termtest"
)

func TestMain(m *testing.M) {
	signaltest.Heed()
	goleak.VerifyTestMain(m)
}

const (
	secret  = "c4n4ry-0123456789"
	someKey = "new:" + secret
)

// newTerm is where the program is run. No secret of the file or of the input is
// ever shown there.
func newTerm(t *testing.T, file string) *termtest.Term {
	tm := termtest.New(t, nil, func(func() time.Time) *cli.App { return app(dependencies{connect: session.OpenKey}) })
	tm.Env["FAL_HOME_DIR"] = t.TempDir()
	tm.Never = []string{"c4n4ry", "\x1b"}
	if file != "" {
		tm.WriteConfig(file)
	}
	return tm
}

// file is as a person and the official client leave one behind.
const file = `check_updates = false

# the service
[prod]
key = "7d1e:c4n4ry-0123456789abcdef" # from the dashboard
host = "api.example.com"
note = "c4n4ry"
n = 5

[__internal__]
profile = "prod"
team = "acme"

[dev]
local_host = "localhost:5005"
key = "short:c4n4ry"

[odd]
key = "c4n4ry"
host = "c4n4ry:c4n4ry"
[odd.more]
x = 1
`

func TestTryEverything(t *testing.T) { cli.TryEverything(t, App) }

func TestList(t *testing.T) {
	tm := newTerm(t, file)
	tm.Want(tm.Run("list"), 0, `{"profiles":[`+
		`{"profile":"prod","is_set":true,"settings":["key","host","note","n"],"host":"api.example.com","key":"7d1e:…cdef"},`+
		`{"profile":"dev","is_set":false,"settings":["local_host","key"],"host":"localhost:5005","key":"short:…"},`+
		`{"profile":"odd","is_set":false,"settings":["key","host","more"],"host":"malformed","key":"malformed"}]}`+"\n", "")
	tm.Want(tm.Run("ls", "-o", "name"), 0, "prod\ndev\nodd\n", "")
	tm.TTY = true
	tm.Want(tm.Run("list"), 0, "PROFILE  IN USE  HOST             KEY\n"+
		"prod     yes     api.example.com  7d1e:…cdef\n"+
		"dev              localhost:5005   short:…\n"+
		"odd              malformed        malformed\n", "3 profiles\n")
	tm.TTY = false
	tm.Env["FAL_PROFILE"] = "dev"
	tm.Want(tm.Run("list", "-q", ".profiles[] | select(.is_set).profile"), 0, "dev\n", "")
	tm.Env["FAL_PROFILE"] = "nobody"
	tm.Want(tm.Run("list", "-q", ".profiles[] | select(.is_set).profile"), 0, "", "notice: profile nobody is chosen and not in the file: commands use none\n")
	tm.Want(newTerm(t, "").Run("list"), 0, `{"profiles":[]}`+"\n", "no profiles\n")
	tm.Want(newTerm(t, "[prod\nkey = 'c4n4ry'").Run("list"), 2, "", "config.toml:1")
	tm.WantConfig(file)
}

func TestShow(t *testing.T) {
	tm := newTerm(t, file)
	tm.Want(tm.Run("show"), 0, `{"profile":"prod","is_set":true,"host":"api.example.com","settings":[`+
		`{"name":"key","value":"7d1e:…cdef"},{"name":"host","value":"api.example.com"},{"name":"note","value":null},{"name":"n","value":null}]}`+"\n", "")
	tm.Want(tm.Run("show", "odd", "-q", ".host, .is_set"), 0, "malformed\nfalse\n", "")
	tm.Want(tm.Run("show", "dev", "-o", "pretty"), 0, "Profile     dev\nLeads to    localhost:5005\nlocal_host  localhost:5005\nkey         short:…\n", "")
	tm.Want(tm.Run("show", "prodd"), 2, "", "hint: did you mean prod?")
	tm.Want(newTerm(t, "[a]\n").Run("show"), 2, "", "no profile is in use, and none was named")
	tm.Want(newTerm(t, "[a]\n").Run("show", ""), 2, "", "it is empty")
}

// A broken file is shown with the place in it, on lines of their own.
func TestSyntaxHasLines(t *testing.T) {
	const broken = "[p]\nkey = 'a:c4n4ry'\n[p]\n"
	for _, argv := range []string{"list", "show p", "key p", "host api.example.com", "set p", "create q", "delete p"} {
		tm := newTerm(t, broken)
		tm.Stdin = someKey
		r := tm.Run(strings.Fields(argv)...)
		tm.Want(r, 2, "", "config.toml:3:")
		tm.Want(r, 2, "", "\n  3 | [p]\n    | ")
		if strings.Contains(r.Err, `\n`) {
			t.Errorf("%s: %s", argv, r.Err)
		}
		var said struct{ Error struct{ Message string } }
		if r = tm.Run(append(strings.Fields(argv), "--json")...); json.Unmarshal([]byte(r.Err), &said) != nil || strings.Count(said.Error.Message, "\n") != 2 {
			t.Errorf("%s: %s", argv, r.Err)
		}
		tm.WantConfig(broken)
	}
}

// --profile chooses the profile where one can be meant, in front of the command
// too, as the dispatcher puts it there.
func TestProfileFlag(t *testing.T) {
	tm := newTerm(t, file)
	for _, argv := range []string{"show --profile dev", "--profile dev show", "--profile=dev show dev"} {
		tm.Want(tm.Run(append(strings.Fields(argv), "-q", ".profile")...), 0, "dev\n", "")
	}
	for argv, want := range map[string][2]string{
		"--profile dev show odd":     {"two profiles are named: dev and odd"},
		"--profile devv show":        {`unknown profile "devv"`, "hint: did you mean dev?"},
		"--profile dev list":         {"--profile names one profile, and this lists all of them", "hint: fal-profile show dev\n"},
		"list --profile=--x":         {"--profile names one profile", "hint: fal-profile show -- --x\n"},
		"--profile dev set":          {"it is the argument", "hint: fal-profile set dev\n"},
		"--profile dev create":       {"it is the argument", "hint: fal-profile create dev\n"},
		"--profile dev delete":       {"it is the argument", "hint: fal-profile delete dev\n"},
		"--profile dev unset":        {"--profile names one profile", "hint: fal-profile unset\n"},
		"--profile devv host api.a":  {`unknown profile "devv"`, "hint: `fal-profile create devv` makes it\n"},
		"--profile devv key":         {`unknown profile "devv"`, "hint: `fal-profile create devv` makes it\n"},
		"--profile devv delete dev":  {"it is the argument"},
		"--profile dev key --x":      {"unknown flag --x"},
		"--profile dev show prod -v": {"two profiles are named: dev and prod"},
	} {
		tm.Stdin = someKey
		r := tm.Run(strings.Fields(argv)...)
		for _, w := range want {
			if w != "" {
				tm.Want(r, 2, "", w)
			}
		}
		tm.WantConfig(file)
	}
	tm.Want(tm.Run("--profile", "dev", "host", "api.example.com"), 0, "profile dev leads to api.example.com\n", "note: its key goes there from now on")
}

// What is no text is no key and no host.
func TestOtherTypes(t *testing.T) {
	tm := newTerm(t, "[a]\nkey = 5\nhost = 'api.example.com'\n[b]\nhost = ['c4n4ry']\n[c]\nhost = 'api.example.com'\nlocal_host = 1\n")
	tm.Want(tm.Run("list", "-q", ".profiles[] | [.profile, .host, .key // \"none\"] | join(\" \")"), 0,
		"a api.example.com malformed\nb malformed none\nc malformed none\n", "")
	tm.Want(tm.Run("show", "a", "-q", ".settings[0].value"), 0, "malformed\n", "")
	tm.Want(tm.Run("show", "b", "-q", ".host, .settings[0].value"), 0, "malformed\nnull\n", "")
}

func TestSet(t *testing.T) {
	tm := newTerm(t, file)
	tm.Want(tm.Run("set", "dev"), 0, "profile dev is the default now\n", "")
	tm.WantConfig(strings.Replace(file, `profile = "prod"`, `profile = "dev"`, 1))
	tm.Want(tm.Run("set", "dev", "--json"), 0, `{"profile":"dev","action":"set","result":"done","is_set":true,"host":"localhost:5005","key":"short:…"}`+"\n", "")

	tm = newTerm(t, "[bare]\n")
	tm.Want(tm.Run("set", "bare"), 0, "profile bare is the default now\n", "note: it has no key; `fal-profile key` sets one\n")
	tm.WantConfig("[bare]\n\n[__internal__]\nprofile = \"bare\"\n")
}

// Who is not told what goes before the profile acts for another account.
func TestSetTellsWhatCounts(t *testing.T) {
	for name, tt := range map[string]struct {
		env  map[string]string
		want string
	}{
		"another profile":    {map[string]string{"FAL_PROFILE": "dev"}, "notice: FAL_PROFILE is set and goes before the default: commands use profile dev\n"},
		"an unknown profile": {map[string]string{"FAL_PROFILE": "none"}, "notice: commands can not use it as things are: unknown profile"},
		"a key":              {map[string]string{"FAL_KEY": "a:c4n4ry"}, "notice: FAL_KEY is set and goes before the key of a profile; `fal --profile prod …` uses the profile's own\n"},
		"a host":             {map[string]string{"FAL_HOST": "api.other.example"}, "notice: FAL_HOST is set and goes before the host of a profile: commands use api.other.example\n"},
		"the same profile":   {map[string]string{"FAL_PROFILE": "prod"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			tm := newTerm(t, file)
			for k, v := range tt.env {
				tm.Env[k] = v
			}
			tm.Want(tm.Run("set", "prod"), 0, "profile prod is the default now\n", tt.want)
		})
	}
}

func TestSetUnknown(t *testing.T) {
	for name, want := range map[string][]string{
		"prd":           {`unknown profile "prd"`, "hint: did you mean prod?", "hint: profiles in ", ": dev, odd, prod", "hint: `fal-profile create prd` makes it\n"},
		"x":             {`unknown profile "x"`, "hint: `fal-profile create x` makes it\n"},
		"check_updates": {`"check_updates" cannot be the name of a profile`},
		"__internal__":  {`"__internal__" cannot be the name of a profile: it is reserved`},
	} {
		tm := newTerm(t, file)
		tm.TTY = true // nobody is asked, though the official client would
		r := tm.Run("set", name)
		tm.Want(r, 2, "", want[0])
		for _, w := range want {
			tm.Want(r, 2, "", w)
		}
		tm.WantConfig(file)
	}
	tm := newTerm(t, "")
	tm.Want(tm.Run("set", "--", "--x"), 2, "", "hint: `fal-profile create -- --x` makes it\n")
	tm.Want(tm.Run("set", "x"), 2, "", "has no profile")
	tm.Want(tm.Run("set"), 2, "", "NAME is missing")
	tm.WantConfig("")
}

func TestUnset(t *testing.T) {
	tm := newTerm(t, file)
	tm.Want(tm.Run("unset"), 0, "profile prod is no longer the default\n", "")
	without := strings.Replace(file, "profile = \"prod\"\n", "", 1)
	tm.WantConfig(without)
	tm.Want(tm.Run("unset"), 0, "no profile was the default\n", "")
	tm.WantConfig(without)
	tm.Env["FAL_PROFILE"] = "dev"
	tm.Want(tm.Run("unset", "--json"), 0, `{"profile":null,"action":"unset","result":"done","is_set":false,"host":null,"key":null}`+"\n", "notice: FAL_PROFILE is set: commands use profile dev\n")
}

func TestCreate(t *testing.T) {
	tm := newTerm(t, file)
	tm.Want(tm.Run("create", "new one"), 0, "created profile new one, which is the default now\n", "note: it has no key; `fal-profile key` sets one\n")
	tm.WantConfig(strings.Replace(file, `profile = "prod"`, `profile = "new one"`, 1) + "\n[\"new one\"]\n")

	tm = newTerm(t, file)
	tm.Want(tm.Run("create", "ci", "--no-set"), 0, "created profile ci\n", "")
	tm.WantConfig(file + "\n[ci]\n")
	tm.Want(tm.Run("create", "ci"), 2, "", "profile \"ci\" exists already")
	tm.Want(tm.Run("create", "check_updates"), 2, "", "cannot be the name of a profile")
	tm.Want(tm.Run("create", "__internal__"), 2, "", "it is reserved")
	tm.Want(tm.Run("create", " "), 2, "", "it is empty")
	tm.WantConfig(file + "\n[ci]\n")
}

func TestHost(t *testing.T) {
	const warning = "warning: the official client does not start with this host: it is kept as local_host, which it does not read; with this profile it goes to api.alpha.fal.ai\n"
	for _, tt := range []struct {
		argv, before, after, out, err string
	}{
		{"host api.example.com", "[a]\n[__internal__]\nprofile = 'a'\n", "[a]\nhost = \"api.example.com\"\n[__internal__]\nprofile = 'a'\n", "profile a leads to api.example.com\n", ""},
		{"host --profile b api.example.com", "[b] # mine\nlocal_host = 'x'\nkey = 'k:c4n4ry'\n", "[b] # mine\nhost = \"api.example.com\"\nkey = 'k:c4n4ry'\n", "profile b leads to api.example.com\n", "note: its key goes there from now on: k:…\n"},
		{"host --profile b 127.0.0.1:8000", "[b]\nhost = 'api.example.com'\n", "[b]\nlocal_host = \"127.0.0.1:8000\"\n", "profile b leads to 127.0.0.1:8000\n", warning},
		{"host --profile b HTTPS://Control.example.com/", "[b]\n", "[b]\nlocal_host = \"https://control.example.com\"\n", "profile b leads to https://control.example.com\n", warning},
		{"host --profile b api.alpha.fal.ai", "[b]\nlocal_host = 'localhost:1'\n", "[b]\nhost = \"api.alpha.fal.ai\"\n", "profile b leads to api.alpha.fal.ai\n", ""},
	} {
		tm := newTerm(t, tt.before)
		tm.Want(tm.Run(strings.Fields(tt.argv)...), 0, tt.out, tt.err)
		got, _ := os.ReadFile(tm.Config)
		// Where a setting stands in its table is not of interest.
		for line := range strings.Lines(tt.after) {
			if !strings.Contains(string(got), line) || len(got) != len(tt.after) {
				t.Errorf("%s: got\n%swant\n%s", tt.argv, got, tt.after)
			}
		}
	}
	for argv, want := range map[string]string{
		"host http://control.example.com": "plaintext http is for this machine only",
		"host 7d1e:c4n4ry":                "bad host from HOST",
		"host api.example.com":            "no profile is in use, and none was named",
		"host api.a --profile bb":         "unknown profile",
		"host":                            "HOST is missing",
	} {
		tm := newTerm(t, "[b]\n")
		tm.Want(tm.Run(strings.Fields(argv)...), 2, "", want)
		tm.WantConfig("[b]\n")
	}
}

func TestDelete(t *testing.T) {
	rest := file[strings.Index(file, "[__internal__]"):]
	without := "check_updates = false\n\n" + strings.Replace(rest, "profile = \"prod\"\n", "", 1)
	const notices = "notice: it was the default: commands use no profile now\nnote: its key stays valid until it is revoked: fal keys revoke 7d1e\n"

	tm := newTerm(t, file)
	tm.Want(tm.Run("delete", "prod", "--dry-run"), 0, "would delete profile prod\n", "")
	tm.WantConfig(file)
	tm.Want(tm.Run("delete", "prod"), 0, "deleted profile prod\n", notices)
	if got, _ := os.ReadFile(tm.Config); strings.Contains(string(got), "prod") || !strings.HasSuffix(string(got), rest[strings.Index(rest, "team"):]) || !strings.HasPrefix(string(got), "check_updates = false\n") {
		t.Errorf("got\n%swant like\n%s", got, without)
	}
	r := tm.Run("delete", "prod")
	tm.Want(r, 2, "", `unknown profile "prod"`)
	if strings.Contains(r.Err, "create") {
		t.Errorf("to delete it, it is to be made: %s", r.Err)
	}

	tm = newTerm(t, file)
	tm.TTY = true
	tm.Stdin = "n\n"
	tm.Want(tm.Run("delete", "prod"), 1, "", "Delete profile prod (api.example.com, key 7d1e:…cdef, the default)? [y/N] ")
	tm.WantConfig(file)
	tm.Stdin = "y\n"
	tm.Want(tm.Run("rm", "dev"), 0, "deleted profile dev\n", "note: its key stays valid until it is revoked: fal keys revoke short\n")
	tm.Stdin = ""
	tm.Want(tm.Run("delete", "odd", "-y", "--json"), 0, "{\n  \"profile\": \"odd\",\n  \"action\": \"delete\",\n  \"result\": \"done\",\n  \"is_set\": false,\n  \"host\": null,\n  \"key\": null\n}\n", "")
}

// What was shown is what is deleted.
func TestDeleteChangedMeanwhile(t *testing.T) {
	tm := newTerm(t, file)
	o := &deleteOptions{name: "dev"}
	inv := &cli.Invocation{Getenv: tm.Getenv}
	if err := o.remove(t.Context(), inv, "localhost:5005, key other:…"); cli.ExitCode(err) != cli.ExitFailure || !strings.Contains(err.Error(), "changed meanwhile") {
		t.Error(err)
	}
	tm.WantConfig(file)
}

func served(t *testing.T, tm *termtest.Term) *faltest.Server {
	server := faltest.New(t)
	server.SetAccounts(faltest.Account{UserID: "u", Nickname: "acme"})
	tm.WriteConfig("[ci] # mine\nlocal_host = '" + server.Host() + "'\n[__internal__]\nprofile = 'ci'\n")
	return server
}

func answering(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

func TestKey(t *testing.T) {
	for _, stdin := range []string{someKey + "\n", someKey, " " + someKey + "\r\nmore", "FAL_KEY='" + someKey + "'\n", `export FAL_KEY="` + someKey + `"`, "FAL_KEY=" + someKey} {
		tm := newTerm(t, "")
		server := served(t, tm)
		tm.Stdin = stdin
		// Neither a key nor a host of the environment has a part in it.
		tm.Env["FAL_KEY"], tm.Env["FAL_HOST"], tm.Env["FAL_REST_HOST"] = "other:c4n4ry", "api.example.com", "127.0.0.1:1"
		tm.Want(tm.Run("key"), 0, "saved key new:…6789 in profile ci, of account acme\n", "")
		tm.WantConfig("[ci] # mine\nlocal_host = '" + server.Host() + "'\nkey = \"" + someKey + "\"\n[__internal__]\nprofile = 'ci'\n")
		calls := server.Calls()
		if len(calls) != 1 || calls[0].Method != "GET /users/current" || calls[0].Get("authorization") != "Key "+someKey {
			t.Errorf("%+v", calls)
		}
	}
}

func TestKeyReplaces(t *testing.T) {
	tm := newTerm(t, "")
	server := served(t, tm)
	tm.WriteConfig("[a]\nlocal_host = '" + server.Host() + "'\nkey = 'old:c4n4ry' # c\n")
	tm.Stdin = someKey
	tm.Want(tm.Run("key", "--profile", "a", "--json"), 0, `{"profile":"a","action":"key","result":"done","is_set":false,"host":"`+server.Host()+`","key":"new:…6789"}`+"\n",
		"note: the key that it had stays valid until it is revoked: fal keys revoke old\n")
	tm.WantConfig("[a]\nlocal_host = '" + server.Host() + "'\nkey = \"" + someKey + "\" # c\n")
	tm.Want(tm.Run("key", "a"), 0, "saved key new:…6789 in profile a, of account acme\n", "")
}

// A key that is not known to be good is not saved.
func TestKeyRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		code   int
		want   string
	}{
		"unauthenticated": {401, 4, "refuses the key: unauthorized"},
		"forbidden":       {403, 4, "refuses the key: forbidden"},
		"broken":          {500, 1, "the key could not be checked, and was not saved: internal server error"},
		"not there":       {404, 3, "the key could not be checked, and was not saved: not found"},
	} {
		t.Run(name, func(t *testing.T) {
			tm := newTerm(t, "")
			server := served(t, tm)
			before, _ := os.ReadFile(tm.Config)
			server.HandleREST("GET /users/current", answering(tt.status))
			tm.Stdin = someKey
			r := tm.Run("key", "--debug")
			tm.Want(r, tt.code, "", tt.want)
			tm.Want(r, tt.code, "", "hint: --no-verify saves it unchecked\n")
			tm.WantConfig(string(before))
			tm.Want(tm.Run("key", "--no-verify"), 0, "saved key new:…6789 in profile ci\n", "")
		})
	}
}

func TestKeyUnreachable(t *testing.T) {
	tm := newTerm(t, "")
	server := served(t, tm)
	before, _ := os.ReadFile(tm.Config)
	tm.Stdin = someKey
	server.Connections(faltest.Silent)
	r := tm.Run("key", "--timeout", "50ms")
	tm.Want(r, 6, "", "the key could not be checked, and was not saved: no answer from "+server.Host()+" in time")
	tm.Want(r, 6, "", "hint: --no-verify saves it unchecked\n")
	server.Close()
	tm.Want(tm.Run("key", "--timeout", "1s"), 6, "", "was not saved")
	tm.WantConfig(string(before))
}

func TestKeyUsage(t *testing.T) {
	for name, tt := range map[string]struct{ file, argv, stdin, want string }{
		"no profile":      {"[a]\n", "key", someKey, "no profile is in use, and none was named"},
		"unknown profile": {"[a]\n", "key --profile b", someKey, `unknown profile "b"`},
		"no input":        {file, "key", "", "no key on standard input"},
		"an empty line":   {file, "key", "\n" + someKey, "malformed key from standard input: it has no ':'"},
		"no key":          {file, "key", "c4n4ry", "malformed key from standard input: it has no ':'"},
		"a key named":     {file, "key c4n4ry-0:x", someKey, "a key is not given on the command line"},
		"two profiles":    {file, "key dev --profile prod", someKey, "two profiles are named: prod and dev"},
		"broken":          {"[a", "key", someKey, "config.toml:1"},
		"a bad host":      {"[a]\nlocal_host = 'c4n4ry:c4n4ry'\n", "key --profile a", someKey, "bad host from profile a"},
	} {
		t.Run(name, func(t *testing.T) {
			tm := newTerm(t, tt.file)
			tm.Stdin = tt.stdin
			tm.Want(tm.Run(strings.Fields(tt.argv)...), 2, "", tt.want)
			tm.WantConfig(tt.file)
		})
	}
}

// Before anybody types it is known that the key can be kept.
func TestKeyUnwritable(t *testing.T) {
	tm := newTerm(t, file)
	if err := os.Chmod(tm.Config, 0o400); err != nil {
		t.Fatal(err)
	}
	r := tm.Run("key")
	if err := os.Chmod(tm.Config, 0o600); err != nil {
		t.Fatal(err)
	}
	tm.Want(r, 2, "", "it is read-only")
	tm.WantConfig(file)
}

func TestKeyUnchecked(t *testing.T) {
	tm := newTerm(t, "")
	server := served(t, tm)
	tm.Stdin = someKey
	tm.Env["ISOLATE_AUTH_DISABLED"] = "1"
	tm.Want(tm.Run("key"), 0, "saved key new:…6789 in profile ci\n", "notice: ISOLATE_AUTH_DISABLED is set: the key is not checked\n")
	if n := len(server.Calls()); n != 0 {
		t.Errorf("%d requests", n)
	}
}
