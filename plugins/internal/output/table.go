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
		fit(layout, cells, p.streams.Width())
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
		layout[i] = tableColumn{header: c.Header, right: c.Right, rank: c.Rank, width: max(c.Width, textWidth(c.Header))}
	}
	return layout
}

// longCell is the width up to which no cell is out of the ordinary: that of an
// id, with some room.
const longCell = 40

// fit makes a line take no more than width terminal columns, where 0 is no
// limit. It hides columns, the highest rank first; a value is never cut, and
// what must stay may still be wider. Should columns go only because of a few
// very long cells elsewhere, the rows of those are longer than the line, and
// the columns stand for all others.
func fit(layout []tableColumn, cells []string, width int) {
	if width <= 0 || lineWidth(layout) <= width {
		return
	}
	usual := unstretched(layout, cells, max(longCell, width/2))
	stretched := func(i int) bool { return usual[i].width < layout[i].width }
	hide(usual, width)
	hide(layout, width)
	for i, c := range layout {
		if c.hidden && !usual[i].hidden && !stretched(i) {
			copy(layout, usual)
			return
		}
	}
}

// unstretched is the layout with columns as wide as most of their cells need,
// where only a few are longer than long.
func unstretched(layout []tableColumn, cells []string, long int) []tableColumn {
	usual := slices.Clone(layout)
	rows := len(cells) / len(layout)
	for i := range usual {
		if usual[i].width <= long {
			continue
		}
		width, few := textWidth(usual[i].header), 0
		for row := range rows {
			if w := textWidth(cells[row*len(layout)+i]); w > long {
				few++
			} else {
				width = max(width, w)
			}
		}
		if few <= max(1, rows/4) {
			usual[i].width = width
		}
	}
	return usual
}

// hide leaves columns out, the highest rank first and of equals the rightmost,
// until a line is short enough.
func hide(layout []tableColumn, width int) {
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
	blanks, over := 0, 0 // over is how far a long cell has pushed the rest
	for i, c := range layout {
		if c.hidden {
			continue
		}
		cell := strings.TrimRight(cells[i], " ")
		pad := c.width - textWidth(cell) - over
		pad, over = max(pad, 0), max(-pad, 0)
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
	return tableRow(t.p, t.view, t.layout, t.columns, row, t.measure(row))
}

// measure widens the columns for a row, and returns its cells.
func (t *streamTable[T]) measure(row T) []string {
	cells := make([]string, len(t.columns))
	for i, c := range t.columns {
		cells[i] = iostreams.SanitizeLine(c.Text(row))
		t.layout[i].width = max(t.layout[i].width, textWidth(cells[i]))
	}
	return cells
}
