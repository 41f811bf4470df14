package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/fal-plugins/fal/plugins/internal/iostreams"
	"github.com/fal-plugins/fal/plugins/internal/output"
)

type result struct {
	code     int
	out, err string
}

func runApp(t *testing.T, app *App, env map[string]string, argv ...string) result {
	t.Helper()
	streams, _, out, errout := iostreams.Test()
	getenv := func(name string) string { return env[name] }
	streams.SetEnv(getenv)
	code := Run(t.Context(), app, Process{Args: argv, Streams: streams, Getenv: getenv})
	return result{code, out.String(), errout.String()}
}

func TestRun(t *testing.T) {
	s := newSample()
	r := runApp(t, s.app, nil, "stop", "a", "--replace", "b", "--regions", "us", "eu", "--timeout", "5s")
	if r.code != 0 || s.ran != "stop" || r.err != "" {
		t.Fatalf("%+v, ran %q", r, s.ran)
	}
	if got := strings.Join(s.ids, ","); got != "a,b" {
		t.Errorf("ids %s", got)
	}
	if !s.replace || len(s.regions) != 2 || s.inv.Timeout != 5*time.Second {
		t.Errorf("replace %v, regions %v, timeout %v", s.replace, s.regions, s.inv.Timeout)
	}
}

// Each of these was seen to go wrong with urfave/cli alone, or with the
// official client.
func TestTraps(t *testing.T) {
	tests := []struct {
		name   string
		argv   string
		code   int
		stdout string // part of it; "-" means nothing at all
		stderr string
		ran    string
	}{
		{"help behind arguments runs nothing", "stop a --help", 0, "Stop things.", "", ""},
		{"help with a value behind it", "stop --help x", 0, "Stop things.", "", ""},
		{"help behind a mistake", "stop --nonsense --help", 0, "Stop things.", "", ""},
		{"short help", "stop -h", 0, "Stop things.", "", ""},
		{"help of the app", "--help", 0, "Things for tests.", "", ""},
		{"no arguments", "", 0, "Things for tests.", "", ""},
		{"group without a command", "group", 0, "A group.", "", ""},
		{"the help command", "help stop", 0, "Stop things.", "", ""},
		{"a topic", "help exit-codes", 0, "interrupted", "", ""},
		{"help for nothing", "help nonsense", 2, "-", "no help for", ""},
		{"the words help and h are arguments", "stop help h", 0, "", "", "stop"},
		{"values keep commas and blanks", "stop a --name=x,y", 0, "", "", "stop"},
		{"usage errors go to stderr", "list --lines x", 2, "-", "invalid value \"x\" for --lines: want a whole number", ""},
		{"out of range", "list --lines 101", 2, "-", "want -100 to 100", ""},
		{"missing argument", "stop", 2, "-", "ID is missing", ""},
		{"too many arguments", "list x", 2, "-", `unexpected argument "x"`, ""},
		{"--json takes no value", "list --json false", 2, "-", "unexpected argument", ""},
		{"--json=nonsense", "list --json=nonsense", 2, "-", "want true or false", ""},
		{"unknown format", "list -o jsn", 2, "-", "unknown value", ""},
		{"contradiction", "list --json -o yaml", 2, "-", "contradict", ""},
		{"unknown colour", "list --color pink", 2, "-", "--color takes auto, always, never", ""},
		{"no jq in a binary without it", "list --jq .", 2, "-", "unknown flag --jq", ""},
		{"completion words of urfave are nothing special", "list --generate-bash-completion", 2, "-", "unknown flag", ""},
		{"timeout in seconds", "list --timeout 5", 0, "", "", "list"},
		{"timeout of nothing", "list --timeout 0", 2, "-", "want more than zero", ""},
		{"timeout of something else", "list --timeout 5x", 2, "-", "want a length of time", ""},
		{"timeout of a dot", "list --timeout .", 2, "-", "want a length of time", ""},
		{"empty profile", "list --profile=", 2, "-", "it is empty", ""},
		{"version flag", "--version", 0, "fal-things ", "", ""},
		{"version as JSON", "--version --json list", 0, `{"name":"fal-things",`, "", ""},
		{"version command", "version", 0, "fal-things ", "", ""},
		{"-v is not the version", "list -v", 0, "", "", "list"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSample()
			r := runApp(t, s.app, nil, strings.Fields(tt.argv)...)
			if r.code != tt.code || s.ran != tt.ran {
				t.Fatalf("exit %d, ran %q; want %d, %q\nstdout %s\nstderr %s", r.code, s.ran, tt.code, tt.ran, r.out, r.err)
			}
			if tt.stdout == "-" && r.out != "" {
				t.Errorf("stdout %q, want nothing", r.out)
			}
			if tt.stdout != "-" && !strings.Contains(r.out, tt.stdout) {
				t.Errorf("stdout %q lacks %q", r.out, tt.stdout)
			}
			if !strings.Contains(r.err, tt.stderr) {
				t.Errorf("stderr %q lacks %q", r.err, tt.stderr)
			}
			if tt.code == 0 && r.err != "" {
				t.Errorf("stderr %q, want nothing", r.err)
			}
		})
	}
}

func TestErrorForms(t *testing.T) {
	fail := func(err error) *App {
		s := newSample()
		s.app.Commands[0].Run = func(context.Context, *Invocation) error { return err }
		return s.app
	}
	failure := &Error{Exit: ExitNotFound, Message: "thing 1 not found", Hint: []string{"fal things list", "try again"}}
	r := runApp(t, fail(failure), nil, "list")
	want := "fal-things: error: thing 1 not found\nhint: fal-things list\nhint: try again\n"
	if r.code != 3 || r.err != want {
		t.Errorf("exit %d, stderr %q, want %q", r.code, r.err, want)
	}

	for _, argv := range [][]string{{"list", "--json"}, {"list", "-o", "json"}, {"list", "--json", "--nonsense"}, {"list", "-o", "json", "x"}} {
		r := runApp(t, fail(failure), nil, argv...)
		var got struct {
			Error struct {
				Code    string
				Message string
				Hints   []string
			}
		}
		if err := json.Unmarshal([]byte(r.err), &got); err != nil || strings.Count(r.err, "\n") != 1 {
			t.Errorf("%q: stderr %q: %v", argv, r.err, err)
			continue
		}
		if got.Error.Message == "" || got.Error.Code == "" || got.Error.Hints == nil {
			t.Errorf("%q: %+v", argv, got)
		}
	}

	// Several lines are those of the error; a name with a newline in it makes none.
	odd := "no app sam\nple\x1b"
	below := &Error{Message: odd, Lines: []string{"  a: x\ty", "  b"}}
	for _, tt := range []struct {
		err        error
		text, json string
	}{
		{errors.New(odd), `no app sam\nple\x1b`, `no app sam\\nple\\x1b`},
		{fmt.Errorf("%w: %w", below, errors.New(odd)), `no app sam\nple\x1b\n  a: x\ty\n  b: no app sam\nple\x1b`, `no app sam\\nple\\x1b\\n  a: x\\ty\\n  b: no app sam\\nple\\x1b`},
		{below, "no app sam\\nple\\x1b\n  a: x\\ty\n  b", `no app sam\\nple\\x1b\n  a: x\\ty\n  b`},
		{errors.Join(below, errors.New(odd)), "no app sam\\nple\\x1b\n  a: x\\ty\n  b\nno app sam\\nple\\x1b", `no app sam\\nple\\x1b\n  a: x\\ty\n  b\nno app sam\\nple\\x1b`},
	} {
		if r := runApp(t, fail(tt.err), nil, "list"); r.err != "fal-things: error: "+tt.text+"\n" {
			t.Errorf("%#v: %q", tt.err, r.err)
		}
		if r := runApp(t, fail(tt.err), nil, "list", "--json"); !strings.Contains(r.err, `"message":"`+tt.json+`"`) {
			t.Errorf("%#v as JSON: %s", tt.err, r.err)
		}
	}

	if r := runApp(t, fail(Silent(7)), nil, "list"); r.code != 7 || r.err != "" {
		t.Errorf("silent: %+v", r)
	}
	if r := runApp(t, fail(errors.New("plain")), nil, "list"); r.code != 1 || r.err != "fal-things: error: plain\n" {
		t.Errorf("plain: %+v", r)
	}
	if r := runApp(t, fail(context.DeadlineExceeded), nil, "list"); r.code != ExitUnavailable {
		t.Errorf("deadline: %+v", r)
	}
}

func TestInterrupted(t *testing.T) {
	s := newSample()
	s.app.Commands[0].Run = func(ctx context.Context, _ *Invocation) error { <-ctx.Done(); return ctx.Err() }
	streams, _, _, _ := iostreams.Test()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if code := Run(ctx, s.app, Process{Args: []string{"list"}, Streams: streams, Getenv: func(string) string { return "" }}); code != ExitInterrupted {
		t.Errorf("exit %d, want %d", code, ExitInterrupted)
	}
}

func TestTimeoutBoundsTheCommand(t *testing.T) {
	s := newSample()
	s.app.Commands[0].Run = func(ctx context.Context, _ *Invocation) error { <-ctx.Done(); return ctx.Err() }
	if r := runApp(t, s.app, nil, "list", "--timeout", "10ms"); r.code != ExitUnavailable {
		t.Errorf("%+v", r)
	}
}

func TestOutputVariable(t *testing.T) {
	type row struct {
		ID string `json:"id"`
	}
	s := newSample()
	view := output.View[row]{Key: "things", Name: func(r row) string { return r.ID },
		Columns: []output.Column[row]{{Header: "ID", Text: func(r row) string { return r.ID }}}}
	print := func(ctx context.Context, inv *Invocation) error {
		return output.List(ctx, inv.Printer, view, []row{{"a"}})
	}
	s.app.Commands[0].Run = print
	s.app.Commands[1].Run = print
	for _, tt := range []struct {
		env, argv, want string
		code            int
	}{
		{"", "list", `{"things":[{"id":"a"}]}` + "\n", 0},
		{"name", "list", "a\n", 0},
		{"name", "list --json", `{"things":[{"id":"a"}]}` + "\n", 0},
		{"nonsense", "list", "", 2},
		{"json", "stop x", "ID\na\n", 0}, // of records only
	} {
		r := runApp(t, s.app, map[string]string{"FAL_OUTPUT": tt.env}, strings.Fields(tt.argv)...)
		if r.code != tt.code || r.out != tt.want {
			t.Errorf("FAL_OUTPUT=%q %s: %+v, want %q", tt.env, tt.argv, r, tt.want)
		}
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestClosedStdoutIsSilent(t *testing.T) {
	s := newSample()
	streams, _, _, errout := iostreams.Test()
	streams.Out = brokenPipe{}
	code := Run(t.Context(), s.app, Process{Args: []string{"--help"}, Streams: streams, Getenv: func(string) string { return "" }})
	if code != 0 && code != 141 || errout.Len() > 0 {
		t.Errorf("exit %d, stderr %q", code, errout)
	}
}

func TestEveryHelpAndGarbage(t *testing.T) {
	TryEverything(t, func() *App {
		s := newSample()
		for _, c := range s.app.Commands {
			c.Run = func(context.Context, *Invocation) error { t.Errorf("%s ran", c.Name); return nil }
		}
		return s.app
	})
}

func TestJSONShape(t *testing.T) {
	type inner struct {
		A string `json:"a"`
		B *int   `json:"b"`
		c int
	}
	type outer struct {
		List []inner           `json:"list"`
		Map  map[string]string `json:"map,omitempty"`
		Skip bool              `json:"-"`
		N    []int             `json:"n"`
	}
	_ = inner{c: 1}
	if got, want := JSONShape(outer{}), "{list: [{a, b}], map, n: [...]}"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestHelpIsInTheTypedForm(t *testing.T) {
	s := newSample()
	s.app.Commands[0].Examples = []Example{{"an example", "fal things list --json"}}
	r := runApp(t, s.app, nil, "list", "--help")
	if !strings.Contains(r.out, "\n  fal-things list --json\n") || !strings.Contains(r.out, "fal-things list [flags]") {
		t.Errorf("help:\n%s", r.out)
	}
	if bytes.Contains([]byte(r.out), []byte("\x1b")) {
		t.Error("colour in a pipe")
	}
	for line := range strings.Lines(r.out) {
		if len(line) > 81 {
			t.Errorf("line of %d characters: %s", len(line), line)
		}
	}
}

func TestTimeoutOfALastingCommandBoundsRequests(t *testing.T) {
	for _, flags := range [][]string{nil, {"--timeout", "5m"}} {
		s := newSample()
		s.app.Commands[0].Lasts = func() bool { return true }
		s.app.Commands[0].Run = func(ctx context.Context, inv *Invocation) error {
			if _, bounded := ctx.Deadline(); bounded {
				t.Error("the whole is bounded")
			}
			ctx, cancel := inv.RequestContext(ctx)
			defer cancel()
			if end, bounded := ctx.Deadline(); !bounded || len(flags) > 0 != (time.Until(end) > 2*time.Minute) {
				t.Errorf("%q: a request ends %s, %t", flags, end, bounded)
			}
			return nil
		}
		if r := runApp(t, s.app, nil, append([]string{"list"}, flags...)...); r.code != 0 {
			t.Errorf("%+v", r)
		}
	}
}
