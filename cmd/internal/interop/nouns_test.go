//go:build interop && unix

package interop

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// step is a command line that both clients understand, and the list that shows
// what it did. Braces stand for what the control plane chose: {older} and
// {newer} are the sample's revisions, {key} the key described as "ci é".
type step struct {
	change string
	shown  string
}

var steps = [...]step{
	{"environments create qa --description words", "environments list"},
	{"secrets set A=1 B=", "secrets list"},
	{"secrets set A=2 --not-exposed-by-default", "secrets list"},
	{"secrets set C=3 --env qa", "secrets list --env qa"},
	{"secrets unset B", "secrets list"},
	{"keys create --scope API --desc ci_é", "keys list"},
	{"keys revoke {key}", "keys list"},
	{"apps scale sample --keep-alive 0 --max-multiplexing 2 --max-concurrency 6 --min-concurrency 2 --concurrency-buffer 1 --concurrency-buffer-perc 5 --scaling-delay 6 --request-timeout 7 --startup-timeout 8 --machine-types A B --regions us-east", "apps list"},
	{"apps set-rev sample {older} --auth public --strategy recreate", "apps list --filter sample"},
	{"apps rollout sample", "apps list --sort-by-runners"},
	{"apps rollout sample --force", "apps list --regions us-east eu-west"},
	{"apps set-rev copy {newer}", "apps list"},
	{"apps delete sample", "apps list"},
	{"apps delete-rev {older}", "apps list"},
	{"secrets unset C --env qa", "secrets list --env qa"},
	{"environments delete qa --yes", "environments list"},
}

// chosen are keys whose values differ from one control plane to the next, or
// from one moment to the next.
var chosen = []string{"created_at", "key_id", "revision", "active_runners"}

// TestNouns makes the same changes to two control planes, to one with the
// official client, to the other with ours. After each, both clients must list
// the same, on each of them, and both must show the same.
func TestNouns(t *testing.T) {
	officialPath := official(t)
	bin := build(t, "fal-local", "fal-apps", "fal-runners", "fal-keys", "fal-secrets", "fal-environments")
	theirs := newNouns(t, bin, officialPath, true)
	ours := newNouns(t, bin, officialPath, false)
	for _, s := range steps {
		t.Run(s.change, func(t *testing.T) {
			theirs.change(t, s.change)
			ours.change(t, s.change)
			a, b := theirs.agreed(t, s.shown), ours.agreed(t, s.shown)
			if !slices.EqualFunc(a, b, maps.Equal) {
				t.Errorf("`fal %s`, after the official client changed it:\n%v\nafter ours:\n%v", s.shown, a, b)
			}
		})
	}
}

// nouns is a control plane that is changed by one of the two clients.
type nouns struct {
	plane
	bin        string
	byOfficial bool
	names      map[string]string
}

func newNouns(t *testing.T, bin, officialPath string, byOfficial bool) *nouns {
	t.Helper()
	n := &nouns{bin: bin, byOfficial: byOfficial, plane: startPlane(t, bin, officialPath), names: make(map[string]string)}
	n.settled(t)
	type revision struct {
		ID string `json:"revision"`
	}
	var list struct{ Revisions []revision }
	n.decode(t, &list, n.succeed(t, n.within(n.our("apps"), "list-rev", "sample", "--json", "--sort", "created")...).stdout)
	if len(list.Revisions) != 2 {
		t.Fatalf("the sample has %d revisions, want 2", len(list.Revisions))
	}
	n.names["{older}"], n.names["{newer}"] = list.Revisions[0].ID, list.Revisions[1].ID
	return n
}

func (n *nouns) our(noun string) string { return filepath.Join(n.bin, "fal-"+noun) }

func (n *nouns) decode(t *testing.T, into any, text string) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
}

func (n *nouns) words(line string) []string {
	words := strings.Fields(line)
	for i, w := range words {
		if name, ok := n.names[w]; ok {
			words[i] = name
		}
	}
	return words
}

func (n *nouns) change(t *testing.T, line string) {
	t.Helper()
	words := n.words(line)
	argv := append([]string{n.our(words[0])}, words[1:]...)
	if n.byOfficial {
		argv = append([]string{n.official}, words...)
	}
	r := n.succeed(t, n.within(argv...)...)
	if words[0] == "keys" && words[1] == "create" {
		id, _, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(r.stdout[strings.Index(r.stdout, "FAL_KEY="):]), "FAL_KEY='"), ":")
		if !ok {
			t.Fatalf("no key in %q", r.stdout)
		}
		n.names["{key}"] = id
	}
	if words[0] == "apps" {
		n.calm(t)
	}
}

// calm waits until no rollout is under way.
func (n *nouns) calm(t *testing.T) {
	t.Helper()
	eventually(t, "the rollouts have ended", func() string {
		return strings.TrimSpace(n.succeed(t, n.within(n.our("apps"), "list", "--jq", ".apps[] | select(.is_rolling)")...).stdout)
	})
}

// agreed is what both clients list, without what is not to be compared between
// control planes.
func (n *nouns) agreed(t *testing.T, line string) []map[string]string {
	t.Helper()
	words := append(n.words(line), "--json")
	before := n.rows(t, append([]string{n.our(words[0])}, words[1:]...))
	official := n.rows(t, append([]string{n.official}, words...))
	after := n.rows(t, append([]string{n.our(words[0])}, words[1:]...))
	if len(official) != len(before) {
		t.Fatalf("the official client lists %d, ours %d", len(official), len(before))
	}
	var plain []map[string]string
	for i, row := range official {
		rest := make(map[string]string)
		for key, value := range row {
			if value != before[i][key] && value != after[i][key] {
				t.Errorf("%s of %v: %s for the official client, %s for ours", key, row, value, before[i][key])
			}
			if key == "default_exposed" && value == "null" {
				value = "true" // ours leaves it to the account, whose default that is
			}
			if !slices.Contains(chosen, key) {
				rest[key] = value
			}
		}
		plain = append(plain, rest)
	}
	return plain
}

// rows are the records of the one list in what is printed, in an order of
// their own, each value as JSON.
func (n *nouns) rows(t *testing.T, argv []string) []map[string]string {
	t.Helper()
	var document map[string][]map[string]json.RawMessage
	n.decode(t, &document, n.succeed(t, n.within(argv...)...).stdout)
	if len(document) != 1 {
		t.Fatalf("%q prints %d lists", argv, len(document))
	}
	var rows []map[string]string
	for _, list := range document {
		for _, record := range list {
			row := make(map[string]string)
			for key, value := range record {
				var plain any
				n.decode(t, &plain, string(value))
				row[key] = printed(plain)
			}
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b map[string]string) int { return strings.Compare(identity(a), identity(b)) })
	return rows
}

func identity(row map[string]string) string {
	return fmt.Sprint(row["alias"], row["name"], row["created_at"])
}
