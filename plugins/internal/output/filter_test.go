package output_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fal-plugins/fal/plugins/internal/output"
)

// filterFunc is a filter made of a function; nil gives back what it gets.
type filterFunc func(v any, emit func(any) error) error

func (f filterFunc) Run(ctx context.Context, v any, emit func(any) error) error {
	if f == nil {
		return emit(v)
	}
	return f(v, emit)
}

func TestFilterGetsPlainValues(t *testing.T) {
	type record struct {
		Big    uint64          `json:"big"`
		Small  int64           `json:"small"`
		Raw    json.RawMessage `json:"raw"`
		Text   string          `json:"text"`
		Yes    bool            `json:"yes"`
		Nested []*record       `json:"nested"`
	}
	rows := []record{{
		Big: math.MaxUint64, Small: math.MinInt64, Text: "<\x1b\u2028\">", Yes: true,
		Raw:    json.RawMessage(`{"f":1.0,"e":1e3,"z":-0,"long":12345678901234567890123,"empty":{},"list":[],"esc\"aped":"\ud83d\ude00","n":null}`),
		Nested: []*record{nil},
	}}
	want := map[string]any{"records": []any{map[string]any{
		"big": json.Number("18446744073709551615"), "small": math.MinInt64, "text": "<\x1b\u2028\">", "yes": true,
		"raw": map[string]any{
			"f": json.Number("1.0"), "e": json.Number("1e3"), "z": json.Number("-0"), "long": json.Number("12345678901234567890123"),
			"empty": map[string]any{}, "list": []any{}, `esc"aped`: "😀", "n": nil,
		},
		"nested": []any{nil},
	}}}
	var got any
	s, _, _ := pipe()
	p := output.New(s, output.Options{Filter: filterFunc(func(v any, _ func(any) error) error { got = v; return nil })})
	if err := output.List(t.Context(), p, output.View[record]{Key: "records"}, rows); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestFilterResults(t *testing.T) {
	results := []any{
		"raw <\"é\">\nline", "", nil, true, 1, 0.1, 1e21, math.NaN(), math.Inf(-1), json.Number("1.00"),
		new(big.Int).Lsh(big.NewInt(1), 70), []any{}, map[string]any{}, map[string]any{"b": []any{"x", nil}, "a": "<&>\u2028\x7f"},
	}
	filter := filterFunc(func(_ any, emit func(any) error) error {
		for _, v := range results {
			if err := emit(v); err != nil {
				return err
			}
		}
		return nil
	})
	s, out, _ := pipe()
	if err := output.Object(t.Context(), output.New(s, output.Options{Filter: filter}), 1, nil); err != nil {
		t.Fatal(err)
	}
	head := "raw <\"é\">\nline\n\nnull\ntrue\n1\n0.1\n1e+21\nnull\n-1.7976931348623157e+308\n1.00\n1180591620717411303424\n[]\n{}\n"
	wantOutput(t, "pipe", out.String(), head+`{"a":"<&>`+"\u2028"+`\u007f","b":["x",null]}`+"\n")

	s, out, _ = terminal(0)
	if err := output.Object(t.Context(), output.New(s, output.Options{Filter: filter}), 1, nil); err != nil {
		t.Fatal(err)
	}
	wantOutput(t, "terminal", out.String(), head+`{
  "a": "<&>\u2028\u007f",
  "b": [
    "x",
    null
  ]
}
`)
}

func TestUnprintableResults(t *testing.T) {
	deep := any("x")
	for range 20_000 {
		deep = []any{deep}
	}
	for _, v := range []any{deep, make(chan int), map[string]any{"a": struct{}{}}} {
		s, out, _ := pipe()
		filter := filterFunc(func(_ any, emit func(any) error) error {
			if err := emit("before"); err != nil {
				return err
			}
			return emit(v)
		})
		err := output.Object(t.Context(), output.New(s, output.Options{Filter: filter}), 1, nil)
		var coder interface{ ExitCode() int }
		if !errors.As(err, &coder) || coder.ExitCode() != 5 || out.String() != "before\n" {
			t.Errorf("%v, printed %q", err, out)
		}
	}
}

func TestHalt(t *testing.T) {
	for _, format := range []output.Format{output.JSON, output.JSONL} {
		for code := range 2 {
			s, out, errout := pipe()
			filter := filterFunc(func(v any, emit func(any) error) error {
				if err := emit("result"); err != nil {
					return err
				}
				return &output.HaltError{Code: code, Text: "because"}
			})
			err := output.List(t.Context(), output.New(s, output.Options{Format: format, Filter: filter}), runnersView(), sampleRunners())
			wantOutput(t, "stdout", out.String(), "result\n")
			wantOutput(t, "stderr", errout.String(), "because")
			if code == 0 {
				if err != nil {
					t.Errorf("%s, halt: %v", format, err)
				}
				continue
			}
			var exit *output.Exit
			if !errors.As(err, &exit) || exit.ExitCode() != code || !exit.Silent() {
				t.Errorf("%s, halt_error: %v", format, err)
			}
		}
	}
}

func TestArguments(t *testing.T) {
	if v, err := output.Arg("s", "1"); err != nil || v.Name != "s" || v.Value != "1" {
		t.Errorf("%v, %v", v, err)
	}
	for text, want := range map[string]any{
		" 1 ": 1, "12345678901234567890": json.Number("12345678901234567890"), `"x"`: "x", "null": nil,
		"[ 1,\n {\"a\" : true} ]": []any{1, map[string]any{"a": true}},
	} {
		v, err := output.ArgJSON("j", text)
		if diff := cmp.Diff(want, v.Value); err != nil || diff != "" {
			t.Errorf("%s: %v, %s", text, err, diff)
		}
	}
	for _, text := range []string{"", "x", "{", "1 2", `{"a":1}}`, "'a'", strings.Repeat("[", 50_000)} {
		_, err := output.ArgJSON("j", text)
		wantUsage(t, err, "--argjson j", "")
	}
	for _, name := range []string{"", "1a", "a-b", "$a", "é", "a b"} {
		_, err := output.Arg(name, "")
		wantUsage(t, err, "--arg", "")
		_, err = output.ArgJSON(name, "1")
		wantUsage(t, err, "--argjson", "")
	}
}

func FuzzArgJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,-0,1.5e3,"\u00e9\n"],"b":null}`, "[]", "tru", `"\ud800"`, `{"":{}}`, "18446744073709551616"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := output.ArgJSON("v", s)
		if valid := json.Valid([]byte(s)); valid != (err == nil) {
			t.Fatalf("%q: valid %t, %v", s, valid, err)
		}
		if err != nil {
			return
		}
		var want, got any
		if err := json.Unmarshal([]byte(s), &want); err != nil {
			return // a number that no float64 holds
		}
		b, err := output.AppendValue(nil, v.Value)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatalf("%q became %q: %v", s, b, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q became %q: %s", s, b, diff)
		}
	})
}
