package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
)

// unwritable are streams whose Out fails at the first flush, and their stderr.
func unwritable(t *testing.T) (*iostreams.Streams, func() string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "err")
	errout, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.Open(path) // for reading
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close(); errout.Close() })
	return iostreams.FromFiles(out, out, errout), func() string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

func TestChangesThatCouldNotBePrinted(t *testing.T) {
	for _, tt := range []struct {
		name string
		did  int
		want string
	}{
		{"one", 1, "; done all the same: scaled app0\n"},
		{"many", 7, "; done all the same: scaled app0, scaled app1, scaled app2, scaled app3, scaled app4, and 2 more\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSample()
			s.app.Commands[0].Run = func(_ context.Context, inv *Invocation) error {
				for i := range tt.did {
					inv.Did("scaled app%d", i)
				}
				_, err := fmt.Fprintln(inv.IO.Out, "scaled")
				return err
			}
			streams, errout := unwritable(t)
			code := Run(t.Context(), s.app, Process{Args: []string{"list"}, Streams: streams, Getenv: func(string) string { return "" }})
			const begin = "fal-things: error: writing to standard output: "
			if got := errout(); code != ExitFailure || len(got) < len(begin)+len(tt.want) || got[:len(begin)] != begin || got[len(got)-len(tt.want):] != tt.want {
				t.Errorf("exit %d, %q", code, got)
			}
		})
	}
}

// Another failure than that of writing says itself what was done.
func TestChangesBeforeAnotherFailure(t *testing.T) {
	s := newSample()
	s.app.Commands[0].Run = func(_ context.Context, inv *Invocation) error {
		inv.Did("scaled a")
		return Failuref("b was not scaled")
	}
	if r := runApp(t, s.app, nil, "list"); r.code != 1 || r.err != "fal-things: error: b was not scaled\n" {
		t.Errorf("%+v", r)
	}
}
