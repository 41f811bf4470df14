package jq_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/itchyny/gojq"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
	"github.com/fal-plugins/fal/plugins/internal/output/jq"
)

type runner struct {
	ID    string   `json:"runner_id"`
	State string   `json:"state"`
	Count uint64   `json:"count"`
	Ratio float64  `json:"ratio"`
	Left  *int     `json:"expiration_countdown"`
	Tags  []string `json:"tags"`
}

func runners() []runner {
	left := 30
	return []runner{
		{ID: "4f2a", State: "RUNNING", Count: math.MaxUint64, Ratio: 0.1, Tags: []string{"<a&b>", "é"}},
		{ID: "9c1d", State: "IDLE", Count: 1<<53 + 1, Ratio: 1.5, Left: &left, Tags: []string{}},
	}
}

// document is runners as the filter's input in a pipe of commands.
const document = `{"runners":[{"runner_id":"4f2a","state":"RUNNING","count":18446744073709551615,"ratio":0.1,"expiration_countdown":null,"tags":["<a&b>","é"]},` +
	`{"runner_id":"9c1d","state":"IDLE","count":9007199254740993,"ratio":1.5,"expiration_countdown":30,"tags":[]}]}`

// result is what a command with --jq did.
type result struct {
	stdout, stderr string
	code           int
	err            error
}

func run(t *testing.T, expr string, variables ...jq.Variable) result {
	t.Helper()
	return runAs(t, output.JSON, expr, variables...)
}

func runAs(t *testing.T, format output.Format, expr string, variables ...jq.Variable) result {
	t.Helper()
	s, _, out, errout := iostreams.Test()
	filter, err := jq.Compile(expr, variables...)
	if err == nil {
		p := output.New(s, output.Options{Format: format, Filter: filter})
		err = output.List(t.Context(), p, output.View[runner]{Key: "runners", Empty: "no runners"}, runners())
	}
	r := result{stdout: out.String(), stderr: errout.String(), err: err}
	if err != nil {
		r.code = 1
		var coder interface{ ExitCode() int }
		if errors.As(err, &coder) {
			r.code = coder.ExitCode()
		}
	}
	return r
}

func TestSemantics(t *testing.T) {
	t.Setenv("FAL_TEST_REGION", "eu")
	tests := []struct {
		expr, stdout, stderr string
		code                 int
	}{
		{".runners[].runner_id", "4f2a\n9c1d\n", "", 0},
		{".runners[].expiration_countdown", "null\n30\n", "", 0},
		{".runners[].count", "18446744073709551615\n9007199254740993\n", "", 0},
		{".runners[].ratio", "0.1\n1.5\n", "", 0},
		{".runners[0].tags", "[\"<a&b>\",\"é\"]\n", "", 0},
		{".runners[1].count + 1", "9007199254740994\n", "", 0},
		{"9007199254740993 * 9007199254740993", "81129638414606699710187514626049\n", "", 0},
		{".runners[1] | {state, tags}", "{\"state\":\"IDLE\",\"tags\":[]}\n", "", 0},
		{".runners | length", "2\n", "", 0},
		{".", document0(t), "", 0},
		{"env.FAL_TEST_REGION, $ENV.FAL_TEST_REGION", "eu\neu\n", "", 0},
		{"empty", "", "", 0},
		{"input_filename, input_line_number", "null\n0\n", "", 0},
		{"[inputs]", "[]\n", "", 0},
		{"first(input)", "", "", 5},
		{"[.runners[].runner_id] | @csv, @tsv, @json", "\"4f2a\",\"9c1d\"\n4f2a\t9c1d\n[\"4f2a\",\"9c1d\"]\n", "", 0},
		{"1, (.runners | error(\"no\")), 2", "1\n", "", 5},
		{".runners[0].runner_id, .runners[0].runner_id.x", "4f2a\n", "", 5},
		{"1, halt, 2", "1\n", "", 0},
		{"1, (\"bye\" | halt_error), 2", "1\n", "bye", 5},
		{"\"bye\\n\" | halt_error(3)", "", "bye\n", 3},
		{"{a: 1} | halt_error(0)", "", "{\"a\":1}\n", 0},
		{"null | halt_error", "", "", 5},
		{"try error(\"x\") catch .", "x\n", "", 0},
		{".runners[0].runner_id | debug | length", "4\n", "[\"DEBUG:\",\"4f2a\"]\n", 0},
		{"\"a\\u001b\" | stderr | empty", "", "a\x1b", 0},
		{"[1] | stderr | empty", "", "[1]", 0},
		{"nan, infinite", "null\n1.7976931348623157e+308\n", "", 0},
	}
	for _, test := range tests {
		got := run(t, test.expr)
		if got.stdout != test.stdout || got.stderr != test.stderr || got.code != test.code {
			t.Errorf("%s:\n got %q, %q, %d (%v)\nwant %q, %q, %d", test.expr, got.stdout, got.stderr, got.code, got.err,
				test.stdout, test.stderr, test.code)
		}
	}
}

// document0 is the document with its keys in order, as jq values have them.
func document0(t *testing.T) string {
	t.Helper()
	v, err := output.ArgJSON("d", document)
	if err != nil {
		t.Fatal(err)
	}
	b, err := output.AppendValue(nil, v.Value)
	if err != nil {
		t.Fatal(err)
	}
	return string(b) + "\n"
}

func TestVariables(t *testing.T) {
	state, err := output.Arg("s", "IDLE")
	if err != nil {
		t.Fatal(err)
	}
	list, err := output.ArgJSON("list", `[1, 18446744073709551615, {"a": null}]`)
	if err != nil {
		t.Fatal(err)
	}
	again := jq.Variable{Name: "s", Value: "RUNNING"}
	got := run(t, ".runners[] | select(.state == $s).runner_id, $list", state, list, again)
	if want := "9c1d\n[1,18446744073709551615,{\"a\":null}]\n"; got.stdout != "[1,18446744073709551615,{\"a\":null}]\n"+want || got.err != nil {
		t.Errorf("%q, %v", got.stdout, got.err)
	}
}

func TestRecordByRecord(t *testing.T) {
	got := runAs(t, output.JSONL, ".runner_id, .state")
	if got.stdout != "4f2a\nRUNNING\n9c1d\nIDLE\n" || got.err != nil {
		t.Errorf("%+v", got)
	}
	got = runAs(t, output.JSONL, `if .state == "IDLE" then halt_error(7) else .runner_id end`)
	if got.stdout != "4f2a\n" || got.code != 7 {
		t.Errorf("%+v", got)
	}
	if got = runAs(t, output.JSONL, ".runner_id, halt"); got.stdout != "4f2a\n" || got.err != nil {
		t.Errorf("halt ends one record only: %+v", got)
	}
}

// The table of semantics is that of jq itself, where both agree.
func TestAgainstJQ(t *testing.T) {
	command, err := exec.LookPath("jq")
	if err != nil {
		t.Log("no jq on this machine to compare with")
		return
	}
	for _, expr := range []string{
		".runners[].runner_id", ".runners | length", ".runners[0].tags", `.runners[] | select(.state == "IDLE").runner_id`,
		".runners[].expiration_countdown", ".runners[].ratio", "[.runners[].state] | sort", ".runners | map({runner_id, state})",
		"1, (.runners | error), 2", ".runners[0].runner_id.x", "1, halt, 2", `1, ("bye" | halt_error)`, `"x" | halt_error(3)`,
		"{a: 1} | halt_error", "null | halt_error", "[inputs]", "input", "try error(\"x\") catch .", "nan, infinite", `"\u007f\u2028<&>"`,
		"{b: 1, a: 2}", "[.[]?] | length", `"\(1 + 2) \("x")"`, ".runners | group_by(.state) | map(length)", "[1, 1.0, 1.5]", "debug | empty",
		`"a" | stderr | empty`, "$ENV | type", "@base64 \"\\(.runners[0].runner_id)\"", ".runners[1].tags == []",
	} {
		cmd := exec.Command(command, "-rcS", expr)
		cmd.Stdin = strings.NewReader(document)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
			t.Fatal(err)
		}
		got := run(t, expr)
		if got.stdout != stdout.String() || got.code != cmd.ProcessState.ExitCode() {
			t.Errorf("%s:\n  ours %q, %d\n  jq   %q, %d", expr, got.stdout, got.code, &stdout, cmd.ProcessState.ExitCode())
		}
		if halts := strings.Contains(expr, "halt_error"); halts && got.stderr != stderr.String() {
			t.Errorf("%s: on stderr %q, jq %q", expr, got.stderr, &stderr)
		}
	}
}

func TestBadExpressions(t *testing.T) {
	tests := []struct{ expr, text, hint string }{
		{".a | | b", "unexpected token \"|\", at line 1, column 6\n    .a | | b\n         ^", ""},
		{"", "missing query (try \".\")", ""},
		{".a |", "unexpected EOF, at line 1, column 5\n    .a |\n        ^", ""},
		{"map(selct(.x))", "function not defined: selct/1, at line 1, column 5\n    map(selct(.x))\n        ^", "did you mean select?"},
		{"1\n| \"\\(2)\" # foo(1)\n| .foo | foo(1)", "foo/1, at line 3, column 10\n    | .foo | foo(1)\n             ^", ""},
		{`"foo" | foo`, "at line 1, column 9\n", `inside the expression: "foo"`},
		{`"a\("b" + foo)" | 1`, "at line 1, column 11\n", `"foo"`},
		{`.runners[] | select(.state == IDLE)`, "IDLE/0, at line 1, column 31\n", `"IDLE"`},
		{"map(1; 2)", "function not defined: map/2, at line 1, column 1\n", "map/1"},
		{"$x + 1", "variable not defined: $x, at line 1, column 1\n", "--arg x VALUE"},
		{"$regoin", "variable not defined: $regoin", "did you mean $region?"},
		{"$__proc", "variable not defined", ""},
		{"break $out", "label not defined: $out, at line 1, column 7\n", ""},
		{"@cvs", "format not defined: @cvs, at line 1, column 1\n", "did you mean @csv?"},
		{`"@cvs" | "\(@uppercase)"`, "format not defined: @uppercase, at line 1, column 13\n", "there are @text"},
		{"\"abc", "unterminated string literal", ""},
		{`"\q"`, `invalid escape sequence "\q"`, ""},
		{"éé | ü", "at line 1, column 1\n", ""},
		{"\"éé日\" | }", "at line 1, column 9\n    \"éé日\" | }\n             ^", ""},
		{"\t.a\x1b[31m", "\n     .a\\x1b[31m\n       ^", ""},
		{"import \"a\" as a; 1", "cannot load module", ""},
		{".a" + strings.Repeat(" ", 300) + "| |" + strings.Repeat(" ", 300), "…" + strings.Repeat(" ", 30) + "| |" + strings.Repeat(" ", 31) + "…\n" + strings.Repeat(" ", 4+33) + "^", ""},
	}
	for _, test := range tests {
		_, err := jq.Compile(test.expr, jq.Variable{Name: "region", Value: "eu"})
		var e *jq.ExprError
		if !errors.As(err, &e) || e.ExitCode() != 2 {
			t.Errorf("%q: %v", test.expr, err)
			continue
		}
		if !strings.HasPrefix(err.Error(), "bad jq expression: ") || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%q says\n%s\nwant\n%s", test.expr, err, test.text)
		}
		if hints := strings.Join(e.Hints(), "\n"); !strings.Contains(hints, test.hint) {
			t.Errorf("%q hints %q, want %q", test.expr, hints, test.hint)
		}
		if strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%q: raw %q", test.expr, err)
		}
	}
}

func TestRunErrors(t *testing.T) {
	for expr, want := range map[string]string{
		".runners.x": "jq: expected an object but got: array", `error("told")`: "jq: told", "error": "jq: {", "input": "one input only",
		".[0]": "jq: expected an array but got: object", "error(null)": "jq: null",
	} {
		got := run(t, expr)
		var e *jq.RunError
		if !errors.As(got.err, &e) || got.code != 5 || !strings.Contains(got.err.Error(), want) {
			t.Errorf("%s: %v", expr, got.err)
		}
	}
}

func TestContextEndsRunawayFilter(t *testing.T) {
	cause := errors.New("out of time")
	for _, expr := range []string{"repeat(1) | empty", "def f: f; f", "[range(1e18)] | length", "last(repeat(.))"} {
		filter, err := jq.Compile(expr)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		done := make(chan error, 1)
		go func() { done <- filter.Run(ctx, nil, func(any) error { return nil }) }()
		cancel(cause)
		select {
		case err := <-done:
			if !errors.Is(err, cause) {
				t.Errorf("%s: %v", expr, err)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%s does not end", expr)
		}
	}
}

func TestErrorOfEmitEndsFilter(t *testing.T) {
	filter, err := jq.Compile("repeat(1)")
	if err != nil {
		t.Fatal(err)
	}
	full := errors.New("disk full")
	if err := filter.Run(t.Context(), nil, func(any) error { return full }); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}

func TestAnyValueIsTaken(t *testing.T) {
	type pair struct {
		A int8 `json:"a"`
		B time.Duration
	}
	var cycle []any
	cycle = append(cycle, func() {})
	values := []any{
		map[string]int{"a": 1}, []string{"x"}, pair{1, 2}, &pair{}, (*pair)(nil), int64(1) << 60, uint64(math.MaxUint64), float32(0.5),
		math.NaN(), make(chan int), func() {}, cycle, json.RawMessage(`{"a":[1]}`), json.RawMessage("rubbish"), errors.New("x"),
		map[string]any{"deep": []any{map[int]string{1: "x"}}}, []any{1, "x", []int{1}}, big.NewInt(7), json.Number("x"), [2]bool{}, 'x', complex(1, 2),
	}
	for _, expr := range []string{".", "tojson", "type", "[.. | numbers] | add", "keys?", ". == .", "tostring", "path(..)", "@text", "sort?, length?"} {
		filter, err := jq.Compile(expr)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			err := filter.Run(t.Context(), v, func(r any) error {
				_, err := output.AppendValue(nil, r)
				return err
			})
			var e *jq.RunError
			if err != nil && !errors.As(err, &e) || err != nil && strings.Contains(err.Error(), "broke the interpreter") {
				t.Errorf("%s of %T: %v", expr, v, err)
			}
		}
	}
	shared := []any{1, []int{2}}
	filter, err := jq.Compile(".")
	if err != nil {
		t.Fatal(err)
	}
	if err := filter.Run(t.Context(), shared, func(any) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if _, kept := shared[1].([]int); !kept {
		t.Error("the caller's value is changed")
	}
}

func FuzzAppendValue(f *testing.F) {
	f.Add("plain", 1.5, "12345678901234567890")
	f.Add("<&>\u2028\x7f\x00\xff\"\\", 1e-9, "1e5")
	f.Fuzz(func(t *testing.T, s string, n float64, digits string) {
		number, _ := new(big.Int).SetString(digits, 10)
		v := map[string]any{s: []any{s, n, nil, true, json.Number("1.0"), len(s)}, "k" + s: map[string]any{}, "e": []any{}, "inf": math.Inf(1)}
		if number != nil {
			v["big"] = number
		}
		want, err := gojq.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		got, err := output.AppendValue(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Error(diff)
		}
	})
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{".", ".a | foo(1)", `"\("\(x)")" # c`, "$x", "@x \"\\(1)\"", "\"", "(", "break $x", "é", "\x00", "a::b(1)", ".\n[", `"\(`, ")))"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, expr string) {
		_, err := jq.Compile(expr)
		if err == nil {
			return
		}
		var e *jq.ExprError
		if !errors.As(err, &e) {
			t.Fatalf("%q: %T", expr, err)
		}
		for _, r := range strings.ReplaceAll(err.Error(), "\n", "") {
			if iostreams.IsUnsafe(r) {
				t.Errorf("%q: %q", expr, err)
			}
		}
		if lines := strings.Count(err.Error(), "\n"); lines != 0 && lines != 2 {
			t.Errorf("%q: %d lines", expr, lines)
		}
	})
}

func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		if _, err := jq.Compile(`.runners[] | select(.state == "IDLE").runner_id`); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleCompile() {
	filter, err := jq.Compile(".[] | select(. > $min)", jq.Variable{Name: "min", Value: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = filter.Run(context.Background(), []any{1, 2, 3}, func(v any) error {
		fmt.Println(v)
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// 2
	// 3
}
