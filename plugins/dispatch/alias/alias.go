// Package alias keeps the words of the user that stand for others, in a file.
//
//	f, err := alias.Read(path)
//	words, found := f.Find("idle")
//	err = alias.Update(path, func(f *alias.File) error { f.Set("idle", words); return nil })
//
// The file is TOML, with a list of words for each name, and is read by a small
// parser that takes this and nothing else:
//
//	# What I look at in the morning.
//	idle = ["runners", "list", "--state", "idle"]
//
// What is guaranteed: words are given back as they were set, each by itself;
// comments and the order of lines are kept; the file is replaced as a whole,
// with mode 0600, so that a reader finds the old text or the new; updates of
// several processes follow one another.
package alias

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"
)

// Alias is a word and what it stands for.
type Alias struct {
	Name  string
	Words []string
}

// File is what a file holds.
type File struct {
	text    string
	entries []entry
}

// entry is an alias with the lines that it stands on.
type entry struct {
	Alias
	start, end int
}

// Find returns the words that a name stands for.
func (f *File) Find(name string) (words []string, found bool) {
	if at := f.index(name); at >= 0 {
		return slices.Clone(f.entries[at].Words), true
	}
	return nil, false
}

// All returns the aliases, sorted by name.
func (f *File) All() []Alias {
	all := make([]Alias, len(f.entries))
	for i, e := range f.entries {
		all[i] = Alias{Name: e.Name, Words: slices.Clone(e.Words)}
	}
	slices.SortFunc(all, func(a, b Alias) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Text is the whole file.
func (f *File) Text() string { return f.text }

// Set makes name stand for words, in the place of what it stood for. Words
// that are no UTF-8, or hold a NUL, can not be kept.
func (f *File) Set(name string, words []string) error {
	for _, word := range append([]string{name}, words...) {
		if !utf8.ValidString(word) || strings.ContainsRune(word, 0) {
			return errors.New("a word that is no valid UTF-8 can not be kept")
		}
	}
	line := encode(name, words) + "\n"
	if at := f.index(name); at >= 0 {
		e := f.entries[at]
		return f.become(f.text[:e.start] + line + f.text[e.end:])
	}
	text := f.text
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return f.become(text + line)
}

// Delete takes a name out, and says whether it was there.
func (f *File) Delete(name string) (was bool, err error) {
	at := f.index(name)
	if at < 0 {
		return false, nil
	}
	e := f.entries[at]
	return true, f.become(f.text[:e.start] + f.text[e.end:])
}

func (f *File) index(name string) int {
	return slices.IndexFunc(f.entries, func(e entry) bool { return e.Name == name })
}

// become reads its own text back, which is what finds the lines again.
func (f *File) become(text string) error {
	fresh, err := Parse(text)
	if err == nil {
		*f = *fresh
	}
	return err
}
