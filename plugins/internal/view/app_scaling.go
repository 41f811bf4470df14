package view

import (
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

// AppScaling is the JSON contract of what scale did to an app.
type AppScaling struct {
	Alias           string          `json:"alias"` // with the suffix of its environment
	Name            string          `json:"name"`
	EnvironmentName string          `json:"environment_name"`
	Result          string          `json:"result"` // done, would, failed
	Error           *string         `json:"error"`
	Changes         []SettingChange `json:"changes"`
	ResetByDeploy   []string        `json:"reset_by_deploy"` // of those that changed
}

// SettingChange is a setting before and after. A value is a number, a length of
// time in seconds or a list of words, as in a list of apps.
type SettingChange struct {
	Setting string `json:"setting"`
	Before  any    `json:"before"`
	After   any    `json:"after"`
}

// AppScalingList is what scale prints as JSON.
type AppScalingList struct {
	Apps []AppScaling `json:"apps"`
}

// The results of scaling an app.
const (
	ScalingDone   = "done"
	ScalingWould  = "would"
	ScalingFailed = "failed"
)

// NewAppScaling says what became of an app: the settings that differ, and those
// that were asked for, by their JSON keys.
func NewAppScaling(before, after App, asked []string, result string) AppScaling {
	v := AppScaling{
		Alias: before.Alias, Name: before.Name, EnvironmentName: before.EnvironmentName,
		Result: result, Changes: []SettingChange{}, ResetByDeploy: []string{},
	}
	for _, s := range settings() {
		c := SettingChange{Setting: s.key, Before: s.of(before), After: s.of(after)}
		changed := c.changed()
		if changed || slices.Contains(asked, s.key) {
			v.Changes = append(v.Changes, c)
		}
		if changed && s.deployed {
			v.ResetByDeploy = append(v.ResetByDeploy, s.key)
		}
	}
	return v
}

func (c SettingChange) changed() bool { return !reflect.DeepEqual(c.Before, c.After) }

// texts are the values for people.
func (c SettingChange) texts() (before, after string) {
	for _, s := range settings() {
		if s.key == c.Setting {
			return s.text(c.Before), s.text(c.After)
		}
	}
	return fmt.Sprint(c.Before), fmt.Sprint(c.After)
}

// line is the change on a line, "0 → 1".
func (c SettingChange) line() string {
	before, after := c.texts()
	if !c.changed() {
		return after + ", as before"
	}
	return before + " → " + after
}

// WriteText writes what was done to an app for people.
func (v AppScaling) WriteText(w io.Writer, p *output.Printer) error {
	heading := map[string]string{ScalingDone: "scaled ", ScalingWould: "would scale "}[v.Result]
	if heading == "" {
		return nil // the error says it
	}
	heading += v.Name
	if environment := shownEnvironment(v.EnvironmentName); environment != "" {
		heading += " in " + environment
	}
	var b strings.Builder
	b.WriteString(p.Paint(iostreams.Bold, iostreams.SanitizeLine(heading)) + "\n")
	width := 0
	for _, c := range v.Changes {
		width = max(width, len(c.Setting))
	}
	for _, c := range v.Changes {
		fmt.Fprintf(&b, "  %-*s  %s\n", width, c.Setting, iostreams.SanitizeLine(c.line()))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// AppScalings is how the outcome of scale is shown as records.
func AppScalings() output.View[AppScaling] {
	return output.View[AppScaling]{
		Key:  "apps",
		Name: func(v AppScaling) string { return ifDone(v.Alias, v.Result) },
		Columns: []output.Column[AppScaling]{
			{Header: "APP", Text: func(v AppScaling) string { return v.Name }, Raw: func(v AppScaling) string { return v.Alias }},
			{Header: "RESULT", Text: func(v AppScaling) string { return v.Result }},
			{Header: "CHANGES", Text: func(v AppScaling) string {
				parts := make([]string, len(v.Changes))
				for i, c := range v.Changes {
					parts[i] = c.Setting + " " + c.line()
				}
				return strings.Join(parts, "; ")
			}},
			{Header: "ERROR", Text: func(v AppScaling) string { return orEmpty(v.Error) }},
		},
		Empty: "no apps",
	}
}
