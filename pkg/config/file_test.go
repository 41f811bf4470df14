package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fal-plugins/fal/pkg/config"
)

const handWritten = `# my accounts

check_updates = false # no notices

[__internal__]
profile = "dev"   # the usual one
future = [1, 2] # unknown to us

  [ dev ] # indented
  # what it is for
  key = 'id:old' # rotate me
  "odd key" = { a = 1, b = "x" }

  host = "api.dev.fal.ai"
  # key = "id:older"

# production!
["p r o d"]
key = """
id:secret"""

[dev.sub]
x = 1979-05-27T07:32:00-08:00
y = nan

[other]
`

func TestEdits(t *testing.T) {
	set := func(profile, key, value string) func(*config.File) error {
		return func(f *config.File) error { return f.Set(profile, key, value) }
	}
	unset := func(profile, key string) func(*config.File) error {
		return func(f *config.File) error { return f.Unset(profile, key) }
	}
	create := func(name string) func(*config.File) error {
		return func(f *config.File) error { return f.CreateProfile(name) }
	}
	drop := func(name string) func(*config.File) error {
		return func(f *config.File) error { return f.DeleteProfile(name) }
	}
	choose := func(name string) func(*config.File) error {
		return func(f *config.File) error { return f.SetDefaultProfile(name) }
	}
	replaced := func(old, new string) string {
		if strings.Count(handWritten, old) != 1 {
			t.Fatalf("%q is not in the file once", old)
		}
		return strings.Replace(handWritten, old, new, 1)
	}
	for _, tt := range []struct {
		name       string
		file, want string
		edit       func(*config.File) error
	}{
		// On a file as people write it.
		{"replace a value", handWritten, replaced("'id:old' # rotate", `"id:new" # rotate`), set("dev", "key", "id:new")},
		{"replace with itself", handWritten, handWritten, set("dev", "key", "id:old")},
		{"replace a multi-line value", handWritten, replaced("\"\"\"\nid:secret\"\"\"", `"id:new"`), set("p r o d", "key", "id:new")},
		{"add a value", handWritten, replaced("  host = \"api.dev.fal.ai\"\n", "  host = \"api.dev.fal.ai\"\n  local_host = \"127.0.0.1:1\"\n"), set("dev", "local_host", "127.0.0.1:1")},
		{"add a value to an empty profile at the end", handWritten, handWritten + "key = \"a:b\"\n", set("other", "key", "a:b")},
		{"add a profile", handWritten, handWritten + "\n[new]\nkey = \"a:b\"\n", set("new", "key", "a:b")},
		{"add a profile of an odd name", handWritten, handWritten + "\n[\"n.e.w ü\"]\nkey = \"a:b\"\n", set("n.e.w ü", "key", "a:b")},
		{"remove a value with its comment", handWritten, replaced("  key = 'id:old' # rotate me\n", ""), unset("dev", "key")},
		{"remove what is not there", handWritten, handWritten, unset("dev", "local_host")},
		{"remove a value of another type", handWritten, replaced("  \"odd key\" = { a = 1, b = \"x\" }\n", ""), unset("dev", "odd key")},
		{"choose", handWritten, replaced(`profile = "dev"   #`, `profile = "p r o d"   #`), choose("p r o d")},
		{"choose none", handWritten, replaced("profile = \"dev\"   # the usual one\n", ""), (*config.File).UnsetDefaultProfile},
		{"team", handWritten, replaced("# unknown to us\n", "# unknown to us\nteam = \"acme\"\n"), func(f *config.File) error { return f.SetTeam("acme") }},
		{"no team", handWritten, handWritten, (*config.File).UnsetTeam},
		{"delete with tables below, comments inside and the choice of it", handWritten, `# my accounts

check_updates = false # no notices

[__internal__]
future = [1, 2] # unknown to us

# production!
["p r o d"]
key = """
id:secret"""

[other]
`, drop("dev")},
		{"delete another", handWritten, replaced("[\"p r o d\"]\nkey = \"\"\"\nid:secret\"\"\"\n", ""), drop("p r o d")},
		{"delete the last", handWritten, replaced("\n[other]\n", ""), drop("other")},

		// Odd shapes.
		{"empty file", "", "[dev]\nkey = \"a:b\"\n", set("dev", "key", "a:b")},
		{"empty file, create", "", "[dev]\n", create("dev")},
		{"no line end at the end", "[dev]\nkey = 'x:y'", "[dev]\nkey = 'x:y'\nhost = \"h\"", set("dev", "host", "h")},
		{"no line end after the header", "[dev]", "[dev]\nhost = \"h\"", set("dev", "host", "h")},
		{"no line end, create", "[dev]", "[dev]\n\n[b]\n", create("b")},
		{"only a comment", "# hello", "# hello\n\n[b]\n", create("b")},
		{"CRLF", "[dev]\r\nkey = 'x:y' # c\r\n\r\n[b]\r\n", "[dev]\r\nkey = 'x:y' # c\r\nhost = \"h\"\r\n\r\n[b]\r\n", set("dev", "host", "h")},
		{"CRLF, create", "[dev]\r\n", "[dev]\r\n\r\n[b]\r\n", create("b")},
		{"CRLF, delete", "[a]\r\nx = 1\r\n\r\n[b]\r\n\r\n[c]\r\n", "[a]\r\nx = 1\r\n\r\n[c]\r\n", drop("b")},
		{"byte order mark", "\xef\xbb\xbf[dev]\nkey = 'x:y'\n", "\xef\xbb\xbf[dev]\nkey = \"n:m\"\n", set("dev", "key", "n:m")},
		{"quoted header", "[\"dev\"]\n", "[\"dev\"]\nkey = \"a:b\"\n", set("dev", "key", "a:b")},
		{"quoted key", "[dev]\n'key' = 'x:y'\n", "[dev]\n'key' = \"a:b\"\n", set("dev", "key", "a:b")},
		{"no spaces", "[dev]\nkey='x:y'#c\n", "[dev]\nkey=\"a:b\"#c\n", set("dev", "key", "a:b")},
		{"another type", "[dev]\nkey = [1,\n 2]\nx = 1\n", "[dev]\nkey = \"a:b\"\nx = 1\n", set("dev", "key", "a:b")},
		{"dotted keys, replace", "dev.key = 'x:y' # c\nb.key = 'p:q'\n", "dev.key = \"a:b\" # c\nb.key = 'p:q'\n", set("dev", "key", "a:b")},
		{"dotted keys, add", "'dev' . key = 'x:y' # c\nb.key = 'p:q'\n\n[z]\n", "'dev' . key = 'x:y' # c\n'dev'.host = \"h\"\nb.key = 'p:q'\n\n[z]\n", set("dev", "host", "h")},
		{"dotted keys, remove", "dev.key = 'x:y' # c\ndev.host = 'h'\n", "dev.host = 'h'\n", unset("dev", "key")},
		{"dotted keys, remove the only one", "dev.key = 'x:y'\n", "[dev]\n", unset("dev", "key")},
		{"dotted keys, delete", "dev.key = 'x:y'\nb.key = 'p:q'\ndev.host = 'h'\n", "b.key = 'p:q'\n", drop("dev")},
		{"inline table, replace", "dev = { key = 'x:y', host = 'h' } # c\n", "dev = { key = \"a:b\", host = 'h' } # c\n", set("dev", "key", "a:b")},
		{"inline table, add", "dev = { key = 'x:y' } # c\n", "dev = { key = 'x:y', host = \"h\" } # c\n", set("dev", "host", "h")},
		{"inline table, add to an empty one", "dev = {} # c\n", "dev = { host = \"h\" } # c\n", set("dev", "host", "h")},
		{"inline table, remove the first", "dev = { key = 'x:y', host = 'h' } # c\n", "dev = { host = 'h' } # c\n", unset("dev", "key")},
		{"inline table, remove the last", "dev = { key = 'x:y', host = 'h' } # c\n", "dev = { key = 'x:y' } # c\n", unset("dev", "host")},
		{"inline table, remove the only one", "dev = { key = 'x:y' } # c\n", "dev = {} # c\n", unset("dev", "key")},
		{"inline table, delete", "a = 1\ndev = { key = 'x:y' } # c\nb = 2\n", "a = 1\nb = 2\n", drop("dev")},
		{"only a table below", "[dev.sub]\nx = 1\n", "[dev.sub]\nx = 1\n\n[dev]\nkey = \"a:b\"\n", set("dev", "key", "a:b")},
		{"an array of tables below", "[dev]\n[[dev.list]]\nkey = 1\n[[dev.list]]\nkey = 2\n[b]\n", "[dev]\nkey = \"a:b\"\n[[dev.list]]\nkey = 1\n[[dev.list]]\nkey = 2\n[b]\n", set("dev", "key", "a:b")},
		{"an array of tables below, delete", "[dev]\n[[dev.list]]\nkey = 1\n[[dev.list]]\nkey = 2\n[b]\n", "[b]\n", drop("dev")},
		{"tables of a profile apart", "[dev]\n\n[b]\nx = 1\n\n[dev.sub]\ny = 1\n", "[b]\nx = 1\n", drop("dev")},
		{"a comment that touches the next header stays", "[dev]\nkey = 'x:y'\n# b is for c\n[b]\n", "# b is for c\n[b]\n", drop("dev")},
		{"a key commented out goes", "[dev]\nkey = 'x:y'\n# key = 'p:q'\n\n# b\n[b]\n", "# b\n[b]\n", drop("dev")},
		{"a comment at the end goes", "[a]\n\n[dev]\n# key = 'p:q'\n", "[a]\n", drop("dev")},
		{"a value that needs escapes", "", "[dev]\nx = \"\\\"\\\\\\n\\r\\t\\u0000\\u007F é 😀\"\n", set("dev", "x", "\"\\\n\r\t\x00\x7f é 😀")},
		{"an odd key", "", "[dev]\n\"a.b\" = \"x\"\n", set("dev", "a.b", "x")},
		{"not a number elsewhere", "x = nan\n[dev]\n", "x = nan\n[dev]\nkey = \"a:b\"\n", set("dev", "key", "a:b")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config.toml")
			write(t, path, tt.file)
			f, err := config.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := tt.edit(f); err != nil {
				t.Fatal(err)
			}
			if err := f.Save(); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, read(t, path)); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
			// What was saved can be read, and doing it again changes nothing.
			if _, err := config.Open(path); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestEditErrors(t *testing.T) {
	const file = "setting = 1\nlist = [1]\ncheck_updates = true\n[dev]\nkey = 'a:b'\nx.y = 1\n[dev.sub]\nz = 1\n[[dev.list]]\n[[many]]\n"
	for _, tt := range []struct {
		name string
		edit func(*config.File) error
		code config.Code
	}{
		{"empty name", func(f *config.File) error { return f.CreateProfile("") }, config.BadProfileName},
		{"internal table", func(f *config.File) error { return f.CreateProfile("__internal__") }, config.BadProfileName},
		{"internal table, set", func(f *config.File) error { return f.Set("__internal__", "key", "a:b") }, config.BadProfileName},
		{"setting", func(f *config.File) error { return f.CreateProfile("setting") }, config.BadProfileName},
		{"list", func(f *config.File) error { return f.Set("list", "key", "a:b") }, config.BadProfileName},
		{"array of tables", func(f *config.File) error { return f.Set("many", "key", "a:b") }, config.BadProfileName},
		{"known setting", func(f *config.File) error { return f.CreateProfile("check_updates") }, config.BadProfileName},
		{"control characters", func(f *config.File) error { return f.CreateProfile("a\nb") }, config.BadProfileName},
		{"not UTF-8", func(f *config.File) error { return f.CreateProfile("a\xff") }, config.BadProfileName},
		{"space around", func(f *config.File) error { return f.CreateProfile(" a") }, config.BadProfileName},
		{"exists", func(f *config.File) error { return f.CreateProfile("dev") }, config.ProfileExists},
		{"unset of an unknown one", func(f *config.File) error { return f.Unset("dve", "key") }, config.UnknownProfile},
		{"delete of an unknown one", func(f *config.File) error { return f.DeleteProfile("dve") }, config.UnknownProfile},
		{"delete of the internal table", func(f *config.File) error { return f.DeleteProfile("__internal__") }, config.UnknownProfile},
		{"choice of an unknown one", func(f *config.File) error { return f.SetDefaultProfile("dve") }, config.UnknownProfile},
		{"a value in a table's place", func(f *config.File) error { return f.Set("dev", "sub", "v") }, config.UnsafeEdit},
		{"a value in a dotted table's place", func(f *config.File) error { return f.Set("dev", "x", "v") }, config.UnsafeEdit},
		{"a value in a list's place", func(f *config.File) error { return f.Set("dev", "list", "v") }, config.UnsafeEdit},
		{"unset of a table", func(f *config.File) error { return f.Unset("dev", "sub") }, config.UnsafeEdit},
		{"empty key", func(f *config.File) error { return f.Set("dev", "", "v") }, config.BadValue},
		{"value not UTF-8", func(f *config.File) error { return f.Set("dev", "key", "SECRET\xff") }, config.BadValue},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config.toml")
			write(t, path, file)
			err := config.Update(path, func(f *config.File) error {
				if err := tt.edit(f); err != nil {
					return err
				}
				return nil
			})
			if e := asError(t, err, tt.code); strings.Contains(e.Error(), "SECRET") {
				t.Error(e)
			}
			if got := read(t, path); got != file {
				t.Errorf("the file was changed to %q", got)
			}
		})
	}
	t.Run("internal table of the wrong type", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "config.toml")
		write(t, path, "__internal__ = 1\n[dev]\n")
		asError(t, config.Update(path, func(f *config.File) error { return f.SetDefaultProfile("dev") }), config.UnsafeEdit)
	})
}

func TestProfiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.toml")
	write(t, path, handWritten+"[[many]]\nkey = 'a:b'\n")
	f, err := config.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	want := []config.Profile{
		{Name: "dev", Keys: []string{"key", "odd key", "host", "sub"}, Default: true},
		{Name: "p r o d", Keys: []string{"key"}},
		{Name: "other"},
	}
	if d := cmp.Diff(want, f.Profiles()); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	if v, ok := f.Get("p r o d", "key"); v != "id:secret" || !ok {
		t.Errorf("key %q, %t", v, ok)
	}
	for _, at := range [][2]string{{"dev", "odd key"}, {"dev", "none"}, {"none", "key"}, {"__internal__", "profile"}} {
		if v, ok := f.Get(at[0], at[1]); ok {
			t.Errorf("%v is %q", at, v)
		}
	}
	if f.DefaultProfile() != "dev" || f.Team() != "" {
		t.Errorf("default %q, team %q", f.DefaultProfile(), f.Team())
	}

	missing, err := config.Open(filepath.Join(t.TempDir(), "none.toml"))
	if err != nil || len(missing.Profiles()) != 0 {
		t.Errorf("a missing file gives %v, %v", missing, err)
	}
}

func TestEditedTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.toml")
	err := config.Update(path, func(f *config.File) error {
		for _, step := range []error{
			f.CreateProfile("a"), f.Set("a", "key", "i:s"), f.Set("a", "host", "api.x"), f.CreateProfile("b"),
			f.SetDefaultProfile("b"), f.Set("a", "key", "i:t"), f.SetTeam("acme"), f.DeleteProfile("b"), f.UnsetTeam(),
		} {
			if step != nil {
				return step
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := read(t, path), "[a]\nkey = \"i:t\"\nhost = \"api.x\"\n\n[__internal__]\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if !slices.Equal(names, []string{"config.toml", "config.toml.lock"}) {
		t.Errorf("left behind: %q", names)
	}
}
