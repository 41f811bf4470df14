package output_test

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

type account struct {
	Name  string   `json:"name"`
	Team  *string  `json:"team"`
	Keys  []string `json:"keys"`
	Count int      `json:"count"`
}

func TestObject(t *testing.T) {
	value := account{Name: "tab\tand \"quote\"", Keys: []string{"a", "b"}, Count: 2}
	for format, want := range map[output.Format]string{
		output.JSON:   `{"name":"tab\tand \"quote\"","team":null,"keys":["a","b"],"count":2}` + "\n",
		output.JSONL:  `{"name":"tab\tand \"quote\"","team":null,"keys":["a","b"],"count":2}` + "\n",
		output.YAML:   "name: \"tab\\tand \\\"quote\\\"\"\nteam: null\nkeys:\n  - a\n  - b\ncount: 2\n",
		output.TSV:    "name\tteam\tkeys\tcount\ntab\\tand \"quote\"\t\t[\"a\",\"b\"]\t2\n",
		output.CSV:    "name,team,keys,count\n\"tab\tand \"\"quote\"\"\",,\"[\"\"a\"\",\"\"b\"\"]\",2\n",
		output.Pretty: "the text\n",
		output.Wide:   "the text\n",
	} {
		s, out, errout := pipe()
		p := output.New(s, output.Options{Format: format})
		err := output.Object(t.Context(), p, value, func(w io.Writer) error {
			_, err := io.WriteString(w, "the text\n")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		wantOutput(t, string(format), out.String(), want)
		wantOutput(t, "stderr", errout.String(), "")
	}
	s, _, _ := pipe()
	wantUsage(t, output.Object(t.Context(), output.New(s, output.Options{Format: output.Name}), value, nil), "no names", "")

	cause := errors.New("no text")
	p := output.New(s, output.Options{Format: output.Pretty})
	if err := output.Object(t.Context(), p, value, func(io.Writer) error { return cause }); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
	for _, text := range []string{"1", "[]", "null", `"x"`} {
		p := output.New(s, output.Options{Format: output.TSV})
		if err := output.Object(t.Context(), p, json.RawMessage(text), nil); err == nil {
			t.Errorf("%s has columns", text)
		}
	}
}

func TestFields(t *testing.T) {
	s, out, _ := terminal(0)
	p := output.New(s, output.Options{})
	fields := []output.Field{{Name: "Host", Value: "api.example"}, {Name: "Bürø", Value: "x", Style: iostreams.Green}, {Name: "Credentials"}}
	if err := p.Fields(s.Out, fields...); err != nil {
		t.Fatal(err)
	}
	wantOutput(t, "fields", out.String(), "Host         api.example\nBürø         x\nCredentials\n")
	out.Reset()
	s.SetColor(iostreams.ColorAlways)
	if err := p.Fields(s.Out, fields...); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "\x1b[32mx\x1b[") || !strings.Contains(out.String(), "\x1b[1mHost\x1b[") {
		t.Errorf("got %q", out)
	}
}

func TestStream(t *testing.T) {
	rows := []runner{{ID: "1", App: "a", State: "IDLE"}, {ID: "22", App: "bb", State: "RUNNING", Notes: []string{"note"}}}
	first := `{"runner_id":"1","alias":"a","state":"IDLE","in_flight_requests":0,"expiration_countdown":null,"uptime_seconds":0,"machine_type":"","revision":"","regions":null,"ratio":0}` + "\n"
	second := strings.NewReplacer(`"1"`, `"22"`, `"a"`, `"bb"`, "IDLE", "RUNNING").Replace(first)
	golden := map[output.Format][2]string{
		output.JSON:  {first, second},
		output.JSONL: {first, second},
		output.Name:  {"1\n", "22\n"},
		output.TSV:   {"runner_id\tapp\tstate\n1\ta\tIDLE\n", "22\tbb\tRUNNING\n"},
		output.CSV:   {"runner_id,app,state\n1,a,IDLE\n", "22,bb,RUNNING\n"},
		output.Pretty: {
			"RUNNER  APP  STATE\n1       a    IDLE\n",
			"22      bb   RUNNING\n  note\n",
		},
		output.YAML: {
			"---\nrunner_id: \"1\"\nalias: a\nstate: IDLE\nin_flight_requests: 0\nexpiration_countdown: null\nuptime_seconds: 0\nmachine_type: \"\"\nrevision: \"\"\nregions: null\nratio: 0\n",
			"---\nrunner_id: \"22\"\nalias: bb\nstate: RUNNING\nin_flight_requests: 0\nexpiration_countdown: null\nuptime_seconds: 0\nmachine_type: \"\"\nrevision: \"\"\nregions: null\nratio: 0\n",
		},
	}
	v := runnersView()
	v.Columns = v.Columns[:3]
	for format, want := range golden {
		for _, onTerminal := range []bool{false, true} {
			s, out, _ := terminal(0)
			s.SetTerminal(onTerminal, onTerminal, onTerminal)
			stream := output.NewStream(output.New(s, output.Options{Format: format}), v, nil)
			for i, row := range rows {
				out.Reset()
				if err := stream.Write(t.Context(), row); err != nil {
					t.Fatal(err)
				}
				wantOutput(t, string(format), out.String(), want[i])
			}
		}
	}

	s, out, _ := pipe()
	stream := output.NewStream(output.New(s, output.Options{Format: output.Pretty}), v, func(r runner) string { return r.ID + " line\n" })
	for _, row := range rows {
		if err := stream.Write(t.Context(), row); err != nil {
			t.Fatal(err)
		}
	}
	wantOutput(t, "lines", out.String(), "1 line\n22 line\n")
}

func TestStreamFilter(t *testing.T) {
	s, out, _ := pipe()
	filter := filterFunc(func(v any, emit func(any) error) error {
		id := v.(map[string]any)["runner_id"]
		if id == "stop" {
			return &output.HaltError{}
		}
		return emit(id)
	})
	stream := output.NewStream(output.New(s, output.Options{Filter: filter}), runnersView(), nil)
	if err := stream.Write(t.Context(), runner{ID: "1"}); err != nil {
		t.Fatal(err)
	}
	wantOutput(t, "first", out.String(), "1\n")
	var exit *output.Exit
	if err := stream.Write(t.Context(), runner{ID: "stop"}); !errors.As(err, &exit) || exit.ExitCode() != 0 {
		t.Errorf("halt does not end the stream: %v", err)
	}
}

func TestStreamWithoutNames(t *testing.T) {
	s, _, _ := pipe()
	v := runnersView()
	v.Name = nil
	stream := output.NewStream(output.New(s, output.Options{Format: output.Name}), v, nil)
	wantUsage(t, stream.Write(t.Context(), runner{}), "no names", "")
}
