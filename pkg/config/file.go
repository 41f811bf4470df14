package config

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// File is a configuration file being edited, in memory until it is saved. It
// is not safe for concurrent use.
type File struct {
	path     string
	shown    string
	onDisk   []byte
	doc      document
	sections []section
}

// Profile is what a File says about a profile.
type Profile struct {
	Name    string
	Keys    []string // the names of its values, in the order of the file
	Default bool     // __internal__.profile names it
}

// Open reads the configuration file at path for editing. A missing file is an
// empty one.
func Open(path string) (*File, error) {
	home, _ := os.UserHomeDir() // for messages only
	shown := shorten(path, home)
	data, err := readWhole(path, shown)
	if err != nil {
		return nil, err
	}
	return newFile(path, shown, data)
}

func newFile(path, shown string, data []byte) (*File, error) {
	doc, err := parseDocument(data, shown)
	if err != nil {
		return nil, err
	}
	return &File{path: path, shown: shown, onDisk: data, doc: doc, sections: index(doc.text)}, nil
}

// Profiles returns all profiles in the order of the file.
func (f *File) Profiles() []Profile {
	chosen, _ := f.doc.table(internalTable)[internalChoice].(string)
	var profiles []Profile
	at := map[string]int{}
	for _, path := range f.paths() {
		name := path[0]
		if f.doc.profile(name) == nil {
			continue
		}
		i, seen := at[name]
		if !seen {
			i = len(profiles)
			at[name] = i
			profiles = append(profiles, Profile{Name: name, Default: name == chosen})
		}
		if len(path) > 1 && !slices.Contains(profiles[i].Keys, path[1]) {
			profiles[i].Keys = append(profiles[i].Keys, path[1])
		}
	}
	return profiles
}

// paths returns the path of every header, entry and inline member.
func (f *File) paths() [][]string {
	var paths [][]string
	var walk func(entries []entry)
	walk = func(entries []entry) {
		for _, e := range entries {
			paths = append(paths, e.path)
			walk(e.members)
		}
	}
	for _, s := range f.sections {
		if len(s.path) > 0 {
			paths = append(paths, s.path)
		}
		walk(s.entries)
	}
	return paths
}

// Get returns the string at key of a profile; ok is false when there is none.
func (f *File) Get(profile, key string) (value string, ok bool) {
	value, ok = f.doc.profile(profile)[key].(string)
	return value, ok
}

// DefaultProfile returns the name in __internal__.profile, "" when it is not
// set. The profile need not exist.
func (f *File) DefaultProfile() string {
	name, _ := f.doc.table(internalTable)[internalChoice].(string)
	return name
}

// Team returns the account's nickname in __internal__.team, "" when it is not
// set.
func (f *File) Team() string {
	team, _ := f.doc.table(internalTable)[internalTeam].(string)
	return team
}

// Set gives key of a profile the string value, and creates the profile when it
// is missing.
func (f *File) Set(profile, key, value string) error {
	if err := f.checkName(profile); err != nil {
		return err
	}
	return f.set(profile, key, value)
}

// Unset removes key from a profile. A key that is not there is no error, a
// profile that does not exist is.
func (f *File) Unset(profile, key string) error {
	if f.doc.profile(profile) == nil {
		return unknownProfile(profile, f.doc, f.shown)
	}
	return f.unset(profile, key)
}

// CreateProfile adds an empty profile at the end of the file.
func (f *File) CreateProfile(name string) error {
	if err := f.checkName(name); err != nil {
		return err
	}
	if f.doc.profile(name) != nil {
		return errorf(ProfileExists, "profile %q exists already", name).about(f.shown, nil)
	}
	return f.create(name)
}

// DeleteProfile removes a profile with all its tables, and the choice of it as
// the default profile.
func (f *File) DeleteProfile(name string) error {
	if f.doc.profile(name) == nil {
		return unknownProfile(name, f.doc, f.shown)
	}
	before := *f
	if f.DefaultProfile() == name {
		if err := f.UnsetDefaultProfile(); err != nil {
			return err
		}
	}
	if err := f.remove(name); err != nil {
		*f = before
		return err
	}
	return nil
}

// SetDefaultProfile makes an existing profile the default.
func (f *File) SetDefaultProfile(name string) error {
	if f.doc.profile(name) == nil {
		return unknownProfile(name, f.doc, f.shown)
	}
	return f.set(internalTable, internalChoice, name)
}

// UnsetDefaultProfile leaves no profile the default.
func (f *File) UnsetDefaultProfile() error { return f.unset(internalTable, internalChoice) }

// SetTeam selects an account by its nickname. The official client unsets the
// default profile at the same time, which is left to the caller.
func (f *File) SetTeam(nickname string) error { return f.set(internalTable, internalTeam, nickname) }

// UnsetTeam selects no account.
func (f *File) UnsetTeam() error { return f.unset(internalTable, internalTeam) }

// checkName reports whether name can be a profile's. What the file has already
// stays usable.
func (f *File) checkName(name string) error {
	if f.doc.profile(name) != nil {
		return nil
	}
	bad := func(why string) error {
		return errorf(BadProfileName, "%q cannot be the name of a profile: %s", name, why).about(f.shown, nil)
	}
	switch {
	case name == "":
		return bad("it is empty")
	case name == internalTable:
		return bad("it is reserved")
	case name == settingCheckUpdates:
		return bad("it is a setting")
	case !utf8.ValidString(name):
		return bad("it is not valid UTF-8")
	case strings.TrimSpace(name) != name:
		return bad("it begins or ends with a space")
	}
	for _, r := range name {
		if !unicode.IsPrint(r) {
			return bad("it contains a character that cannot be printed")
		}
	}
	if v, ok := f.doc.values[name]; ok {
		if _, isTable := v.(map[string]any); !isTable {
			return bad("the file has a setting of this name")
		}
	}
	return nil
}

func (f *File) content() []byte {
	if f.doc.bom {
		return slices.Concat(utf8BOM, f.doc.text)
	}
	return f.doc.text
}

func (f *File) changed() bool { return !bytes.Equal(f.content(), f.onDisk) }
