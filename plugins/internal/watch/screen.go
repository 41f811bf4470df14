package watch

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

// What the terminal is told. The screen is drawn beside what was there before,
// which comes back at the end; a terminal that knows synchronised updates shows
// a picture as a whole, and any other has it overwritten, never cleared first.
const (
	enterScreen   = "\x1b[?1049h\x1b[?25l"
	leaveScreen   = "\x1b[?25h\x1b[?1049l"
	beginPicture  = "\x1b[?2026h\x1b[H"
	endPicture    = "\x1b[?2026l"
	eraseLine     = "\x1b[K"
	eraseBelow    = "\x1b[J"
	beginOfStyle  = "\x1b["
	endOfStyle    = 'm'
	secondsOfTime = "15:04:05"
)

// onScreen reports whether a watch redraws. Where requests are shown in
// between (--debug), and on a terminal that cannot do it, it prints lines.
func onScreen(inv *cli.Invocation) bool {
	table := inv.Format == output.Pretty || inv.Format == output.Wide
	return table && inv.IO.OutTerminal() && inv.Getenv("TERM") != "dumb" && !(inv.Debug && inv.IO.ErrTerminal())
}

// screen shows the list as it is now, as much of it as fits.
type screen[T any] struct {
	inv      *cli.Invocation
	interval time.Duration
	now      func() time.Time
	view     func(rows []T) output.View[T]
	height   func() int // of the terminal in rows; 0 if it does not tell
	entered  bool

	list    []T
	listed  time.Time
	trouble string
}

func newScreen[T any](inv *cli.Invocation, interval time.Duration, now func() time.Time, view func(rows []T) output.View[T]) *screen[T] {
	height := func() int {
		size, _ := inv.IO.TerminalSize()
		return size.Rows
	}
	return &screen[T]{inv: inv, interval: interval, now: now, view: view, height: height}
}

// watchSize tells when the terminal has another size.
func watchSize(streams *iostreams.Streams) func(context.Context, func()) {
	return func(ctx context.Context, changed func()) {
		now, _ := streams.TerminalSize()
		streams.WatchSize(ctx, now, func(iostreams.TerminalSize) { changed() })
	}
}

func (s *screen[T]) show(ctx context.Context, rows []T) error {
	s.list, s.listed = rows, s.now()
	return s.draw(ctx)
}

func (s *screen[T]) away(ctx context.Context, err error) error {
	s.trouble = iostreams.SanitizeLine(err.Error())
	if !s.inv.IO.ErrTerminal() {
		if _, err := fmt.Fprintf(s.inv.IO.Err, "notice: %s; trying again every %s\n", s.trouble, s.interval); err != nil {
			return err
		}
	}
	return s.draw(ctx)
}

func (s *screen[T]) back() error {
	s.trouble = ""
	return nil
}

func (s *screen[T]) resized(ctx context.Context) error { return s.draw(ctx) }

func (s *screen[T]) close() error {
	if !s.entered {
		return nil
	}
	s.entered = false
	return s.write(leaveScreen)
}

func (s *screen[T]) write(text string) error {
	if _, err := s.inv.IO.Out.Write([]byte(text)); err != nil {
		return err
	}
	return s.inv.IO.Flush()
}

func (s *screen[T]) draw(ctx context.Context) error {
	table, note, err := s.table(ctx)
	if err != nil {
		return err
	}
	lines := []string{s.inv.IO.PaintOut(iostreams.Dim, fmt.Sprintf("%s, every %s: %s", s.listed.Format(secondsOfTime), s.interval, note))}
	if s.trouble != "" {
		lines = append(lines, s.inv.IO.PaintOut(iostreams.Red, s.trouble+"; trying again"))
	}
	lines = append(lines, table...)
	text := picture(lines, s.inv.IO.Width(), s.height())
	if !s.entered {
		s.entered = true
		text = enterScreen + text
	}
	return s.write(text)
}

// table renders the list as it is printed without --watch: its lines, and what
// is said about it on stderr.
func (s *screen[T]) table(ctx context.Context) (lines []string, note string, err error) {
	streams := s.inv.IO
	var out, errout bytes.Buffer
	realOut, realErr := streams.Out, streams.Err
	streams.Out, streams.Err = &out, &errout
	defer func() { streams.Out, streams.Err = realOut, realErr }()
	if err := output.List(ctx, s.inv.Printer, s.view(s.list), s.list); err != nil {
		return nil, "", err
	}
	if out.Len() > 0 {
		lines = strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	}
	return lines, strings.TrimSpace(errout.String()), nil
}

// picture draws lines from the top of a terminal on, each with as many rows as
// it needs, and says in the last row how many did not fit. 0 columns or rows
// are no limit.
func picture(lines []string, columns, rows int) string {
	height := func(line string) int {
		if columns <= 0 {
			return 1
		}
		return max(1, (shownWidth(line)+columns-1)/columns)
	}
	total := 0
	for _, line := range lines {
		total += height(line)
	}
	if rows > 0 && total > rows {
		used, fit := 0, 0
		for fit < len(lines) && used+height(lines[fit]) < rows { // one row is for what is said
			used += height(lines[fit])
			fit++
		}
		more := fmt.Sprintf("... %d more lines", len(lines)-fit)
		if columns > 0 {
			more = more[:min(len(more), columns)]
		}
		lines, total = append(lines[:fit:fit], more), used+1
	}
	var b strings.Builder
	b.WriteString(beginPicture)
	for i, line := range lines {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(line)
		if width := shownWidth(line); columns <= 0 || width == 0 || width%columns != 0 {
			b.WriteString(eraseLine) // behind a full row it would take the last character
		}
	}
	if rows <= 0 || total < rows {
		b.WriteString("\r\n" + eraseBelow)
	}
	b.WriteString(endPicture)
	return b.String()
}

// shownWidth is the number of columns of a line that may be painted.
func shownWidth(line string) int {
	measure := runewidth.Condition{StrictEmojiNeutral: true} // as tables are laid out
	width := 0
	for line != "" {
		text, rest, painted := strings.Cut(line, beginOfStyle)
		width += measure.StringWidth(text)
		if !painted {
			break
		}
		_, line, _ = strings.Cut(rest, string(endOfStyle))
	}
	return width
}
