package view

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

// Diagnosis is what doctor prints as JSON. The keys behind ok are those of the
// official client, with its names; what is not known is empty.
type Diagnosis struct {
	Checks []Check `json:"checks"`
	OK     bool    `json:"ok"` // no check has failed

	Version  string `json:"fal"`     // of this program
	Isolate  string `json:"isolate"` // of the official client's library
	Python   string `json:"python"`  // of the official client
	Platform string `json:"platform"`
	Host     string `json:"FAL_HOST"` // of gRPC
	KeyID    string `json:"FAL_KEY"`  // without the secret
}

// Check is the JSON contract of one check.
type Check struct {
	Check  string  `json:"check"`
	Host   *string `json:"host"`   // host:port, of a check that is about one
	Status string  `json:"status"` // ok, warning, failed, skipped
	Found  string  `json:"found"`  // one line, or several of equal weight
	Hint   *string `json:"hint"`
	// RoundTrip is how long an answer took, in milliseconds.
	RoundTrip *float64 `json:"round_trip_ms"`
}

// What a check has come to.
const (
	CheckOK      = "ok"
	CheckWarning = "warning"
	CheckFailed  = "failed"
	CheckSkipped = "skipped"
)

// NewDiagnosis sums checks up.
func NewDiagnosis(checks []Check) Diagnosis {
	d := Diagnosis{Checks: checks, OK: true}
	for _, c := range checks {
		d.OK = d.OK && c.Status != CheckFailed
	}
	return d
}

// Print prints a diagnosis in the formats other than text.
func (d Diagnosis) Print(ctx context.Context, p *output.Printer) error {
	switch p.Format() {
	case output.JSON, output.YAML:
		return output.Object(ctx, p, d, nil)
	}
	return output.List(ctx, p, Checks(), d.Checks)
}

// Checks is how checks are shown as records, in their order.
func Checks() output.View[Check] {
	return output.View[Check]{
		Key:  "checks",
		Name: func(c Check) string { return c.Check },
		Columns: []output.Column[Check]{
			{Header: "CHECK", Text: func(c Check) string { return c.Check }},
			{Header: "HOST", Text: func(c Check) string { return orEmpty(c.Host) }},
			{Header: "STATUS", Text: func(c Check) string { return c.Status }},
			{Header: "FOUND", Text: func(c Check) string { return c.Found }},
			{Header: "HINT", Text: func(c Check) string { return orEmpty(c.Hint) }},
			{Header: "ROUND TRIP MS", Text: Check.roundTrip},
		},
		Empty: "no checks",
	}
}

func (c Check) roundTrip() string {
	if c.RoundTrip == nil {
		return ""
	}
	return strconv.FormatFloat(*c.RoundTrip, 'f', -1, 64)
}

// CheckText writes checks for people, one after the other.
type CheckText struct {
	// Width is that of the longest name of a check.
	Width int
	// Words stand in for the signs on a terminal that has no more than ASCII.
	Words bool
	Paint func(iostreams.Style, string) string
}

// Write writes one check: a sign, its name, what was found and how to mend it.
func (t CheckText) Write(w io.Writer, c Check) error {
	style, sign, word := iostreams.Dim, "-", "skipped"
	switch c.Status {
	case CheckOK:
		style, sign, word = iostreams.Green, "✓", "ok"
	case CheckWarning:
		style, sign, word = iostreams.Yellow, "⚠", "warning"
	case CheckFailed:
		style, sign, word = iostreams.Red, "✗", "FAILED"
	}
	signWidth := 1
	if t.Words {
		signWidth = len(CheckWarning)
		sign = fmt.Sprintf("%-*s", signWidth, word)
	}
	indent := strings.Repeat(" ", signWidth+1+t.Width+2)
	var b strings.Builder
	b.WriteString(t.paint(style, sign) + " " + t.paint(iostreams.Bold, c.Check) + strings.Repeat(" ", max(t.Width-len(c.Check), 0)+2))
	for i, line := range strings.Split(c.Found, "\n") {
		line = iostreams.SanitizeLine(line)
		if i > 0 {
			line = indent + line
		} else if c.RoundTrip != nil {
			line += ", in " + c.roundTrip() + " ms"
		}
		b.WriteString(line + "\n")
	}
	if c.Hint != nil {
		for line := range strings.SplitSeq(*c.Hint, "\n") {
			b.WriteString(indent + t.paint(iostreams.Dim, "hint:") + " " + iostreams.SanitizeLine(line) + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (t CheckText) paint(style iostreams.Style, text string) string {
	if t.Paint == nil {
		return text
	}
	return t.Paint(style, text)
}

// Summary counts what is not well, for people; "" when all is.
func (d Diagnosis) Summary() string {
	failed, warned := 0, 0
	for _, c := range d.Checks {
		switch c.Status {
		case CheckFailed:
			failed++
		case CheckWarning:
			warned++
		}
	}
	var parts []string
	if failed > 0 {
		parts = append(parts, Count(failed, "check")+" failed")
	}
	if warned > 0 {
		parts = append(parts, Count(warned, "warning"))
	}
	return strings.Join(parts, ", ")
}
