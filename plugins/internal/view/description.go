package view

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fal-plugins/fal/pkg/fal"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

// RunnerDescription is what `runners describe` prints as JSON: the keys of a
// runner in a list, and what else is known of it. Of a runner that is not
// listed any more only its life and its log are, and the rest is null.
type RunnerDescription struct {
	Alias               *string       `json:"alias"` // with the suffix of its environment
	MachineType         *string       `json:"machine_type"`
	RunnerID            string        `json:"runner_id"`
	InFlightRequests    *int          `json:"in_flight_requests"`
	ExpirationCountdown *int          `json:"expiration_countdown"` // seconds
	UptimeSeconds       *int          `json:"uptime_seconds"`
	Revision            *string       `json:"revision"`
	State               *string       `json:"state"`
	Replacement         *string       `json:"replacement"`
	Lost                *bool         `json:"lost"`
	Leases              []Lease       `json:"leases"`
	StartedAt           *string       `json:"started_at"` // RFC 3339 in UTC
	EndedAt             *string       `json:"ended_at"`
	Events              []RunnerPhase `json:"events"`    // oldest first
	CrashLog            []LogLine     `json:"crash_log"` // the end of its log, if it crashed

	listed *Runner
	life   fal.RunnerLife
	events []fal.RunnerEvent
}

// RunnerPhase is an event in a runner's life.
type RunnerPhase struct {
	Time    string `json:"time"` // RFC 3339 in UTC
	State   string `json:"state"`
	Entered bool   `json:"entered"` // it went into the state then
	Reason  string `json:"reason"`
}

// NewRunnerDescription puts together what is known of a runner; listed is nil
// for one that is in no list.
func NewRunnerDescription(id string, listed *Runner, life fal.RunnerLife, events []fal.RunnerEvent) RunnerDescription {
	d := RunnerDescription{
		RunnerID: id, Leases: []Lease{}, Events: []RunnerPhase{}, CrashLog: []LogLine{},
		StartedAt: instant(life.StartedAt), EndedAt: instant(life.EndedAt),
		listed: listed, life: life, events: events,
	}
	switch {
	case listed != nil:
		r := *listed
		d.Alias, d.MachineType, d.Revision = &r.Alias, &r.MachineType, &r.Revision
		d.State, d.Replacement, d.Lost = &r.State, &r.Replacement, &r.Lost
		d.InFlightRequests, d.ExpirationCountdown, d.UptimeSeconds = &r.InFlightRequests, r.ExpirationCountdown, &r.UptimeSeconds
		d.Leases = append(d.Leases, r.Leases...)
	case !life.EndedAt.IsZero():
		state := fal.RunnerTerminated.String()
		d.State = &state
		if !life.StartedAt.IsZero() {
			seconds := int(life.EndedAt.Sub(life.StartedAt) / time.Second)
			d.UptimeSeconds = &seconds
		}
	}
	for _, e := range events {
		d.Events = append(d.Events, RunnerPhase{Time: e.Time.UTC().Format(time.RFC3339Nano), State: e.State, Entered: e.Entered, Reason: e.Reason})
	}
	return d
}

func instant(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := t.UTC().Format(time.RFC3339Nano)
	return &text
}

// Crashed reports whether the runner waits to be started again, or has ended
// without having been on its way out: its log may say why.
func (d *RunnerDescription) Crashed() bool {
	terminated := fal.RunnerTerminated.String()
	switch orEmpty(d.State) {
	case fal.RunnerCrashBackoff.String():
		return true
	case terminated:
	default:
		return false
	}
	before := ""
	for _, e := range d.events {
		if e.Entered && e.State != terminated {
			before = e.State
		}
	}
	return before != "" && before != fal.RunnerDraining.String() && before != fal.RunnerTerminating.String()
}

// DescriptionText is how a description is shown to people.
type DescriptionText struct {
	// Location is that of the times; nil: the system's.
	Location *time.Location
	// Paint colours a text; nil: nothing is coloured.
	Paint func(iostreams.Style, string) string
}

// Write shows d through the printer's fields.
func (t DescriptionText) Write(w io.Writer, p *output.Printer, d RunnerDescription) error {
	if err := p.Fields(w, t.fields(d)...); err != nil {
		return err
	}
	var b strings.Builder
	if d.listed != nil && len(d.Leases) > 0 {
		t.heading(&b, Count(len(d.Leases), "lease"))
		for _, line := range d.listed.leaseLines() {
			b.WriteString("  " + iostreams.SanitizeLine(line) + "\n")
		}
	}
	if len(d.events) > 0 {
		t.heading(&b, "Events")
		t.phases(&b, d.events)
	}
	if len(d.CrashLog) > 0 {
		t.heading(&b, "End of the log")
		text := LogText{Location: t.Location, Paint: t.Paint}
		for _, l := range d.CrashLog {
			b.WriteString(text.Line(l) + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (t DescriptionText) fields(d RunnerDescription) []output.Field {
	fields := []output.Field{{Name: "Runner", Value: d.RunnerID}}
	add := func(name, value string, style iostreams.Style) {
		if value != "" {
			fields = append(fields, output.Field{Name: name, Value: value, Style: style})
		}
	}
	ended := !d.life.EndedAt.IsZero()
	if r := d.listed; r != nil {
		add("App", r.app(), iostreams.Plain)
		add("Environment", r.environment(), iostreams.Plain)
		add("State", r.stateText(), runnerStyle(*r))
		add("Revision", r.Revision, iostreams.Plain)
		add("Machine", r.MachineType, iostreams.Plain)
	} else {
		add("State", orEmpty(d.State), iostreams.Dim)
	}
	add("Started", t.time(d.life.StartedAt), iostreams.Plain)
	add("Ended", t.time(d.life.EndedAt), iostreams.Plain)
	if d.UptimeSeconds != nil && (ended || *d.UptimeSeconds > 0) {
		add("Uptime", Age(*d.UptimeSeconds), iostreams.Plain)
	}
	if r := d.listed; r != nil && !ended {
		if r.ExpirationCountdown != nil {
			add("Expires in", Age(*r.ExpirationCountdown), iostreams.Plain)
		}
		add("In flight", strconv.Itoa(r.InFlightRequests), iostreams.Plain)
	}
	return fields
}

// phases has the events below each other; those of one state name it once.
func (t DescriptionText) phases(b *strings.Builder, events []fal.RunnerEvent) {
	width := 0
	for _, e := range events {
		width = max(width, len(e.State))
	}
	for _, e := range events {
		state := ""
		if e.Entered {
			state = e.State
		}
		state = iostreams.SanitizeLine(state)
		gap := strings.Repeat(" ", max(width-len(state), 0)+2)
		line := fmt.Sprintf("  %s  %s%s%s", t.time(e.Time), t.paint(runnerStyle(Runner{State: state}), state), gap, iostreams.SanitizeLine(e.Reason))
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

func (t DescriptionText) heading(b *strings.Builder, text string) {
	b.WriteString("\n" + t.paint(iostreams.Bold, text) + "\n")
}

func (t DescriptionText) paint(style iostreams.Style, text string) string {
	if t.Paint == nil {
		return text
	}
	return t.Paint(style, text)
}

func (t DescriptionText) time(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.In(cmp.Or(t.Location, time.Local)).Format("2006-01-02 15:04:05.000")
}

// LastOutput is what a runner wrote last: the n newest lines that are not
// events of its life.
func LastOutput(runner string, lines []fal.LogLine, n int) []LogLine {
	out := []LogLine{}
	for _, l := range slices.Backward(lines) {
		if len(out) < n && !l.IsEvent() {
			out = append(out, NewLogLine(runner, l))
		}
	}
	slices.Reverse(out)
	return out
}
