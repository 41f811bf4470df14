package iostreams

import (
	"strconv"
	"strings"

	"github.com/fatih/color"
)

// ColorMode is the value of --color.
type ColorMode uint8

const (
	ColorAuto   ColorMode = iota // colour on a terminal, as the environment says
	ColorAlways                  // colour in pipes too
	ColorNever
)

// String is the value as --color takes it.
func (m ColorMode) String() string {
	switch m {
	case ColorAlways:
		return "always"
	case ColorNever:
		return "never"
	default:
		return "auto"
	}
}

// ColorModes are the values of --color.
func ColorModes() []string { return []string{"auto", "always", "never"} }

// ParseColorMode reads a value of --color: auto, always or never. Its error is
// a usage error (exit code 2) that names them.
func ParseColorMode(s string) (ColorMode, error) {
	switch s {
	case "auto":
		return ColorAuto, nil
	case "always":
		return ColorAlways, nil
	case "never":
		return ColorNever, nil
	}
	return ColorAuto, colorModeError(s)
}

type colorModeError string

func (e colorModeError) Error() string {
	return "unknown colour mode " + strconv.Quote(string(e)) + ": use " + strings.Join(ColorModes(), ", ")
}

func (colorModeError) ExitCode() int   { return 2 }
func (colorModeError) Hints() []string { return nil }

// SetColor decides on colour: --color wins over the environment, NO_COLOR over
// CLICOLOR_FORCE, and both over TERM=dumb and what the streams are.
func (s *Streams) SetColor(mode ColorMode) {
	s.mode = mode
	s.decideColor()
}

// OutColor reports whether Out is coloured.
func (s *Streams) OutColor() bool { return s.outColor }

// ErrColor reports whether Err is coloured.
func (s *Streams) ErrColor() bool { return s.errColor }

func (s *Streams) decideColor() {
	decide := func(terminal bool) bool {
		switch {
		case s.mode != ColorAuto:
			return s.mode == ColorAlways
		case s.getenv("NO_COLOR") != "":
			return false
		case s.getenv("CLICOLOR_FORCE") != "" && s.getenv("CLICOLOR_FORCE") != "0":
			return true
		default:
			return terminal && s.getenv("TERM") != "dumb"
		}
	}
	s.outColor, s.errColor = decide(s.outTerminal), decide(s.errTerminal)
}

// Style is how a piece of text looks when its stream is coloured: at most one
// colour, together with any of Bold, Dim and Underline (Bold|Red).
type Style uint8

const (
	Plain Style = iota
	Red
	Green
	Yellow
	Blue
	Magenta
	Cyan
)

const (
	Bold Style = 1 << (iota + 4)
	Dim
	Underline
)

const colorMask Style = 1<<4 - 1

// PaintOut returns text in style if Out is coloured, and as it is otherwise.
// The text is not sanitized.
func (s *Streams) PaintOut(style Style, text string) string {
	return paint(s.outColor, style, text)
}

// PaintErr is PaintOut for Err.
func (s *Streams) PaintErr(style Style, text string) string {
	return paint(s.errColor, style, text)
}

func paint(enabled bool, style Style, text string) string {
	if !enabled || style == Plain || text == "" {
		return text
	}
	c := color.New(style.attributes()...)
	// The library's own decision is for the process; ours is for the stream.
	c.EnableColor()
	return c.Sprint(text)
}

func (style Style) attributes() []color.Attribute {
	var attributes []color.Attribute
	if style&Bold != 0 {
		attributes = append(attributes, color.Bold)
	}
	if style&Dim != 0 {
		attributes = append(attributes, color.Faint)
	}
	if style&Underline != 0 {
		attributes = append(attributes, color.Underline)
	}
	switch style & colorMask {
	case Red:
		attributes = append(attributes, color.FgRed)
	case Green:
		attributes = append(attributes, color.FgGreen)
	case Yellow:
		attributes = append(attributes, color.FgYellow)
	case Blue:
		attributes = append(attributes, color.FgBlue)
	case Magenta:
		attributes = append(attributes, color.FgMagenta)
	case Cyan:
		attributes = append(attributes, color.FgCyan)
	}
	return attributes
}
