package dispatch

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fal-plugins/fal/plugins/internal/cli"
)

func TestReadAnswer(t *testing.T) {
	one := []cli.Candidate{{Value: "a", Description: "first thing"}, {Value: "b c"}}
	for text, want := range map[string]cli.Reply{
		"":                                     {},
		"a\tfirst thing\nb c":                  {Candidates: one},
		"a\tfirst thing\r\nb c\r\n:none\r\n\n": {Candidates: one},
		"a\tfirst thing\nb c\n:nospace\n":      {Candidates: one, NoSpace: true},
		":files *.py\n":                        {Files: true, Patterns: []string{"*.py"}},
		"a\tfirst thing\nb c\n:4\n":            {Candidates: one},
		"a\tfirst thing\nb c\n_activeHelp_ x\n:38\nCompletion ended\n": {Candidates: append(one[:2:2],
			cli.Candidate{Value: "_activeHelp_ x"}, cli.Candidate{Value: ":38"}, cli.Candidate{Value: "Completion ended"})},
		"a\tfirst thing\nb c\n_activeHelp_ x\n:38\n": {Candidates: one, NoSpace: true},
		"a\tfirst thing\nb c\n:0\n":                  {Candidates: one, Files: true},
		"yaml\njson\n:8\n":                           {Files: true, Patterns: []string{"*.yaml", "*.json"}},
		":16\n":                                      {Dirs: true},
		"a\n:1\n":                                    {},
	} {
		if diff := cmp.Diff(want, readAnswer(text)); diff != "" {
			t.Errorf("%q\n%s", text, diff)
		}
	}
}

func FuzzReadAnswer(f *testing.F) {
	for _, text := range []string{"a\tb\n:none\n", "a\n:4\n", ":8", "\n\n:", ":files *", "\x00\xff"} {
		f.Add(text)
	}
	r, err := cli.ReadRequest([]string{cli.CompleteWord, "--", ""})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var out writer
		if err := r.Write(&out, readAnswer(text)); err != nil {
			t.Error(err)
		}
		for _, c := range out {
			if c < ' ' && c != '\t' && c != '\n' || c == 0x7f {
				t.Fatalf("%q reaches the shell as %q", text, out)
			}
		}
	})
}

type writer []byte

func (w *writer) Write(p []byte) (int, error) {
	*w = append(*w, p...)
	return len(p), nil
}
