package suggest

import (
	"strings"
	"testing"
)

func TestForeign(t *testing.T) {
	for _, tt := range [][3]string{
		{"", "logs", "apps logs, runners logs"}, {"", "ps", "runners list"}, {"apps", "exec", "runners exec"}, {"apps", "restart", "apps rollout"},
		{"secrets", "create", "secrets set"}, {"runners", "delete", "runners stop"}, {"", "nonsense", ""}, {"keys", "logs", ""}, {"", "", ""},
	} {
		if got := strings.Join(Foreign(tt[0], tt[1]), ", "); got != tt[2] {
			t.Errorf("%s %s: %q, want %q", tt[0], tt[1], got, tt[2])
		}
	}
	seen := map[[3]string]bool{}
	for _, f := range foreign() {
		if seen[f] {
			t.Errorf("%q is there twice", f)
		}
		seen[f] = true
	}
}
