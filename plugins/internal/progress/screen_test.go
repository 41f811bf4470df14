package progress

import (
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/mattn/go-runewidth"
)

// screen is a terminal that understands what a Display tells it, and fails the
// test for anything else.
type screen struct {
	t *testing.T

	mu            sync.Mutex
	columns, rows int
	lines         [][]rune
	row, column   int
}

func newScreen(t *testing.T, columns, rows int) *screen {
	return &screen{t: t, columns: columns, rows: rows, lines: make([][]rune, 1)}
}

func (s *screen) size() (int, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.columns, s.rows
}

// narrow folds the lines as terminals do that keep what they show.
func (s *screen) narrow(columns int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var folded [][]rune
	for i, line := range s.lines {
		for len(line) > columns {
			folded, line = append(folded, line[:columns:columns]), line[columns:]
		}
		if i == s.row {
			s.column = len(line)
		}
		folded = append(folded, line)
	}
	s.columns, s.lines, s.row = columns, folded, len(folded)-1
}

// clip cuts the lines off as terminals do that do not fold them.
func (s *screen) clip(columns int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, line := range s.lines {
		s.lines[i] = line[:min(len(line), columns)]
	}
	s.columns, s.column = columns, min(s.column, columns-1)
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := string(p)
	for text != "" {
		if rest, ok := strings.CutPrefix(text, "\x1b["); ok {
			end := strings.IndexFunc(rest, func(r rune) bool { return r >= '@' && r <= '~' })
			s.control(rest[:end], rest[end])
			text = rest[end+1:]
			continue
		}
		r := []rune(text)[0]
		text = text[len(string(r)):]
		switch r {
		case '\r':
			s.column = 0
		case '\n': // the terminal's driver adds the return
			s.row, s.column = s.row+1, 0
			if s.row == len(s.lines) {
				s.lines = append(s.lines, nil)
			}
		default:
			if r < ' ' {
				s.t.Errorf("control character %q", r)
			}
			s.put(r)
		}
	}
	return len(p), nil
}

func (s *screen) put(r rune) {
	if s.columns > 0 && s.column+runewidth.RuneWidth(r) > s.columns {
		s.t.Errorf("a line is wider than %d columns: %q", s.columns, string(s.lines[s.row]))
	}
	line := s.lines[s.row]
	for len(line) <= s.column {
		line = append(line, ' ')
	}
	line[s.column] = r
	s.lines[s.row], s.column = line, s.column+1
}

func (s *screen) control(parameters string, final byte) {
	switch {
	case final == 'm', parameters == "?2026" && (final == 'h' || final == 'l'):
	case final == 'A':
		n, err := strconv.Atoi(parameters)
		if err != nil || n > s.row {
			s.t.Errorf("%s rows up from row %d", parameters, s.row)
			n = s.row
		}
		s.row -= n
	case final == 'C' && parameters == "":
		s.column = min(s.column+1, s.columns-1)
	case final == 'K' && parameters == "":
		s.lines[s.row] = s.lines[s.row][:min(s.column, len(s.lines[s.row]))]
	case final == 'J' && parameters == "":
		if s.row == 0 && s.column == 0 {
			s.t.Error("all of the screen is erased at once, which some terminals keep")
		}
		s.lines = s.lines[:s.row+1]
		s.lines[s.row] = s.lines[s.row][:min(s.column, len(s.lines[s.row]))]
	default:
		s.t.Errorf("control sequence %q%c", parameters, final)
	}
}

// shown is the text that stands there.
func (s *screen) shown() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for _, l := range s.lines {
		lines = append(lines, strings.TrimRight(string(l), " "))
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}
