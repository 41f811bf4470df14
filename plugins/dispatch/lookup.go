package dispatch

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/searchpath"
)

const (
	// maxWords is how many words can name a plugin.
	maxWords = 8
	// maxName keeps file names, with an extension, below what file systems
	// take (255 bytes), so that arguments are not mistaken for long names.
	maxName = 250
)

// Match is a plugin that answers a command.
type Match struct {
	// Name is the name of the program without extension: fal-runners.
	Name string
	// Path is the program, absolute.
	Path string
	// Words is how many of the words name it; the rest are its arguments.
	Words int
	// Typed is what was typed for it: `fal runner`.
	Typed string
}

// Lookup finds the plugin for the leading words of a command, of which none
// may be a flag. The plugin that takes most words wins; at most eight words
// count, and a word that can be no part of a file name ends them.
//
// For the same number of words the names of this project's commands come
// first where an alias of theirs was typed, then the name as typed, then with
// every "-" inside a word as "_", then the other way round. For each name the
// folders of PATH are tried in order, and the dispatcher's own folder last.
//
// The error is a *StartError when all that was found may not be executed, and
// an *UnknownCommandError without hints when nothing was found.
func (d *Dispatcher) Lookup(words []string) (Match, error) {
	if len(words) == 0 {
		return Match{}, &UnknownCommandError{}
	}
	folders := d.folders()
	refused := ""
	for length := nameable(words); length > 0; length-- {
		for _, name := range names(words[:length]) {
			if len(name) > maxName {
				continue
			}
			for _, folder := range folders {
				file, found := d.path.In(folder, name)
				if !found {
					continue
				}
				if file.Executable {
					return Match{
						Name:  name,
						Path:  file.Path,
						Words: length,
						Typed: "fal " + strings.Join(words[:length], " "),
					}, nil
				}
				if refused == "" {
					refused = file.Path
				}
			}
		}
	}
	if refused != "" {
		return Match{}, notExecutable(refused)
	}
	return Match{}, &UnknownCommandError{Command: words[0]}
}

func notExecutable(path string) *StartError {
	return &StartError{
		Path:   path,
		Reason: "it may not be executed",
		hints:  []string{"chmod +x " + cli.Quote(path)},
	}
}

// folders are those of PATH and the dispatcher's own.
func (d *Dispatcher) folders() []string {
	if own := searchpath.FolderOf(d.env.Self); own != "" {
		return d.path.With(own).Folders
	}
	return d.path.Folders
}

// nameable returns how many of the leading words can be parts of the name of
// a plugin.
func nameable(words []string) int {
	for i, word := range words {
		if i == maxWords || !isName(word) {
			return i
		}
	}
	return len(words)
}

// isName refuses whatever could be more than a part of a file name, on any
// system, or could not be typed as a word.
func isName(word string) bool {
	if word == "" || word[0] == '-' || !utf8.ValidString(word) ||
		strings.Contains(word, "..") || strings.HasSuffix(word, ".") {
		return false
	}
	for _, r := range word {
		if !unicode.IsPrint(r) || unicode.IsSpace(r) || strings.ContainsRune(`/\:*?"<>|`, r) {
			return false
		}
	}
	return true
}

// names are the names of plugins that words stand for, the preferred first.
func names(words []string) []string {
	var all []string
	if noun, known := FindNoun(words[0]); known && noun.Name != words[0] {
		all = spellings(all, slices.Concat([]string{noun.Name}, words[1:]))
	}
	return spellings(all, words)
}

// spellings adds the ways to write words as one name.
func spellings(all, words []string) []string {
	for _, change := range []*strings.Replacer{
		strings.NewReplacer(),
		strings.NewReplacer("-", "_"),
		strings.NewReplacer("_", "-"),
	} {
		parts := make([]string, len(words))
		for i, word := range words {
			parts[i] = change.Replace(word)
		}
		if name := prefix + strings.Join(parts, "-"); !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}
