package suggest_test

import (
	"strings"
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/suggest"
)

func TestAlike(t *testing.T) {
	for _, tt := range []struct{ word, names, want string }{
		{"rm", "list delete", "delete"}, {"remove", "list delete", "delete"}, {"del", "list delete", "delete"}, {"rm", "list revoke", ""},
		{"ls", "status list", "list"}, {"ls", "start status", "status"},
		{"get", "list describe", "describe"}, {"show", "list describe status", "describe"}, {"get", "set show list", "show"}, {"get", "list set", "list"},
		{"new", "create", "create"}, {"delete", "rm", ""}, {"nonsense", "list", ""}, {"", "list", ""}, {"rm", "", ""},
	} {
		if got := suggest.Alike(tt.word, strings.Fields(tt.names)); got != tt.want {
			t.Errorf("%s of %s: %q, want %q", tt.word, tt.names, got, tt.want)
		}
	}
}
