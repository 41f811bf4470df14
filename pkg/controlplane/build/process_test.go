package build

import (
	"strings"
	"testing"

	"github.com/fal-plugins/fal/pkg/controlplane/runtime"
)

func TestReasonOfAnExit(t *testing.T) {
	for tail, want := range map[string]string{
		"Looking in indexes: x\nERROR: Could not find a version\nERROR: No matching distribution found for lib\n[notice] a new pip": "No matching distribution found for lib",
		"error: Failed to fetch": "Failed to fetch",
		"error: No solution found\n  cause: Because there is no version of six==0.1":                                                                                           "No solution found: Because there is no version of six==0.1",
		"  × No solution found when resolving dependencies:\n  ╰─▶ Because lib was not found in the registry and you require\n      lib, your requirements are unsatisfiable.": "Because lib was not found in the registry and you require lib, your requirements are unsatisfiable.",
		"the error:\nsomething": "exit code 2: the error:\nsomething",
		"error: ":               "exit code 2: error: ",
	} {
		e := &exitError{status: runtime.ExitStatus{Code: 2}, tail: strings.Split(tail, "\n")}
		if got := e.reason(); got != want {
			t.Errorf("%q: %q, want %q", tail, got, want)
		}
	}
}
