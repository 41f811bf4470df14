package view

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// DeploymentPlan is what a deployment would do: what changes of the app, the
// files that would go up, and the requests.
type DeploymentPlan struct {
	Changes         []SettingChange `json:"changes"` // before is null for a first deployment
	Files           []PlannedFile   `json:"files"`   // all that belong to the app, and what its local requirements are packed into
	Bytes           int64           `json:"bytes"`   // that would go up: those of the files that are missing
	BuildRequest    any             `json:"build_request"`
	RegisterRequest any             `json:"register_request"`
}

// PlannedFile is a file of an app, or the source distribution of a requirement
// that is a folder.
type PlannedFile struct {
	Path    string `json:"path"`
	Hash    string `json:"hash"` // of its bytes and mode; of a source distribution of its bytes
	Size    int64  `json:"size"`
	Missing bool   `json:"missing"` // it would go up; of several with the same hash, one
	Source  bool   `json:"source"`  // it is a source distribution, which goes up every time
}

func newDeploymentPlan(p *fal.DeployPlan) *DeploymentPlan {
	v := &DeploymentPlan{Changes: []SettingChange{}, Files: []PlannedFile{}, Bytes: p.Bytes, BuildRequest: document(p.Build), RegisterRequest: document(p.Register)}
	after := NewApp(p.After)
	add := func(key string, old, value any) {
		c := SettingChange{Setting: key, Before: old, After: value}
		if p.Before == nil {
			c.Before = nil
		}
		if c.changed() {
			v.Changes = append(v.Changes, c)
		}
	}
	var before App
	if p.Before != nil {
		before = NewApp(*p.Before)
	}
	add("auth_mode", before.AuthMode, after.AuthMode)
	for _, s := range settings() {
		add(s.key, s.of(before), s.of(after))
	}
	for _, f := range p.Files {
		v.Files = append(v.Files, PlannedFile(f))
	}
	return v
}

// document is JSON as it is printed within other JSON.
func document(text []byte) any {
	if len(text) == 0 {
		return nil
	}
	return json.RawMessage(text)
}

// DeploySummary is what people are shown before a deployment.
type DeploySummary struct {
	Deployment Deployment // planned
	Strategy   string
	NoCache    bool
	Attach     *bool
}

// Lines show what a deployment changes.
func (s DeploySummary) Lines() []string {
	v := s.Deployment
	title := v.AppName
	if environment := shownEnvironment(v.EnvironmentName); environment != "" {
		title += " in " + environment
	}
	rows := [][2]string{{"revision", "none: it is deployed for the first time"}}
	if v.PreviousRevision != nil {
		rows[0][1] = *v.PreviousRevision + ", which a new one replaces"
	}
	if !slices.ContainsFunc(v.Plan.Changes, func(c SettingChange) bool { return c.Setting == "auth_mode" }) {
		rows = append(rows, [2]string{"auth_mode", v.AuthMode + ", as before"})
	}
	for _, c := range v.Plan.Changes {
		text := settingText(c.Setting, c.After)
		if c.Before != nil {
			text = change(settingText(c.Setting, c.Before), text)
		}
		rows = append(rows, [2]string{c.Setting, text})
	}
	for _, i := range v.Inherited {
		value, code := i.texts()
		rows = append(rows, [2]string{i.Setting, value + ", as before; " + code + " in the code takes --reset-scale"})
	}
	rows = append(rows, [2]string{"strategy", s.Strategy})
	if s.Attach != nil {
		rows = append(rows, [2]string{"rollout", map[bool]string{true: "is waited for", false: "goes on by itself"}[*s.Attach]})
	}
	rows = append(rows, [2]string{"build cache", map[bool]string{false: "used", true: "not used"}[s.NoCache]}, [2]string{"files", v.Plan.filesText()})
	width := 0
	for _, r := range rows {
		width = max(width, len(r[0]))
	}
	lines := []string{iostreams.SanitizeLine(title)}
	for _, r := range rows {
		lines = append(lines, iostreams.SanitizeLine(fmt.Sprintf("  %-*s  %s", width, r[0], r[1])))
	}
	return lines
}

func (p DeploymentPlan) filesText() string {
	missing := 0
	for _, f := range p.Files {
		if f.Missing {
			missing++
		}
	}
	switch {
	case len(p.Files) == 0:
		return "none"
	case missing == 0:
		return Count(len(p.Files), "file") + ", all there already"
	}
	return fmt.Sprintf("%d of %s to upload, %s", missing, Count(len(p.Files), "file"), Bytes(p.Bytes))
}

// PlanLines show what would be sent: the files, and the requests as indented
// JSON.
func (v Deployment) PlanLines() []string {
	var lines []string
	for _, f := range v.Plan.Files {
		mark := " "
		if f.Missing {
			mark = "+"
		}
		line := fmt.Sprintf("  %s %s  %s", mark, f.Path, Bytes(f.Size))
		if f.Source {
			line += ", packed from a requirement"
		}
		lines = append(lines, iostreams.SanitizeLine(line))
	}
	for _, r := range []struct {
		name string
		body any
	}{{"BuildEnvironment", v.Plan.BuildRequest}, {"RegisterApplication", v.Plan.RegisterRequest}} {
		raw, _ := r.body.(json.RawMessage)
		if len(raw) == 0 {
			continue
		}
		lines = append(lines, r.name)
		for l := range strings.SplitSeq(indented(raw), "\n") {
			lines = append(lines, iostreams.SanitizeLine("  "+l))
		}
	}
	return lines
}

// indented is JSON for people; what is none stays as it is.
func indented(raw json.RawMessage) string {
	var value any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&value); err != nil {
		return string(raw)
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(value); err != nil {
		return string(raw)
	}
	return strings.TrimSpace(b.String())
}

// DeployLogText is a line of a deployment's log for people, without control
// characters. It may have several lines. The level is told unless it is usual.
func DeployLogText(l fal.DeployLog) string {
	text := LogLine{Message: l.Message}.Text()
	switch level := strings.ToUpper(l.Level); level {
	case "", "INFO", "STDOUT", "STDERR", "DEBUG", "TRACE":
		return text
	default:
		return cmp.Or(iostreams.SanitizeLine(level), "-") + " " + text
	}
}
