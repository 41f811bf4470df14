// Package view holds what users see: for each noun the JSON contract, the
// columns of its table and the conversion from the SDK's types. The keys and
// types of a contract struct are promised to scripts and only ever added to;
// golden files beside this package hold them.
package view

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

// Runner is the JSON contract of a runner. The first nine keys are those of
// the official client, with its types.
type Runner struct {
	Alias               string  `json:"alias"` // with the suffix of its environment
	MachineType         string  `json:"machine_type"`
	RunnerID            string  `json:"runner_id"`
	InFlightRequests    int     `json:"in_flight_requests"`
	ExpirationCountdown *int    `json:"expiration_countdown"` // seconds
	UptimeSeconds       int     `json:"uptime_seconds"`
	Revision            string  `json:"revision"`
	State               string  `json:"state"`
	Replacement         string  `json:"replacement"`
	Lost                bool    `json:"lost"`
	Leases              []Lease `json:"leases"`

	uptime time.Duration // orders runners whose seconds are equal, or differ at one tick only
}

// Lease is a request that a runner works on.
type Lease struct {
	RequestID    *string `json:"request_id"`
	CallerUserID string  `json:"caller_user_id"`
	LeasedAt     *string `json:"leased_at"` // RFC 3339 in UTC
}

// RunnerList is what `runners list` prints as JSON.
type RunnerList struct {
	Runners []Runner `json:"runners"`
}

// NewRunner converts an SDK runner.
func NewRunner(r fal.Runner) Runner {
	v := Runner{
		Alias:            r.Alias,
		MachineType:      r.MachineType,
		RunnerID:         r.ID,
		InFlightRequests: r.InFlight,
		UptimeSeconds:    int(r.Uptime / time.Second),
		Revision:         r.Revision,
		State:            r.State.String(),
		Replacement:      r.Replacement.String(),
		Lost:             r.Lost,
		uptime:           r.Uptime,
	}
	if r.ExpirationCountdown != nil {
		seconds := int(*r.ExpirationCountdown / time.Second)
		v.ExpirationCountdown = &seconds
	}
	if len(r.Leases) > 0 {
		v.Leases = make([]Lease, len(r.Leases))
		for i, l := range r.Leases {
			v.Leases[i] = newLease(l)
		}
	}
	return v
}

func newLease(l fal.Lease) Lease {
	v := Lease{RequestID: l.RequestID, CallerUserID: l.CallerUserID}
	if !l.LeasedAt.IsZero() {
		at := l.LeasedAt.UTC().Format(time.RFC3339)
		v.LeasedAt = &at
	}
	return v
}

// AppendJSON appends what encoding/json would, at a fraction of its cost:
// lists run to a hundred thousand runners.
func (r Runner) AppendJSON(b []byte) []byte {
	b = output.AppendString(append(b, `{"alias":`...), r.Alias)
	b = output.AppendString(append(b, `,"machine_type":`...), r.MachineType)
	b = output.AppendString(append(b, `,"runner_id":`...), r.RunnerID)
	b = strconv.AppendInt(append(b, `,"in_flight_requests":`...), int64(r.InFlightRequests), 10)
	b = append(b, `,"expiration_countdown":`...)
	if r.ExpirationCountdown == nil {
		b = append(b, "null"...)
	} else {
		b = strconv.AppendInt(b, int64(*r.ExpirationCountdown), 10)
	}
	b = strconv.AppendInt(append(b, `,"uptime_seconds":`...), int64(r.UptimeSeconds), 10)
	b = output.AppendString(append(b, `,"revision":`...), r.Revision)
	b = output.AppendString(append(b, `,"state":`...), r.State)
	b = output.AppendString(append(b, `,"replacement":`...), r.Replacement)
	b = strconv.AppendBool(append(b, `,"lost":`...), r.Lost)
	b = append(b, `,"leases":[`...)
	for i, l := range r.Leases {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"request_id":`...)
		b = appendNullable(b, l.RequestID)
		b = output.AppendString(append(b, `,"caller_user_id":`...), l.CallerUserID)
		b = appendNullable(append(b, `,"leased_at":`...), l.LeasedAt)
		b = append(b, '}')
	}
	return append(b, "]}"...)
}

func appendNullable(b []byte, s *string) []byte {
	if s == nil {
		return append(b, "null"...)
	}
	return output.AppendString(b, *s)
}

// MarshalJSON is AppendJSON: one contract, whoever encodes it.
func (r Runner) MarshalJSON() ([]byte, error) { return r.AppendJSON(nil), nil }

// Runners is how a list of runners is shown. People see the column of
// environments when a runner is of another than main; programs always do.
func Runners(rows []Runner) output.View[Runner] {
	environments := slices.ContainsFunc(rows, func(r Runner) bool { return r.environment() != "" })
	columns := []output.Column[Runner]{
		{Header: "RUNNER", Text: func(r Runner) string { return r.RunnerID }},
		{Header: "APP", Rank: 2, Text: Runner.app, Raw: func(r Runner) string { return r.Alias }},
		{Header: "ENV", Rank: 4, Wide: !environments, Text: Runner.environment},
		{Header: "STATE", Rank: 1, Text: Runner.stateText, Style: runnerStyle, Raw: func(r Runner) string { return r.State }},
		{Header: "AGE", Rank: 3, Text: func(r Runner) string { return Age(r.UptimeSeconds) }, Raw: func(r Runner) string { return strconv.Itoa(r.UptimeSeconds) }},
		{Header: "IN FLIGHT", Rank: 5, Right: true, Text: func(r Runner) string { return strconv.Itoa(r.InFlightRequests) }},
		{Header: "MACHINE", Rank: 6, Text: func(r Runner) string { return r.MachineType }},
		{Header: "REVISION", Rank: 7, Text: func(r Runner) string { return r.Revision }},
		{Header: "EXPIRES", Wide: true, Text: Runner.expiresText, Raw: Runner.expiresRaw},
		{Header: "REPLACEMENT", Wide: true, Text: func(r Runner) string { return r.Replacement }},
		{Header: "LOST", Wide: true, Text: func(r Runner) string { return strconv.FormatBool(r.Lost) }},
	}
	return output.View[Runner]{
		Key:     "runners",
		Columns: columns,
		Name:    func(r Runner) string { return r.RunnerID },
		Compare: byAppThenOldest,
		Sorts: []output.SortKey[Runner]{
			{Name: "app", Compare: byAppThenOldest},
			{Name: "age", Compare: func(a, b Runner) int { return cmp.Compare(a.uptime, b.uptime) }},
			{Name: "state", Compare: func(a, b Runner) int { return strings.Compare(a.State, b.State) }},
			{Name: "in-flight", Compare: func(a, b Runner) int { return cmp.Compare(a.InFlightRequests, b.InFlightRequests) }},
			{Name: "machine", Compare: func(a, b Runner) int { return strings.Compare(a.MachineType, b.MachineType) }},
			{Name: "revision", Compare: func(a, b Runner) int { return strings.Compare(a.Revision, b.Revision) }},
			{Name: "id", Compare: func(a, b Runner) int { return strings.Compare(a.RunnerID, b.RunnerID) }},
		},
		Note:    runnersNote,
		Empty:   "no runners",
		Details: Runner.leaseLines,
	}
}

func byAppThenOldest(a, b Runner) int {
	if c := strings.Compare(a.Alias, b.Alias); c != 0 {
		return c
	}
	if c := cmp.Compare(b.uptime, a.uptime); c != 0 {
		return c
	}
	return strings.Compare(a.RunnerID, b.RunnerID)
}

func (r Runner) app() string {
	app, _ := fal.SplitAlias(r.Alias)
	return app
}

func (r Runner) environment() string {
	_, environment := fal.SplitAlias(r.Alias)
	return environment
}

func (r Runner) stateText() string {
	text := r.State
	if r.Lost {
		text += ", lost"
	}
	switch r.Replacement {
	case "WILL_REPLACE":
		text += ", to be replaced"
	case "DID_REPLACE":
		text += ", replaced"
	}
	return text
}

func runnerStyle(r Runner) iostreams.Style {
	switch {
	case r.Lost:
		return iostreams.Red
	case r.State == "RUNNING":
		return iostreams.Green
	case r.State == "IDLE":
		return iostreams.Cyan
	case r.State == "CRASH_BACKOFF":
		return iostreams.Red
	case r.State == "TERMINATED", r.State == "TERMINATING", r.State == "DRAINING":
		return iostreams.Dim
	}
	return iostreams.Yellow
}

func (r Runner) expiresText() string {
	if r.ExpirationCountdown == nil {
		return "-"
	}
	return Age(*r.ExpirationCountdown)
}

func (r Runner) expiresRaw() string {
	if r.ExpirationCountdown == nil {
		return ""
	}
	return strconv.Itoa(*r.ExpirationCountdown)
}

func (r Runner) leaseLines() []string {
	lines := make([]string, 0, len(r.Leases))
	for _, l := range r.Leases {
		id := "without an id"
		if l.RequestID != nil {
			id = *l.RequestID
		}
		line := "request " + id
		if l.CallerUserID != "" {
			line += " from " + l.CallerUserID
		}
		if l.LeasedAt != nil {
			line += " since " + *l.LeasedAt
		}
		lines = append(lines, line)
	}
	return lines
}

// runnersNote counts those that have not ended, by state and the most frequent
// first, and then the others.
func runnersNote(rows []Runner) string {
	counts := map[string]int{}
	for _, r := range rows {
		counts[r.State]++
	}
	ended := counts["TERMINATED"]
	delete(counts, "TERMINATED")
	states := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(a, b))
	})
	parts := make([]string, len(states))
	for i, s := range states {
		parts[i] = fmt.Sprintf("%d %s", counts[s], strings.ToLower(s))
	}
	note := Count(len(rows)-ended, "runner")
	if len(parts) > 0 {
		note += ": " + strings.Join(parts, ", ")
	}
	if ended > 0 {
		note += fmt.Sprintf("; %d ended", ended)
	}
	return note
}

// Count is a number with its noun: "1 runner", "2 runners".
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// Age is a length of time as people say it: its two largest units, as in 41s,
// 5m10s, 2h13m, 3d4h; from a hundred days on in days alone.
func Age(seconds int) string {
	const minute, hour, day = 60, 3600, 86400
	two := func(large int, unit string, small int, rest string) string {
		text := strconv.Itoa(large) + unit
		if small > 0 {
			text += strconv.Itoa(small) + rest
		}
		return text
	}
	switch s := max(seconds, 0); {
	case s < minute:
		return strconv.Itoa(s) + "s"
	case s < hour:
		return two(s/minute, "m", s%minute, "s")
	case s < day:
		return two(s/hour, "h", s%hour/minute, "m")
	case s < 100*day:
		return two(s/day, "d", s%day/hour, "h")
	default:
		return strconv.Itoa(s/day) + "d"
	}
}
