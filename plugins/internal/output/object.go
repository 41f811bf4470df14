package output

import (
	"context"
	"encoding/csv"
	"io"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// Object prints a single record and flushes: its JSON contract, or for pretty
// and wide what the given function writes, which sanitizes what it got from
// the service (Fields does). TSV and CSV have a column for each key of the
// record; the format name is a usage error.
func Object[T any](ctx context.Context, p *Printer, value T, pretty func(io.Writer) error) error {
	if err := p.check(); err != nil {
		return err
	}
	if err := CheckObject(p.format); err != nil {
		return err
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return p.finish(p.object(ctx, &value, pretty))
}

func (p *Printer) object(ctx context.Context, v any, pretty func(io.Writer) error) error {
	if p.filter != nil {
		plain, err := p.plainRow(v)
		if err != nil {
			return err
		}
		return p.runFilter(ctx, plain)
	}
	switch p.format {
	case Pretty, Wide:
		return pretty(p.streams.Out)
	case TSV, CSV:
		return p.objectFields(v)
	}
	p.buf = p.buf[:0]
	if err := p.appendObject(v); err != nil {
		return err
	}
	return p.write(p.buf)
}

// appendObject adds a record with its line end in a format that has the JSON
// contract's keys.
func (p *Printer) appendObject(v any) error {
	if p.format == YAML {
		var err error
		if p.scratch, err = p.rows.append(p.scratch[:0], v); err != nil {
			return err
		}
		p.buf, err = appendYAML(p.buf, string(p.scratch), 0)
		return err
	}
	if err := p.appendRow(v, 0); err != nil {
		return err
	}
	p.buf = append(p.buf, '\n')
	return nil
}

func (p *Printer) objectFields(v any) error {
	var err error
	if p.scratch, err = p.rows.append(p.scratch[:0], v); err != nil {
		return err
	}
	var keys, values []string
	c := cursor{s: string(p.scratch)}
	err = c.members(func(key string) error {
		raw, err := c.skip()
		if err != nil {
			return err
		}
		value := raw
		switch {
		case raw == "null":
			value = ""
		case raw[0] == '"':
			if value, err = unquote(raw); err != nil {
				return err
			}
		}
		keys, values = append(keys, key), append(values, value)
		return nil
	})
	if err = c.end(err); err != nil {
		return err
	}
	d := p.delimited()
	if err := d.write(keys); err != nil {
		return err
	}
	return d.write(values)
}

// delimited writes lines of TSV or CSV.
type delimited struct {
	p   *Printer
	csv *csv.Writer
}

func (p *Printer) delimited() *delimited {
	d := &delimited{p: p}
	if p.format == CSV {
		d.csv = csv.NewWriter(p.streams.Out)
	}
	return d
}

func (d *delimited) write(fields []string) error {
	terminal := d.p.streams.OutTerminal()
	if d.csv != nil {
		if terminal {
			for i, field := range fields {
				fields[i] = iostreams.Sanitize(field)
			}
		}
		if err := d.csv.Write(fields); err != nil {
			return err
		}
		d.csv.Flush()
		return d.csv.Error()
	}
	b := d.p.buf[:0]
	for i, field := range fields {
		if i > 0 {
			b = append(b, '\t')
		}
		field = escapeTSV(field)
		if terminal {
			field = iostreams.SanitizeLine(field)
		}
		b = append(b, field...)
	}
	d.p.buf = append(b, '\n')
	return d.p.write(d.p.buf)
}

func escapeTSV(s string) string {
	if !strings.ContainsAny(s, "\t\n\r\\") {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		switch s[i] {
		case '\t':
			b.WriteString(`\t`)
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		case '\\':
			b.WriteString(`\\`)
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// Field is a line of the text of a single record.
type Field struct {
	Name  string
	Value string
	Style iostreams.Style
}

// Fields writes one field a line, the values below each other, both sanitized.
func (p *Printer) Fields(w io.Writer, fields ...Field) error {
	width := 0
	for _, f := range fields {
		width = max(width, textWidth(iostreams.SanitizeLine(f.Name)))
	}
	var b strings.Builder
	for _, f := range fields {
		name, value := iostreams.SanitizeLine(f.Name), iostreams.SanitizeLine(f.Value)
		b.WriteString(p.Paint(iostreams.Bold, name))
		if value != "" {
			b.WriteString(strings.Repeat(" ", width-textWidth(name)+2))
			b.WriteString(p.Paint(f.Style, value))
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}
