package output_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

const (
	idOne = "4f2a91c0-0000-4000-8000-000000000001"
	idTwo = "9c1d07aa-0000-4000-8000-000000000002"
	rev   = "66666666-0000-4000-8000-000000000000"
)

func TestTableFitsTheTerminal(t *testing.T) {
	full := `
RUNNER                                APP         STATE     AGE  IN FLIGHT  MACHINE   REVISION
4f2a91c0-0000-4000-8000-000000000001  büro:[red]  RUNNING  133m  3          M         <a&b>\x1b[2J\u202e
  req-1  12s
  req-2  \x1b]0;x\x07
9c1d07aa-0000-4000-8000-000000000002  checkout    IDLE       0m  0          GPU-H100  66666666-0000-4000-8000-000000000000
`
	// Widths at which one more column is left out: REGIONS is for wide only,
	// then MACHINE (rank 5), REVISION, IN FLIGHT, AGE, APP; never RUNNER, STATE.
	golden := map[int]string{
		0: full, 1000: full, 122: full,
		121: `
RUNNER                                APP         STATE     AGE  IN FLIGHT  REVISION
4f2a91c0-0000-4000-8000-000000000001  büro:[red]  RUNNING  133m  3          <a&b>\x1b[2J\u202e
  req-1  12s
  req-2  \x1b]0;x\x07
9c1d07aa-0000-4000-8000-000000000002  checkout    IDLE       0m  0          66666666-0000-4000-8000-000000000000
`,
		80: `
RUNNER                                APP         STATE     AGE  IN FLIGHT
4f2a91c0-0000-4000-8000-000000000001  büro:[red]  RUNNING  133m  3
  req-1  12s
  req-2  \x1b]0;x\x07
9c1d07aa-0000-4000-8000-000000000002  checkout    IDLE       0m  0
`,
		65: `
RUNNER                                APP         STATE     AGE
4f2a91c0-0000-4000-8000-000000000001  büro:[red]  RUNNING  133m
  req-1  12s
  req-2  \x1b]0;x\x07
9c1d07aa-0000-4000-8000-000000000002  checkout    IDLE       0m
`,
		20: `
RUNNER                                STATE
4f2a91c0-0000-4000-8000-000000000001  RUNNING
  req-1  12s
  req-2  \x1b]0;x\x07
9c1d07aa-0000-4000-8000-000000000002  IDLE
`,
	}
	for width, want := range golden {
		s, out, errout := terminal(width)
		if err := output.List(t.Context(), output.New(s, output.Options{}), runnersView(), sampleRunners()); err != nil {
			t.Fatal(err)
		}
		wantOutput(t, fmt.Sprintf("%d columns", width), "\n"+out.String(), want)
		wantOutput(t, "stderr", errout.String(), "2 runners\n")
	}

	s, out, errout := pipe()
	s.SetEnv(func(string) string { return "40" }) // COLUMNS
	if err := output.List(t.Context(), output.New(s, output.Options{Format: output.Pretty}), runnersView(), sampleRunners()); err != nil {
		t.Fatal(err)
	}
	wantOutput(t, "in a pipe", "\n"+out.String(), full)
	wantOutput(t, "stderr in a pipe", errout.String(), "")
}

// In a pipe every line has the widths of its table, and no cell is cut.
func TestWideTable(t *testing.T) {
	for _, width := range []int{0, 40} {
		s, out, _ := terminal(width)
		v := runnersView()
		v.Details = nil
		if err := output.List(t.Context(), output.New(s, output.Options{Format: output.Wide}), v, sampleRunners()); err != nil {
			t.Fatal(err)
		}
		wantOutput(t, "wide", "\n"+out.String(), `
RUNNER                                APP         STATE     AGE  IN FLIGHT  MACHINE   REVISION                              REGIONS
4f2a91c0-0000-4000-8000-000000000001  büro:[red]  RUNNING  133m  3          M         <a&b>\x1b[2J\u202e
9c1d07aa-0000-4000-8000-000000000002  checkout    IDLE       0m  0          GPU-H100  66666666-0000-4000-8000-000000000000  us-east,eu-west
`)
	}
}

func TestTableWidthOfOtherScripts(t *testing.T) {
	v := output.View[string]{Columns: []output.Column[string]{
		{Header: "NAME", Text: func(s string) string { return s }},
		{Header: "", Text: func(string) string { return "" }},
		{Header: "LAST", Text: func(string) string { return "x " }},
	}}
	s, out, _ := terminal(0)
	rows := []string{"日本語", "😀", "e\u0301te\u0301", "ascii", "tab\there", "a\nb"}
	if err := output.List(t.Context(), output.New(s, output.Options{}), v, rows); err != nil {
		t.Fatal(err)
	}
	wantOutput(t, "table", "\n"+out.String(), "\n"+
		"NAME         LAST\n"+
		"日本語       x\n"+
		"😀           x\n"+
		"e\u0301te\u0301          x\n"+
		"ascii        x\n"+
		"tab\\there    x\n"+
		"a\\nb         x\n")
}

func TestColouredTable(t *testing.T) {
	s, out, _ := terminal(0)
	s.SetColor(iostreams.ColorAlways)
	v := runnersView()
	v.Columns = v.Columns[1:5]
	if err := output.List(t.Context(), output.New(s, output.Options{}), v, sampleRunners()); err != nil {
		t.Fatal(err)
	}
	wantOutput(t, "table", strings.ReplaceAll(out.String(), "\x1b", "~"), `~[1mAPP~[22m         ~[1mSTATE~[22m     ~[1mAGE~[22m  ~[1mIN FLIGHT~[22m
büro:[red]  ~[32mRUNNING~[0m  133m  3
~[2m  req-1  12s~[22m
~[2m  req-2  \x1b]0;x\x07~[22m
checkout    IDLE       0m  0
`)
}

func TestFormatsInAPipe(t *testing.T) {
	golden := map[output.Format]string{
		output.JSON: `{"runners":[` +
			`{"runner_id":"` + idOne + `","alias":"büro:[red]","state":"RUNNING","in_flight_requests":3,"expiration_countdown":null,"uptime_seconds":7980,"machine_type":"M","revision":"<a&b>\u001b[2J` + "\u202e" + `","regions":null,"ratio":1e+21},` +
			`{"runner_id":"` + idTwo + `","alias":"checkout","state":"IDLE","in_flight_requests":0,"expiration_countdown":30,"uptime_seconds":41,"machine_type":"GPU-H100","revision":"` + rev + `","regions":["us-east","eu-west"],"ratio":0.5}` +
			"]}\n",
		output.JSONL: `{"runner_id":"` + idOne + `","alias":"büro:[red]","state":"RUNNING","in_flight_requests":3,"expiration_countdown":null,"uptime_seconds":7980,"machine_type":"M","revision":"<a&b>\u001b[2J` + "\u202e" + `","regions":null,"ratio":1e+21}` + "\n" +
			`{"runner_id":"` + idTwo + `","alias":"checkout","state":"IDLE","in_flight_requests":0,"expiration_countdown":30,"uptime_seconds":41,"machine_type":"GPU-H100","revision":"` + rev + `","regions":["us-east","eu-west"],"ratio":0.5}` + "\n",
		output.YAML: `runners:
  - runner_id: "` + idOne + `"
    alias: "büro:[red]"
    state: RUNNING
    in_flight_requests: 3
    expiration_countdown: null
    uptime_seconds: 7980
    machine_type: M
    revision: "<a&b>\u001b[2J\u202e"
    regions: null
    ratio: 1.0e+21
  - runner_id: "` + idTwo + `"
    alias: checkout
    state: IDLE
    in_flight_requests: 0
    expiration_countdown: 30
    uptime_seconds: 41
    machine_type: GPU-H100
    revision: "` + rev + `"
    regions:
      - us-east
      - eu-west
    ratio: 0.5
`,
		output.TSV: "runner_id\tapp\tstate\tage\tin_flight\tmachine\trevision\tregions\n" +
			idOne + "\tbüro:[red]\tRUNNING\t7980\t3\tM\t<a&b>\x1b[2J\u202e\t\n" +
			idTwo + "\tcheckout\tIDLE\t41\t0\tGPU-H100\t" + rev + "\tus-east,eu-west\n",
		output.CSV: "runner_id,app,state,age,in_flight,machine,revision,regions\n" +
			idOne + ",büro:[red],RUNNING,7980,3,M,<a&b>\x1b[2J\u202e,\n" +
			idTwo + ",checkout,IDLE,41,0,GPU-H100," + rev + `,"us-east,eu-west"` + "\n",
		output.Name: idOne + "\n" + idTwo + "\n",
	}
	for format, want := range golden {
		s, out, errout := pipe()
		if err := output.List(t.Context(), output.New(s, output.Options{Format: format}), runnersView(), sampleRunners()); err != nil {
			t.Fatal(err)
		}
		wantOutput(t, string(format), out.String(), want)
		wantOutput(t, string(format)+" stderr", errout.String(), "")
	}
}

// Whatever the service sends, a terminal gets no control character.
func TestNothingControlsTheTerminal(t *testing.T) {
	evil := "\x1b[31m\x07\r\u009b2J\u202e\u2066\x7f\xff\u2028"
	row := runner{ID: evil, App: evil, State: evil, Machine: evil, Revision: evil, Regions: []string{evil}, Notes: []string{evil}}
	check := func(what, text string) {
		t.Helper()
		if text == "" {
			t.Errorf("%s: nothing printed", what)
		}
		for _, r := range text {
			if iostreams.IsUnsafe(r) && r != '\n' && r != '\t' {
				t.Errorf("%s has %U: %q", what, r, text)
				return
			}
		}
	}
	for _, format := range output.Formats() {
		s, out, _ := terminal(0)
		p := output.New(s, output.Options{Format: format})
		if err := output.List(t.Context(), p, runnersView(), []runner{row}); err != nil {
			t.Fatal(err)
		}
		check(string(format), out.String())
		if format != output.Name {
			out.Reset()
			err := output.Object(t.Context(), p, row, func(w io.Writer) error {
				return p.Fields(w, output.Field{Name: "App", Value: evil}, output.Field{Name: evil})
			})
			if err != nil {
				t.Fatal(err)
			}
			check(string(format)+" object", out.String())
		}
	}
	s, out, errout := terminal(0)
	filter := filterFunc(func(v any, emit func(any) error) error {
		if err := emit(evil); err != nil {
			return err
		}
		if err := emit([]any{evil}); err != nil {
			return err
		}
		return &output.HaltError{Code: 1, Text: evil}
	})
	err := output.List(t.Context(), output.New(s, output.Options{Filter: filter}), runnersView(), []runner{row})
	if err == nil {
		t.Error("halt is lost")
	}
	check("filter", out.String())
	check("halt_error", errout.String())

	s, _, errout = terminal(0)
	v := runnersView()
	v.Note = func([]runner) string { return evil }
	if err := output.List(t.Context(), output.New(s, output.Options{}), v, []runner{row}); err != nil {
		t.Fatal(err)
	}
	check("note", errout.String())
}

func TestJSONOnATerminal(t *testing.T) {
	want := `{
  "runners": [
    {
      "runner_id": "` + idTwo + `",
      "alias": "del:\u007f c1:\u009b bidi:\u202e é",
      "state": "IDLE",
      "in_flight_requests": 0,
      "expiration_countdown": 30,
      "uptime_seconds": 41,
      "machine_type": "{[:,]}\"\\",
      "revision": "` + rev + `",
      "regions": [
        "us-east",
        "eu-west"
      ],
      "ratio": 0.5
    },
    {
      "runner_id": "",
      "alias": "",
      "state": "",
      "in_flight_requests": 0,
      "expiration_countdown": null,
      "uptime_seconds": 0,
      "machine_type": "",
      "revision": "",
      "regions": [],
      "ratio": 0
    }
  ]
}
`
	rows := []runner{sampleRunners()[0], {Regions: []string{}}}
	rows[0].App = "del:\x7f c1:\u009b bidi:\u202e é"
	rows[0].Machine = `{[:,]}"\`
	v := runnersView()
	v.Compare = nil
	s, out, _ := terminal(0)
	if err := output.List(t.Context(), output.New(s, output.Options{Format: output.JSON}), v, rows); err != nil {
		t.Fatal(err)
	}
	wantOutput(t, "indented", out.String(), want)

	var document struct{ Runners []runner }
	if err := json.Unmarshal(out.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rows, document.Runners, cmp.Comparer(func(a, b []string) bool { return slices.Equal(a, b) })); diff != "" {
		t.Errorf("another value: %s", diff)
	}

	out.Reset()
	s.SetColor(iostreams.ColorAlways)
	if err := output.List(t.Context(), output.New(s, output.Options{Format: output.JSON}), v, rows); err != nil {
		t.Fatal(err)
	}
	wantOutput(t, "colours taken away", stripColor(out.String()), want)
	if key := "\x1b[1;34m\"runners\"\x1b["; !strings.Contains(out.String(), key) {
		t.Errorf("no coloured key in %q", out)
	}
	for _, coloured := range []string{"\x1b[32m\"IDLE\"", "\x1b[36m41\x1b[", "\x1b[33mnull\x1b["} {
		if !strings.Contains(out.String(), coloured) {
			t.Errorf("no %q in %q", coloured, out)
		}
	}

	out.Reset()
	s.SetColor(iostreams.ColorNever)
	if err := output.List(t.Context(), output.New(s, output.Options{Format: output.JSONL}), v, rows); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(out.String(), "\n"); got != len(rows) {
		t.Errorf("jsonl has %d lines: %s", got, out)
	}
}

// --color=always in a pipe colours the line but does not break it.
func TestForcedColourInAPipe(t *testing.T) {
	s, out, _ := pipe()
	s.SetColor(iostreams.ColorAlways)
	if err := output.List(t.Context(), output.New(s, output.Options{}), runnersView(), sampleRunners()); err != nil {
		t.Fatal(err)
	}
	if strings.Count(out.String(), "\n") != 1 || !strings.Contains(out.String(), "\x1b[32m") || !strings.Contains(out.String(), "\u202e") {
		t.Errorf("got %q", out)
	}
}

func stripColor(s string) string {
	var b strings.Builder
	for {
		before, behind, found := strings.Cut(s, "\x1b[")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		_, s, _ = strings.Cut(behind, "m")
	}
}

func TestEmptyList(t *testing.T) {
	for format, want := range map[output.Format]string{
		output.JSON: `{"runners":[]}` + "\n", output.JSONL: "", output.YAML: "runners: []\n", output.Name: "",
		output.Pretty: "", output.Wide: "",
		output.TSV: "runner_id\tapp\tstate\tage\tin_flight\tmachine\trevision\tregions\n",
		output.CSV: "runner_id,app,state,age,in_flight,machine,revision,regions\n",
	} {
		s, out, errout := pipe()
		if err := output.List(t.Context(), output.New(s, output.Options{Format: format}), runnersView(), nil); err != nil {
			t.Fatal(err)
		}
		wantOutput(t, string(format), out.String(), want)
		wantOutput(t, string(format)+" stderr", errout.String(), "no runners\n")
	}

	s, out, _ := terminal(0)
	if err := output.List(t.Context(), output.New(s, output.Options{Format: output.JSON}), runnersView(), nil); err != nil {
		t.Fatal(err)
	}
	wantOutput(t, "on a terminal", out.String(), "{\n  \"runners\": []\n}\n")

	s, out, errout := pipe()
	length := filterFunc(func(v any, emit func(any) error) error {
		return emit(len(v.(map[string]any)["runners"].([]any)))
	})
	if err := output.List(t.Context(), output.New(s, output.Options{Filter: length}), runnersView(), nil); err != nil {
		t.Fatal(err)
	}
	wantOutput(t, "filtered", out.String()+errout.String(), "0\n")
}

func TestBareList(t *testing.T) {
	v := output.View[string]{}
	for format, want := range map[output.Format]string{
		output.JSON: `["a","b"]` + "\n", output.YAML: "- a\n- b\n",
	} {
		s, out, _ := pipe()
		if err := output.List(t.Context(), output.New(s, output.Options{Format: format}), v, []string{"a", "b"}); err != nil {
			t.Fatal(err)
		}
		wantOutput(t, string(format), out.String(), want)
	}
	s, _, _ := pipe()
	err := output.List(t.Context(), output.New(s, output.Options{Format: output.Name}), v, []string{"a"})
	wantUsage(t, err, "no names", "")
}

func TestDelimitedFieldsSurvive(t *testing.T) {
	nasty := []string{"", "a\tb", "line\nbreak", `quote"d`, `back\slash\n`, "cr\rlf\r\n", " blanks ", "a,b", "é"}
	v := output.View[string]{
		Columns: []output.Column[string]{
			{Header: "VALUE", Text: func(s string) string { return s }},
			{Header: "TWO WORDS", Text: func(string) string { return "x" }},
		},
	}
	s, out, _ := pipe()
	if err := output.List(t.Context(), output.New(s, output.Options{Format: output.TSV}), v, nasty); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	unescape := strings.NewReplacer(`\\`, `\`, `\t`, "\t", `\n`, "\n", `\r`, "\r")
	for i, want := range append([]string{"value"}, nasty...) {
		fields := strings.Split(lines[i], "\t")
		if got := unescape.Replace(fields[0]); len(fields) != 2 || got != want {
			t.Errorf("tsv: %q, want %q", lines[i], want)
		}
	}

	s, out, _ = pipe()
	if err := output.List(t.Context(), output.New(s, output.Options{Format: output.CSV}), v, nasty); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if got := records[0]; !slices.Equal(got, []string{"value", "two_words"}) {
		t.Errorf("csv header %q", got)
	}
	for i, want := range nasty {
		// The reader of encoding/csv makes \r\n inside a field \n; the bytes are there.
		if got := records[i+1][0]; got != strings.ReplaceAll(want, "\r\n", "\n") {
			t.Errorf("csv: %q, want %q", got, want)
		}
	}
}

func TestSortingLargeLists(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	rows := make([]runner, 5000)
	for i := range rows {
		rows[i] = runner{ID: fmt.Sprint(i), App: fmt.Sprint(r.IntN(50))}
	}
	want := slices.Clone(rows)
	v := runnersView()
	slices.SortStableFunc(want, v.Compare)
	s, out, _ := pipe()
	if err := output.List(t.Context(), output.New(s, output.Options{Format: output.Name}), v, rows); err != nil {
		t.Fatal(err)
	}
	for i, id := range strings.Fields(out.String()) {
		if id != want[i].ID {
			t.Fatalf("row %d is %s, want %s", i, id, want[i].ID)
		}
	}
}

func TestEndedContext(t *testing.T) {
	cause := errors.New("out of time")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	for _, format := range output.Formats() {
		s, out, _ := pipe()
		p := output.New(s, output.Options{Format: format})
		if err := output.List(ctx, p, runnersView(), sampleRunners()); !errors.Is(err, cause) {
			t.Errorf("%s: %v", format, err)
		}
		if strings.Contains(out.String(), idTwo) {
			t.Errorf("%s: printed %q", format, out)
		}
	}
}

func TestUnencodableRecord(t *testing.T) {
	s, _, _ := pipe()
	v := output.View[chan int]{Key: "channels"}
	err := output.List(t.Context(), output.New(s, output.Options{}), v, []chan int{nil})
	if err == nil || !strings.Contains(err.Error(), "JSON") {
		t.Errorf("got %v", err)
	}
}

// rubbish is a record whose own encoding is wrong.
type rubbish struct{ text string }

func (r *rubbish) AppendJSON(b []byte) []byte { return append(b, r.text...) }

func TestWrongAppenderIsAnError(t *testing.T) {
	texts := []string{"", "{", `{"a"`, `{"a":}`, `{"a":1,}`, `{a:1}`, "[", "[1", "[1,", `"x`, `"\`, `"\q"`, "nul", "01", "1x", "{}{}", "-", strings.Repeat("[", 20_000)}
	for _, text := range texts {
		for _, o := range []output.Options{{Filter: filterFunc(nil)}, {Format: output.YAML}} {
			s, _, _ := pipe()
			err := output.List(t.Context(), output.New(s, o), output.View[rubbish]{Key: "k"}, []rubbish{{text}})
			if err == nil && (o.Filter != nil || strings.ContainsAny(text, "{[\"") && text != `"\q"`) {
				t.Errorf("%.20q passes: %+v", text, o)
			}
		}
	}
}

func TestFailedWritesAreReturned(t *testing.T) {
	rows := make([]runner, 2000) // more than the buffer of stdout
	for i := range rows {
		rows[i] = runner{ID: fmt.Sprint(i)}
	}
	t.Run("closed pipe", func(t *testing.T) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		r.Close()
		eachFormat(t, w, rows, func(format output.Format, err error) {
			if !iostreams.IsClosedPipe(err) {
				t.Errorf("%s: %v", format, err)
			}
		})
	})
	t.Run("full disk", func(t *testing.T) {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			if runtime.GOOS == "linux" {
				t.Fatal(err)
			}
			return // only Linux has a device that is always full
		}
		defer full.Close()
		eachFormat(t, full, rows, func(format output.Format, err error) {
			if err == nil || iostreams.IsClosedPipe(err) || !strings.Contains(err.Error(), "no space left") {
				t.Errorf("%s: %v", format, err)
			}
		})
	})
}

func eachFormat(t *testing.T, out *os.File, rows []runner, check func(output.Format, error)) {
	t.Helper()
	errout, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer errout.Close()
	for _, rows := range [][]runner{rows, rows[:1]} {
		for _, format := range output.Formats() {
			s := iostreams.FromFiles(os.Stdin, out, errout)
			check(format, output.List(t.Context(), output.New(s, output.Options{Format: format}), runnersView(), rows))
		}
		s := iostreams.FromFiles(os.Stdin, out, errout)
		all := filterFunc(func(v any, emit func(any) error) error { return emit(v) })
		check("filter", output.List(t.Context(), output.New(s, output.Options{Filter: all}), runnersView(), rows))
	}
}
