package suggest

import "testing"

func TestForeign(t *testing.T) {
	for _, tt := range [][3]string{
		{"", "logs", "runners logs"}, {"", "ps", "runners list"}, {"apps", "exec", "runners exec"}, {"apps", "restart", "apps rollout"},
		{"secrets", "create", "secrets set"}, {"runners", "delete", "runners stop"}, {"", "nonsense", ""}, {"keys", "logs", ""}, {"", "", ""},
	} {
		if got := Foreign(tt[0], tt[1]); got != tt[2] {
			t.Errorf("%s %s: %q, want %q", tt[0], tt[1], got, tt[2])
		}
	}
	seen := map[[2]string]bool{}
	for _, f := range foreign() {
		if at := [2]string{f[0], f[1]}; seen[at] {
			t.Errorf("%q is there twice", at)
		} else {
			seen[at] = true
		}
	}
}
