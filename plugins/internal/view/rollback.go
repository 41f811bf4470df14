package view

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// Rollback is the JSON contract of a rollback. What the settings were before it
// stands under the keys that begin with previous; an app's other settings are
// its own and stay.
type Rollback struct {
	Alias                   string           `json:"alias"`  // with the suffix of its environment
	Action                  string           `json:"action"` // rollback
	Result                  string           `json:"result"` // accepted, done (it was waited for), would
	PreviousRevision        string           `json:"previous_revision"`
	PreviousCreatedAt       string           `json:"previous_created_at"`
	Revision                string           `json:"revision"`
	CreatedAt               string           `json:"created_at"` // UTC, as 2026-11-21 18:30:00+00:00
	PreviousMachineTypes    []string         `json:"previous_machine_types"`
	MachineTypes            []string         `json:"machine_types"`
	PreviousMaxMultiplexing int              `json:"previous_max_multiplexing"`
	MaxMultiplexing         int              `json:"max_multiplexing"`
	PreviousStartupTimeout  int              `json:"previous_startup_timeout"` // seconds
	StartupTimeout          int              `json:"startup_timeout"`
	AuthMode                string           `json:"auth_mode"` // which a rollback leaves alone
	Runners                 *RunnersReplaced `json:"runners"`   // null unless they were waited for

	name       string
	was, wants time.Time
}

// NewRollback is the way of an app from the revision that it points to, to
// another one.
func NewRollback(app fal.AppInfo, from, to fal.Revision) Rollback {
	return Rollback{
		Alias:                   app.Alias,
		Action:                  "rollback",
		PreviousRevision:        from.ID,
		PreviousCreatedAt:       createdAt(from.CreatedAt),
		Revision:                to.ID,
		CreatedAt:               createdAt(to.CreatedAt),
		PreviousMachineTypes:    list(app.MachineTypes),
		MachineTypes:            list(to.MachineTypes),
		PreviousMaxMultiplexing: app.MaxMultiplexing,
		MaxMultiplexing:         to.MaxMultiplexing,
		PreviousStartupTimeout:  seconds(app.StartupTimeout),
		StartupTimeout:          seconds(to.StartupTimeout),
		AuthMode:                app.AuthMode.String(),
		name:                    app.Name(),
		was:                     from.CreatedAt,
		wants:                   to.CreatedAt,
	}
}

// Lines show people what a rollback changes, with times in a location; nil is
// the system's. Machines and access are shown whether they change or not, and
// which of it is.
func (r Rollback) Lines(location *time.Location) []string {
	was, wants := createdApart(r.was, r.wants, location)
	title := r.name + "  " + withCreation(r.PreviousRevision, was) + "  →  " + withCreation(r.Revision, wants)
	settings := [][2]string{{"machine_types", change(machines(r.PreviousMachineTypes), machines(r.MachineTypes))}}
	if r.PreviousMaxMultiplexing != r.MaxMultiplexing {
		settings = append(settings, [2]string{"max_multiplexing", change(strconv.Itoa(r.PreviousMaxMultiplexing), strconv.Itoa(r.MaxMultiplexing))})
	}
	if r.PreviousStartupTimeout != r.StartupTimeout {
		settings = append(settings, [2]string{"startup_timeout", change(Length(r.PreviousStartupTimeout), Length(r.StartupTimeout))})
	}
	settings = append(settings, [2]string{"auth", change(r.AuthMode, r.AuthMode)})
	width := len(slices.MaxFunc(settings, func(a, b [2]string) int { return len(a[0]) - len(b[0]) })[0])
	lines := []string{iostreams.SanitizeLine(title)}
	for _, s := range settings {
		lines = append(lines, iostreams.SanitizeLine("  "+s[0]+strings.Repeat(" ", width-len(s[0])+2)+s[1]))
	}
	return lines
}

func withCreation(revision, created string) string {
	if created == "-" {
		return revision
	}
	return revision + " (" + created + ")"
}

// createdApart is createdText of two times, with seconds and less as far as it
// takes to tell them apart.
func createdApart(a, b time.Time, location *time.Location) (string, string) {
	if location == nil {
		location = time.Local
	}
	was, wants := createdText(a, location), createdText(b, location)
	for _, layout := range [...]string{"2006-01-02 15:04:05", "2006-01-02 15:04:05.000000"} {
		if was != wants || a.Equal(b) {
			break
		}
		was, wants = a.In(location).Format(layout), b.In(location).Format(layout)
	}
	return was, wants
}

func change(before, after string) string {
	if before == after {
		return after + ", as before"
	}
	return before + " → " + after
}
