package config

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
)

// profileChoice is the profile in use. Its zero value is none.
type profileChoice struct {
	name     string
	values   map[string]any
	chosenBy Origin
}

// explicit reports whether the flag named the profile, which then decides key
// and hosts before every variable.
func (p profileChoice) explicit() bool { return p.chosenBy.Kind == OriginFlag }

func (r *resolver) chooseProfile() (profileChoice, error) {
	choice := r.flagOrVariable(r.in.Profile, flagProfile, varProfile)
	named := choice.Value != ""
	if !named {
		name, err := r.doc.internal(internalChoice, r.shown)
		if err != nil {
			return profileChoice{}, err
		}
		if name == "" {
			return profileChoice{}, nil
		}
		choice = Setting{Value: name, Origin: r.fromFile()}
	}
	values := r.doc.profile(choice.Value)
	switch {
	case values != nil:
		return profileChoice{choice.Value, values, choice.Origin}, nil
	case named:
		return profileChoice{}, r.unknownProfile(choice)
	}
	r.notice("the default profile %q is not in %s: none is used", choice.Value, r.shown)
	return profileChoice{}, nil
}

func (r *resolver) unknownProfile(choice Setting) *Error {
	if r.shown == "" {
		return errorf(UnknownProfile, "unknown profile %q from %s: no home folder is known, so there is no configuration file", choice.Value, choice.Origin).
			hint("set HOME or %s", varConfigPath)
	}
	e := unknownProfile(choice.Value, r.doc, r.shown)
	if choice.Origin.Kind == OriginVariable {
		e.Message += " (from " + choice.Origin.Name + ")"
	}
	return e
}

func unknownProfile(name string, doc document, shown string) *Error {
	e := errorf(UnknownProfile, "unknown profile %q", name).about(shown, nil)
	known := doc.profileNames()
	if len(known) == 0 {
		return e.hint("%s has no profile", shown)
	}
	if near := nearest(name, known); near != "" {
		e.hint("did you mean %s?", printable(near))
	}
	return e.hint("profiles in %s: %s", shown, printable(strings.Join(known, ", ")))
}

// nearest returns the name that name is probably a misspelling of, or "". Of
// names that are alike but for their case it is the one that is written like it.
func nearest(name string, known []string) string {
	limit := max(1, utf8.RuneCountInString(name)/3)
	best, written, found := limit+1, 0, ""
	for _, k := range known {
		a, b := strings.ToLower(name), strings.ToLower(k)
		d := levenshtein.ComputeDistance(a, b)
		if d == 2 && sameLetters(a, b) {
			d = 1 // two letters that changed places
		}
		exactly := levenshtein.ComputeDistance(name, k)
		if d < best || d == best && found != "" && exactly < written {
			best, written, found = d, exactly, k
		}
	}
	return found
}

func sameLetters(a, b string) bool {
	x, y := []rune(a), []rune(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

func (r *resolver) fromProfile() Origin {
	return Origin{Kind: OriginProfile, Name: r.profile.name, Path: r.shown}
}

// profileText returns the string at key of the profile in use, "" when there
// is none.
func (r *resolver) profileText(key string) (string, error) {
	return text(r.profile.values, key, key+" of profile "+printable(r.profile.name), r.shown)
}
