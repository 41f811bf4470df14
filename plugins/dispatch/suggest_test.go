//go:build unix

package dispatch_test

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestSuggest(t *testing.T) {
	tests := []struct {
		typed string
		want  string
	}{
		{"runnrs", "fal runners"},
		{"rnuners", "fal runners"},
		{"runnersss", "fal runners"},
		{"runnersxyz", ""},
		{"runne", "fal runners"},
		{"run", "fal runners"},
		{"machin", "fal runners"},
		{"aps", "fal apps"},
		{"pasp", ""},
		{"aspp", "fal apps"},
		{"apsp", "fal apps"},
		{"kye", "fal keys (fal-keys)"},
		{"plugn", "fal plugin"},
		{"vesrion", "fal version"},
		{"helm", "fal help"},
		{"deply", "fal deploy (fal-deploy)"},
		{"cost", "fal costs"},
		{"login", "fal auth login (fal-auth)"},
		{"logout", "fal auth logout (fal-auth)"},
		{"whoami", "fal auth whoami (fal-auth)"},
		{"whoam", ""},
		{"mytool", "fal my-tool"},
		{"my-tol", "fal my-tool"},
		{"my_tool_x", ""},
		{"my tol", "fal my tool, fal my-tool"},
		{"brokn", ""},
		{"x", ""},
		{"", ""},
		{"\x1b[31m", ""},
		{"ap", "fal apps"},
		{"queu", ""},
		{"logs", "fal apps logs, fal runners logs"},
		{"log", "fal apps logs, fal runners logs"},
		{"rm", "fal apps delete"},
		{"remove", "fal apps delete"},
		{"del", "fal apps delete"},
		{"show", "fal apps describe, fal runners describe"},
		{"ps", "fal runners list"},
		{"restart", "fal apps rollout"},
		{"up", "fal deploy (fal-deploy)"},
		{"top", "fal runners gpus"},
	}
	root := realTempDir(t)
	for _, file := range []string{"a/fal-runners", "b/fal-costs", "b/fal-my-tool", "a/fal-apps", "b/fal-a b", "b/other"} {
		write(t, filepath.Join(root, file), "")
	}
	write(t, filepath.Join(root, "b", "fal-broken"), "", 0o644)
	d := dispatcher(t, root, "a", "b")
	for _, test := range tests {
		t.Run(test.typed, func(t *testing.T) {
			var got []string
			for _, suggestion := range d.Suggest(t.Context(), strings.Split(test.typed, " ")) {
				text := suggestion.Command
				if suggestion.Package != "" {
					text += " (" + suggestion.Package + ")"
				}
				got = append(got, text)
			}
			if got := strings.Join(got, ", "); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestSuggestCommandsThatRun(t *testing.T) {
	root := realTempDir(t)
	for _, file := range []string{"a/fal-aaab", "a/fal-aaac", "a/fal-aaad", "a/fal-aaae", "a/fal-aaaa-b"} {
		write(t, filepath.Join(root, file), "")
	}
	d := dispatcher(t, root, "a")
	suggestions := d.Suggest(t.Context(), []string{"aaaa", "c"})
	if len(suggestions) != 3 {
		t.Errorf("got %d suggestions: %v", len(suggestions), suggestions)
	}
	for _, suggestion := range suggestions {
		words := strings.Fields(suggestion.Command)[1:]
		if _, err := d.Lookup(words); err != nil {
			t.Errorf("%s: %v", suggestion.Command, err)
		}
	}
}
