package output

import (
	"context"
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

const (
	columnGap    = "  "
	detailIndent = "  "
)

// textWidth is the number of terminal columns that sanitized text takes.
// Characters of ambiguous width count as narrow, as terminals draw them unless
// told otherwise, so that the same list looks the same in every locale.
func textWidth(s string) int {
	for i := range len(s) {
		if s[i] >= 0x80 {
			c := runewidth.Condition{StrictEmojiNeutral: true}
			return c.StringWidth(s)
		}
	}
	return len(s)
}

// tableColumn is a column with what is needed to lay it out.
type tableColumn struct {
	header string
	right  bool
	rank   int
	width  int
	hidden bool
}

func printTable[T any](ctx context.Context, p *Printer, v View[T], rows []T) error {
	if len(rows) == 0 {
		return nil
	}
	columns := v.columns(p.format)
	cells := make([]string, 0, len(rows)*len(columns))
	layout := tableColumns(columns)
	for i, row := range rows {
		if i%checkEvery == 0 {
			if err := context.Cause(ctx); err != nil {
				return err
			}
		}
		for j, c := range columns {
			cell := iostreams.SanitizeLine(c.Text(row))
			layout[j].width = max(layout[j].width, textWidth(cell))
			cells = append(cells, cell)
		}
	}
	if p.format == Pretty {
		fit(layout, p.streams.Width())
	}
	if err := p.tableHeader(layout); err != nil {
		return err
	}
	for i, row := range rows {
		if i%checkEvery == 0 {
			if err := context.Cause(ctx); err != nil {
				return err
			}
		}
		if err := tableRow(p, v, layout, columns, row, cells[i*len(columns):(i+1)*len(columns)]); err != nil {
			return err
		}
	}
	return nil
}

func tableColumns[T any](columns []Column[T]) []tableColumn {
	layout := make([]tableColumn, len(columns))
	for i, c := range columns {
		layout[i] = tableColumn{header: c.Header, right: c.Right, rank: c.Rank, width: textWidth(c.Header)}
	}
	return layout
}

// fit hides columns, the highest rank first, until a line takes no more than
// width terminal columns. A width of 0 is no limit. What must stay may still
// be wider: a value is never cut.
func fit(layout []tableColumn, width int) {
	if width <= 0 {
		return
	}
	for lineWidth(layout) > width {
		worst := -1
		for i, c := range layout {
			if !c.hidden && c.rank > 0 && (worst < 0 || c.rank >= layout[worst].rank) {
				worst = i
			}
		}
		if worst < 0 {
			return
		}
		layout[worst].hidden = true
	}
}

func lineWidth(layout []tableColumn) int {
	total := 0
	for _, c := range layout {
		if !c.hidden {
			total += c.width + len(columnGap)
		}
	}
	return total - len(columnGap)
}

func (p *Printer) tableHeader(layout []tableColumn) error {
	headers := make([]string, len(layout))
	for i, c := range layout {
		headers[i] = c.header
	}
	bold := func(int) iostreams.Style { return iostreams.Bold }
	p.buf = p.appendLine(p.buf[:0], layout, headers, bold)
	return p.write(p.buf)
}

func tableRow[T any](p *Printer, v View[T], layout []tableColumn, columns []Column[T], row T, cells []string) error {
	style := func(i int) iostreams.Style {
		if columns[i].Style == nil || !p.streams.OutColor() {
			return iostreams.Plain
		}
		return columns[i].Style(row)
	}
	p.buf = p.appendLine(p.buf[:0], layout, cells, style)
	if v.Details != nil {
		for _, line := range v.Details(row) {
			line = detailIndent + strings.TrimRight(iostreams.SanitizeLine(line), " ")
			p.buf = append(p.buf, p.Paint(iostreams.Dim, line)...)
			p.buf = append(p.buf, '\n')
		}
	}
	return p.write(p.buf)
}

// appendLine adds one line without trailing blanks; only text is painted.
func (p *Printer) appendLine(b []byte, layout []tableColumn, cells []string, style func(int) iostreams.Style) []byte {
	blanks := 0
	for i, c := range layout {
		if c.hidden {
			continue
		}
		cell := strings.TrimRight(cells[i], " ")
		pad := max(c.width-textWidth(cell), 0)
		if c.right {
			blanks, pad = blanks+pad, 0
		}
		if cell == "" {
			blanks += pad + len(columnGap)
			continue
		}
		for ; blanks > 0; blanks-- {
			b = append(b, ' ')
		}
		b = append(b, p.Paint(style(i), cell)...)
		blanks = pad + len(columnGap)
	}
	return append(b, '\n')
}

// streamTable is a table whose rows are not known in advance: columns start as
// wide as their headers and grow.
type streamTable[T any] struct {
	p       *Printer
	view    View[T]
	columns []Column[T]
	layout  []tableColumn
}

func newStreamTable[T any](p *Printer, v View[T]) *streamTable[T] {
	columns := v.columns(p.format)
	return &streamTable[T]{p: p, view: v, columns: columns, layout: tableColumns(columns)}
}

func (t *streamTable[T]) header() error { return t.p.tableHeader(t.layout) }

func (t *streamTable[T]) row(row T) error {
	cells := make([]string, len(t.columns))
	for i, c := range t.columns {
		cells[i] = iostreams.SanitizeLine(c.Text(row))
		t.layout[i].width = max(t.layout[i].width, textWidth(cells[i]))
	}
	layout := slices.Clone(t.layout)
	return tableRow(t.p, t.view, layout, t.columns, row, cells)
}
