package keys

import (
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/pkg/fal/faltest"
)

const saved = "saved API key " + idNew + " as profile ci\n"

func newKey() string { return `key = "` + idNew + ":" + secret + `"` }

func TestSaveProfile(t *testing.T) {
	tm := newTerm(t)
	host := `local_host = "` + tm.Server.Host() + `"`
	for _, tt := range []struct {
		name, before, argv, after string
	}{
		{"a new file", "", "", "[ci]\n" + newKey() + "\n" + host + "\n"},
		{"comments stay", "# mine\n[other] # too\nkey = 'a:b' # kept\n", "", "# mine\n[other] # too\nkey = 'a:b' # kept\n\n[ci]\n" + newKey() + "\n" + host + "\n"},
		{"a profile for this host without a key", "[ci]\n" + host + " # here\n", "", "[ci]\n" + host + " # here\n" + newKey() + "\n"},
		{"an empty key", "[ci]\nkey = ''\n" + host + "\n", "", "[ci]\n" + newKey() + "\n" + host + "\n"},
		{"replaced when told so", "[ci]\nhost = 'api.example.com'\nkey = 'old:hunter2' # c\n", "--force", "[ci]\n" + newKey() + " # c\n" + host + "\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tm.WriteConfig(tt.before)
			if tt.before == "" {
				if err := os.Remove(tm.Config); err != nil {
					t.Fatal(err)
				}
			}
			r := tm.Run(append([]string{"create", "--save-profile", "ci"}, strings.Fields(tt.argv)...)...)
			if r.Code != 0 || r.Out != saved || strings.Contains(r.Err, secret) || strings.Contains(r.Err, "hunter2") {
				t.Fatalf("%+v", r)
			}
			if tt.argv != "" && !strings.Contains(r.Err, "note: the key that it had stays valid until it is revoked: old\n") {
				t.Errorf("stderr %q", r.Err)
			}
			if got := tm.written(); got != tt.after {
				t.Errorf("got\n%swant\n%s", got, tt.after)
			}
			if info, err := os.Stat(tm.Config); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
				t.Errorf("mode %v, %v", info.Mode(), err)
			}
			// The profile leads to the same place with the new key.
			if r := tm.Run("list", "--profile", "ci", "-o", "name"); r.Code != 0 {
				t.Errorf("%+v", r)
			}
			calls := tm.Server.Calls("ListUserKeys")
			if got := calls[len(calls)-1]; got.Get("auth-key-id") != idNew || got.Get("auth-key") != secret {
				t.Errorf("authenticated as %s", got.Get("auth-key-id"))
			}
		})
	}
}

func TestSaveProfileJSON(t *testing.T) {
	tm := newTerm(t)
	// The official client does not read where the profile leads to.
	notice := "notice: profile ci leads to " + tm.Server.Host() + " by local_host, which the official client does not read: it would send this key to api.alpha.fal.ai\n"
	tm.Want(tm.Run("create", "--save-profile", "ci", "--desc", "d", "--json"), 0,
		`{"key_id":"`+idNew+`","key_secret":null,"scope":"API","description":"d","profile":"ci"}`+"\n", notice)
}

// What can not be saved is not created.
func TestSaveProfileRefused(t *testing.T) {
	for _, tt := range []struct {
		name, before, profile string
		spoil                 func(t *testing.T, config string)
		want                  string
	}{
		{name: "a key is there", before: "[ci]\nkey = 'old:hunter2'\n", want: "profile ci has key old already"},
		{name: "a malformed key is there", before: "[ci]\nkey = 'hunter2'\n", want: "profile ci has a key already"},
		{name: "something else is there", before: "[ci]\nkey = 5\n", want: "profile ci has a key already"},
		{name: "another host", before: "[ci]\nhost = 'api.example.com'\n", want: "profile ci is for api.example.com, and the key would be for 127.0.0.1:"},
		{name: "the default host", before: "[ci]\n", want: "profile ci is for api.alpha.fal.ai"},
		{name: "no TOML", before: "[ci\nkey = 'hunter2", want: "config.toml:1"},
		{name: "no name for a profile", profile: "__internal__", want: "cannot be the name of a profile"},
		{name: "a setting of this name", before: "ci = 1\n", want: "cannot be the name of a profile"},
		{name: "a read-only file", before: "[x]\n", want: "it is read-only",
			spoil: func(t *testing.T, config string) { chmod(t, config, 0o400, 0o600) }},
		{name: "a folder in its place", want: "config.toml",
			spoil: func(t *testing.T, config string) {
				if err := os.Mkdir(config, 0o700); err != nil {
					t.Fatal(err)
				}
			}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tm := newTerm(t)
			if tt.before != "" {
				tm.WriteConfig(tt.before)
			}
			if tt.spoil != nil {
				tt.spoil(t, tm.Config)
			}
			profile := tt.profile
			if profile == "" {
				profile = "ci"
			}
			r := tm.Run("create", "--save-profile", profile)
			tm.Want(r, 2, "", tt.want)
			tm.WantRequests()
			if strings.Contains(r.Err, "hunter2") {
				t.Errorf("a secret is shown: %s", r.Err)
			}
			if tt.before != "" && tm.written() != tt.before {
				t.Errorf("the file was changed: %s", tm.written())
			}
		})
	}
}

func chmod(t *testing.T, path string, mode, back os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(path, back) }) // for whoever removes it
}

// A profile that became unwritable after all does not lose the key.
func TestSaveProfileTooLate(t *testing.T) {
	tm := newTerm(t)
	const theirs = "[ci]\nkey = 'theirs:hunter2'\n"
	tm.Server.Handle("CreateUserKey", func(faltest.Call) faltest.Answer {
		if err := os.WriteFile(tm.Config, []byte(theirs), 0o600); err != nil {
			t.Error(err)
		}
		return faltest.Reply(`{"key_id": "` + idNew + `", "key_secret": "` + secret + `"}`)
	})
	tm.Want(tm.Run("create", "--save-profile", "ci"), 1, "FAL_KEY='"+idNew+":"+secret+"'\n",
		"key "+idNew+" was created, and could not be saved as profile ci: profile ci has key theirs already")
	if tm.written() != theirs {
		t.Errorf("the file was changed: %s", tm.written())
	}
}

// A key that can neither be saved nor shown is revoked.
func TestSaveProfileNowhere(t *testing.T) {
	tm := newTerm(t)
	tm.Stdout = brokenWriter{}
	tm.Server.Handle("CreateUserKey", func(faltest.Call) faltest.Answer {
		if err := os.WriteFile(tm.Config, []byte("[ci"), 0o600); err != nil {
			t.Error(err)
		}
		return faltest.Reply(`{"key_id": "` + idNew + `", "key_secret": "` + secret + `"}`)
	})
	r := tm.Run("create", "--save-profile", "ci")
	tm.Want(r, 1, "", "could not be saved as profile ci: ")
	tm.Want(r, 1, "", "key "+idNew+" was revoked again")
	if strings.Contains(r.Err, secret) || strings.Contains(r.Err, "printed instead") {
		t.Errorf("stderr %s", r.Err)
	}
	tm.WantRequests(`CreateUserKey {"scope":"API"}`, `RevokeUserKey {"key_id":"`+idNew+`"}`)
}

// A key that a profile can not hold is printed.
func TestSaveProfileOddKey(t *testing.T) {
	tm := newTerm(t)
	tm.Server.Script("CreateUserKey", faltest.Reply(`{"key_id": "a", "key_secret": "b c"}`))
	tm.Want(tm.Run("create", "--save-profile", "ci"), 1, "FAL_KEY='a:b c'\n", "white space")
	if _, err := os.Stat(tm.Config); err == nil {
		t.Errorf("written: %s", tm.written())
	}
}

func TestSaveProfileFails(t *testing.T) {
	tm := newTerm(t)
	tm.Server.Script("CreateUserKey", faltest.Fail(fal.CodePermissionDenied, "needs ADMIN"))
	tm.Want(tm.Run("create", "--save-profile", "ci"), 4, "", "needs ADMIN")
	if _, err := os.Stat(tm.Config); err == nil {
		t.Errorf("written: %s", tm.written())
	}
}

func TestSaveProfileElsewhereForREST(t *testing.T) {
	tm := newTerm(t)
	tm.Env["FAL_REST_HOST"] = "127.0.0.1:1"
	tm.Want(tm.Run("create", "--save-profile", "ci"), 0, saved, "notice: profile ci leads to http://"+tm.Server.Host()+" for REST, and here it is http://127.0.0.1:1 from FAL_REST_HOST")
}
