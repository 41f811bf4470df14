package output_test

import (
	"strings"
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/output"
)

// wantUsage checks that err is a usage error that says text and hints at hint.
func wantUsage(t *testing.T, err error, text, hint string) {
	t.Helper()
	e, ok := err.(interface {
		ExitCode() int
		Hints() []string
	})
	if !ok || e.ExitCode() != 2 {
		t.Errorf("no usage error: %v", err)
		return
	}
	if !strings.Contains(err.Error(), text) {
		t.Errorf("%q does not say %q", err, text)
	}
	if got := strings.Join(e.Hints(), "\n"); !strings.Contains(got, hint) || hint == "" && got != "" {
		t.Errorf("hints %q, want %q", got, hint)
	}
}

func TestParseFormat(t *testing.T) {
	for _, format := range output.Formats() {
		if got, err := output.ParseFormat(strings.ToUpper(string(format))); err != nil || got != format {
			t.Errorf("%s: %s, %v", format, got, err)
		}
	}
	for word, near := range map[string]string{"jsno": "json", "yml": "yaml", "tabel": "", "": "", "jsonl ": "jsonl", "\x1b": ""} {
		_, err := output.ParseFormat(word)
		hint := ""
		if near != "" {
			hint = "did you mean " + near + "?"
		}
		wantUsage(t, err, "pretty, wide, json, jsonl, yaml, tsv, csv, name", hint)
		if err != nil && strings.Contains(err.Error(), "\x1b") {
			t.Errorf("raw: %q", err)
		}
	}
}

func TestChosenFormat(t *testing.T) {
	identity := filterFunc(nil)
	tests := []struct {
		terminal bool
		options  output.Options
		want     output.Format
	}{
		{true, output.Options{}, output.Pretty},
		{false, output.Options{}, output.JSON},
		{true, output.Options{Filter: identity}, output.JSON},
		{true, output.Options{Format: output.YAML}, output.YAML},
		{true, output.Options{Format: output.Pretty, Filter: identity}, output.JSON},
		{true, output.Options{Format: output.JSONL, Filter: identity}, output.JSONL},
		{true, output.Options{Format: output.CSV, Filter: identity, Explicit: true}, output.CSV},
	}
	for _, test := range tests {
		s, _, _ := pipe()
		s.SetTerminal(false, test.terminal, false)
		if got := output.New(s, test.options).Format(); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}

func TestFilterWantsJSON(t *testing.T) {
	for _, format := range output.Formats() {
		err := output.CheckFilter(format, true)
		if format.IsJSON() {
			if err != nil {
				t.Errorf("%s: %v", format, err)
			}
			continue
		}
		wantUsage(t, err, "output format "+string(format), "jsonl")
		if err := output.CheckFilter(format, false); err != nil {
			t.Errorf("%s, not explicit: %v", format, err)
		}
		s, out, _ := pipe()
		p := output.New(s, output.Options{Format: format, Explicit: true, Filter: filterFunc(nil)})
		wantUsage(t, output.List(t.Context(), p, runnersView(), sampleRunners()), "--jq", "jsonl")
		wantUsage(t, output.Object(t.Context(), p, sampleRunners()[0], nil), "--jq", "jsonl")
		wantUsage(t, output.NewStream(p, runnersView(), nil).Write(t.Context(), sampleRunners()[0]), "--jq", "jsonl")
		if out.Len() > 0 {
			t.Errorf("%s: printed %q", format, out)
		}
	}
}

func TestParseSort(t *testing.T) {
	rows := []runner{
		{ID: "a", App: "z", Uptime: 2}, {ID: "b", App: "y", Uptime: 1}, {ID: "c", App: "x", Uptime: 2},
		{ID: "d", App: "x", Uptime: 1}, {ID: "e", App: "x", Uptime: 1},
	}
	for key, want := range map[string]string{
		"": "cdeba", "age": "debca", "age:asc": "debca", "age:desc": "cadeb", "AGE:desc": "cadeb", "state:desc": "cdeba",
	} {
		v := runnersView()
		compare, err := output.ParseSort(v, key)
		if err != nil {
			t.Fatal(err)
		}
		v.Compare = compare
		s, out, _ := pipe()
		if err := output.List(t.Context(), output.New(s, output.Options{Format: output.Name}), v, append([]runner(nil), rows...)); err != nil {
			t.Fatal(err)
		}
		if got := strings.ReplaceAll(out.String(), "\n", ""); got != want {
			t.Errorf("%q: %s, want %s", key, got, want)
		}
	}
	_, err := output.ParseSort(runnersView(), "stat")
	wantUsage(t, err, `unknown sort key "stat": use age, state`, "did you mean state?")
	_, err = output.ParseSort(runnersView(), "age:down")
	wantUsage(t, err, `unknown sort direction "down"`, "")
}
