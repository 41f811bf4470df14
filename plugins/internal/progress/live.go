package progress

import (
	"fmt"
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// What the terminal is told: where the cursor goes, and what is erased. One that
// knows synchronised updates shows a picture as a whole. The first column is
// erased apart from the rest: tmux adds to its history what is erased from the
// top left corner on, and would keep every picture that begins there.
const (
	beginPicture = "\x1b[?2026h"
	endPicture   = "\x1b[?2026l"
	eraseBelow   = "\x1b[K\x1b[C\x1b[J\r"
	lineStart    = "\r"
)

// narrowest is the least number of columns in which anything is shown.
const narrowest = 4

// line is a part of the picture: its text, and how it is painted.
type line struct {
	mark  string // painted by itself
	text  string
	style iostreams.Style
}

// erased takes away the picture that stands there. A terminal that has become
// narrower since then has folded its lines, unless it clips them: what stands
// above must not be taken for a part of it.
func (d *Display) erased() string {
	if len(d.drawn) == 0 {
		return ""
	}
	columns, _ := d.o.Size()
	if d.o.Clips {
		columns = 0
	}
	rows := 0
	for _, width := range d.drawn {
		rows += rowsOf(width, columns)
	}
	up := ""
	if rows > 1 {
		up = fmt.Sprintf("\x1b[%dA", rows-1)
	}
	return lineStart + up + eraseBelow
}

func rowsOf(width, columns int) int {
	if columns <= 0 || width == 0 {
		return 1
	}
	return (width + columns - 1) / columns
}

// picture draws what is under way. The cursor stays behind its last line, so
// that a terminal that scrolls has no empty one.
func (d *Display) picture() string {
	columns, rows := d.o.Size()
	lines := d.lines(columns, rows)
	d.drawn = d.drawn[:0]
	if len(lines) == 0 {
		return ""
	}
	measure := measure()
	var b strings.Builder
	b.WriteString(beginPicture)
	for i, l := range lines {
		if i > 0 {
			b.WriteString("\r\n")
		}
		text := l.text
		if columns > 0 {
			text = measure.Truncate(text, max(columns-1-measure.StringWidth(l.mark), 0), "")
		}
		d.drawn = append(d.drawn, measure.StringWidth(l.mark)+measure.StringWidth(text))
		b.WriteString(d.o.Paint(iostreams.Cyan, l.mark) + d.o.Paint(l.style, text))
	}
	b.WriteString(endPicture)
	return b.String()
}

func measure() *runewidth.Condition { return &runewidth.Condition{StrictEmojiNeutral: true} }

// lines are those of the picture, no more than the terminal has rows for.
func (d *Display) lines(columns, rows int) []line {
	if columns > 0 && columns < narrowest {
		return nil
	}
	var lines []line
	for _, t := range d.tasks {
		if t.running {
			lines = append(lines, line{mark: d.spinner() + " ", text: t.status(columns)})
		}
	}
	if most := rows - 1; rows > 1 && len(lines) > most {
		more := fmt.Sprintf("  and %d more", len(lines)-most+1)
		return append(lines[:most-1], line{text: more, style: iostreams.Dim})
	}
	if len(lines) != 1 || d.o.WholeLog {
		return lines
	}
	most := tail
	if rows > 0 {
		most = min(tail, rows-2)
	}
	for _, t := range d.tasks {
		if t.running {
			for _, text := range t.log.last(most) {
				lines = append(lines, line{text: "  " + text, style: iostreams.Dim})
			}
		}
	}
	return lines
}

func (d *Display) spinner() string {
	frames := []rune("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
	if d.o.ASCII {
		frames = []rune(`|/-\`)
	}
	return string(frames[d.frame%len(frames)])
}

// bar shows a share of a whole.
func (d *Display) bar(done, total int64, width int) string {
	full, empty := "━", "─"
	if d.o.ASCII {
		full, empty = "=", "."
	}
	filled := int(float64(width) * share(done, total))
	return strings.Repeat(full, filled) + strings.Repeat(empty, width-filled)
}

func share(done, total int64) float64 {
	if total <= 0 {
		return 0
	}
	return min(max(float64(done)/float64(total), 0), 1)
}
