package view

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

// Revision is the JSON contract of a revision. The names and types of its
// settings are those of an app.
type Revision struct {
	Revision              string   `json:"revision"`
	CreatedAt             string   `json:"created_at"` // UTC, as 2026-11-21 18:30:00+00:00
	Aliases               []string `json:"aliases"`    // that point to it now
	ActiveRunners         int      `json:"active_runners"`
	KeepAlive             int      `json:"keep_alive"`
	MaxConcurrency        int      `json:"max_concurrency"`
	MaxMultiplexing       int      `json:"max_multiplexing"`
	MinConcurrency        int      `json:"min_concurrency"`
	ConcurrencyBuffer     int      `json:"concurrency_buffer"`
	ConcurrencyBufferPerc int      `json:"concurrency_buffer_perc"`
	ScalingDelay          int      `json:"scaling_delay"`
	MachineTypes          []string `json:"machine_types"`
	RequestTimeout        int      `json:"request_timeout"`
	StartupTimeout        int      `json:"startup_timeout"`
	ValidRegions          []string `json:"valid_regions"`
	EnvironmentName       string   `json:"environment_name"` // as sent: empty for main

	created time.Time
	names   []string // of the aliases, without suffix
}

// RevisionList is what `apps list-rev` prints as JSON.
type RevisionList struct {
	Revisions []Revision `json:"revisions"`
}

// NewRevisions converts SDK revisions; apps are the aliases that may point to
// them.
func NewRevisions(revisions []fal.Revision, apps []fal.AppInfo) []Revision {
	pointing := make(map[string][]fal.AppInfo, len(apps))
	for _, a := range apps {
		pointing[a.Revision] = append(pointing[a.Revision], a)
	}
	rows := make([]Revision, len(revisions))
	for i, r := range revisions {
		rows[i] = newRevision(r, pointing[r.ID])
	}
	return rows
}

func newRevision(r fal.Revision, pointing []fal.AppInfo) Revision {
	v := Revision{
		Revision:              r.ID,
		CreatedAt:             createdAt(r.CreatedAt),
		Aliases:               []string{},
		ActiveRunners:         r.ActiveRunners,
		KeepAlive:             seconds(r.KeepAlive),
		MaxConcurrency:        r.MaxConcurrency,
		MaxMultiplexing:       r.MaxMultiplexing,
		MinConcurrency:        r.MinConcurrency,
		ConcurrencyBuffer:     r.ConcurrencyBuffer,
		ConcurrencyBufferPerc: r.ConcurrencyBufferPerc,
		ScalingDelay:          seconds(r.ScalingDelay),
		MachineTypes:          list(r.MachineTypes),
		RequestTimeout:        seconds(r.RequestTimeout),
		StartupTimeout:        seconds(r.StartupTimeout),
		ValidRegions:          list(r.Regions),
		EnvironmentName:       r.Environment,
		created:               r.CreatedAt,
	}
	slices.SortFunc(pointing, func(a, b fal.AppInfo) int { return strings.Compare(a.Alias, b.Alias) })
	for _, a := range pointing {
		v.Aliases = append(v.Aliases, a.Alias)
		v.names = append(v.names, a.Name())
	}
	return v
}

// Revisions is how a list of revisions is shown, the newest first. A nil
// location is the system's.
func Revisions(location *time.Location) output.View[Revision] {
	return output.View[Revision]{
		Key: "revisions",
		Columns: []output.Column[Revision]{
			{Header: "REVISION", Text: func(r Revision) string { return r.Revision }},
			{Header: "CREATED", Key: "created_at", Rank: 2, Text: func(r Revision) string { return createdText(r.created, location) }, Raw: func(r Revision) string { return r.CreatedAt }},
			{Header: "CURRENT FOR", Key: "aliases", Rank: 1, Text: func(r Revision) string { return strings.Join(r.names, " ") }, Raw: func(r Revision) string { return strings.Join(r.Aliases, " ") },
				Style: func(Revision) iostreams.Style { return iostreams.Green }},
			{Header: "RUNNERS", Key: "active_runners", Rank: 3, Right: true, Text: number(func(r Revision) int { return r.ActiveRunners })},
			{Header: "MIN", Key: "min_concurrency", Rank: 5, Right: true, Text: number(func(r Revision) int { return r.MinConcurrency })},
			{Header: "MAX", Key: "max_concurrency", Rank: 5, Right: true, Text: number(func(r Revision) int { return r.MaxConcurrency })},
			{Header: "MACHINE", Key: "machine_types", Rank: 4, Text: func(r Revision) string { return strings.Join(r.MachineTypes, " ") }},
			{Header: "MULTIPLEXING", Key: "max_multiplexing", Wide: true, Right: true, Text: number(func(r Revision) int { return r.MaxMultiplexing })},
			{Header: "BUFFER", Key: "concurrency_buffer", Wide: true, Right: true, Text: number(func(r Revision) int { return r.ConcurrencyBuffer })},
			{Header: "BUFFER %", Key: "concurrency_buffer_perc", Wide: true, Right: true, Text: number(func(r Revision) int { return r.ConcurrencyBufferPerc })},
			length("SCALING DELAY", func(r Revision) int { return r.ScalingDelay }),
			length("KEEP ALIVE", func(r Revision) int { return r.KeepAlive }),
			length("REQUEST TIMEOUT", func(r Revision) int { return r.RequestTimeout }),
			length("STARTUP TIMEOUT", func(r Revision) int { return r.StartupTimeout }),
			{Header: "REGIONS", Key: "valid_regions", Wide: true, Text: func(r Revision) string { return strings.Join(r.ValidRegions, " ") }},
		},
		Name:    func(r Revision) string { return r.Revision },
		Compare: newestFirst,
		Sorts: []output.SortKey[Revision]{
			{Name: "created", Compare: func(a, b Revision) int { return a.created.Compare(b.created) }},
			{Name: "runners", Compare: func(a, b Revision) int { return cmp.Compare(a.ActiveRunners, b.ActiveRunners) }},
			{Name: "machine", Compare: func(a, b Revision) int { return slices.Compare(a.MachineTypes, b.MachineTypes) }},
			{Name: "id", Compare: func(a, b Revision) int { return strings.Compare(a.Revision, b.Revision) }},
		},
		Note:  func(rows []Revision) string { return Count(len(rows), "revision") },
		Empty: "no revisions",
	}
}

func newestFirst(a, b Revision) int {
	return cmp.Or(b.created.Compare(a.created), strings.Compare(a.Revision, b.Revision))
}
