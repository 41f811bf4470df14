package output_test

import (
	"strings"
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

type app struct{ name, state, machine, age string }

func appsView() output.View[app] {
	return output.View[app]{
		Key:  "apps",
		Name: func(a app) string { return a.name },
		Columns: []output.Column[app]{
			{Header: "APP", Text: func(a app) string { return a.name }},
			{Header: "STATE", Rank: 1, Text: func(a app) string { return a.state }},
			{Header: "MACHINE", Rank: 2, Text: func(a app) string { return a.machine }},
			{Header: "AGE", Rank: 3, Right: true, Text: func(a app) string { return a.age }},
		},
	}
}

// One long name takes its own line, and no column from the others.
func TestOneLongCell(t *testing.T) {
	name := strings.Repeat("n", 95)
	checkout, search, long := app{"checkout", "idle", "GPU-H100", "3m"}, app{"search", "rolling", "S", "12m"}, app{name, "idle", "S", "1m"}
	odd := app{"odd", "idle", strings.Repeat("m", 60), "1m"}
	for _, tt := range []struct {
		what  string
		width int
		rows  []app
		want  string
	}{
		{"among others", 100, []app{checkout, long, search}, `
APP       STATE    MACHINE   AGE
checkout  idle     GPU-H100   3m
` + name + `  idle  S  1m
search    rolling  S         12m
`},
		{"by itself", 100, []app{long}, `
APP  STATE  MACHINE  AGE
` + name + `  idle  S  1m
`},
		{"where it fits", 130, []app{checkout, long}, `
APP       ` + strings.Repeat(" ", 85) + `  STATE  MACHINE   AGE
checkout  ` + strings.Repeat(" ", 85) + `  idle   GPU-H100   3m
` + name + `  idle   S          1m
`},
		{"what is there to be done without", 70, []app{checkout, odd}, `
APP       STATE  MACHINE   AGE
checkout  idle   GPU-H100   3m
odd       idle   ` + odd.machine + `  1m
`},
		{"all of them", 100, []app{long, long}, `
APP
` + name + `
` + name + `
`},
		{"and a terminal too narrow for the others", 20, []app{checkout, long, search}, `
APP       STATE
checkout  idle
` + name + `  idle
search    rolling
`},
	} {
		s, out, _ := terminal(tt.width)
		if err := output.List(t.Context(), output.New(s, output.Options{}), appsView(), tt.rows); err != nil {
			t.Fatal(err)
		}
		if got := "\n" + out.String(); got != tt.want {
			t.Errorf("%s: got%swant%s", tt.what, got, tt.want)
		}
	}
}

// What is known before the first line is laid out with it.
func TestMeasuredStreamIsAligned(t *testing.T) {
	rows := []app{{"a", "idle", "S", "1m"}, {"checkout", "rolling", "GPU-H100", "12m"}}
	s, _, out, _ := iostreams.Test()
	stream := output.NewStream(output.New(s, output.Options{Format: output.Pretty, Explicit: true}), appsView(), nil)
	stream.Measure(rows)
	for _, row := range rows {
		if err := stream.Write(t.Context(), row); err != nil {
			t.Fatal(err)
		}
	}
	want := `
APP       STATE    MACHINE   AGE
a         idle     S          1m
checkout  rolling  GPU-H100  12m
`
	if got := "\n" + out.String(); got != want {
		t.Errorf("got%swant%s", got, want)
	}
}

func TestRecordsWithoutAName(t *testing.T) {
	s, _, out, _ := iostreams.Test()
	if err := output.List(t.Context(), output.New(s, output.Options{Format: output.Name}), appsView(), []app{{name: "a"}, {}, {name: "b"}}); err != nil {
		t.Fatal(err)
	}
	if out.String() != "a\nb\n" {
		t.Errorf("%q", out)
	}
}
