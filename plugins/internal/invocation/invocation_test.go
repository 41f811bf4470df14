package invocation_test

import (
	"strings"
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/invocation"
)

func TestTyped(t *testing.T) {
	name, value, _ := strings.Cut(invocation.Setting(42, "fal-runners", "fal runner"), "=")
	if name != invocation.Variable {
		t.Fatalf("the variable is %q", name)
	}
	tests := []struct {
		name, value, program string
		pid, parent          int
		want                 string
	}{
		{"the same process", value, "fal-runners", 42, 1, "fal runner"},
		{"a child", value, "fal-runners", 43, 42, "fal runner"},
		{"another program", value, "fal-apps", 42, 1, ""},
		{"another process", value, "fal-runners", 44, 43, ""},
		{"empty", "", "fal-runners", 42, 1, ""},
		{"no form", "42 fal-runners", "fal-runners", 42, 1, ""},
		{"empty form", "42 fal-runners ", "fal-runners", 42, 1, ""},
		{"no process", "x fal-runners fal runners", "fal-runners", 42, 1, ""},
		{"only a number", "42", "", 42, 1, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, ok := invocation.Typed(test.value, test.program, test.pid, test.parent)
			if got != test.want || ok != (test.want != "") {
				t.Errorf("got %q, %t, want %q", got, ok, test.want)
			}
		})
	}
}

func FuzzTyped(f *testing.F) {
	f.Add("42 fal-x fal x", "fal-x")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, value, program string) {
		form, ok := invocation.Typed(value, program, 42, 1)
		if ok != (form != "") {
			t.Fatalf("%q gives %q, %t", value, form, ok)
		}
		if ok && !strings.HasSuffix(value, program+" "+form) {
			t.Fatalf("%q gives %q", value, form)
		}
	})
}
