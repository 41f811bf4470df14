package view

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

// App is the JSON contract of an app. The keys up to environment_name are
// those of the official client, with its types: all times are in seconds, and
// what the service leaves out is 0.
type App struct {
	Alias                 string   `json:"alias"` // with the suffix of its environment
	Revision              string   `json:"revision"`
	AuthMode              string   `json:"auth_mode"`
	KeepAlive             int      `json:"keep_alive"`
	MaxConcurrency        int      `json:"max_concurrency"`
	MaxMultiplexing       int      `json:"max_multiplexing"`
	ActiveRunners         int      `json:"active_runners"`
	MinConcurrency        int      `json:"min_concurrency"`
	ConcurrencyBuffer     int      `json:"concurrency_buffer"`
	ConcurrencyBufferPerc int      `json:"concurrency_buffer_perc"`
	ScalingDelay          int      `json:"scaling_delay"`
	MachineTypes          []string `json:"machine_types"`
	RequestTimeout        int      `json:"request_timeout"`
	StartupTimeout        int      `json:"startup_timeout"`
	ValidRegions          []string `json:"valid_regions"`
	EnvironmentName       string   `json:"environment_name"` // as sent: empty for main
	Name                  string   `json:"name"`             // without the suffix
	IsRolling             bool     `json:"is_rolling"`

	// status is what its runners tell of its rollout; empty if they were not asked.
	status string
}

// AppList is what `apps list` prints as JSON.
type AppList struct {
	Apps []App `json:"apps"`
}

// NewApp converts an SDK app.
func NewApp(a fal.AppInfo) App {
	return App{
		Alias:                 a.Alias,
		Revision:              a.Revision,
		AuthMode:              a.AuthMode.String(),
		KeepAlive:             seconds(a.KeepAlive),
		MaxConcurrency:        a.MaxConcurrency,
		MaxMultiplexing:       a.MaxMultiplexing,
		ActiveRunners:         a.ActiveRunners,
		MinConcurrency:        a.MinConcurrency,
		ConcurrencyBuffer:     a.ConcurrencyBuffer,
		ConcurrencyBufferPerc: a.ConcurrencyBufferPerc,
		ScalingDelay:          seconds(a.ScalingDelay),
		MachineTypes:          list(a.MachineTypes),
		RequestTimeout:        seconds(a.RequestTimeout),
		StartupTimeout:        seconds(a.StartupTimeout),
		ValidRegions:          list(a.Regions),
		EnvironmentName:       a.Environment,
		Name:                  a.Name(),
		IsRolling:             a.Rolling,
	}
}

// WithRunners has the app shown as [NewAppStatus] sees it.
func (a App) WithRunners(info fal.AppInfo, runners []fal.Runner) App {
	a.status = NewAppStatus(info, runners).Status
	return a
}

func seconds(d time.Duration) int { return int(d / time.Second) }

// list is never null in JSON.
func list(words []string) []string {
	if words == nil {
		return []string{}
	}
	return words
}

// AppendJSON appends what encoding/json would: lists run to thousands of apps.
func (a App) AppendJSON(b []byte) []byte {
	b = output.AppendString(append(b, `{"alias":`...), a.Alias)
	b = output.AppendString(append(b, `,"revision":`...), a.Revision)
	b = output.AppendString(append(b, `,"auth_mode":`...), a.AuthMode)
	b = output.AppendInt(append(b, `,"keep_alive":`...), int64(a.KeepAlive))
	b = output.AppendInt(append(b, `,"max_concurrency":`...), int64(a.MaxConcurrency))
	b = output.AppendInt(append(b, `,"max_multiplexing":`...), int64(a.MaxMultiplexing))
	b = output.AppendInt(append(b, `,"active_runners":`...), int64(a.ActiveRunners))
	b = output.AppendInt(append(b, `,"min_concurrency":`...), int64(a.MinConcurrency))
	b = output.AppendInt(append(b, `,"concurrency_buffer":`...), int64(a.ConcurrencyBuffer))
	b = output.AppendInt(append(b, `,"concurrency_buffer_perc":`...), int64(a.ConcurrencyBufferPerc))
	b = output.AppendInt(append(b, `,"scaling_delay":`...), int64(a.ScalingDelay))
	b = output.AppendStrings(append(b, `,"machine_types":`...), a.MachineTypes)
	b = output.AppendInt(append(b, `,"request_timeout":`...), int64(a.RequestTimeout))
	b = output.AppendInt(append(b, `,"startup_timeout":`...), int64(a.StartupTimeout))
	b = output.AppendStrings(append(b, `,"valid_regions":`...), a.ValidRegions)
	b = output.AppendString(append(b, `,"environment_name":`...), a.EnvironmentName)
	b = output.AppendString(append(b, `,"name":`...), a.Name)
	b = output.AppendBool(append(b, `,"is_rolling":`...), a.IsRolling)
	return append(b, '}')
}

// MarshalJSON is AppendJSON: one contract, whoever encodes it.
func (a App) MarshalJSON() ([]byte, error) { return a.AppendJSON(nil), nil }

// Apps is how a list of apps is shown. People see the columns of environments
// and of rollouts when they say something of one of the apps; programs always
// do.
func Apps(rows []App) output.View[App] {
	environments := slices.ContainsFunc(rows, func(a App) bool { return a.environment() != "" })
	rolling := slices.ContainsFunc(rows, func(a App) bool { return a.rollout() != "" })
	return output.View[App]{
		Key: "apps",
		Columns: []output.Column[App]{
			{Header: "APP", Text: func(a App) string { return a.Name }, Raw: func(a App) string { return a.Alias }},
			{Header: "ENV", Rank: 3, Wide: !environments, Text: App.environment},
			{Header: "RUNNERS", Key: "active_runners", Rank: 1, Right: true, Text: number(func(a App) int { return a.ActiveRunners })},
			{Header: "ROLLOUT", Key: "is_rolling", Rank: 2, Wide: !rolling, Text: App.rollout, Style: App.rolloutStyle, Raw: func(a App) string { return strconv.FormatBool(a.IsRolling) }},
			{Header: "MIN", Key: "min_concurrency", Rank: 5, Right: true, Text: number(func(a App) int { return a.MinConcurrency })},
			{Header: "MAX", Key: "max_concurrency", Rank: 5, Right: true, Text: number(func(a App) int { return a.MaxConcurrency })},
			{Header: "MACHINE", Key: "machine_types", Rank: 6, Text: func(a App) string { return strings.Join(a.MachineTypes, " ") }},
			{Header: "AUTH", Key: "auth_mode", Rank: 7, Text: func(a App) string { return a.AuthMode }},
			{Header: "REVISION", Rank: 4, Text: func(a App) string { return a.Revision }},
			{Header: "MULTIPLEXING", Key: "max_multiplexing", Wide: true, Right: true, Text: number(func(a App) int { return a.MaxMultiplexing })},
			{Header: "BUFFER", Key: "concurrency_buffer", Wide: true, Right: true, Text: number(func(a App) int { return a.ConcurrencyBuffer })},
			{Header: "BUFFER %", Key: "concurrency_buffer_perc", Wide: true, Right: true, Text: number(func(a App) int { return a.ConcurrencyBufferPerc })},
			length("SCALING DELAY", func(a App) int { return a.ScalingDelay }),
			length("KEEP ALIVE", func(a App) int { return a.KeepAlive }),
			length("REQUEST TIMEOUT", func(a App) int { return a.RequestTimeout }),
			length("STARTUP TIMEOUT", func(a App) int { return a.StartupTimeout }),
			{Header: "REGIONS", Key: "valid_regions", Wide: true, Text: func(a App) string { return strings.Join(a.ValidRegions, " ") }},
		},
		Name:    func(a App) string { return a.Alias },
		Compare: byAlias,
		Sorts: []output.SortKey[App]{
			{Name: "name", Compare: byAlias},
			{Name: "runners", Compare: func(a, b App) int { return cmp.Compare(a.ActiveRunners, b.ActiveRunners) }},
			{Name: "min", Compare: func(a, b App) int { return cmp.Compare(a.MinConcurrency, b.MinConcurrency) }},
			{Name: "max", Compare: func(a, b App) int { return cmp.Compare(a.MaxConcurrency, b.MaxConcurrency) }},
			{Name: "machine", Compare: func(a, b App) int { return slices.Compare(a.MachineTypes, b.MachineTypes) }},
			{Name: "auth", Compare: func(a, b App) int { return strings.Compare(a.AuthMode, b.AuthMode) }},
			{Name: "revision", Compare: func(a, b App) int { return strings.Compare(a.Revision, b.Revision) }},
		},
		Note:  appsNote,
		Empty: "no apps",
	}
}

func number[T any](of func(T) int) func(T) string {
	return func(row T) string { return strconv.Itoa(of(row)) }
}

// length is a column of a length of time, in seconds for programs.
func length[T any](header string, of func(T) int) output.Column[T] {
	return output.Column[T]{Header: header, Wide: true, Right: true, Raw: number(of),
		Text: func(row T) string { return Length(of(row)) }}
}

func byAlias(a, b App) int { return strings.Compare(a.Alias, b.Alias) }

func (a App) environment() string { return shownEnvironment(a.EnvironmentName) }

// shownEnvironment is empty for main, whichever way it was sent.
func shownEnvironment(name string) string {
	if fal.JoinAlias("", name) == "" {
		return ""
	}
	return name
}

func (a App) rollout() string {
	switch {
	case a.status == StatusFailed:
		return "failed"
	case a.IsRolling || a.status == StatusRolling:
		return "under way"
	}
	return ""
}

func (a App) rolloutStyle() iostreams.Style {
	if a.status == StatusFailed {
		return iostreams.Red
	}
	return iostreams.Yellow
}

func appsNote(rows []App) string {
	runners, rolling, failed := 0, 0, 0
	for _, a := range rows {
		runners += a.ActiveRunners
		switch a.rollout() {
		case "under way":
			rolling++
		case "failed":
			failed++
		}
	}
	note := Count(len(rows), "app") + ", " + Count(runners, "runner")
	if rolling > 0 {
		note += fmt.Sprintf("; %d rolling out", rolling)
	}
	if failed > 0 {
		note += fmt.Sprintf("; %d failed", failed)
	}
	return note
}

// Length is a length of time in full, as a duration flag takes it: 0s, 90s as
// 1m30s, 3600 as 1h, 86400 as 1d.
func Length(seconds int) string {
	if seconds == 0 {
		return "0s"
	}
	text, rest := "", seconds
	if rest < 0 {
		text, rest = "-", -rest
	}
	for _, unit := range [...]struct {
		name string
		of   int
	}{{"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}} {
		if n := rest / unit.of; n > 0 {
			text += strconv.Itoa(n) + unit.name
			rest %= unit.of
		}
	}
	return text
}
