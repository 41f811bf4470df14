package dispatch

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/installed"
	"github.com/fal-plugins/fal/plugins/internal/suggest"
)

const (
	// maxSuggestions is how many commands a misspelt word is answered with.
	maxSuggestions = 3
	// suggestFor bounds the reading of folders for suggestions, which on some
	// file systems takes longer than anyone waits for a hint.
	suggestFor = time.Second
)

// Suggestion is a command that may have been meant.
type Suggestion struct {
	// Command can be pasted: `fal runners`.
	Command string
	// Package is what provides it, when it is not installed.
	Package string
	// Summary is what a plugin of others says of itself, if it does.
	Summary string
}

// Suggest returns the commands, at most three and the nearest first, that
// leading words may have meant: the dispatcher's own, those of this project
// and of the official client (when that is on PATH) with their aliases, the
// user's aliases and installed plugins. Near is a name that begins with the
// word or differs from it in one letter, or in two when the word has more than
// four; two letters in the wrong order count once. When ctx ends, the plugins
// found so far are considered. A command of fal-auth without its noun is that
// one alone, and one for which other programs have the word is the first.
func (d *Dispatcher) Suggest(ctx context.Context, words []string) []Suggestion {
	return d.suggest(ctx, words, d.client(nil).found())
}

// candidate is a suggestion with its rank, the lowest being the best.
type candidate struct {
	Suggestion
	rank int
}

func (d *Dispatcher) suggest(ctx context.Context, words []string, official bool) []Suggestion {
	if len(words) == 0 {
		return nil
	}
	if withoutNoun(words[0]) {
		if auth, known := installed.FindNoun(authNoun); known {
			suggestion := Suggestion{Command: "fal " + authNoun + " " + words[0]}
			var answered bool
			if suggestion.Package, answered = d.provider(auth, official); answered {
				return []Suggestion{suggestion}
			}
		}
	}
	var found []candidate
	for _, builtin := range d.finder.Builtins {
		if rank, near := nearest(words[0], builtin.Name, builtin.Aliases); near {
			found = append(found, candidate{Suggestion{Command: "fal " + builtin.Name}, rank})
		}
	}
	for _, noun := range installed.Nouns() {
		rank, near := nearest(words[0], noun.Name, noun.Aliases)
		if !near {
			continue
		}
		if pkg, answered := d.provider(noun, official); answered {
			found = append(found, candidate{Suggestion{Command: "fal " + noun.Name, Package: pkg}, rank})
		}
	}
	found = append(found, d.foreign(words[0], official)...)
	found = append(found, d.nearAliases(words[0])...)
	found = append(found, d.nearPlugins(ctx, words)...)
	slices.SortStableFunc(found, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), strings.Compare(a.Command, b.Command))
	})
	var suggestions []Suggestion
	for _, candidate := range found {
		same := func(s Suggestion) bool { return s.Command == candidate.Command }
		if !slices.ContainsFunc(suggestions, same) && len(suggestions) < maxSuggestions {
			suggestions = append(suggestions, candidate.Suggestion)
		}
	}
	d.describeSuggested(ctx, suggestions)
	return suggestions
}

const authNoun = "auth"

// withoutNoun reports whether a word is a command that other programs have
// without a noun, and fal has below auth.
func withoutNoun(word string) bool {
	return slices.Contains([]string{"login", "logout", "whoami"}, word)
}

// provider is the package that a noun comes with when nothing that is installed
// answers it. It is not answered when there is no such package.
func (d *Dispatcher) provider(noun installed.Noun, official bool) (pkg string, answered bool) {
	if _, err := d.Lookup([]string{noun.Name}); err == nil || official && noun.Official {
		return "", true
	}
	return noun.Package, noun.Package != ""
}

// foreign are the commands for a word of another program. They go before those
// that are spelt like it.
func (d *Dispatcher) foreign(word string, official bool) []candidate {
	var found []candidate
	for _, meant := range suggest.Foreign("", word) {
		name, _, _ := strings.Cut(meant, " ")
		noun, known := installed.FindNoun(name)
		if !known {
			continue
		}
		if pkg, answered := d.provider(noun, official); answered {
			found = append(found, candidate{Suggestion{Command: "fal " + meant, Package: pkg}, -1})
		}
	}
	return found
}

// nearAliases compares the first word with the user's own.
func (d *Dispatcher) nearAliases(word string) []candidate {
	f, err := d.aliases()
	if err != nil {
		return nil // what is wrong with the file is said before a search for what was meant
	}
	var near []candidate
	for _, a := range f.All() {
		if far, is := suggest.Distance(word, a.Name); is && d.taken(a.Name) == "" {
			near = append(near, candidate{Suggestion{Command: "fal " + a.Name}, far})
		}
	}
	return near
}

// describeSuggested adds what plugins of others say of themselves.
func (d *Dispatcher) describeSuggested(ctx context.Context, suggestions []Suggestion) {
	plugins := make([]otherPlugin, len(suggestions))
	for i, s := range suggestions {
		words := strings.Fields(s.Command)[1:]
		if _, known := installed.FindNoun(words[0]); known || d.finder.IsBuiltin(words[0]) {
			continue
		}
		if match, err := d.Lookup(words); err == nil {
			plugins[i].Path = match.Path
		}
	}
	d.describeOthers(ctx, plugins)
	for i := range suggestions {
		suggestions[i].Summary = plugins[i].Summary
	}
}

// nearPlugins looks through the folders. A plugin's name is compared with the
// first word and with as many words as it has parts.
func (d *Dispatcher) nearPlugins(ctx context.Context, words []string) []candidate {
	var near []candidate
	seen := map[string]bool{}
	// An error means that ctx has ended, and then what was seen will do.
	_ = d.finder.Scan(ctx, func(_, _, name string) {
		plugin := strings.TrimPrefix(name, installed.Prefix)
		if seen[plugin] || !installed.IsName(plugin) {
			return
		}
		seen[plugin] = true
		if noun, known := installed.FindNoun(plugin); known && noun.Name != plugin {
			// The alias leads to the command, not to this plugin.
			return
		}
		forms := [][2]string{{words[0], plugin}}
		if parts := strings.Count(plugin, "-") + 1; parts > 1 && parts <= len(words) {
			forms = append(forms, [2]string{strings.Join(words[:parts], "-"), strings.ReplaceAll(plugin, "-", " ")})
		}
		for _, form := range forms {
			far, isNear := suggest.Distance(form[0], strings.ReplaceAll(form[1], " ", "-"))
			if !isNear {
				continue
			}
			if _, err := d.Lookup(strings.Fields(form[1])); err == nil {
				near = append(near, candidate{Suggestion{Command: "fal " + form[1]}, far})
			}
		}
	}, func(string, error) {})
	return near
}

// nearest is the best distance of a word to a name or one of its aliases.
func nearest(word, name string, aliases []string) (rank int, near bool) {
	for _, known := range slices.Concat([]string{name}, aliases) {
		if far, ok := suggest.Distance(word, known); ok && (!near || far < rank) {
			rank, near = far, true
		}
	}
	return rank, near
}

// hints say what to do about a command that nothing answers.
func (d *Dispatcher) hints(ctx context.Context, words []string, other client) []string {
	noun, known := installed.FindNoun(words[0])
	var hints []string
	switch {
	case known && other.returned != "":
		hints = append(hints, installed.Shown(other.returned)+" handed the command back: it starts this fal again")
	case known && noun.Package == "":
		hints = append(hints, "`fal "+noun.Name+"` is a command of the official client: `pip install fal` brings it")
	}
	if known && noun.Package != "" {
		return append(hints, "`fal "+noun.Name+"` comes with the package "+noun.Package+", which is not installed")
	}
	if known {
		return hints
	}
	ctx, cancel := context.WithTimeout(ctx, suggestFor)
	defer cancel()
	for _, suggestion := range d.suggest(ctx, words, other.found()) {
		hint := "did you mean `" + suggestion.Command + "`?"
		if suggestion.Summary != "" {
			hint += " " + suggestion.Summary
		}
		if suggestion.Package != "" {
			hint += " It comes with the package " + suggestion.Package + ", which is not installed"
		}
		hints = append(hints, hint)
	}
	if d.finder.IsBuiltin("help") {
		hints = append(hints, "`fal help` lists the commands")
	}
	return hints
}
