package output_test

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fal-plugins/fal/plugins/internal/output"
)

// standard is what encoding/json gives without HTML escaping.
func standard(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{
		"", "plain", `"\/`, "<a&b>", "\b\f\n\r\t\v\x00\x1f\x7f", "\u2028\u2029\u202a", "é日😀", "\xff\xc3(", "\xed\xa0\x80", "\ufffd",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := string(output.AppendString(nil, s)), standard(t, s); got != want {
			t.Errorf("%q: %s, want %s", s, got, want)
		}
	})
}

func FuzzAppendFloat(f *testing.F) {
	for _, x := range []float64{
		0, math.Copysign(0, -1), 1, 0.1, 1e-6, 9.9e-7, 1e-9, 1e-10, 1e-100, 1e20, 1e21, 1e22, 123456789.125, math.MaxFloat64, math.SmallestNonzeroFloat64,
	} {
		f.Add(x)
	}
	f.Fuzz(func(t *testing.T, x float64) {
		got := string(output.AppendFloat(nil, x))
		if math.IsNaN(x) || math.IsInf(x, 0) {
			if got != "null" {
				t.Errorf("%v: %s", x, got)
			}
			return
		}
		if want := standard(t, x); got != want {
			t.Errorf("%v: %s, want %s", x, got, want)
		}
	})
}

func TestAppendOthers(t *testing.T) {
	for _, list := range [][]string{nil, {}, {"a"}, {"a", "<b>"}} {
		if got, want := string(output.AppendStrings(nil, list)), standard(t, list); got != want {
			t.Errorf("%q: %s, want %s", list, got, want)
		}
	}
	for _, n := range []int64{0, -1, math.MaxInt64, math.MinInt64} {
		if got, want := string(output.AppendInt(nil, n)), standard(t, n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
	if got := string(output.AppendUint(nil, math.MaxUint64)); got != standard(t, uint64(math.MaxUint64)) {
		t.Errorf("MaxUint64: %s", got)
	}
	if got := string(output.AppendBool(output.AppendBool(nil, true), false)); got != "truefalse" {
		t.Errorf("booleans: %s", got)
	}
}

func TestAppenderGivesTheSameDocument(t *testing.T) {
	rows := sampleRunners()
	fast := []fastRunner{{rows[0]}, {rows[1]}}
	for _, format := range []output.Format{output.JSON, output.JSONL, output.YAML} {
		s, want, _ := pipe()
		v := runnersView()
		v.Compare = nil
		if err := output.List(t.Context(), output.New(s, output.Options{Format: format}), v, rows); err != nil {
			t.Fatal(err)
		}
		s, got, _ := pipe()
		if err := output.List(t.Context(), output.New(s, output.Options{Format: format}), fastView(), fast); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.String(), got.String()); diff != "" {
			t.Errorf("%s: %s", format, diff)
		}
	}
}
