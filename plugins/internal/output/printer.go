// Package output prints records in the format that was asked for: a table on a
// terminal, JSON in a pipe, and what --output, --json, --jq and FAL_OUTPUT say.
//
//	p := output.New(streams, output.Options{Format: format, Explicit: explicit, Filter: filter})
//	err := output.List(ctx, p, view.Runners, rows)
//
// A View describes a noun once: its columns, its order, its name. T is the JSON
// contract itself; what only the table needs carries `json:"-"`.
//
// What it guarantees:
//   - stdout carries the records and nothing else; summaries and "no runners"
//     go to stderr.
//   - JSON equals that of encoding/json without HTML escaping, byte for byte in
//     a pipe. On a terminal control characters inside strings are escaped, which
//     leaves the value as it is.
//   - Tables are sanitized, never cut a value and never fold.
//   - Rows are written as they are encoded; memory does not grow with the
//     document, except under a filter, which needs it whole.
//   - Every failed write is returned.
//
// Errors have ExitCode() int and, where somebody can be helped, Hints()
// []string. One with Silent() true has been printed already.
package output

import (
	"cmp"
	"errors"
	"io"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// Options are what was asked for on the command line.
type Options struct {
	// Format, or "" for what records do by themselves: JSON under a filter or
	// in a pipe, pretty on a terminal.
	Format Format
	// Filter is applied to the JSON; nil for none. It replaces a format that is
	// not JSON, unless that is explicit.
	Filter Filter
	// Explicit says that a flag chose the format.
	Explicit bool
}

// Printer prints in one format to one set of streams. It is not safe for
// concurrent use.
type Printer struct {
	streams *iostreams.Streams
	format  Format
	filter  Filter

	layout  layout
	rows    rowEncoder
	buf     []byte
	scratch []byte
}

// New resolves the format; it prints nothing. A filter that cannot be combined
// with an explicit format is reported by CheckFilter, and again by every call
// that would print.
func New(streams *iostreams.Streams, o Options) *Printer {
	natural := JSON
	if o.Filter == nil && streams.OutTerminal() {
		natural = Pretty
	}
	format := cmp.Or(o.Format, natural)
	if o.Filter != nil && !o.Explicit && !format.IsJSON() {
		format = JSON
	}
	if f, ok := o.Filter.(interface{ SetStderr(io.Writer) }); ok {
		f.SetStderr(visible{streams})
	}
	return &Printer{
		streams: streams,
		format:  format,
		filter:  o.Filter,
		layout:  newLayout(streams, o.Filter != nil || format != JSONL),
	}
}

// Format is the format in effect, never "".
func (p *Printer) Format() Format { return p.format }

// Streams are the streams that it prints to.
func (p *Printer) Streams() *iostreams.Streams { return p.streams }

// Paint is PaintOut of the streams, for the text of Object and Stream.
func (p *Printer) Paint(style iostreams.Style, text string) string {
	return p.streams.PaintOut(style, text)
}

func (p *Printer) check() error {
	if p.filter == nil {
		return nil
	}
	return CheckFilter(p.format, true)
}

func (p *Printer) write(b []byte) error {
	_, err := p.streams.Out.Write(b)
	return err
}

// finish flushes, also behind an error, so that what was printed before it is
// kept, and ends a halt with code 0 well.
func (p *Printer) finish(err error) error {
	flushErr := p.streams.Flush()
	if err == nil {
		return flushErr
	}
	if exit := (*Exit)(nil); errors.As(err, &exit) && exit.Code == 0 {
		return flushErr
	}
	return err
}

// visible is the stderr of a filter's debug and stderr functions.
type visible struct{ streams *iostreams.Streams }

func (v visible) Write(b []byte) (int, error) {
	text := string(b)
	if v.streams.ErrTerminal() {
		text = iostreams.Sanitize(text)
	}
	if _, err := io.WriteString(v.streams.Err, text); err != nil {
		return 0, err
	}
	return len(b), nil
}
