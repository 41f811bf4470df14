package cli

import (
	"os"
	"path/filepath"
	"strings"
)

// shellListsFiles reports whether the shell is left to find files by itself.
// That of fish takes quotes and ~ for letters. That of zsh evaluates what stands
// before a slash, so that it is kept away from all but variables, and loses a
// quote that begins within the word.
func (r Request) shellListsFiles() bool {
	switch {
	case r.shell == "fish", r.inZshQuote():
		return false
	case r.shell != "zsh" || r.typed == nil:
		return true
	}
	raw := r.typed.raw
	if r.typed.substitutes || strings.ContainsAny(raw, "(`") || strings.Count(raw, "$") != len(r.typed.variables) {
		return false
	}
	for _, v := range r.typed.variables {
		if end := v.at + len("$"+v.name); end < len(r.typed.text) && r.typed.text[end] != '/' {
			return false
		}
	}
	return true
}

// files are what the word, or what stands behind the = of a flag in it, may
// become. A folder that was typed as ~ or with a variable is looked into, and
// stays as it was typed.
func (r Request) files(reply Reply) []Candidate {
	word := r.Word()
	flag := ""
	if name, _, ok := strings.Cut(word, "="); ok && strings.HasPrefix(name, "--") {
		flag = name + "="
	}
	path := word[len(flag):]
	if path == "~" && r.isTilde(len(flag)) {
		return []Candidate{{Value: word + "/"}}
	}
	typed, base := filepath.Split(path)
	folder, known := r.folder(len(flag), typed)
	if !known {
		return nil
	}
	list := func(patterns ...string) []Candidate {
		return filesIn(folder, flag+typed, base, func(name string, isFolder bool) bool {
			return isFolder || reply.Files && (len(patterns) == 0 || matchesAny(patterns, name))
		})
	}
	if found := list(reply.Patterns...); len(found) > 0 {
		return found
	}
	return list()
}

func (r Request) isTilde(at int) bool {
	if r.typed == nil {
		return false
	}
	for _, t := range r.typed.tildes {
		if t == at {
			return true
		}
	}
	return false
}

// folder is the folder that typed means, which begins at a place of the word.
// It is not known where something else than a variable would have to be
// evaluated, or a variable that has no value.
func (r Request) folder(at int, typed string) (string, bool) {
	if r.typed == nil || r.typed.text != r.Word() {
		return typed, !r.opaque
	}
	if r.typed.substitutes {
		return "", false
	}
	var b strings.Builder
	rest := at
	if r.isTilde(at) && strings.HasPrefix(typed, "~/") {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", false
		}
		b.WriteString(home)
		rest++
	}
	end := at + len(typed)
	for _, v := range r.typed.variables {
		value, set := os.LookupEnv(v.name)
		if !set || v.at < rest || v.at >= end { // in a name that is being typed, too
			return "", false
		}
		b.WriteString(r.typed.text[rest:v.at])
		b.WriteString(value)
		rest = v.at + len("$"+v.name)
	}
	b.WriteString(r.typed.text[rest:end])
	return b.String(), true
}
