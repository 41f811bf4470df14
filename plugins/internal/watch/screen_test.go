package watch

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

func TestScreenIsRedrawnWhenResized(t *testing.T) {
	streams, _, out, _ := iostreams.Test()
	streams.SetTerminal(true, true, true)
	streams.SetColor(iostreams.ColorNever)
	streams.SetWidth(100)
	rows := 10
	s := newScreen(&cli.Invocation{IO: streams, Printer: output.New(streams, output.Options{})}, time.Second, time.Now, thingView)
	s.height = func() int { return rows }
	list := []thing{{Name: "a", Size: "small", Text: strings.Repeat("t", 60)}, {Name: "b"}, {Name: "c"}}
	if err := s.show(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	redrawn := func() string {
		t.Helper()
		out.Reset()
		if err := s.resized(t.Context()); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	streams.SetWidth(60)
	if got := redrawn(); !strings.Contains(got, "SIZE") || strings.Contains(got, "TEXT") {
		t.Errorf("too wide for 60 columns: %q", got)
	}
	rows = 3
	if got := redrawn(); !strings.HasSuffix(got, "... 3 more lines"+eraseLine+endPicture) {
		t.Errorf("too high for 3 rows: %q", got)
	}
}

func TestPicture(t *testing.T) {
	erased := func(lines ...string) string { return strings.Join(lines, eraseLine+"\r\n") }
	tests := []struct {
		name          string
		lines         []string
		columns, rows int
		want          string
	}{
		{"unknown size", []string{"a", "b"}, 0, 0, erased("a", "b", eraseBelow)},
		{"room below", []string{"a", "b"}, 80, 3, erased("a", "b", eraseBelow)},
		{"exactly full", []string{"a", "b"}, 80, 2, erased("a", "b") + eraseLine},
		{"one too many", []string{"a", "b", "c"}, 80, 2, erased("a", "... 2 more lines") + eraseLine},
		{"one row", []string{"a", "b"}, 80, 1, "... 2 more lines" + eraseLine},
		{"a long line takes two rows", []string{"abcdefghijklmnopqrstuvwxyz", "b", "c"}, 20, 3, erased("abcdefghijklmnopqrstuvwxyz", "... 2 more lines") + eraseLine},
		{"a narrow terminal", []string{"a", "b", "c"}, 4, 2, "a" + eraseLine + "\r\n... "},
		{"a full row is not erased behind", []string{"abcd", "b"}, 4, 9, "abcd\r\n" + erased("b", eraseBelow)},
		{"wide characters", []string{"日本", "b"}, 4, 9, "日本\r\n" + erased("b", eraseBelow)},
		{"colour takes no room", []string{"\x1b[31mabc\x1b[0m"}, 4, 2, erased("\x1b[31mabc\x1b[0m", eraseBelow)},
		{"nothing", []string{""}, 4, 2, erased("", eraseBelow)},
	}
	for _, tt := range tests {
		if got, want := picture(slices.Clone(tt.lines), tt.columns, tt.rows), beginPicture+tt.want+endPicture; got != want {
			t.Errorf("%s: %q, want %q", tt.name, got, want)
		}
	}
}
