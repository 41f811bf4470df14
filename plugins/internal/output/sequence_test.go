package output_test

import (
	"errors"
	"iter"
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

type step struct {
	N int `json:"n"`
}

func steps() output.View[step] {
	return output.View[step]{
		Key: "steps", Empty: "no steps",
		Columns: []output.Column[step]{{Header: "N", Text: func(s step) string { return string(rune('0' + s.N)) }}},
		Name:    func(s step) string { return "s" + string(rune('0'+s.N)) },
	}
}

func sequence(n int, end error) iter.Seq2[step, error] {
	return func(yield func(step, error) bool) {
		for i := range n {
			if !yield(step{i}, nil) {
				return
			}
		}
		if end != nil {
			yield(step{}, end)
		}
	}
}

// Sequence prints the documents of List.
func TestSequenceIsList(t *testing.T) {
	for _, format := range output.Formats() {
		for n := range 3 {
			for _, terminal := range []bool{false, true} {
				var texts [2]string
				for i := range texts {
					streams, _, out, errout := iostreams.Test()
					streams.SetTerminal(terminal, terminal, terminal)
					p := output.New(streams, output.Options{Format: format, Explicit: true})
					err := error(nil)
					if i == 0 {
						var rows []step
						for s := range sequence(n, nil) {
							rows = append(rows, s)
						}
						err = output.List(t.Context(), p, steps(), rows)
					} else {
						err = output.Sequence(t.Context(), p, steps(), sequence(n, nil), nil)
					}
					if err != nil {
						t.Fatal(err)
					}
					texts[i] = out.String() + errout.String()
				}
				if texts[0] != texts[1] && (format != output.Pretty && format != output.Wide || n > 0) {
					t.Errorf("%s, %d rows, terminal %v:\n%swant\n%s", format, n, terminal, texts[1], texts[0])
				}
			}
		}
	}
}

func TestSequenceWithLines(t *testing.T) {
	streams, _, out, _ := iostreams.Test()
	p := output.New(streams, output.Options{Format: output.Pretty})
	if err := output.Sequence(t.Context(), p, steps(), sequence(2, nil), func(s step) string { return "line " + string(rune('0'+s.N)) }); err != nil || out.String() != "line 0\nline 1\n" {
		t.Errorf("%q, %v", out, err)
	}
}

// An error keeps what was printed before it.
func TestSequenceFails(t *testing.T) {
	broken := errors.New("broken")
	streams, _, out, _ := iostreams.Test()
	p := output.New(streams, output.Options{Format: output.JSON})
	if err := output.Sequence(t.Context(), p, steps(), sequence(2, broken), nil); !errors.Is(err, broken) || out.String() != `{"steps":[{"n":0},{"n":1}` {
		t.Errorf("%q, %v", out, err)
	}
}
