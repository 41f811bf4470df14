package output

import (
	"context"
	"iter"
)

// Sequence prints rows as they come, in their own order, and flushes: the
// documents are those of List, and memory does not grow with them, except under
// a filter, which needs the document whole. line makes the text of a record for
// pretty and wide, painted and sanitized already; nil makes it a table. An error
// of rows ends the document where it is.
func Sequence[T any](ctx context.Context, p *Printer, v View[T], rows iter.Seq2[T, error], line func(T) string) error {
	if err := p.check(); err != nil {
		return err
	}
	printed, err := printSequence(ctx, p, v, rows, line)
	if err = p.finish(err); err != nil || printed > 0 {
		return err
	}
	return note(p, v, nil)
}

func printSequence[T any](ctx context.Context, p *Printer, v View[T], rows iter.Seq2[T, error], line func(T) string) (printed int, err error) {
	each := func(do func(row *T) error) error {
		for row, err := range rows {
			if err == nil && printed%checkEvery == 0 {
				err = context.Cause(ctx)
			}
			if err == nil {
				err = do(&row)
			}
			if err != nil {
				return err
			}
			printed++
		}
		return nil
	}
	switch {
	case p.filter != nil && p.format != JSONL:
		var all []T
		if err := each(func(row *T) error { all = append(all, *row); return nil }); err != nil {
			return printed, err
		}
		return printed, filterList(ctx, p, v.Key, all)
	case p.format == JSON && p.filter == nil:
		return printed, sequenceJSON(p, v.Key, each)
	case p.format == YAML && p.filter == nil:
		return printed, sequenceYAML(p, v.Key, each)
	}
	s := NewStream(p, v, line)
	if err := s.header(); err != nil {
		return printed, err
	}
	err = each(func(row *T) error { return s.print(ctx, row) })
	return printed, err
}

func sequenceJSON[T any](p *Printer, key string, each func(func(*T) error) error) error {
	depth := 1
	p.buf = p.buf[:0]
	if key != "" {
		depth = 2
		p.buf = p.layout.openObject(p.buf, key)
	}
	p.buf = append(p.buf, '[')
	some := false
	err := each(func(row *T) error {
		if some {
			p.buf = append(p.buf, ',')
		}
		some = true
		p.buf = p.layout.newline(p.buf, depth)
		if err := p.appendRow(row, depth); err != nil {
			return err
		}
		err := p.write(p.buf)
		p.buf = p.buf[:0]
		return err
	})
	if err != nil {
		return err
	}
	if some {
		p.buf = p.layout.newline(p.buf, depth-1)
	}
	p.buf = append(p.buf, ']')
	if key != "" {
		p.buf = append(p.layout.newline(p.buf, 0), '}')
	}
	return p.write(append(p.buf, '\n'))
}

func sequenceYAML[T any](p *Printer, key string, each func(func(*T) error) error) error {
	indent := ""
	p.buf = p.buf[:0]
	if key != "" {
		indent = yamlIndent
		p.buf = append(appendYAMLString(p.buf, key), ':')
	}
	some := false
	err := each(func(row *T) (err error) {
		if !some && key != "" {
			p.buf = append(p.buf, '\n')
		}
		some = true
		if p.scratch, err = p.rows.append(p.scratch[:0], row); err != nil {
			return err
		}
		p.buf = append(append(p.buf, indent...), "- "...)
		if p.buf, err = appendYAML(p.buf, string(p.scratch), len(indent)+len(yamlIndent)); err != nil {
			return err
		}
		err = p.write(p.buf)
		p.buf = p.buf[:0]
		return err
	})
	if err != nil || some {
		return err
	}
	if key != "" {
		p.buf = append(p.buf, ' ')
	}
	return p.write(append(p.buf, "[]\n"...))
}
