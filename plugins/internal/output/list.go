package output

import (
	"context"
	"fmt"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// checkEvery is the number of rows between two looks at the context.
const checkEvery = 1024

// List prints rows, which it puts into the view's order, and flushes. An
// empty list is a success with an empty document.
func List[T any](ctx context.Context, p *Printer, v View[T], rows []T) error {
	if err := p.check(); err != nil {
		return err
	}
	sortRows(rows, v.Compare)
	err := printList(ctx, p, v, rows)
	if err = p.finish(err); err != nil {
		return err
	}
	return note(p, v, rows)
}

func printList[T any](ctx context.Context, p *Printer, v View[T], rows []T) error {
	switch {
	case p.filter != nil && p.format == JSONL:
		return filterEach(ctx, p, rows)
	case p.filter != nil:
		return filterList(ctx, p, v.Key, rows)
	}
	switch p.format {
	case JSON:
		return printJSON(ctx, p, v.Key, rows)
	case YAML:
		return printYAML(ctx, p, v.Key, rows)
	case Pretty, Wide:
		return printTable(ctx, p, v, rows)
	}
	s := NewStream(p, v, nil)
	if err := s.header(); err != nil {
		return err
	}
	for i := range rows {
		if i%checkEvery == 0 {
			if err := context.Cause(ctx); err != nil {
				return err
			}
		}
		if err := s.print(ctx, &rows[i]); err != nil {
			return err
		}
	}
	return nil
}

func note[T any](p *Printer, v View[T], rows []T) error {
	var text string
	switch {
	case p.filter != nil:
	case len(rows) == 0:
		text = v.Empty
	case v.Note != nil && (p.format == Pretty || p.format == Wide) && p.streams.OutTerminal():
		text = v.Note(rows)
	}
	if text == "" {
		return nil
	}
	_, err := fmt.Fprintln(p.streams.Err, iostreams.Sanitize(text))
	return err
}

func printJSON[T any](ctx context.Context, p *Printer, key string, rows []T) error {
	depth := 1
	p.buf = p.buf[:0]
	if key != "" {
		depth = 2
		p.buf = p.layout.openObject(p.buf, key)
	}
	p.buf = append(p.buf, '[')
	for i := range rows {
		if i%checkEvery == 0 {
			if err := context.Cause(ctx); err != nil {
				return err
			}
		}
		if i > 0 {
			p.buf = append(p.buf, ',')
		}
		p.buf = p.layout.newline(p.buf, depth)
		if err := p.appendRow(&rows[i], depth); err != nil {
			return err
		}
		if err := p.write(p.buf); err != nil {
			return err
		}
		p.buf = p.buf[:0]
	}
	if len(rows) > 0 {
		p.buf = p.layout.newline(p.buf, depth-1)
	}
	p.buf = append(p.buf, ']')
	if key != "" {
		p.buf = p.layout.newline(p.buf, 0)
		p.buf = append(p.buf, '}')
	}
	p.buf = append(p.buf, '\n')
	return p.write(p.buf)
}

// appendRow adds a value as JSON to p.buf; v is a pointer to it.
func (p *Printer) appendRow(v any, depth int) (err error) {
	if p.layout.plain() {
		p.buf, err = p.rows.append(p.buf, v)
		return err
	}
	if p.scratch, err = p.rows.append(p.scratch[:0], v); err != nil {
		return err
	}
	p.buf = p.layout.append(p.buf, p.scratch, depth)
	return nil
}

// plainRow is the value behind the pointer v as a filter takes it.
func (p *Printer) plainRow(v any) (any, error) {
	var err error
	if p.scratch, err = p.rows.append(p.scratch[:0], v); err != nil {
		return nil, err
	}
	return parsePlain(string(p.scratch))
}

func filterEach[T any](ctx context.Context, p *Printer, rows []T) error {
	for i := range rows {
		value, err := p.plainRow(&rows[i])
		if err != nil {
			return err
		}
		if err := p.runFilter(ctx, value); err != nil {
			return err
		}
	}
	return nil
}

func filterList[T any](ctx context.Context, p *Printer, key string, rows []T) error {
	list := make([]any, len(rows))
	for i := range rows {
		if i%checkEvery == 0 {
			if err := context.Cause(ctx); err != nil {
				return err
			}
		}
		var err error
		if list[i], err = p.plainRow(&rows[i]); err != nil {
			return err
		}
	}
	if key == "" {
		return p.runFilter(ctx, list)
	}
	return p.runFilter(ctx, map[string]any{key: list})
}
