package iostreams_test

import (
	"strings"
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

func environment(pairs string) func(string) string {
	return func(name string) string {
		for _, pair := range strings.Fields(pairs) {
			if key, value, _ := strings.Cut(pair, "="); key == name {
				return value
			}
		}
		return ""
	}
}

func TestColorDecision(t *testing.T) {
	tests := []struct {
		mode     iostreams.ColorMode
		env      string
		out, err bool // terminals
		wantOut  bool
		wantErr  bool
	}{
		{iostreams.ColorAuto, "", true, true, true, true},
		{iostreams.ColorAuto, "", false, true, false, true},
		{iostreams.ColorAuto, "", true, false, true, false},
		{iostreams.ColorAuto, "TERM=dumb", true, true, false, false},
		{iostreams.ColorAuto, "NO_COLOR=1", true, true, false, false},
		{iostreams.ColorAuto, "NO_COLOR=", true, true, true, true},
		{iostreams.ColorAuto, "CLICOLOR_FORCE=1", false, false, true, true},
		{iostreams.ColorAuto, "CLICOLOR_FORCE=0", false, true, false, true},
		{iostreams.ColorAuto, "CLICOLOR_FORCE=1 TERM=dumb", false, false, true, true},
		{iostreams.ColorAuto, "CLICOLOR_FORCE=1 NO_COLOR=1", true, true, false, false},
		{iostreams.ColorAlways, "NO_COLOR=1 TERM=dumb", false, false, true, true},
		{iostreams.ColorNever, "CLICOLOR_FORCE=1", true, true, false, false},
	}
	for _, test := range tests {
		s, _, _, _ := iostreams.Test()
		s.SetColor(test.mode)
		s.SetTerminal(true, test.out, test.err)
		s.SetEnv(environment(test.env))
		if s.OutColor() != test.wantOut || s.ErrColor() != test.wantErr {
			t.Errorf("--color=%s, %q, terminals %t %t: colour %t %t, want %t %t", test.mode, test.env,
				test.out, test.err, s.OutColor(), s.ErrColor(), test.wantOut, test.wantErr)
		}
	}
}

func TestParseColorMode(t *testing.T) {
	for _, name := range iostreams.ColorModes() {
		if mode, err := iostreams.ParseColorMode(name); err != nil || mode.String() != name {
			t.Errorf("%s: %v, %v", name, mode, err)
		}
	}
	for _, name := range []string{"", "yes", "ALWAYS", "\x1b"} {
		_, err := iostreams.ParseColorMode(name)
		if err == nil {
			t.Errorf("%q is taken", name)
			continue
		}
		if coder, ok := err.(interface{ ExitCode() int }); !ok || coder.ExitCode() != 2 {
			t.Errorf("%q is no usage error: %v", name, err)
		}
		if strings.Contains(err.Error(), "\x1b") || !strings.Contains(err.Error(), "auto, always, never") {
			t.Errorf("%q: %q", name, err)
		}
	}
}

func TestPaint(t *testing.T) {
	s, _, _, _ := iostreams.Test()
	if got := s.PaintOut(iostreams.Red, "x"); got != "x" {
		t.Errorf("without colour: %q", got)
	}
	// The library refuses colour for the whole process under NO_COLOR; the
	// decision of the streams must win, since --color=always does.
	t.Setenv("NO_COLOR", "1")
	s.SetColor(iostreams.ColorAlways)
	for style, open := range map[iostreams.Style]string{
		iostreams.Red:                    "\x1b[31m",
		iostreams.Green:                  "\x1b[32m",
		iostreams.Yellow:                 "\x1b[33m",
		iostreams.Blue:                   "\x1b[34m",
		iostreams.Magenta:                "\x1b[35m",
		iostreams.Cyan:                   "\x1b[36m",
		iostreams.Bold:                   "\x1b[1m",
		iostreams.Dim:                    "\x1b[2m",
		iostreams.Underline:              "\x1b[4m",
		iostreams.Bold | iostreams.Red:   "\x1b[1;31m",
		iostreams.Bold | iostreams.Green: "\x1b[1;32m",
	} {
		for _, got := range []string{s.PaintOut(style, "x"), s.PaintErr(style, "x")} {
			if !strings.HasPrefix(got, open+"x\x1b[") || !strings.HasSuffix(got, "m") {
				t.Errorf("style %d: %q, want it to open with %q", style, got, open)
			}
		}
	}
	if got := s.PaintOut(iostreams.Plain, "x") + s.PaintOut(iostreams.Red, ""); got != "x" {
		t.Errorf("nothing to paint: %q", got)
	}
}

func TestWidth(t *testing.T) {
	s, _, _, _ := iostreams.Test()
	s.SetWidth(100)
	if got := s.Width(); got != 0 {
		t.Errorf("in a pipe: %d", got)
	}
	s.SetTerminal(false, true, false)
	for columns, want := range map[string]int{"": 100, "72": 72, "0": 100, "-3": 100, "wide": 100} {
		s.SetEnv(environment("COLUMNS=" + columns))
		if got := s.Width(); got != want {
			t.Errorf("COLUMNS=%s: %d, want %d", columns, got, want)
		}
	}
	s.SetTerminal(true, false, true)
	s.SetEnv(environment("COLUMNS=72"))
	if got := s.Width(); got != 0 {
		t.Errorf("COLUMNS in a pipe: %d", got)
	}
}
