// Package installed knows which programs of fal there are, and which of them
// are on this machine.
//
//	f := installed.Finder{Path: path, Self: self, Builtins: installed.Builtins()}
//	program, found := f.Find([]string{"runners", "list"})
//	listing, err := f.List(ctx)
//
// Find looks names up directly and reads no folder; List and Scan read the
// folders of PATH. Nothing is ever run: versions are read from the files.
package installed

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fal-plugins/fal/plugins/internal/searchpath"
)

const (
	// Prefix is what the names of plugins begin with.
	Prefix = "fal-"
	// maxWords is how many words can name a plugin.
	maxWords = 8
	// maxName keeps file names, with an extension, below what file systems
	// take (255 bytes), so that arguments are not mistaken for long names.
	maxName = 250
)

// Builtin is a command that the dispatcher answers itself. Nothing on PATH
// takes its place.
type Builtin struct {
	Name    string
	Aliases []string
}

// Builtins are the commands that fal answers itself.
func Builtins() []Builtin {
	return []Builtin{
		{Name: "alias", Aliases: []string{"aliases"}},
		{Name: "completion"},
		{Name: "help"},
		{Name: "plugin", Aliases: []string{"plugins"}},
		{Name: "version"},
	}
}

// Finder looks for programs as the dispatcher does. It may be used from
// several goroutines.
type Finder struct {
	Path searchpath.Path
	// Self is the dispatcher, an absolute path that may lead through links;
	// its folder is searched behind those of Path. Empty: there is none.
	Self string
	// Builtins, and words that begin with two underscores, are no plugins.
	Builtins []Builtin
}

// Program is what has a name that was looked for.
type Program struct {
	// Name is that of the program without extension: fal-runners.
	Name string
	// Path is the file, absolute.
	Path string
	// Words is how many of the words name it; the rest are its arguments.
	Words int
	// Executable says whether this user may run it.
	Executable bool
}

// Find looks for the plugin of the leading words of a command, of which none
// may be a flag. The plugin that takes most words wins; at most eight words
// count, and a word that can be no part of a file name ends them.
//
// For the same number of words the names of this project's commands come
// first where an alias of theirs was typed, then the name as typed, then with
// every "-" inside a word as "_", then the other way round. For each name the
// folders of PATH are tried in order, and the dispatcher's own folder last.
//
// found is false when nothing may be executed; the program is then the first
// that had the name all the same, if there was one.
func (f Finder) Find(words []string) (program Program, found bool) {
	if len(words) == 0 {
		return Program{}, false
	}
	var refused Program
	folders := f.folders()
	for length := nameable(words); length > 0; length-- {
		for _, name := range names(words[:length]) {
			if len(name) > maxName {
				continue
			}
			for _, folder := range folders {
				file, exists := f.Path.In(folder, name)
				if !exists {
					continue
				}
				program := Program{Name: name, Path: file.Path, Words: length, Executable: file.Executable}
				if file.Executable {
					return program, true
				}
				if refused.Path == "" {
					refused = program
				}
			}
		}
	}
	return refused, false
}

// Shadowed says whether `fal` runs another program than the dispatcher. It
// reads no folder.
func (f Finder) Shadowed() (searchpath.Shadow, bool) { return f.Path.Shadowed(f.Self, "fal") }

// IsBuiltin says whether the dispatcher answers a word itself.
func (f Finder) IsBuiltin(word string) bool {
	if strings.HasPrefix(word, "__") {
		return true
	}
	for _, builtin := range f.Builtins {
		if builtin.Name == word || slices.Contains(builtin.Aliases, word) {
			return true
		}
	}
	return false
}

// Shown is text, quoted when it would not be safe or clear on a terminal as
// it is.
func Shown(text string) string {
	if text == "" || !utf8.ValidString(text) {
		return strconv.Quote(text)
	}
	for _, r := range text {
		if !unicode.IsPrint(r) {
			return strconv.Quote(text)
		}
	}
	return text
}

// folders are those of PATH and the dispatcher's own.
func (f Finder) folders() []string {
	if own := searchpath.FolderOf(f.Self); own != "" {
		return f.Path.With(own).Folders
	}
	return f.Path.Folders
}

// nameable returns how many of the leading words can be parts of the name of
// a plugin.
func nameable(words []string) int {
	for i, word := range words {
		if i == maxWords || !IsName(word) {
			return i
		}
	}
	return len(words)
}

// IsName says whether a word can be part of the name of a plugin: it refuses whatever could be more than a part of a file name, on any
// system, or could not be typed as a word.
func IsName(word string) bool {
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
		if name := Prefix + strings.Join(parts, "-"); !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// All returns the files that have the name of a program and may be executed, in
// the order in which they are looked for, each once whatever links lead to it.
func (f Finder) All(name string) []string {
	var paths []string
	var seen []os.FileInfo
	for _, folder := range f.folders() {
		file, exists := f.Path.In(folder, name)
		again := func(other os.FileInfo) bool { return os.SameFile(other, file.Info) }
		if exists && file.Executable && !slices.ContainsFunc(seen, again) {
			paths, seen = append(paths, file.Path), append(seen, file.Info)
		}
	}
	return paths
}
