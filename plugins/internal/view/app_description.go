package view

import (
	"io"
	"slices"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

// recentRevisions is how many revisions a description shows.
const recentRevisions = 5

// AppDescription is what `apps describe` prints as JSON: the keys of an app in
// a list, and what else is known of it.
type AppDescription struct {
	Alias                 string         `json:"alias"` // with the suffix of its environment
	Name                  string         `json:"name"`
	EnvironmentName       string         `json:"environment_name"`
	AuthMode              string         `json:"auth_mode"`
	Revision              string         `json:"revision"`
	RevisionCreatedAt     *string        `json:"revision_created_at"` // null if it is not listed
	IsRolling             bool           `json:"is_rolling"`
	Status                string         `json:"status"` // as of AppStatus: settled, rolling, failed
	ActiveRunners         int            `json:"active_runners"`
	RunnersByState        map[string]int `json:"runners_by_state"`
	MachineTypes          []string       `json:"machine_types"`
	ValidRegions          []string       `json:"valid_regions"`
	MinConcurrency        int            `json:"min_concurrency"`
	MaxConcurrency        int            `json:"max_concurrency"`
	MaxMultiplexing       int            `json:"max_multiplexing"`
	ConcurrencyBuffer     int            `json:"concurrency_buffer"`
	ConcurrencyBufferPerc int            `json:"concurrency_buffer_perc"`
	ScalingDelay          int            `json:"scaling_delay"`
	KeepAlive             int            `json:"keep_alive"`
	RequestTimeout        int            `json:"request_timeout"`
	StartupTimeout        int            `json:"startup_timeout"`
	RevisionCount         int            `json:"revision_count"`
	Revisions             []Revision     `json:"revisions"` // the newest ones

	app     App
	runners []Runner
	created time.Time
}

// NewAppDescription puts together what is known of an app; apps are all of its
// environment, some of which may share a revision with it.
func NewAppDescription(a fal.AppInfo, runners []fal.Runner, revisions []fal.Revision, apps []fal.AppInfo) AppDescription {
	app := NewApp(a)
	d := AppDescription{
		Alias: app.Alias, Name: app.Name, EnvironmentName: app.EnvironmentName, AuthMode: app.AuthMode,
		Revision: app.Revision, IsRolling: app.IsRolling, ActiveRunners: app.ActiveRunners,
		Status: NewAppStatus(a, runners).Status, RunnersByState: map[string]int{},
		MachineTypes: app.MachineTypes, ValidRegions: app.ValidRegions,
		MinConcurrency: app.MinConcurrency, MaxConcurrency: app.MaxConcurrency, MaxMultiplexing: app.MaxMultiplexing,
		ConcurrencyBuffer: app.ConcurrencyBuffer, ConcurrencyBufferPerc: app.ConcurrencyBufferPerc, ScalingDelay: app.ScalingDelay,
		KeepAlive: app.KeepAlive, RequestTimeout: app.RequestTimeout, StartupTimeout: app.StartupTimeout,
		RevisionCount: len(revisions), app: app,
	}
	for _, r := range runners {
		if r.State != fal.RunnerTerminated {
			d.RunnersByState[r.State.String()]++
			d.runners = append(d.runners, NewRunner(r))
		}
	}
	rows := NewRevisions(revisions, apps)
	slices.SortFunc(rows, newestFirst)
	if i := slices.IndexFunc(rows, func(r Revision) bool { return r.Revision == d.Revision }); i >= 0 {
		d.created = rows[i].created
		d.RevisionCreatedAt = &rows[i].CreatedAt
	}
	d.Revisions = rows[:min(len(rows), recentRevisions)]
	return d
}

// WriteText writes the description for people. A nil location of the times is
// the system's.
func (d AppDescription) WriteText(w io.Writer, p *output.Printer, location *time.Location) error {
	if err := p.Fields(w, d.fields(location)...); err != nil {
		return err
	}
	if len(d.Revisions) == 0 {
		return nil
	}
	var b strings.Builder
	b.WriteString("\n" + p.Paint(iostreams.Bold, "Recent revisions") + "\n")
	for _, r := range d.Revisions {
		line := "  " + r.Revision + "  " + createdText(r.created, location) + "  " + strings.Join(r.MachineTypes, " ")
		if r.Revision == d.Revision {
			line += "  current"
		}
		b.WriteString(strings.TrimRight(iostreams.SanitizeLine(line), " ") + "\n")
	}
	if more := d.RevisionCount - len(d.Revisions); more > 0 {
		b.WriteString("  and " + Count(more, "older one") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (d AppDescription) fields(location *time.Location) []output.Field {
	fields := []output.Field{{Name: "App", Value: d.Name}}
	if environment := shownEnvironment(d.EnvironmentName); environment != "" {
		fields = append(fields, output.Field{Name: "Environment", Value: environment})
	}
	fields = append(fields, output.Field{Name: "Auth", Value: d.AuthMode}, output.Field{Name: "Revision", Value: d.Revision})
	if !d.created.IsZero() {
		fields = append(fields, output.Field{Name: "Created", Value: createdText(d.created, location)})
	}
	if d.Status != StatusSettled {
		text, style := statusText(d.Status)
		fields = append(fields, output.Field{Name: "Rollout", Value: text, Style: style})
	}
	runners := "none"
	if len(d.runners) > 0 {
		runners = runnersNote(d.runners)
	}
	fields = append(fields, output.Field{Name: "Runners", Value: runners})
	for _, s := range settings() {
		fields = append(fields, output.Field{Name: s.label, Value: s.text(s.of(d.app))})
	}
	return fields
}
