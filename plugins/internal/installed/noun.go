package installed

import "slices"

// Noun is a command known by name, whether or not a program for it is
// installed.
type Noun struct {
	// Name is the first word after fal.
	Name string
	// Aliases are other words for it.
	Aliases []string
	// Description is a phrase for lists of commands.
	Description string
	// Package is what to install to have it; empty when this project has no
	// plugin for it.
	Package string
	// Official says that the official client has the command under the same
	// name and aliases.
	Official bool
}

// Nouns returns the commands of this project and of the official client, in
// the order in which help lists them.
func Nouns() []Noun {
	return []Noun{
		{Name: "runners", Aliases: []string{"runner", "machine"}, Description: "See and control the runners of your apps", Package: "fal-runners", Official: true},
		{Name: "apps", Aliases: []string{"app"}, Description: "See, scale, roll out and delete apps", Package: "fal-apps", Official: true},
		{Name: "deploy", Description: "Deploy an app", Package: "fal-deploy", Official: true},
		{Name: "keys", Aliases: []string{"key"}, Description: "Create, list and revoke API keys", Package: "fal-keys", Official: true},
		{Name: "secrets", Aliases: []string{"secret"}, Description: "Set, list and unset secrets", Package: "fal-secrets", Official: true},
		{Name: "environments", Aliases: []string{"environment", "envs", "env"}, Description: "Create, list and delete environments", Package: "fal-environments", Official: true},
		{Name: "auth", Description: "Log in and out, and see who is logged in", Package: "fal-auth", Official: true},
		{Name: "account", Aliases: []string{"accounts", "team", "teams"}, Description: "Choose the account that commands act for", Package: "fal-account", Official: true},
		{Name: "profile", Aliases: []string{"profiles"}, Description: "Manage the profiles of the configuration file", Package: "fal-profile", Official: true},
		{Name: "doctor", Description: "Check the set-up of this machine", Package: "fal-doctor", Official: true},
		{Name: "local", Description: "Run a control plane on this machine", Package: "fal-local"},
		{Name: "run", Description: "Run a function of a Python file", Official: true},
		{Name: "create", Description: "Create a new app from a template", Official: true},
		{Name: "api", Description: "Call an app", Official: true},
		{Name: "queue", Description: "See and flush the queue of an app", Official: true},
		{Name: "files", Aliases: []string{"file"}, Description: "List, upload, download, move and remove files", Official: true},
	}
}

// FindNoun returns the noun that a word names, by its name or by an alias.
func FindNoun(word string) (Noun, bool) {
	for _, noun := range Nouns() {
		if noun.Name == word || slices.Contains(noun.Aliases, word) {
			return noun, true
		}
	}
	return Noun{}, false
}

// PackageFor returns the package that provides the command that a word names.
// It is false for words that name none of this project.
func PackageFor(word string) (string, bool) {
	noun, known := FindNoun(word)
	return noun.Package, known && noun.Package != ""
}
