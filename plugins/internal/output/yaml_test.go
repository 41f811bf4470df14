package output_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/fal-plugins/fal/plugins/internal/output"
)

func asYAML(t *testing.T, v any) string {
	t.Helper()
	s, out, _ := pipe()
	if err := output.Object(t.Context(), output.New(s, output.Options{Format: output.YAML}), v, nil); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestYAMLStrings(t *testing.T) {
	for s, want := range map[string]string{
		"checkout": "checkout", "GPU-H100": "GPU-H100", "two words": "two words", "us_east/1.2+x@y": "us_east/1.2+x@y",
		"": `""`, "yes": `"yes"`, "No": `"No"`, "ON": `"ON"`, "y": `"y"`, "null": `"null"`, "~": `"~"`, "true": `"true"`,
		".inf": `".inf"`, "NaN": `"NaN"`, "1": `"1"`, "1e3": `"1e3"`, "0x1f": `"0x1f"`, "017": `"017"`, "1_000": `"1_000"`,
		"12:30:45": `"12:30:45"`, "2026-01-02": `"2026-01-02"`, "-": `"-"`, "- x": `"- x"`, "? x": `"? x"`, "a: b": `"a: b"`,
		"a #b": `"a #b"`, " a": `" a"`, "a ": `"a "`, "a  b": `"a  b"`, "<<": `"<<"`, "=": `"="`, "---": `"---"`, "*a": `"*a"`,
		"a\tb": `"a\tb"`, "a\nb": `"a\nb"`, "\n": `"\n"`, "a\rb": `"a\rb"`, "\x1b\x00\x7f\u0085\ufeff\u2028": `"\u001b\u0000\u007f\u0085\ufeff\u2028"`,
		"é😀": `"é😀"`, `"\`: `"\"\\"`,
	} {
		if got := asYAML(t, []string{s}); got != "- "+want+"\n" {
			t.Errorf("%q: %s", s, got)
		}
		if got := asYAML(t, map[string]int{s: 1}); got != want+": 1\n" {
			t.Errorf("%q as key: %s", s, got)
		}
	}
}

func TestYAMLShapes(t *testing.T) {
	document := json.RawMessage(`{"z":[],"a":{},"list":[[1,[2]],{"k":{"n":null},"l":[{"x":1,"y":2}]},[],{}],"big":123456789012345678901234567890,"f":1.50,"e":1e21,"E":2E-7,"s":"x","t":true}`)
	want := `z: []
a: {}
list:
  - - 1
    - - 2
  - k:
      "n": null
    l:
      - x: 1
        "y": 2
  - []
  - {}
big: 123456789012345678901234567890
f: 1.50
e: 1.0e+21
E: 2.0e-7
s: x
t: true
`
	wantOutput(t, "yaml", asYAML(t, document), want)
	for text, want := range map[string]string{`"x"`: "x\n", "1": "1\n", "null": "null\n", "[]": "[]\n", "{}": "{}\n"} {
		wantOutput(t, text, asYAML(t, json.RawMessage(text)), want)
	}
}

// FuzzYAML writes strings and numbers in every place and reads them back with
// another implementation.
func FuzzYAML(f *testing.F) {
	for _, s := range []string{"", "a", "yes", "a: b", "\t", "a\r\nb", "\u2028", "\x1b[0m", "é😀", "' \"", "1:2", "0.1e1", "\\u0041"} {
		f.Add(s, 1.5)
	}
	f.Fuzz(func(t *testing.T, s string, n float64) {
		if math.IsNaN(n) || math.IsInf(n, 0) || strings.ContainsRune(s, 0) {
			return // the reader refuses NUL even when escaped
		}
		s = strings.ToValidUTF8(s, "")
		type record struct {
			Text string            `json:"text" yaml:"text"`
			List []string          `json:"list" yaml:"list"`
			Map  map[string]string `json:"map" yaml:"map"`
			N    float64           `json:"n" yaml:"n"`
		}
		want := record{s, []string{s, "x", s}, map[string]string{s: s}, n}
		text := asYAML(t, want)
		var got record
		if err := yaml.Unmarshal([]byte(text), &got); err != nil {
			t.Fatalf("%q: %v\n%s", s, err, text)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s\n%s", diff, text)
		}
	})
}
