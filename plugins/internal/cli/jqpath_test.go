package cli_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output/jq"
)

type jqRow struct {
	ID    string   `json:"id"`
	Size  int      `json:"size"`
	Part  *jqPart  `json:"part"`
	Marks []jqPart `json:"marks"`
	Extra string   `json:"extra?"`
	Odd   string   `json:"odd-key"`
}

type jqPart struct {
	Name string `json:"name"`
}

type jqRows struct {
	Rows []jqRow `json:"rows"`
}

type jqChange struct {
	Event string `json:"event"`
	Row   jqRow  `json:"row"`
}

// Samples of what the command below prints: the document, a line of jsonl and a
// line of --watch.
const (
	jqRowSample    = `{"id": "a", "size": 1, "part": {"name": "x"}, "marks": [{"name": "y"}], "extra": "e", "odd-key": "o"}`
	jqSample       = `{"rows": [` + jqRowSample + `]}`
	jqChangeSample = `{"event": "added", "row": ` + jqRowSample + `}`
)

func jqApp() *cli.App {
	var on bool
	return &cli.App{Name: "fal-rows", Noun: "rows", CompileJQ: jq.Compile, Commands: []*cli.Command{{
		Name: "list", Summary: "List rows", Output: cli.Records, JSON: jqRows{},
		Stream: cli.Stream{Flag: "watch", Record: jqChange{}},
		Flags:  []*cli.Flag{{Name: "watch", Aliases: []string{"w"}, Value: cli.Bool(&on)}},
		Run:    func(context.Context, *cli.Invocation) error { panic("run") },
	}}}
}

// offered are the values for the last of the words.
func offered(t *testing.T, environ map[string]string, words ...string) []string {
	t.Helper()
	streams, _, out, _ := iostreams.Test()
	cli.Run(t.Context(), jqApp(), cli.Process{Args: append([]string{cli.CompleteWord, "--"}, words...), Streams: streams,
		Getenv: func(name string) string { return environ[name] }})
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	var values []string
	for _, l := range lines[:len(lines)-1] {
		value, _, _ := strings.Cut(l, "\t")
		values = append(values, value)
	}
	return values
}

// evaluate runs an expression, with what is missing at its end, on a document.
func evaluate(expression, document string) error {
	var open []byte
	text := false
	for i := 0; i < len(expression); i++ {
		switch c := expression[i]; c {
		case '"':
			text = !text
		case '\\':
			if i++; i < len(expression) && expression[i] == '(' {
				open, text = append(open, '"', ')'), false
			}
		case '(', '[', '{':
			if !text {
				open = append(open, map[byte]byte{'(': ')', '[': ']', '{': '}'}[c])
			}
		case ')', ']', '}':
			if !text {
				if open = open[:len(open)-1]; len(open) > 0 && open[len(open)-1] == '"' {
					open, text = open[:len(open)-1], true
				}
			}
		}
	}
	for i := len(open) - 1; i >= 0; i-- {
		expression += string(open[i])
	}
	filter, err := jq.Compile(expression)
	if err != nil {
		return err
	}
	var value any
	if err := json.Unmarshal([]byte(document), &value); err != nil {
		return err
	}
	return filter.Run(context.Background(), value, func(any) error { return nil })
}

// What is offered can be run, and means something that is there.
func TestJQPathsEvaluate(t *testing.T) {
	for _, test := range []struct {
		before   string // other words, with | between
		typed    string
		want     string // one that is offered; empty when nothing is
		document string
	}{
		{typed: "", want: ".rows[].id"},
		{typed: ".", want: ".rows"},
		{typed: ".ro", want: ".rows[].marks[].name"},
		{typed: ".rows[", want: ".rows[].size"},
		{typed: ".rows[].pa", want: ".rows[].part.name"},
		{typed: ".rows[].e", want: ".rows[].extra"},
		{typed: ".rows[].o"},
		{typed: ".rows[0]", want: ".rows[0].id"},
		{typed: ".rows[0].", want: ".rows[0].id"},
		{typed: ".rows[-1].", want: ".rows[-1].id"},
		{typed: ".rows[0:2].", want: ".rows[0:2].[]"},
		{typed: ".rows[1:]", want: ".rows[1:].[].id"},
		{typed: ".rows | .[0].", want: ".rows | .[0].id"},
		{typed: ".rows|.[].i", want: ".rows|.[].id"},
		{typed: ".rows[]?.", want: ".rows[]?.id"},
		{typed: ".rows[].part?.", want: ".rows[].part?.name"},
		{typed: ".rows? | .[].", want: ".rows? | .[].id"},
		{typed: "[.rows[] | .", want: "[.rows[] | .id"},
		{typed: "[.rows[] | .id, .s", want: "[.rows[] | .id, .size"},
		{typed: "[.rows[]] | .[0].", want: "[.rows[]] | .[0].id"},
		{typed: "[.rows[].id] | .", want: "[.rows[].id] | .[]"},
		{typed: ".rows | first | .", want: ".rows | first | .id"},
		{typed: "first(.rows[]) | .", want: "first(.rows[]) | .id"},
		{typed: ".rows | map(.", want: ".rows | map(.id"},
		{typed: ".rows | map(.part) | .[].", want: ".rows | map(.part) | .[].name"},
		{typed: ".rows | map(select(.size > 0).", want: ".rows | map(select(.size > 0).id"},
		{typed: ".rows | sort_by(.", want: ".rows | sort_by(.id"},
		{typed: ".rows | sort_by(.size, .", want: ".rows | sort_by(.size, .id"},
		{typed: ".rows | sort_by(.size) | .[0].", want: ".rows | sort_by(.size) | .[0].id"},
		{typed: ".rows | group_by(.size)[] | .", want: ".rows | group_by(.size)[] | .[].id"},
		{typed: ".rows | max_by(.size).", want: ".rows | max_by(.size).id"},
		{typed: ".rows[] | select(.id == \"a\" and .", want: ".rows[] | select(.id == \"a\" and .size"},
		{typed: ".rows[] | select(.id == \"a\").", want: ".rows[] | select(.id == \"a\").id"},
		{typed: ".rows[] | {id, of: .", want: ".rows[] | {id, of: .size"},
		{typed: ".rows[] | {id, of: .part} | .", want: ".rows[] | {id, of: .part} | .of.name"},
		{typed: ".rows[] | (.part | .", want: ".rows[] | (.part | .name"},
		{typed: ".rows[] | (.part).", want: ".rows[] | (.part).name"},
		{typed: `.rows[] | "\(.id) \(.`, want: `.rows[] | "\(.id) \(.size`},
		{typed: `.rows[] | [.id, .size] | @tsv | .`},
		{typed: ".rows | length | ."},
		{typed: ".nothing[] | ."},
		{typed: ".rows | .i"},
		{typed: ".rows.i"},
		{typed: ".rows[] | .id | ."},
		{typed: ". as $all | $all."},
		{typed: "$ENV."},
		{typed: "to_entries | ."},
		{typed: "if .rows then ."},
		{typed: `"text .r`},
		{typed: ".rows[] | .["},
		{typed: ".rows | ma"},
		{typed: ".rows ) | ."},
		{typed: ".. | ."},

		{before: "-o|jsonl", typed: ".", want: ".id", document: jqRowSample},
		{before: "-o|JSONL", typed: ".ro", document: jqRowSample},
		{before: "--output=jsonl", typed: "select(.", want: "select(.size", document: jqRowSample},
		{before: "--watch", typed: ".", want: ".row.marks[].name", document: jqChangeSample},
		{before: "-w", typed: ".e", want: ".event", document: jqChangeSample},
		{before: "--watch|-o|jsonl", typed: ".e", want: ".event", document: jqChangeSample},
		{before: "--watch=false", typed: ".", want: ".rows[].id"},
		{before: "FAL_OUTPUT=jsonl", typed: ".", want: ".id", document: jqRowSample},
		{before: "FAL_OUTPUT=jsonl|-o|json", typed: ".", want: ".rows[].id"},
		{before: "FAL_OUTPUT=jsonl|--json", typed: ".", want: ".rows[].id"},
	} {
		words, environ := []string{"list"}, map[string]string{}
		for w := range strings.SplitSeq(test.before, "|") {
			if name, value, ok := strings.Cut(w, "="); ok && name == "FAL_OUTPUT" {
				environ[name] = value
			} else if w != "" {
				words = append(words, w)
			}
		}
		if test.document == "" {
			test.document = jqSample
		}
		found := false
		for _, value := range offered(t, environ, append(words, "--jq", test.typed)...) {
			found = found || value == test.want
			if err := evaluate(value, test.document); err != nil {
				t.Errorf("%s %s: %s: %v", test.before, test.typed, value, err)
			}
			if test.want == "" {
				t.Errorf("%s %s: offers %s", test.before, test.typed, value)
			}
		}
		if !found && test.want != "" {
			t.Errorf("%s %s: %s is not offered: %q", test.before, test.typed, test.want, offered(t, environ, append(words, "--jq", test.typed)...))
		}
	}
	// In one word with a switch.
	for _, words := range [][]string{{"list", "-wq", ".e"}, {"list", "-wq.e"}} {
		if got := offered(t, nil, words...); len(got) != 1 || !strings.HasSuffix(got[0], ".event") {
			t.Errorf("%q: %q", words, got)
		}
	}
}

func FuzzJQPaths(f *testing.F) {
	f.Add(`.rows[] | select(.id == "a\(.size)") | {id, x: (.part | .na`)
	f.Add("[.rows[]?|-1,.[0:2]|map(.a and")
	f.Fuzz(func(t *testing.T, typed string) {
		for _, value := range offered(t, nil, "list", "--jq", typed) {
			if !strings.HasPrefix(strings.ToLower(value), strings.ToLower(typed)) {
				t.Errorf("%q: %q", typed, value)
			}
		}
	})
}
