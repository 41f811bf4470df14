package output

import (
	"context"
	"strings"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// Stream prints records one by one as they come, for what follows or watches.
// Each record is flushed. JSON and JSONL are one object a line, YAML is a
// sequence of documents, and a filter sees one record at a time.
type Stream[T any] struct {
	p    *Printer
	view View[T]
	line func(T) string

	table    *streamTable[T]
	columns  *delimited
	fields   []string
	started  bool
	checkErr error
}

// NewStream prepares a stream. line makes the text of a record for pretty and
// wide, painted and sanitized already; nil makes it a growing table.
func NewStream[T any](p *Printer, v View[T], line func(T) string) *Stream[T] {
	s := &Stream[T]{p: p, view: v, line: line, checkErr: p.check()}
	if p.filter == nil {
		p.layout.indent = false
	}
	if p.format == Name && v.Name == nil && s.checkErr == nil {
		s.checkErr = CheckObject(Name)
	}
	switch p.format {
	case TSV, CSV:
		s.columns = p.delimited()
	case Pretty, Wide:
		if line == nil {
			s.table = newStreamTable(p, v)
		}
	}
	return s
}

// Measure widens the columns of a table for rows that will be written.
func (s *Stream[T]) Measure(rows []T) {
	if s.table == nil {
		return
	}
	for _, row := range rows {
		s.table.measure(row)
	}
}

// Write prints one record. An *Exit is the filter's wish to end here.
func (s *Stream[T]) Write(ctx context.Context, row T) error {
	err := s.header()
	if err == nil {
		err = s.print(ctx, &row)
	}
	if flushErr := s.p.streams.Flush(); err == nil {
		err = flushErr
	}
	return err
}

// header writes, once, what precedes the first record.
func (s *Stream[T]) header() error {
	if s.checkErr != nil || s.started {
		return s.checkErr
	}
	s.started = true
	switch {
	case s.columns != nil:
		s.fields = s.fields[:0]
		for _, c := range s.view.Columns {
			s.fields = append(s.fields, c.key())
		}
		return s.columns.write(s.fields)
	case s.table != nil:
		return s.table.header()
	}
	return nil
}

func (s *Stream[T]) print(ctx context.Context, row *T) error {
	p := s.p
	if p.filter != nil {
		value, err := p.plainRow(row)
		if err != nil {
			return err
		}
		return p.runFilter(ctx, value)
	}
	p.buf = p.buf[:0]
	switch p.format {
	case TSV, CSV:
		s.fields = s.fields[:0]
		for _, c := range s.view.Columns {
			s.fields = append(s.fields, c.raw(*row))
		}
		return s.columns.write(s.fields)
	case Name:
		name := s.view.Name(*row)
		if name == "" {
			return nil
		}
		if p.streams.OutTerminal() {
			name = iostreams.SanitizeLine(name)
		}
		p.buf = append(append(p.buf, name...), '\n')
	case Pretty, Wide:
		if s.table != nil {
			return s.table.row(*row)
		}
		p.buf = append(append(p.buf, strings.TrimRight(s.line(*row), "\n")...), '\n')
	case YAML:
		p.buf = append(p.buf, "---\n"...)
		if err := p.appendObject(row); err != nil {
			return err
		}
	default:
		if err := p.appendObject(row); err != nil {
			return err
		}
	}
	return p.write(p.buf)
}
