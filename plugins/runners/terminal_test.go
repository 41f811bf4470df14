package runners

import (
	"strings"
	"testing"
)

func TestKeys(t *testing.T) {
	tests := []struct {
		name, in, out string
		ends          bool
	}{
		{"plain", "ls -l\r", "ls -l\r", false},
		{"at the very beginning", "~.", "", true},
		{"after Return", "ls\r~.rest", "ls\r", true},
		{"after a line feed", "ls\n~.", "ls\n", true},
		{"inside a line", "ls ~.\r", "ls ~.\r", false},
		{"one tilde", "~~", "~", false},
		{"a tilde is no new beginning", "~~~.", "~~.", false},
		{"before another key", "cd\r~/x\r", "cd\r~/x\r", false},
		{"before Return", "~\r~.", "~\r", true},
		{"it waits", "\r~", "\r", false},
		{"control keys", "\x03\x1a\x04\x1b[200~~.", "\x03\x1a\x04\x1b[200~~.", false},
		{"UTF-8", "é\r~é", "é\r~é", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var all keys
			got, ends := all.filter(nil, []byte(tt.in))
			if string(got) != tt.out || ends != tt.ends {
				t.Errorf("got %q, %t, want %q, %t", got, ends, tt.out, tt.ends)
			}
			var single keys // keys come one by one, too
			got, ends = nil, false
			for _, c := range []byte(tt.in) {
				if got, ends = single.filter(got, []byte{c}); ends {
					break
				}
			}
			if string(got) != tt.out || ends != tt.ends {
				t.Errorf("one by one: %q, %t, want %q, %t", got, ends, tt.out, tt.ends)
			}
		})
	}
}

// FuzzKeys: nothing is lost but tildes at the beginning of a line, and the cut
// between reads means nothing.
func FuzzKeys(f *testing.F) {
	for _, s := range []string{"~.", "a\r~~~.", "\n~x~\r~", "~~\r~~.\n"} {
		f.Add(s, 1)
	}
	f.Fuzz(func(t *testing.T, s string, cut int) {
		var whole, parts keys
		a, endsA := whole.filter(nil, []byte(s))
		cut = min(max(cut, 0), len(s))
		b, endsB := parts.filter(nil, []byte(s[:cut]))
		if !endsB {
			b, endsB = parts.filter(b, []byte(s[cut:]))
		}
		if string(a) != string(b) || endsA != endsB {
			t.Errorf("%q cut at %d: %q %t and %q %t", s, cut, a, endsA, b, endsB)
		}
		if !endsA && strings.ReplaceAll(string(a), "~", "") != strings.ReplaceAll(s, "~", "") {
			t.Errorf("%q became %q", s, a)
		}
	})
}
