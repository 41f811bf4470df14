package installed

import (
	"slices"
	"strings"
	"testing"
)

func TestNouns(t *testing.T) {
	// The words that people know from the official client.
	words := map[string]string{
		"runner": "runners", "machine": "runners", "app": "apps", "key": "keys", "secret": "secrets",
		"environment": "environments", "envs": "environments", "env": "environments",
		"accounts": "account", "team": "account", "teams": "account", "profiles": "profile", "file": "files",
	}
	for _, name := range []string{
		"runners", "apps", "keys", "secrets", "deploy", "environments", "account", "auth", "profile", "doctor",
		"queue", "files", "run", "create", "api",
	} {
		words[name] = name
	}
	for word, name := range words {
		noun, known := FindNoun(word)
		if !known || noun.Name != name || !noun.Official {
			t.Errorf("%q is %+v, want %q of the official client", word, noun, name)
		}
	}
	var seen []string
	for _, noun := range Nouns() {
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
		if got, known := PackageFor(word); got != want || known != (want != "") {
			t.Errorf("the package for %q is %q, %t", word, got, known)
		}
	}
}
