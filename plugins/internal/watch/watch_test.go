package watch

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/fal-plugins/fal/plugins/internal/cli"
	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// thing is a row, and change its event.
type thing struct {
	Name string `json:"name"`
	Size string `json:"size"`
	Text string `json:"-"`
}

type change struct {
	Now []string `json:"now"`
}

func thingView(rows []thing) output.View[thing] {
	return output.View[thing]{
		Key:   "things",
		Empty: "no things",
		Columns: []output.Column[thing]{
			{Header: "NAME", Text: func(t thing) string { return t.Name }},
			{Header: "SIZE", Rank: 1, Text: func(t thing) string { return t.Size }},
			{Header: "TEXT", Rank: 2, Text: func(t thing) string { return t.Text }},
		},
		Compare: func(a, b thing) int { return strings.Compare(a.Name, b.Name) },
	}
}

// changeTo is an event for a list that differs from the one before.
func changeTo(before, after []thing) []change {
	names := func(rows []thing) []string {
		var out []string
		for _, row := range rows {
			out = append(out, row.Name)
		}
		return out
	}
	if was, is := names(before), names(after); strings.Join(was, " ") != strings.Join(is, " ") {
		return []change{{is}}
	}
	return nil
}

// watched runs a watch over the answers, a name a row, and interrupts it when
// they are used up.
func watched(t *testing.T, order func(a, b thing) int, answers ...func() ([]thing, error)) (out, errout string, err error) {
	t.Helper()
	streams, _, outBuffer, errBuffer := iostreams.Test()
	inv := &cli.Invocation{IO: streams, Format: output.JSON, Printer: output.New(streams, output.Options{Format: output.JSON}), Getenv: func(string) string { return "" }}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		err = Run(ctx, inv, Options{On: true}, List[thing, change]{
			Look: func(ctx context.Context) ([]thing, error) {
				if len(answers) == 0 {
					cancel()
					return nil, ctx.Err()
				}
				next := answers[0]
				answers = answers[1:]
				return next()
			},
			View: thingView, Order: order, Changes: changeTo, Events: output.View[change]{Key: "events"}, Now: time.Now,
		})
	})
	return outBuffer.String(), errBuffer.String(), err
}

func things(names ...string) func() ([]thing, error) {
	var rows []thing
	for _, n := range names {
		rows = append(rows, thing{Name: n})
	}
	return func() ([]thing, error) { return rows, nil }
}

func trouble(err error) func() ([]thing, error) {
	return func() ([]thing, error) { return nil, err }
}

func TestRun(t *testing.T) {
	away := errors.New("away")
	denied := &cli.Error{Exit: cli.ExitAuth, Message: "denied"}
	backwards := func(a, b thing) int { return strings.Compare(b.Name, a.Name) }
	tests := []struct {
		name    string
		order   func(a, b thing) int
		answers []func() ([]thing, error)
		out     string
		err     string
		ends    error
	}{
		{"in the order of the view", nil, []func() ([]thing, error){things("b", "a"), things("a", "b"), things("c")},
			`{"now":["a","b"]}` + "\n" + `{"now":["c"]}` + "\n", "", context.Canceled},
		{"in another order", backwards, []func() ([]thing, error){things("a", "b")}, `{"now":["b","a"]}` + "\n", "", context.Canceled},
		{"away for a while", nil, []func() ([]thing, error){things("a"), trouble(away), trouble(away), things("a"), things()},
			`{"now":["a"]}` + "\n" + `{"now":null}` + "\n", "notice: away; trying again every 2s\nnotice: the service answers again\n", context.Canceled},
		{"never there", nil, []func() ([]thing, error){trouble(away), things("a")}, "", "", away},
		{"refused", nil, []func() ([]thing, error){things("a"), trouble(denied), things("b")}, `{"now":["a"]}` + "\n", "", denied},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, errout, err := watched(t, tt.order, tt.answers...)
			if out != tt.out || errout != tt.err || !errors.Is(err, tt.ends) {
				t.Errorf("%q, %q, %v; want %q, %q, %v", out, errout, err, tt.out, tt.err, tt.ends)
			}
		})
	}
}

// In a pipe the header of a table fits the lines that are known already.
func TestPrettyLinesAreAligned(t *testing.T) {
	streams, _, out, _ := iostreams.Test()
	inv := &cli.Invocation{IO: streams, Format: output.Pretty, Getenv: func(string) string { return "" },
		Printer: output.New(streams, output.Options{Format: output.Pretty, Explicit: true})}
	answers := [][]thing{{{"a", "1", ""}, {"longest", "2", ""}}, {{"a", "1", ""}, {"longest", "2", ""}, {"z", "3", ""}}}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		err := Run(ctx, inv, Options{On: true}, List[thing, thing]{
			Look: func(ctx context.Context) ([]thing, error) {
				if len(answers) == 0 {
					cancel()
					return nil, ctx.Err()
				}
				next := answers[0]
				answers = answers[1:]
				return next, nil
			},
			View: thingView, Changes: func(before, after []thing) []thing { return after[len(before):] }, Events: thingView(nil), Now: time.Now,
		})
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	want := `
NAME     SIZE  TEXT
a        1
longest  2
z        3
`
	if got := "\n" + out.String(); got != want {
		t.Errorf("got%swant%s", got, want)
	}
}
