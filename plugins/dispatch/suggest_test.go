//go:build unix

package dispatch_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/plugins/dispatch"
)

func TestSuggest(t *testing.T) {
	tests := []struct {
		typed string
		want  string
	}{
		{"runnrs", "fal runners"},
		{"rnuners", "fal runners"},
		{"runnersss", "fal runners"},
		{"runnersxyz", ""},
		{"runne", "fal runners"},
		{"run", "fal runners"},
		{"machin", "fal runners"},
		{"aps", "fal apps"},
		{"pasp", ""},
		{"aspp", "fal apps"},
		{"apsp", "fal apps"},
		{"kye", "fal keys (fal-keys)"},
		{"plugn", "fal plugin"},
		{"vesrion", "fal version"},
		{"helm", "fal help"},
		{"deply", "fal deploy (fal-deploy)"},
		{"cost", "fal costs"},
		{"mytool", "fal my-tool"},
		{"my-tol", "fal my-tool"},
		{"my_tool_x", ""},
		{"my tol", "fal my tool, fal my-tool"},
		{"brokn", ""},
		{"x", ""},
		{"", ""},
		{"\x1b[31m", ""},
		{"ap", "fal apps"},
		{"queu", ""},
	}
	root := realTempDir(t)
	for _, file := range []string{"a/fal-runners", "b/fal-costs", "b/fal-my-tool", "a/fal-apps", "b/fal-a b", "b/other"} {
		write(t, filepath.Join(root, file), "")
	}
	write(t, filepath.Join(root, "b", "fal-broken"), "", 0o644)
	d := dispatcher(t, root, "a", "b")
	for _, test := range tests {
		t.Run(test.typed, func(t *testing.T) {
			var got []string
			for _, suggestion := range d.Suggest(t.Context(), strings.Split(test.typed, " ")) {
				text := suggestion.Command
				if suggestion.Package != "" {
					text += " (" + suggestion.Package + ")"
				}
				got = append(got, text)
			}
			if got := strings.Join(got, ", "); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestSuggestCommandsThatRun(t *testing.T) {
	root := realTempDir(t)
	for _, file := range []string{"a/fal-aaab", "a/fal-aaac", "a/fal-aaad", "a/fal-aaae", "a/fal-aaaa-b"} {
		write(t, filepath.Join(root, file), "")
	}
	d := dispatcher(t, root, "a")
	suggestions := d.Suggest(t.Context(), []string{"aaaa", "c"})
	if len(suggestions) != 3 {
		t.Errorf("got %d suggestions: %v", len(suggestions), suggestions)
	}
	for _, suggestion := range suggestions {
		words := strings.Fields(suggestion.Command)[1:]
		if _, err := d.Lookup(words); err != nil {
			t.Errorf("%s: %v", suggestion.Command, err)
		}
	}
}

func TestNouns(t *testing.T) {
	// The words that people know from the official client.
	words := map[string]string{
		"runner": "runners", "machine": "runners", "app": "apps", "key": "keys", "secret": "secrets",
		"environment": "environments", "envs": "environments", "env": "environments",
		"accounts": "account", "team": "account", "teams": "account", "profiles": "profile", "file": "files",
	}
	for _, name := range []string{
		"runners", "apps", "keys", "secrets", "deploy", "environments", "account", "auth", "profile", "doctor",
		"queue", "files", "run", "create", "api", "completion",
	} {
		words[name] = name
	}
	for word, name := range words {
		noun, known := dispatch.FindNoun(word)
		if !known || noun.Name != name || !noun.Official {
			t.Errorf("%q is %+v, want %q of the official client", word, noun, name)
		}
	}
	var seen []string
	for _, noun := range dispatch.Nouns() {
		for _, word := range slices.Concat([]string{noun.Name}, noun.Aliases) {
			if slices.Contains(seen, word) {
				t.Errorf("%q stands for two commands", word)
			}
			seen = append(seen, word)
		}
		if noun.Description == "" || strings.HasSuffix(noun.Description, ".") {
			t.Errorf("%q has the description %q", noun.Name, noun.Description)
		}
		if noun.Package == "" && !noun.Official {
			t.Errorf("nobody has %q", noun.Name)
		}
	}
	if len(seen) != len(words)+1 || !slices.Contains(seen, "local") {
		t.Errorf("the words are %q", seen)
	}
	for word, want := range map[string]string{"machine": "fal-runners", "local": "fal-local", "run": "", "nope": ""} {
		if got, known := dispatch.PackageFor(word); got != want || known != (want != "") {
			t.Errorf("the package for %q is %q, %t", word, got, known)
		}
	}
}
