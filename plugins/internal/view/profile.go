package view

import (
	"io"
	"strconv"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

// Profile is the JSON contract of a profile in a list. The keys up to settings
// are those of the official client. No secret is in it.
type Profile struct {
	Profile  string   `json:"profile"`
	IsSet    bool     `json:"is_set"`   // it is in use: FAL_PROFILE or the file names it
	Settings []string `json:"settings"` // their names
	Host     string   `json:"host"`     // where it leads to
	Key      *string  `json:"key"`      // <id>:…<last four characters>
}

// ProfileList is what `profile list` prints as JSON.
type ProfileList struct {
	Profiles []Profile `json:"profiles"`
}

// Profiles is how a list of profiles is shown, in the order of the file.
func Profiles() output.View[Profile] {
	return output.View[Profile]{
		Key:  "profiles",
		Name: func(p Profile) string { return p.Profile },
		Columns: []output.Column[Profile]{
			{Header: "PROFILE", Text: func(p Profile) string { return p.Profile }},
			{Header: "IN USE", Key: "is_set", Rank: 1, Text: func(p Profile) string { return yes(p.IsSet) }, Raw: func(p Profile) string { return strconv.FormatBool(p.IsSet) },
				Style: func(Profile) iostreams.Style { return iostreams.Green }},
			{Header: "HOST", Rank: 2, Text: func(p Profile) string { return p.Host }},
			{Header: "KEY", Rank: 3, Text: func(p Profile) string { return orEmpty(p.Key) }},
			{Header: "SETTINGS", Wide: true, Text: func(p Profile) string { return strings.Join(p.Settings, ", ") }},
		},
		Note:  func(rows []Profile) string { return Count(len(rows), "profile") },
		Empty: "no profiles",
	}
}

// ProfileSetting is one line of a profile.
type ProfileSetting struct {
	Name string `json:"name"`
	// Value is null where it may be a secret, or is no text. A key is masked.
	Value *string `json:"value"`
}

// ProfileDescription is what `profile show` prints as JSON.
type ProfileDescription struct {
	Profile  string           `json:"profile"`
	IsSet    bool             `json:"is_set"`
	Host     string           `json:"host"`
	Settings []ProfileSetting `json:"settings"` // in the order of the file
}

// Write shows d through the printer's fields.
func (d ProfileDescription) Write(w io.Writer, p *output.Printer) error {
	fields := []output.Field{{Name: "Profile", Value: d.Profile}}
	if d.IsSet {
		fields[0].Value += " (in use)"
		fields[0].Style = iostreams.Green
	}
	fields = append(fields, output.Field{Name: "Leads to", Value: d.Host})
	for _, s := range d.Settings {
		f := output.Field{Name: s.Name, Value: "(not shown)", Style: iostreams.Dim}
		if s.Value != nil {
			f = output.Field{Name: s.Name, Value: *s.Value}
		}
		fields = append(fields, f)
	}
	return p.Fields(w, fields...)
}

// ProfileAction is the JSON contract of what a command did to a profile.
type ProfileAction struct {
	Profile *string `json:"profile"` // null when there was none to unset
	Action  string  `json:"action"`  // set, unset, key, host, create, delete
	Result  string  `json:"result"`  // done, would
	IsSet   bool    `json:"is_set"`  // afterwards it is the default profile
	Host    *string `json:"host"`    // where it leads to afterwards
	Key     *string `json:"key"`     // what it has afterwards: <id>:…<last four characters>
}
