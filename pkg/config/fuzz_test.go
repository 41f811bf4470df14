package config_test

import (
	"bytes"
	"errors"
	"maps"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pelletier/go-toml/v2"

	"github.com/fal-plugins/fal/pkg/config"
)

// FuzzEdits makes every kind of edit in any file that parses, and reads the
// result with the TOML library alone: what the edit was about must be there,
// and everything else must be equal.
func FuzzEdits(f *testing.F) {
	for _, file := range []string{
		handWritten, threeProfiles, "", "[dev]", "dev = {}\n", "dev = { key = 1, b = [{ key = 2 }] }\r\n", "dev.key = 1\ndev.a.b = 2\n",
		"[dev.sub]\n[[dev.list]]\nkey = 1\n", "\xef\xbb\xbf[ 'dev' ] # x\r\n\"key\" = '''\r\n[dev]\r\nkey = 1'''\r\n", "# c\n\n\n[dev]\n\n\n[b]\n\n\n",
		"dev = { a = 1, }\n", "dev = {\n a = 1, # c\n key = 2 # d\n}\n", "x = nan\ny = 07:32:00\nz = 1979-05-27 07:32:00Z\n[__internal__]\nprofile='dev'\n[dev]\n",
	} {
		f.Add(file, "dev", "key", "a:b")
		f.Add(file, "n e w", "odd.key", "\"\\\n\x00é")
	}
	f.Fuzz(func(t *testing.T, file, profile, key, value string) {
		before, err := decode([]byte(file))
		opened, openErr := config.Parse([]byte(file))
		if (err == nil) != (openErr == nil) {
			t.Fatalf("Open says %v, the library %v", openErr, err)
		}
		if err != nil {
			return
		}
		profiles := opened.Profiles()
		if len(profiles) != countTables(before) {
			t.Errorf("%d profiles, want %d", len(profiles), countTables(before))
		}

		for name, edit := range map[string]struct {
			do   func(*config.File) error
			want func(map[string]any)
		}{
			"set":    {func(f *config.File) error { return f.Set(profile, key, value) }, func(m map[string]any) { table(m, profile)[key] = value }},
			"unset":  {func(f *config.File) error { return f.Unset(profile, key) }, func(m map[string]any) { delete(table(m, profile), key) }},
			"create": {func(f *config.File) error { return f.CreateProfile(profile) }, func(m map[string]any) { table(m, profile) }},
			"choose": {func(f *config.File) error { return f.SetDefaultProfile(profile) }, func(m map[string]any) { table(m, "__internal__")["profile"] = profile }},
			"team":   {func(f *config.File) error { return f.SetTeam(value) }, func(m map[string]any) { table(m, "__internal__")["team"] = value }},
			"delete": {func(f *config.File) error { return f.DeleteProfile(profile) }, func(m map[string]any) {
				delete(m, profile)
				if in, ok := m["__internal__"].(map[string]any); ok && in["profile"] == any(profile) {
					delete(table(m, "__internal__"), "profile")
				}
			}},
		} {
			f, err := config.Parse([]byte(file))
			if err != nil {
				t.Fatal(err)
			}
			err = edit.do(f)
			after := f.Content()
			if err != nil {
				if string(after) != file {
					t.Errorf("%s failed with %v and left %q", name, err, after)
				}
				if e := asError(t, err, errorCode(err)); e.Code == config.UnsafeEdit && !hasTable(before, profile, key) {
					t.Errorf("%s of %q %q refused without need: %v\nfile %q", name, profile, key, err, file)
				}
				continue
			}
			got, err := decode(after)
			if err != nil {
				t.Fatalf("%s left what does not parse: %v\n%q", name, err, after)
			}
			want := maps.Clone(before)
			edit.want(want)
			if d := cmp.Diff(want, got, sameTimes, sameFloats); d != "" {
				t.Errorf("%s of %q: -want +got\n%s\nfile %q\nleft %q", name, profile, d, file, after)
			}
			if bytes.HasPrefix([]byte(file), []byte("\xef\xbb\xbf")) != bytes.HasPrefix(after, []byte("\xef\xbb\xbf")) {
				t.Errorf("%s changed the byte order mark", name)
			}
			if name != "delete" && name != "unset" {
				for _, line := range strings.Split(file, "\n") {
					if c := strings.TrimSpace(line); strings.HasPrefix(c, "#") && !strings.ContainsAny(c, "\"'\\") && !bytes.Contains(after, []byte(c)) && !strings.ContainsAny(file, "\"'") {
						t.Errorf("%s lost the comment %q", name, c)
					}
				}
			}
		}
	})
}

// hasTable reports whether something that an edit may be about is of a kind
// that is not for editing: a table or a list where a value would stand.
func hasTable(m map[string]any, profile, key string) bool {
	for _, at := range [][2]string{{profile, key}, {"__internal__", "profile"}, {"__internal__", "team"}} {
		t, ok := m[at[0]].(map[string]any)
		switch t[at[1]].(type) {
		case map[string]any, []any:
			return true
		}
		if _, exists := m[at[0]]; exists && !ok {
			return true
		}
	}
	return false
}

func errorCode(err error) config.Code {
	var e *config.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func decode(data []byte) (map[string]any, error) {
	m := map[string]any{}
	err := toml.Unmarshal(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), &m)
	return m, err
}

// table returns a copy of the table at name, put in its place.
func table(m map[string]any, name string) map[string]any {
	old, _ := m[name].(map[string]any)
	t := maps.Clone(old)
	if t == nil {
		t = map[string]any{}
	}
	m[name] = t
	return t
}

func countTables(m map[string]any) (n int) {
	for name, v := range m {
		if reflect.TypeOf(v).Kind() == reflect.Map && name != "__internal__" {
			n++
		}
	}
	return n
}

var (
	sameTimes  = cmp.Comparer(func(a, b time.Time) bool { return a.Format(time.RFC3339Nano) == b.Format(time.RFC3339Nano) })
	sameFloats = cmp.Comparer(func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) })
)
