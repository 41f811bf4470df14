package suggest

import "testing"

func TestNearest(t *testing.T) {
	words := []string{"runners", "apps", "keys", "secrets", "secure", "deploy"}
	for in, want := range map[string]string{
		"runnrs": "runners", "runner": "runners", "ap": "apps", "key": "keys", "secrts": "secrets",
		"xyz": "", "deplyo": "deploy", "RUNNERS": "runners", "k": "", "": "", "sec": "", "secr": "secrets", "dpeloy": "deploy",
	} {
		if got := Nearest(in, words); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		word, name string
		far        int
		near       bool
	}{
		{"runners", "runners", 0, true}, {"rnuners", "runners", 1, true}, {"ab", "cd", 2, false},
		{"abcd", "abxy", 2, false}, {"abcde", "abxye", 2, true}, {"ru", "runners", asPrefix, true},
	} {
		if far, near := Distance(tt.word, tt.name); far != tt.far || near != tt.near {
			t.Errorf("Distance(%q, %q) = %d, %v", tt.word, tt.name, far, near)
		}
	}
}
