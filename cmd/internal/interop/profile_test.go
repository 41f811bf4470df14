//go:build interop && unix

package interop

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// profileSteps are command lines that both clients understand. Where a key is
// read, the one in braces is typed.
var profileSteps = [...]string{
	"profile create prod",
	"profile host api.example.com",
	"profile key {7d1e:first}",
	"profile create ci",
	"profile key {ci:key}",
	"profile set prod",
	"profile key {7d1e:second}",
	"profile host api.other.example",
	"profile set ci",
	"profile unset",
	"profile delete prod",
	"profile set ci",
	"profile delete ci",
}

// odd is a file that has more in it than either client knows, as tomli-w writes
// it.
const odd = `
import datetime, tomli_w, sys
with open(sys.argv[1], "wb") as f:
    tomli_w.dump({
        "check_updates": False,
        "more": ["a", 1.5, {"x": 1}],
        "__internal__": {"later": 1}, # with a team the official client would ask the service at each start
        "kept": {
            "key": "kept:secret", "note": "\u00e4 \"quoted\" \\ \t\x7f",
            "since": datetime.datetime(2026, 1, 2, 3, 4, 5, 6789, tzinfo=datetime.timezone(datetime.timedelta(hours=2))),
            "limits": {"a": 1, "deep": {"b": [1, 2, [3]]}}, "list": [{"x": 1}, {"y": {"z": 2}}],
        },
        "name with spaces": {"big": 2**63 - 1, "nan": float("nan"), "long": "one\ntwo\r\nthree"},
        "empty": {},
    }, f)
`

// meaning prints what a file means, whoever wrote it. The official client makes
// an empty table for settings that it looks for.
const meaning = `
import json, sys, tomllib
with open(sys.argv[1], "rb") as f:
    d = tomllib.load(f)
if d.get("__internal__") == {}:
    del d["__internal__"]
print(json.dumps(d, sort_keys=True, default=repr, indent=1))
`

// editors of one configuration file: who makes the change of a step.
type editors struct {
	session
	official, ours string
	python         string
	byOurs         func(step int) bool
}

func newEditors(t *testing.T, officialPath, bin string, byOurs func(int) bool) *editors {
	t.Helper()
	e := &editors{session: newSession(t), official: officialPath, ours: bin, python: filepath.Join(filepath.Dir(officialPath), "python"), byOurs: byOurs}
	if err := os.Mkdir(filepath.Join(e.home, ".fal"), 0o700); err != nil { // the official client makes none for its file
		t.Fatal(err)
	}
	e.succeed(t, e.python, "-c", odd, e.file())
	return e
}

func (e *editors) file() string { return filepath.Join(e.home, ".fal", "config.toml") }

func (e *editors) means(t *testing.T) string {
	t.Helper()
	return e.succeed(t, e.python, "-c", meaning, e.file()).stdout
}

func (e *editors) change(t *testing.T, n int, line string) {
	t.Helper()
	line, typed, _ := strings.Cut(line, " {")
	words := strings.Fields(line)
	argv := append([]string{e.official}, words...)
	if e.byOurs(n) {
		argv = append([]string{filepath.Join(e.ours, "fal-"+words[0])}, words[1:]...)
		if typed != "" {
			argv = append(argv, "--no-verify")
		}
	}
	const script = `key=$1; shift; printf '%s\n' "$key" | "$@"`
	e.succeed(t, append([]string{"sh", "-c", script, "sh", strings.TrimSuffix(typed, "}")}, argv...)...)
}

// listed is what a client lists, as the keys that both have.
func (e *editors) listed(t *testing.T, argv ...string) string {
	t.Helper()
	var list struct {
		Profiles []struct {
			Profile  string   `json:"profile"`
			IsSet    bool     `json:"is_set"`
			Settings []string `json:"settings"`
		} `json:"profiles"`
	}
	out := e.succeed(t, append(argv, "list", "--json")...).stdout
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	return printed(list)
}

// TestProfiles makes the same changes to three files that tomli-w wrote: with
// the official client, with ours, and with one after the other in turn. After
// each step the three must mean the same, and both clients must list the same
// of the last.
func TestProfiles(t *testing.T) {
	officialPath := official(t)
	bin := build(t, "fal-profile")
	theirs := newEditors(t, officialPath, bin, func(int) bool { return false })
	ours := newEditors(t, officialPath, bin, func(int) bool { return true })
	turns := newEditors(t, officialPath, bin, func(step int) bool { return step%2 == 0 })
	before := theirs.means(t)
	for n, line := range profileSteps {
		t.Run(line, func(t *testing.T) {
			for _, e := range []*editors{theirs, ours, turns} {
				e.change(t, n, line)
			}
			want := theirs.means(t)
			if got := ours.means(t); got != want {
				t.Errorf("ours made\n%s\nthe official client\n%s", got, want)
			}
			if got := turns.means(t); got != want {
				t.Errorf("in turn they made\n%s\nthe official client alone\n%s", got, want)
			}
			if a, b := turns.listed(t, officialPath, "profile"), turns.listed(t, filepath.Join(bin, "fal-profile")); a != b {
				t.Errorf("the official client lists\n%s\nours\n%s", a, b)
			}
		})
	}
	if got := turns.means(t); got != before {
		t.Errorf("what was made and deleted again left\n%s\nof\n%s", got, before)
	}
}

// TestProfilesKeepComments holds what only ours keeps, between edits of its
// own: the official client writes the whole file anew.
func TestProfilesKeepComments(t *testing.T) {
	e := newEditors(t, official(t), build(t, "fal-profile"), func(int) bool { return true })
	const file = "# mine\n[prod] # the service\n  host = 'api.example.com' # here\n\n# later\n[ci]\n"
	if err := os.WriteFile(e.file(), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	e.change(t, 0, "profile set prod")
	e.change(t, 0, "profile key {a:b}")
	e.change(t, 0, "profile unset")
	got, err := os.ReadFile(e.file())
	if err != nil {
		t.Fatal(err)
	}
	want := "# mine\n[prod] # the service\n  host = 'api.example.com' # here\n  key = \"a:b\"\n\n# later\n[ci]\n\n[__internal__]\n"
	if string(got) != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if a, b := e.listed(t, e.official, "profile"), e.listed(t, filepath.Join(e.ours, "fal-profile")); a != b {
		t.Errorf("the official client lists\n%s\nours\n%s", a, b)
	}
}
