package suggest_test

import (
	"slices"
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/suggest"
)

func TestNear(t *testing.T) {
	names := []string{"checkouts", "search", "checkout", "checkin", "check-5", "checkout-eu"}
	for word, want := range map[string][]string{
		"chekout": {"checkout", "checkouts"}, "check": {"checkin", "check-5", "checkouts"}, "serach": {"search"}, "nothing": nil, "c": nil,
	} {
		if got := suggest.Near(word, names); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", word, got, want)
		}
	}
}
